// Run by npm when a package with this addon is installed: builds the addon where none of those that came along loads.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadBinaries } from './dist/binaries.js';

/** What the programs beside the addon end with when they are called wrongly: they start. */
const EXIT_USAGE = 2;

try {
  const { folder } = loadBinaries();
  const { status } = spawnSync(join(folder, 'broker'), ['--what'], { stdio: 'ignore' });
  if (status !== EXIT_USAGE) throw new Error('the programs that came with the package do not run here');
} catch (error) {
  console.error(`vhost-user-native: ${error.message}`);
  const build = join(dirname(fileURLToPath(import.meta.url)), 'build.mjs');
  process.exitCode = spawnSync(process.execPath, [build], { stdio: 'inherit' }).status ?? 1;
}
