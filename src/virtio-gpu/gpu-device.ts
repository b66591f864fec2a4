/**
 * The virtio GPU (virtio 1.3, 5.7) as a vhost-user device: 2D, cursor, EDID, resource UUIDs.
 *
 * It serves one VM at a time: what belongs to a VM is made when its front-end attaches and freed when that
 * leaves. It works behind QEMU's vhost-user-gpu (whose display socket then shows the pictures and says what
 * outputs there are) and behind a plain vhost-user device (where our own output table does).
 */
import { mapAnonymous, type UnixSocket } from 'vhost-user-native';
import {
  type DescriptorChain,
  type FrontEnd,
  type Logger,
  type SharedMemoryRegion,
  silentLogger,
  type VhostUserDevice,
  type Virtqueue,
} from 'vhost-user-ts';
import type { SharedRegion } from '../region/index.js';
import { ControlQueue } from './command/control-queue.js';
import { ConfigSpace } from './config-space.js';
import type { ChannelFactory } from './context/channel.js';
import { type ContextLimits, checkedContextLimits } from './context/context-limits.js';
import { type ContextStatus, NO_CONTEXTS } from './context/context-table.js';
import { CursorQueue } from './cursor/cursor-queue.js';
import type { DisplayModes } from './display/display-answers.js';
import { GpuSocketSink } from './display/gpu-socket-sink.js';
import type { DisplaySink } from './display-sink.js';
import { FAULT_KINDS, type FaultKind, GuestFaults } from './faults.js';
import { Ivshmem } from './ivshmem.js';
import { DEFAULT_LIMITS, type GpuLimits, RESOURCE_DIMENSION_MAX } from './limits.js';
import { type GpuMetrics, newMetrics } from './metrics.js';
import { DisplayInfo } from './output/display-info.js';
import { type OutputOptions, OutputTable } from './output/output-table.js';
import type { QemuDisplay, QemuDisplayMetrics } from './output/qemu-display.js';
import type { HostBlobOrigins } from './resource/host-blob.js';
import { UdmabufExporter } from './resource/udmabuf.js';
import { FanOut } from './scanout/fan-out.js';
import type { CommandTrace } from './trace/command-trace.js';
import { VmState } from './vm-state.js';
import {
  CURSOR_QUEUE,
  QUEUE_COUNT,
  VIRTIO_GPU_EVENT_DISPLAY,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
} from './wire/constants.js';

export interface GpuDeviceOptions {
  /** 1 to 16 outputs; what the guest is told where QEMU's display does not say otherwise. */
  readonly outputs: readonly OutputOptions[];
  /** Replaces single defaults. */
  readonly limits?: Partial<GpuLimits>;
  /** Where pictures go, besides QEMU's display. */
  readonly sinks?: readonly DisplaySink[];
  readonly log?: Logger;
  /**
   * Memory that guest, device and compositor share; it stays the caller's. With it the device has blobs, and the pixels
   * of other resources lie in it, too.
   */
  readonly region?: SharedRegion | null;
  /** Makes dma-bufs of guest memory; /dev/udmabuf does when absent. */
  readonly udmabuf?: UdmabufExporter;
  /**
   * QEMU's display is shown the guest's own pages where they can be a dma-buf, instead of being sent copies: false when
   * absent. It needs a display of QEMU's with OpenGL; others, and screenshots by QEMU, then stay empty.
   */
  readonly qemuDmabuf?: boolean;
  /** The memory of an ivshmem device in the same machine; it stays the caller's. */
  readonly ivshmem?: SharedRegion | null;
  /** Told where the guest has that memory, by guest-physical address; null = nowhere (any more). */
  readonly onIvshmem?: (guestAddress: number | null) => void;
  /** Stands in for the contexts, in tests. */
  readonly hostBlobs?: HostBlobOrigins;
  /** What the guest's contexts can be connected to; null = none are offered. They need a region. */
  readonly contexts?: ContextOptions | null;
  /** Told each command; none when absent. */
  readonly trace?: CommandTrace | null;
  /** Stands in for QEMU's display, in tests. */
  readonly qemuDisplay?: QemuDisplay;
}

export interface ContextOptions {
  readonly channels: ChannelFactory;
  /** Replaces single defaults. */
  readonly limits?: Partial<ContextLimits>;
}

/** What the device holds and did; for metrics. */
export interface GpuStatus extends Readonly<GpuMetrics> {
  readonly attached: boolean;
  readonly resources: number;
  /** Bytes of host memory for pixels, and guest memory ranges behind resources. */
  readonly hostBytes: number;
  readonly backingEntries: number;
  /** Bytes of blobs on the host, mapped or not. */
  readonly blobBytes: number;
  /** Chains of the control queue that wait for a fence. */
  readonly heldFences: number;
  readonly contexts: ContextStatus;
  /** dma-bufs of guest memory that were made, and why others were not. */
  readonly udmabuf: Readonly<UdmabufExporter['metrics']>;
  /** Where the guest has the ivshmem memory; null = nowhere. */
  readonly ivshmemAddress: number | null;
  /** What QEMU's display was sent. */
  readonly display: QemuDisplayMetrics;
  /** The guest's mistakes since the device was made, by kind. */
  readonly faults: Readonly<Record<FaultKind, number>>;
}

