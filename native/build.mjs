// Builds build/Release/core.node; npm runs this as the package's install script.
//
// Uses the node-gyp that npm brings along, and the headers that were installed with Node where there are any,
// so that nothing is downloaded.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** The first executable file of that name on the PATH, or null. */
function which(name) {
  if (name.includes('/')) return existsSync(name) ? name : null;
  for (const place of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(place, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: look on.
    }
  }
  return null;
}

function findNodeGyp() {
  const candidates = [process.env.npm_config_node_gyp];
  try {
    candidates.push(require.resolve('node-gyp/bin/node-gyp.js'));
  } catch {
    // Not a dependency, then npm's own copy.
  }
  const bundled = 'node_modules/node-gyp/bin/node-gyp.js';
  const npm = which('npm');
  if (npm !== null) candidates.push(join(dirname(realpathSync(npm)), '..', bundled));
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  candidates.push(join(prefix, 'lib/node_modules/npm', bundled), join(prefix, 'share/nodejs/npm', bundled));
  return candidates.find((path) => path && existsSync(path)) ?? null;
}

function fail(message) {
  console.error(`vhost-user-native: ${message}`);
  process.exit(1);
}

if (process.platform !== 'linux') fail('only Linux is supported');

const missing = [];
if (!(process.env.CXX ?? '').trim() && !which('g++') && !which('c++'))
  missing.push('a C++20 compiler (g++ 10 or newer)');
if (!which('make')) missing.push('make');
if (!which('python3')) missing.push('python3');
if (missing.length > 0) {
  fail(
    `cannot build the native addon; missing: ${missing.join(', ')}. On Debian: apt install g++ make python3`,
  );
}

const nodeGyp = findNodeGyp();
if (nodeGyp === null)
  fail('node-gyp was not found: install npm, or set npm_config_node_gyp to its node-gyp.js');

const args = [nodeGyp, 'configure', 'build', '--loglevel=warn', `--directory=${folder}`];
const prefix = dirname(dirname(realpathSync(process.execPath)));
if (existsSync(join(prefix, 'include/node/node_api.h'))) args.push(`--nodedir=${prefix}`);

// binding.gyp calls `node`: it must be this one.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };
const result = spawnSync(process.execPath, args, { cwd: folder, env, stdio: 'inherit' });
if (result.error) fail(`node-gyp did not start: ${result.error.message}`);
if (result.status !== 0) fail('the compiler reported errors (above); the addon was not built');
