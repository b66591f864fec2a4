#!/usr/bin/env node
/** The command `vhost-user-gpu-ts`. */
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.js';
import { parseCommandLine } from './options.js';
import { run } from './run.js';
import { packageVersion } from './version.js';

/** What `--print-capabilities` answers (vhost-user.json, VHostUserBackendCapabilities). */
const CAPABILITIES = { type: 'gpu', features: [] };

type Main = (args: readonly string[], version: string) => Promise<number>;

/** Each is loaded when it is asked for: a back-end's start does not wait for it. */
const SUB_COMMANDS = new Map<string | undefined, () => Promise<{ readonly main: Main }>>([
  ['completion', () => import('./manual/main.js')],
  ['ctl', () => import('./ctl/main.js')],
  ['doctor', () => import('./doctor/main.js')],
  ['install-descriptor', () => import('./descriptor/main.js')],
  ['replay', () => import('./replay/main.js')],
  ['run', () => import('./vm/main.js')],
  ['supervise', () => import('./supervise/main.js')],
]);

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const word = SUB_COMMANDS.get(args[0]);
  if (word !== undefined) return (await word()).main(args.slice(1), packageVersion());
  const command = parseCommandLine(args, packageVersion());
  switch (command.action) {
    case 'print-capabilities':
      process.stdout.write(`${JSON.stringify(CAPABILITIES, null, 2)}\n`);
      return EXIT_OK;
    case 'exit':
      if (command.message !== '') process.stderr.write(`${command.message}\n`);
      return command.code;
    case 'run':
      return run(command.options);
  }
}

// A reader that went away (`… --help | head -n1`) or a full disk: the exit code says enough.
process.stdout.on('error', () => process.exit(EXIT_FAILURE));
process.exitCode = await main();
