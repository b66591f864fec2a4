/**
 * Where the compiled parts are: built here, or those that came with the package, of which the first that loads is taken (a C
 * library of another kind refuses).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// From dist/, where this file is compiled to.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** In the order in which they are tried. */
export const BINARY_FOLDERS: readonly string[] = ['build/Release', `prebuilds/linux-${process.arch}`];

/** The addon, and the folder that it and the programs beside it are in. Throws with every reason when there is none. */
export function loadBinaries(root: string = ROOT): { readonly addon: unknown; readonly folder: string } {
  const reasons: string[] = [];
  for (const name of BINARY_FOLDERS) {
    const folder = join(root, name);
    const path = join(folder, 'core.node');
    if (!existsSync(path)) continue;
    try {
      return { addon: require(path), folder };
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  const found =
    reasons.length === 0 ? `none for linux-${process.arch} came with the package` : reasons.join('; ');
  throw new Error(`no native addon (${found}). Build it, with g++, make and python3: npm rebuild`);
}
