/** The back-ends that the benchmark knows by name. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Subject } from './back-end-process.js';
import { nativeProgram } from './native-programs.js';

const OURS = fileURLToPath(new URL('../vhost-user-gpu-ts.js', import.meta.url));
const C_BACK_END_TREE = fileURLToPath(new URL('../../scripts/c-backend-tree', import.meta.url));

/** `ours`, `c` (QEMU's), `null` (native/null-backend.c), or any command line, maybe as `name=command line`. */
export function subjectOf(text: string): Subject {
  if (text === 'ours') return { name: 'ours', command: process.execPath, args: [OURS] };
  if (text === 'c') {
    const command = execFileSync(C_BACK_END_TREE, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    return { name: 'c', command: command.trim(), args: [] };
  }
  if (text === 'null') return { name: 'null', command: nativeProgram('null-backend'), args: [] };
  const named = /^([\w.-]+)=(.+)$/.exec(text);
  const words = (named?.[2] ?? text).trim().split(/\s+/);
  const [command = '', ...args] = words;
  return { name: named?.[1] ?? command.replace(/^.*\//, ''), command, args };
}
