/** Files that the compositor hands out (keymaps, format tables), read for the guest. */
import { readSync } from 'node:fs';
import { isPlainFile } from 'vhost-user-native';

/**
 * The first `bytes` bytes, null when that is more than `max`, the descriptor is no plain file (reading could
 * block), or the file is shorter. The descriptor stays the caller's.
 */
export function readFileFromHost(fd: number, bytes: number, max: number): Uint8Array | null {
  if (bytes > max) return null;
  try {
    if (!isPlainFile(fd)) return null;
    const content = new Uint8Array(bytes);
    let filled = 0;
    while (filled < bytes) {
      const count = readSync(fd, content, filled, bytes - filled, filled);
      if (count <= 0) return null;
      filled += count;
    }
    return content;
  } catch {
    return null;
  }
}
