/** What a compositor would end the connection for, found before it is sent (wl_shm_pool.create_buffer, attach). */
import type { WindowFrame } from './types.js';

const INT32_MAX = 0x7fffffff;

/** Why the frame can't be committed; null when it can. */
export function frameRefusal(
  frame: WindowFrame,
  poolBytes: number,
  supportsFormat: (format: number) => boolean,
): string | null {
  const { width, height, source } = frame;
  if (!isSize(width) || !isSize(height)) return `a frame of ${width}x${height}`;
  if (source.kind === 'dmabuf') {
    return source.buffer.buffer.alive ? null : 'a dma-buf of an earlier connection';
  }
  const { poolOffset, strideBytes, format } = source;
  if (!supportsFormat(format)) return `a format that the compositor does not have (0x${format.toString(16)})`;
  if (!Number.isInteger(strideBytes) || strideBytes < width || strideBytes > INT32_MAX) {
    return `${strideBytes} bytes per row of ${width} pixels`;
  }
  const bytes = strideBytes * height;
  const fits = Number.isInteger(poolOffset) && poolOffset >= 0 && bytes <= INT32_MAX;
  if (!fits || poolOffset + bytes > poolBytes) {
    return `${bytes} bytes at ${poolOffset}, beyond the pool of ${poolBytes}`;
  }
  return null;
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= INT32_MAX;
}
