/** What a made-up guest attaches to its messages, by the words of a step. */
import type { ItemFromGuest } from '../../src/wayland/index.js';
import type { FuzzBlobs } from './blobs.js';
import type { Files } from './files.js';

/** 'pipe', or 'blob:BYTES', or 'unmapped:BYTES'. */
export function attach(word: string, blobs: FuzzBlobs, files: Files): ItemFromGuest {
  const [kind, size] = word.split(':');
  if (kind === 'pipe') return { kind: 'read-pipe', fd: files.open('null') };
  const dmabuf = (): number | null => (Number(size) === 1 ? null : files.open('null'));
  return { kind: 'blob', blob: blobs.make(Number(size), kind === 'blob', dmabuf) };
}
