/** Counters of one device, kept on the hot path as plain numbers and read whenever somebody asks. */

export interface GpuMetrics {
  /** Requests that came on the control queue, and on the cursor queue. */
  commands: number;
  cursorCommands: number;
  /** Bytes copied from guest memory into resources. */
  transferBytes: number;
}

export function newMetrics(): GpuMetrics {
  return { commands: 0, cursorCommands: 0, transferBytes: 0 };
}
