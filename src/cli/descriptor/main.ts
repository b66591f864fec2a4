/**
 * `vhost-user-gpu-ts install-descriptor`: tells libvirt and QEMU's tools about this back-end, by a file in the place that
 * QEMU's docs/interop/vhost-user.json names.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.js';

/** Of descriptors of one type, the first by name is used. */
const FILE = '50-vhost-user-gpu-ts.json';
const ANSWER_MS = 10_000;
/** What a system's libvirtd has. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where the user's own libvirt looks, or (root) that of the system. */
export function descriptorFolder(env: NodeJS.ProcessEnv, uid: number): string {
  const base = uid === 0 ? '/etc' : env.XDG_CONFIG_HOME || join(homedir(), '.config');
  return join(base, 'qemu', 'vhost-user');
}

export function descriptor(binary: string): string {
  const content = {
    description: 'virtio-gpu in TypeScript: 2D, no host graphics needed',
    type: 'gpu',
    binary,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

export function createDescriptorCommand(): Command {
  return new Command('vhost-user-gpu-ts install-descriptor')
    .description(
      'Tells libvirt about this back-end: <video><driver name="vhostuser"/> starts it then. As root for the system, ' +
        'otherwise for your own machines (qemu:///session). Without a folder it goes where libvirt looks.',
    )
    .option('--remove', 'take it away again')
    .argument('[folder]', 'where to put it instead')
    .exitOverride();
}

/** Resolves when libvirt could run it; rejects with what is wrong. */
function checkProgram(program: string, path: string): Promise<void> {
  const options = { timeout: ANSWER_MS, env: { PATH: path } };
  return new Promise((resolve, reject) => {
    execFile(program, ['--print-capabilities'], options, (error) => {
      if (error === null) resolve();
      else reject(new Error(`libvirt could not run ${program}: ${error.message.trim()}`));
    });
  });
}

async function install(folder: string): Promise<void> {
  const program = process.argv[1] as string;
  const path = process.getuid?.() === 0 ? SYSTEM_PATH : (process.env.PATH ?? SYSTEM_PATH);
  await checkProgram(program, path);
  mkdirSync(folder, { recursive: true });
  // In one step: libvirt never reads half of it.
  const partial = join(folder, `.${FILE}.${process.pid}`);
  writeFileSync(partial, descriptor(program));
  renameSync(partial, join(folder, FILE));
}

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[], _version: string): Promise<number> {
  const command = createDescriptorCommand();
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  const folder = command.args[0] ?? descriptorFolder(process.env, process.getuid?.() ?? 0);
  try {
    if (command.opts<{ remove?: boolean }>().remove) rmSync(join(folder, FILE), { force: true });
    else await install(folder);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return EXIT_FAILURE;
  }
  process.stdout.write(`${join(folder, FILE)}\n`);
  return EXIT_OK;
}
