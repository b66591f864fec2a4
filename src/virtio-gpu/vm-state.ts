/** Everything that the device holds for one VM, from attach to detach. Commands work on this. */
import type { FrontEnd } from 'vhost-user-ts';
import type { SharedRegion } from '../region/index.js';
import type { ChannelFactory } from './context/channel.js';
import type { ContextLimits } from './context/context-limits.js';
import { ContextTable } from './context/context-table.js';
import { contextResources } from './context/vm-resources.js';
import type { DisplaySink } from './display-sink.js';
import type { GuestFaults } from './faults.js';
import type { GpuLimits } from './limits.js';
import type { GpuMetrics } from './metrics.js';
import type { DisplayInfoSource } from './output/display-info-source.js';
import type { ShadowParts } from './resource/guest-blob-buffer.js';
import type { DmabufExporter } from './resource/guest-pages.js';
import { GuestWindow } from './resource/guest-window.js';
import { HostAccount } from './resource/host-account.js';
import type { HostBlobOrigins } from './resource/host-blob.js';
import { type MapMemory, PixelMemorySource } from './resource/pixel-memory.js';
import { ResourceTable } from './resource/resource-table.js';
import { ScanoutTable } from './scanout/scanout-table.js';
import { VIRTIO_GPU_MAX_SCANOUTS } from './wire/constants.js';

/** What a VM's state is made from. */
export interface VmParts {
  readonly limits: GpuLimits;
  readonly sink: DisplaySink;
  readonly displayInfo: DisplayInfoSource;
  readonly mapMemory: MapMemory;
  readonly metrics: GpuMetrics;
  /** What guest, device and compositor share; null when there is none. */
  readonly region: SharedRegion | null;
  readonly dmabufs: DmabufExporter;
  /** Displays may see the pages behind 2D resources. */
  readonly showsBackings: boolean;
  /** Stands in for the contexts; null = it is they. */
  readonly hostBlobs: HostBlobOrigins | null;
  /** Null when contexts are not offered. */
  readonly channels: ChannelFactory | null;
  readonly contextLimits: ContextLimits;
  readonly faults: GuestFaults;
}

export class VmState {
  readonly frontEnd: FrontEnd;
  readonly limits: GpuLimits;
  readonly sink: DisplaySink;
  readonly displayInfo: DisplayInfoSource;
  readonly metrics: GpuMetrics;
  readonly account: HostAccount;
  readonly pixelMemory: PixelMemorySource;
  /** What shadows of guest blobs are made with. */
  readonly shadows: ShadowParts;
  readonly window: GuestWindow;
  readonly hostBlobs: HostBlobOrigins;
  readonly resources: ResourceTable;
  readonly scanouts: ScanoutTable;
  readonly channels: ChannelFactory | null;
  readonly contexts: ContextTable;

  constructor(frontEnd: FrontEnd, parts: VmParts) {
    this.frontEnd = frontEnd;
    this.limits = parts.limits;
    this.sink = parts.sink;
    this.displayInfo = parts.displayInfo;
    this.metrics = parts.metrics;
    this.account = new HostAccount(parts.limits);
    this.pixelMemory = new PixelMemorySource(this.account, parts.mapMemory, parts.region);
    this.window = new GuestWindow(frontEnd, parts.region);
    const { limits, metrics, dmabufs, showsBackings } = parts;
    this.shadows = { memory: frontEnd.memory, pixelMemory: this.pixelMemory, metrics };
    const { account } = this;
    this.resources = new ResourceTable({ ...this.shadows, limits, account, dmabufs, showsBackings });
    this.scanouts = new ScanoutTable(parts.sink);
    this.channels = parts.channels;
    this.contexts = new ContextTable({
      limits: parts.contextLimits,
      channels: parts.channels,
      resources: contextResources(this.resources),
      memory: frontEnd.memory,
      mapMemory: parts.mapMemory,
      noteEnd: (context, reason) => parts.faults.note('context-ended', { context, reason }),
    });
    this.hostBlobs = parts.hostBlobs ?? this.contexts;
  }

  /** Back to a device that was just reset: no context, no scanout, no cursor, no resource. */
  reset(): void {
    this.contexts.clear();
    this.scanouts.disableAll();
    for (let id = 0; id < VIRTIO_GPU_MAX_SCANOUTS; id++) this.sink.setCursor(id, 0, 0, null);
    this.resources.clear();
    this.pixelMemory.clear();
    this.window.forget();
  }

  /** Gives everything back; displays may hold pixels a little longer. */
  close(): void {
    this.reset();
    this.pixelMemory.close();
  }
}
