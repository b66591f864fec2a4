/** The page's files, read once: nothing is opened later. */
import { readFileSync } from 'node:fs';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/viewer.js', 'viewer.js', 'text/javascript; charset=utf-8'],
  ['/viewer.css', 'viewer.css', 'text/css; charset=utf-8'],
  ['/favicon.svg', 'favicon.svg', 'image/svg+xml'],
] as const;

/** By the path of their address. Throws the system's error where the page was not built. */
export function loadPage(): ReadonlyMap<string, PageFile> {
  const folder = new URL('../../../viewer/', import.meta.url);
  return new Map(
    FILES.map(([path, name, type]) => [path, { type, body: readFileSync(new URL(name, folder)) }]),
  );
}