function checkedLimits(limits: Partial<GpuLimits>): GpuLimits {
  const all = { ...DEFAULT_LIMITS, ...limits };
  for (const [name, value] of Object.entries(all)) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw new RangeError(`limit ${name}: ${value}`);
  }
  if (all.maxDimension > RESOURCE_DIMENSION_MAX) {
    throw new RangeError(`limit maxDimension: at most ${RESOURCE_DIMENSION_MAX}`);
  }
  return all;
}

function offeredFeatures(region: SharedRegion | null, channels: ChannelFactory | null): bigint {
  const bits = [VIRTIO_GPU_F_EDID, VIRTIO_GPU_F_RESOURCE_UUID];
  if (region !== null) bits.push(VIRTIO_GPU_F_RESOURCE_BLOB);
  // Linux makes no contexts without VIRGL, whatever their kind.
  if (channels !== null) bits.push(VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_CONTEXT_INIT);
  return bits.reduce((features, bit) => features | (1n << BigInt(bit)), 0n);
}

function sharedMemoryOf(region: SharedRegion | null): SharedMemoryRegion[] {
  const length = region?.windowBytes ?? 0;
  return length === 0 ? [] : [{ id: VIRTIO_GPU_SHM_ID_HOST_VISIBLE, length }];
}

export class GpuDevice implements VhostUserDevice {
  readonly queueCount = QUEUE_COUNT;
  readonly features: bigint;
  /** Window of blobs on the host. */
  readonly sharedMemory: readonly SharedMemoryRegion[];

  readonly #limits: GpuLimits;
  readonly #channels: ChannelFactory | null;
  readonly #contextLimits: ContextLimits;
  readonly #log: Logger;
  readonly #metrics = newMetrics();
  readonly #faults: GuestFaults;
  readonly #outputs: OutputTable;
  readonly #config: ConfigSpace;
  readonly #qemuDisplay: QemuDisplay;
  readonly #qemuDmabuf: boolean;
  readonly #displayInfo: DisplayInfo;
  readonly #sink: DisplaySink;
  readonly #region: SharedRegion | null;
  readonly #udmabuf: UdmabufExporter;
  readonly #ivshmem: Ivshmem | null;
  readonly #hostBlobs: HostBlobOrigins | null;
  readonly #trace: CommandTrace | null;
  readonly #control: ControlQueue;
  readonly #cursor: CursorQueue;
  readonly #running = new Set<number>();
  #vm: VmState | null = null;
  /** The VM that left last, while displays may still hold pixels of its. */
  #lastVm: VmState | null = null;

