/**
 * A ring can't be used the way the driver chose it: it stays stopped, and a rebooted guest does better. The
 * front-end only passed it on, so the connection lasts.
 */
export const UNUSABLE_RING = 'VHOST_ERR_UNUSABLE_RING';

/**
 * Failures of the peer (front-end) or of the host: they end the connection or stop the queue they belong to,
 * never the process. A guest's mistakes are values, and our own bugs are assertions; neither comes as this.
 */
export class VhostUserError extends Error {
  override readonly name = 'VhostUserError';
  /** A stable code, 'VHOST_ERR_…'. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
