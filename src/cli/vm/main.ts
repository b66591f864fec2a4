/** `vhost-user-gpu-ts run`: a QEMU command with this GPU. */
import { join } from 'node:path';
import { EXIT_OK, EXIT_USAGE } from '../exit-codes.js';
import { complete, setsAccelerator } from './complete.js';
import { NO_KVM, probeKvm } from './kvm.js';
import { folderPrefix, type MachineCommands, runMachine } from './machine.js';
import { shellQuote } from './option-syntax.js';
import { parseVmLine, type VmOptions } from './options.js';
import { LineMistake, QemuLine } from './qemu-line.js';
import { askQemu } from './qemu-program.js';

const GPU = 'gpu';

function say(line: string): void {
  process.stderr.write(`run: ${line}\n`);
}

/** What is to be run, for sockets in a folder. Rejects with a LineMistake. */
async function plan({
  wish,
  qemu,
  inputs,
  backEndArgs,
}: VmOptions): Promise<(folder: string) => MachineCommands> {
  const [program, ...args] = qemu;
  const line = new QemuLine(args);
  // (The probe takes a second where it fails.)
  const [found, kvm] = await Promise.all([askQemu(program), setsAccelerator(line) ? NO_KVM : probeKvm()]);
  const { WAYLAND_DISPLAY: wayland, DISPLAY: x11 } = process.env;
  const desktop = Boolean(wayland || x11);
  const completed = (folder: string): MachineCommands & { readonly notes: readonly string[] } => {
    const sockets = Object.fromEntries([GPU, ...inputs].map((name) => [name, join(folder, `${name}.sock`)]));
    const { args: more, notes } = complete(line, found, wish, { kvm: kvm.works, desktop, sockets });
    const input = inputs.map((name) => `--${name}-socket=${sockets[name]}`);
    return {
      backEnd: [`--socket-path=${sockets[GPU]}`, ...input, ...backEndArgs],
      qemu: [program, ...args, ...more],
      notes,
    };
  };
  // Now, before anything is started.
  for (const note of completed(folderPrefix()).notes) say(note);
  return completed;
}

function printCommands({ backEnd, qemu }: MachineCommands): void {
  process.stdout.write(`${shellQuote(['vhost-user-gpu-ts', ...backEnd])} &\n${shellQuote(qemu)}\n`);
}

/** `args` is what follows the word. Resolves with the exit code. */
export async function main(args: readonly string[], version: string): Promise<number> {
  const line = parseVmLine(args, version);
  if (line.action === 'exit') {
    if (line.message !== '') process.stderr.write(`${line.message}\n`);
    return line.code;
  }
  let commands: (folder: string) => MachineCommands;
  try {
    commands = await plan(line.options);
  } catch (error) {
    if (!(error instanceof LineMistake)) throw error;
    say(error.message);
    return EXIT_USAGE;
  }
  if (!line.options.dryRun) return runMachine(commands, say);
  printCommands(commands(`${folderPrefix()}XXXXXX`));
  return EXIT_OK;
}
