/** What a device's handlers throw, as a reason to end a connection. */
import { VhostUserError } from '../errors.js';

export function asDeviceError(error: unknown): VhostUserError {
  if (error instanceof VhostUserError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  return new VhostUserError('VHOST_ERR_DEVICE', `the device failed: ${cause.message}`, { cause });
}
