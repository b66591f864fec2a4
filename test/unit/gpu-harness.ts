/** Drives a GpuDevice without a socket: chains, queues, guest memory and displays that exist in this process. */
import {
  createScatterGather,
  type Mapping,
  mapAnonymous,
  type ScatterGather,
  type Segment,
  type UnixSocket,
} from 'vhost-user-native';
import type {
  DescriptorChain,
  DeviceMemory,
  FrontEnd,
  GuestRanges,
  Logger,
  MemoryFile,
  Virtqueue,
} from 'vhost-user-ts';
import { silentLogger } from 'vhost-user-ts';
import type { DisplayModes } from '../../src/virtio-gpu/display/display-answers.js';
import {
  type CursorImage,
  type DisplaySink,
  GpuDevice,
  type GpuDeviceOptions,
  type Rect,
  type ScanoutSource,
} from '../../src/virtio-gpu/index.js';
import type { QemuDisplay } from '../../src/virtio-gpu/output/qemu-display.js';

export class TestChain implements DescriptorChain {
  readonly head = 0;
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  /** Bytes used, or null while the device holds the chain. */
  used: number | null = null;
  /** Set to change what a second read would see. */
  reads: [offset: number, length: number][] = [];

  constructor(request: Uint8Array, writableBytes: number) {
    this.request = request;
    this.response = new Uint8Array(writableBytes).fill(0xee);
  }

  get readableBytes(): number {
    return this.request.length;
  }

  get writableBytes(): number {
    return this.response.length;
  }

  read(target: Uint8Array, offset: number, length: number): number {
    this.reads.push([offset, length]);
    const bytes = this.request.subarray(offset, offset + length);
    target.set(bytes);
    return bytes.length;
  }

  write(source: Uint8Array, offset: number, length: number): number {
    const fits = Math.max(0, Math.min(length, this.response.length - offset));
    this.response.set(source.subarray(0, fits), offset);
    return fits;
  }
}

export class TestQueue implements Virtqueue {
  readonly index: number;
  readonly size = 256;
  running = true;
  paused = false;
  resumed: (() => void) | null = null;

  constructor(index: number) {
    this.index = index;
  }

  push(chain: DescriptorChain, used: number): void {
    if (this.running) (chain as TestChain).used = used;
  }

  yields = 0;

  yield(): void {
    this.yields += 1;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.resumed?.();
  }
}

/** Guest memory: [base, base + length) of guest-physical addresses. */
export class TestMemory implements DeviceMemory {
  generation = 1;
  readonly base = 0x1_0000_0000;
  readonly mapping: Mapping;
  readonly bytes: Uint8Array;
  readonly tables: ScatterGather[] = [];
  dirty: { readonly address: number; readonly length: number }[] = [];
  /** The file that the memory lies in, for tests that ask. */
  backedBy: number[] = [];
  /** More entries of the memory table. */
  beside: MemoryFile[] = [];
  /** What the front-end took away: nothing is guest memory any more. */
  gone = false;

  constructor(length: number) {
    this.mapping = mapAnonymous(length);
    this.bytes = new Uint8Array(this.mapping.window(0, length));
  }

  covers(ranges: GuestRanges): boolean {
    return this.segments(ranges) !== null;
  }

  private segments(ranges: GuestRanges): Segment[] | null {
    const segments: Segment[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      const offset = (ranges[i] as number) - this.base;
      const length = ranges[i + 1] as number;
      if (this.gone || offset < 0 || offset + length > this.mapping.length) return null;
      segments.push({ mapping: this.mapping, offset, length });
    }
    return segments;
  }

  scatterGather(ranges: GuestRanges): ScatterGather | null {
    const segments = this.segments(ranges);
    if (segments === null) return null;
    const table = createScatterGather(segments);
    this.tables.push(table);
    return table;
  }

  files(): readonly MemoryFile[] {
    const { base: guestAddress, bytes } = this;
    const own = this.backedBy.map((fd) => ({ guestAddress, length: bytes.length, fd, fileOffset: 0 }));
    return [...own, ...this.beside];
  }

  get openTables(): number {
    return this.tables.filter((table) => !table.closed).length;
  }

  markDirty(address: number, length: number): void {
    this.dirty.push({ address, length });
  }
}

/** Takes note of what it is told, and holds on to buffers as a real display does. */
export class RecordingSink implements DisplaySink {
  readonly calls: unknown[][] = [];
  readonly sources = new Map<number, ScanoutSource>();
  cursorPixels: Uint8Array | null = null;

  setScanout(id: number, source: ScanoutSource | null): void {
    source?.buffer.retain();
    this.sources.get(id)?.buffer.release();
    if (source === null) this.sources.delete(id);
    else this.sources.set(id, source);
    this.calls.push(['scanout', id, source?.rect ?? null]);
  }

  damage(id: number, rect: Rect): void {
    this.calls.push(['damage', id, rect]);
  }

