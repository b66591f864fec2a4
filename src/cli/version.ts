/** Which version this is. */
import { readFileSync } from 'node:fs';

/** As in package.json, which is read. */
export function packageVersion(): string {
  // From dist/src/cli to the package's root.
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