  /** RangeError for outputs or limits that can't be. */
  constructor(options: GpuDeviceOptions) {
    this.#limits = checkedLimits(options.limits ?? {});
    this.#log = options.log ?? silentLogger;
    this.#faults = new GuestFaults(this.#log);
    this.#outputs = new OutputTable(options.outputs);
    this.#channels = options.contexts?.channels ?? null;
    this.#contextLimits = checkedContextLimits(options.contexts?.limits ?? {});
    this.#config = new ConfigSpace(this.#outputs.count, this.#channels === null ? 0 : 1);
    this.#qemuDmabuf = options.qemuDmabuf ?? false;
    this.#qemuDisplay =
      options.qemuDisplay ?? new GpuSocketSink({ log: this.#log, dmabuf: this.#qemuDmabuf });
    this.#displayInfo = new DisplayInfo(this.#outputs, this.#qemuDisplay);
    this.#sink = new FanOut([this.#qemuDisplay, ...(options.sinks ?? [])]);
    this.#region = options.region ?? null;
    this.#udmabuf = options.udmabuf ?? new UdmabufExporter();
    this.#hostBlobs = options.hostBlobs ?? null;
    const { ivshmem, onIvshmem = () => undefined } = options;
    this.#ivshmem = ivshmem == null ? null : new Ivshmem(ivshmem, this.#log, onIvshmem);
    this.features = offeredFeatures(this.#region, this.#channels);
    this.sharedMemory = sharedMemoryOf(this.#region);
    this.#trace = options.trace ?? null;
    this.#control = new ControlQueue(this.#faults, undefined, this.#trace);
    this.#cursor = new CursorQueue(this.#faults, this.#trace);
  }

  /** Counters and what is held now. */
  get status(): GpuStatus {
    const vm = this.#vm ?? this.#lastVm;
    return {
      ...this.#metrics,
      attached: this.#vm !== null,
      resources: vm?.resources.count ?? 0,
      hostBytes: vm?.account.bytes ?? 0,
      backingEntries: vm?.account.entries ?? 0,
      blobBytes: vm?.account.blobBytes ?? 0,
      heldFences: this.#control.heldFences,
      contexts: vm?.contexts.status ?? NO_CONTEXTS,
      udmabuf: this.#udmabuf.metrics,
      ivshmemAddress: this.#ivshmem?.guestAddress ?? null,
      display: { ...this.#qemuDisplay.metrics },
      faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, this.#faults.count(kind)])) as Record<
        FaultKind,
        number
      >,
    };
  }

  /** Our own outputs, and where they stand: what the guest is told where QEMU's display has no say. */
  get outputModes(): DisplayModes {
    return this.#outputs.modes();
  }

  /** QEMU's display says what outputs there are, and `outputModes` are of no account. */
  get qemuDecides(): boolean {
    return this.#displayInfo.qemuDecides;
  }

  /**
   * Changes an output as if a monitor was plugged, unplugged or exchanged, and tells the guest. Resolves false
   * when the guest can't be told: nothing is attached, nothing changed, or QEMU's display has its own idea of
   * the outputs. RangeError for an output or a mode that can't be.
   */
  async setOutput(id: number, changes: Partial<OutputOptions>): Promise<boolean> {
    if (!this.#outputs.change(id, changes) || this.#displayInfo.qemuDecides || this.#vm === null)
      return false;
    this.#config.raise(VIRTIO_GPU_EVENT_DISPLAY);
    return this.#vm.frontEnd.configChanged();
  }

  attach(frontEnd: FrontEnd): void {
    this.#trace?.reset();
    this.#vm = new VmState(frontEnd, {
      limits: this.#limits,
      sink: this.#sink,
      displayInfo: this.#displayInfo,
      mapMemory: mapAnonymous,
      metrics: this.#metrics,
      region: this.#region,
      dmabufs: this.#udmabuf,
      showsBackings: this.#qemuDmabuf,
      hostBlobs: this.#hostBlobs,
      channels: this.#channels,
      contextLimits: this.#contextLimits,
      faults: this.#faults,
    });
  }

  detach(): void {
    this.#control.clear();
    this.#vm?.close();
    this.#config.reset();
    this.#running.clear();
    this.#qemuDisplay.setReady(false);
    this.#qemuDisplay.detachSocket();
    this.#displayInfo.qemuDecides = false;
    this.#ivshmem?.look(null);
    this.#lastVm = this.#vm;
    this.#vm = null;
  }

  /** A display socket that QEMU gave us before the reset stays: it belongs to the start that follows. */
  reset(): void {
    this.#trace?.reset();
    this.#vm?.reset();
    this.#control.reset();
    this.#config.reset();
  }

  memoryChanged(): void {
    this.#vm?.window.memoryChanged();
    this.#ivshmem?.look(this.#vm?.frontEnd.memory ?? null);
  }

  queueStarted(queue: Virtqueue): void {
    this.#running.add(queue.index);
    if (queue.index !== CURSOR_QUEUE) {
      this.#control.start(queue);
      this.#vm?.contexts.resume();
      // A machine that goes on has its blobs still, and wants to see them.
      if (this.#vm?.resources.hasMappedBlobs) this.#vm.window.ensure(() => undefined);
    }
    if (this.#running.size === QUEUE_COUNT) this.#qemuDisplay.setReady(true);
  }

  queueStopped(queue: Virtqueue): void {
    this.#running.delete(queue.index);
    this.#qemuDisplay.setReady(false);
    if (queue.index === CURSOR_QUEUE) return;
    this.#control.stop(queue);
    this.#vm?.contexts.suspend();
    this.#vm?.window.doubt();
  }

  handleChain(queue: Virtqueue, chain: DescriptorChain): void {
    const vm = this.#vm;
    if (vm === null) return;
    if (queue.index === CURSOR_QUEUE) this.#cursor.handle(vm, queue, chain);
    else this.#control.handle(vm, queue, chain);
  }

  get configLength(): number {
    return this.#config.length;
  }

  /**
   * The driver reads config space after a configuration interrupt: QEMU's display may have been resized, and
   * what it told us before may be wrong.
   */
  readConfig(target: Uint8Array, offset: number): void {
    this.#qemuDisplay.invalidate();
    this.#config.read(target, offset);
  }

  writeConfig(data: Uint8Array, offset: number): void {
    this.#config.write(data, offset);
  }

  /** Frees what is left; the device is of no use afterwards. */
  close(): void {
    if (this.#vm !== null) this.detach();
    this.#qemuDisplay.close();
  }

  setGpuSocket(socket: UnixSocket): void {
    this.#displayInfo.qemuDecides = true;
    this.#qemuDisplay.attachSocket(socket);
  }
}
