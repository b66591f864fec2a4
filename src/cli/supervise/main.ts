/** `vhost-user-gpu-ts supervise`. */
import { parseSuperviseLine } from './options.js';
import { supervise } from './supervisor.js';

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[], version: string): Promise<number> {
  const line = parseSuperviseLine(args, version);
  if (line.action === 'supervise') return supervise(line.options);
  if (line.message !== '') process.stderr.write(`${line.message}\n`);
  return line.code;
}
