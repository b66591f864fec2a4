/** What the device asks of QEMU's display, which display/gpu-socket-sink.ts speaks to. */
import type { UnixSocket } from 'vhost-user-native';
import type { DisplayModes } from '../display/display-answers.js';
import type { GpuSocketSink } from '../display/gpu-socket-sink.js';
import type { DisplaySink } from '../display-sink.js';

/** Counters of what QEMU's display was sent. */
export type QemuDisplayMetrics = Readonly<GpuSocketSink['metrics']>;

export interface QemuDisplay extends DisplaySink {
  /** What was sent. */
  readonly metrics: QemuDisplayMetrics;
  /** Uses this socket from now on, and owns it; the state is sent again. */
  attachSocket(socket: UnixSocket): void;
  /** Closes the socket, if there is one. */
  detachSocket(): void;
  close(): void;
  /** False until both queues are started: QEMU answers nothing before. */
  setReady(ready: boolean): void;
  /** QEMU's outputs; null when it can't be asked or does not answer in time. */
  displayInfo(): DisplayModes | null | Promise<DisplayModes | null>;
  /** QEMU's EDID, 128 to 1024 bytes; null as above, or when QEMU has none. */
  edid(scanoutId: number): Uint8Array | null | Promise<Uint8Array | null>;
  /** What QEMU answered before may be wrong now. */
  invalidate(): void;
}
