/** Counters of one device, kept on the hot path as plain numbers and read whenever somebody asks. */

export interface GpuMetrics {
  /** Requests that came on the control queue, and on the cursor queue. */
  commands: number;
  cursorCommands: number;
  /** Bytes copied from guest memory into resources (TRANSFER_TO_HOST_2D). */
  transferBytes: number;
  /** Bytes copied from a guest's blobs, for sinks that can't show them where they are. */
  shadowBytes: number;
  /** Bytes copied between the copies of a picture, because a sink held the one that was written to. */
  swapBytes: number;
  /** Times that pixels were written which a sink held, because there was no other copy. */
  tornWrites: number;
}

export function newMetrics(): GpuMetrics {
  return {
    commands: 0,
    cursorCommands: 0,
    transferBytes: 0,
    shadowBytes: 0,
    swapBytes: 0,
    tornWrites: 0,
  };
}
