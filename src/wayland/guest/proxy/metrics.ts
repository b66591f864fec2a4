/** What happened to one client's pictures. */
export interface GuestMetrics {
  /** Bytes copied from the client's memory into the host's window. */
  copiedBytes: number;
  /** Commits with a picture that was copied. */
  copiedFrames: number;
  /** Commits with a picture that the host sees where the client drew it. */
  directFrames: number;
  /** Times that a client had to wait for memory or for the compositor. */
  waits: number;
}

export function newMetrics(): GuestMetrics {
  return { copiedBytes: 0, copiedFrames: 0, directFrames: 0, waits: 0 };
}
