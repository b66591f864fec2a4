/** `vhost-user-gpu-ts doctor`: what is missing on this host, what that costs, and what to do about it. */
import { Command, CommanderError } from 'commander';
import { exitCode, findAll, report } from '../../doctor/index.js';
import { EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { hostChecks } from './host.js';
import { realHost } from './real-host.js';

export function createDoctorCommand(): Command {
  return new Command('vhost-user-gpu-ts doctor')
    .description(
      'Looks at what this host has for the GPU, and says for each thing what is missing, what that costs and what to do. ' +
        'In a guest: wayland-guest-proxy doctor.',
    )
    .option('--qemu <program>', 'the QEMU to ask', 'qemu-system-x86_64')
    .option('--json', 'for programs')
    .allowExcessArguments(false)
    .addHelpText('after', '\nExit code: 1 when something is broken.')
    .exitOverride();
}

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[], _version: string): Promise<number> {
  const command = createDoctorCommand();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  const { qemu, json } = command.opts<{ qemu: string; json?: boolean }>();
  const findings = await findAll(hostChecks(realHost(qemu)));
  process.stdout.write(report(findings, json ?? false));
  return exitCode(findings);
}
