#!/usr/bin/env node
/** The command `vhost-user-gpu-ts`. */
import { readFileSync } from 'node:fs';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.js';
import { parseCommandLine } from './options.js';
import { run } from './run.js';

/** What `--print-capabilities` answers (vhost-user.json, VHostUserBackendCapabilities). */
const CAPABILITIES = { type: 'gpu', features: [] };

function packageVersion(): string {
  // From dist/src/cli to the package's root.
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  // (Loaded when it is asked for: a back-end's start does not wait for it.)
  if (args[0] === 'supervise') {
    const supervise = await import('./supervise/main.js');
    return supervise.main(args.slice(1), packageVersion());
  }
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