  setCursor(id: number, x: number, y: number, image: CursorImage | null): void {
    if (image !== null) {
      const { memory, offsetBytes, strideBytes, height } = image.buffer;
      this.cursorPixels = new Uint8Array(memory.window(offsetBytes, strideBytes * height)).slice();
    }
    this.calls.push(['cursor', id, x, y, image === null ? null : [image.hotX, image.hotY]]);
  }

  moveCursor(id: number, x: number, y: number): void {
    this.calls.push(['move', id, x, y]);
  }

  /** The calls since the last time. */
  take(): unknown[][] {
    return this.calls.splice(0);
  }
}

/** A QEMU display that answers when the test says so. */
export class TestQemuDisplay extends RecordingSink implements QemuDisplay {
  readonly metrics = {
    bytesSent: 0,
    bytesStaged: 0,
    updatesSent: 0,
    damageMerged: 0,
    messages: 0,
    dmabufScanouts: 0,
    dmabufUpdates: 0,
  };
  modes: DisplayModes | null | Promise<DisplayModes | null> = null;
  edids: Uint8Array | null | Promise<Uint8Array | null> = null;
  ready = false;
  invalidations = 0;
  sockets: UnixSocket[] = [];
  detached = 0;

  attachSocket(socket: UnixSocket): void {
    this.sockets.push(socket);
  }

  detachSocket(): void {
    this.detached += 1;
  }

  close(): void {
    this.detached += 1;
  }

  setReady(ready: boolean): void {
    this.ready = ready;
  }

  displayInfo(): DisplayModes | null | Promise<DisplayModes | null> {
    return this.modes;
  }

  edid(): Uint8Array | null | Promise<Uint8Array | null> {
    return this.edids;
  }

  invalidate(): void {
    this.invalidations += 1;
  }
}

/** Collects warnings. */
export class TestLogger implements Logger {
  readonly warnings: object[] = [];
  trace = silentLogger.trace;
  debug = silentLogger.debug;
  info = silentLogger.info;
  error = silentLogger.error;
  warn(fields: object): void {
    this.warnings.push(fields);
  }
}

export const MEMORY_BYTES = 8 * 1024 * 1024;

export class GpuHarness {
  readonly memory = new TestMemory(MEMORY_BYTES);
  readonly control = new TestQueue(0);
  readonly cursorQueue = new TestQueue(1);
  readonly sink = new RecordingSink();
  readonly qemu = new TestQemuDisplay();
  readonly log = new TestLogger();
  readonly device: GpuDevice;
  configChanges = 0;
  /** Bits that the driver accepted. */
  accepted: bigint;

  constructor(options: Partial<GpuDeviceOptions> = {}) {
    this.device = new GpuDevice({
      outputs: [{ width: 1280, height: 800 }],
      sinks: [this.sink],
      qemuDisplay: this.qemu,
      log: this.log,
      ...options,
    });
    this.accepted = this.device.features;
    this.device.attach(this.frontEnd);
    this.start();
    this.sink.take();
  }

  /** What the front-end does when it is asked for a mapping. */
  mapShared: FrontEnd['mapShared'] = () => Promise.resolve(false);

  readonly frontEnd: FrontEnd & { mapsSharedMemory: boolean } = {
    memory: this.memory,
    log: silentLogger,
    hasFeature: (bit) => ((this.accepted >> BigInt(bit)) & 1n) === 1n,
    configChanged: () => {
      this.configChanges += 1;
      return Promise.resolve(true);
    },
    mapsSharedMemory: true,
    mapShared: (id, fd, fdOffset, offset, length) => this.mapShared(id, fd, fdOffset, offset, length),
    unmapShared: () => Promise.resolve(false),
    fail: (error) => {
      throw error;
    },
  };

  start(): void {
    this.device.queueStarted(this.control);
    this.device.queueStarted(this.cursorQueue);
  }

  /** Puts a request on the control queue. */
  submit(request: Uint8Array, writableBytes = 2048): TestChain {
    const chain = new TestChain(request, writableBytes);
    this.device.handleChain(this.control, chain);
    return chain;
  }

  /** Puts a request on the control queue and returns the bytes of its response. */
  send(request: Uint8Array, writableBytes = 2048): Uint8Array {
    const chain = this.submit(request, writableBytes);
    if (chain.used === null) throw new Error('the request was held');
    return chain.response.subarray(0, chain.used);
  }

  /** Puts a request on the cursor queue and returns the bytes used. */
  cursor(request: Uint8Array, writableBytes = 0): number | null {
    const chain = new TestChain(request, writableBytes);
    this.device.handleChain(this.cursorQueue, chain);
    return chain.used;
  }

  /** A scanout's pixels as the sink would read them now. */
  pixelsOf(scanoutId: number): Uint8Array {
    const source = this.sink.sources.get(scanoutId);
    if (source === undefined) throw new Error('the scanout is off');
    const { memory, offsetBytes, strideBytes, height } = source.buffer;
    return new Uint8Array(memory.window(offsetBytes, strideBytes * height));
  }
}
