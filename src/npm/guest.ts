/** A guest for a test: a back-end in this process, and a QEMU command that gets what it lacks for it, as `run` does. */
import { spawn } from 'node:child_process';
import { complete, setsAccelerator, TEST_DEVICE } from '../cli/vm/complete.js';
import { NO_KVM, probeKvm } from '../cli/vm/kvm.js';
import { untilEnd } from '../cli/vm/machine.js';
import { QemuLine } from '../cli/vm/qemu-line.js';
import { askQemu } from '../cli/vm/qemu-program.js';
import { type BackEnd, type BackEndOptions, startBackEnd } from './back-end.js';

export interface Guest extends BackEnd {
  /** Resolves with QEMU's exit status (128 + n for signal n) when it has ended, by itself or by `close()`. */
  readonly exited: Promise<number>;
}

/**
 * Starts the QEMU command (the program first) with this GPU and its input devices: shared memory, accelerator and devices are
 * added, its display is none. With QEMU 11.1 the outputs are the back-end's, before that QEMU's. `close()` ends both, QEMU by
 * SIGTERM, and the back-end after it.
 * Rejects, before anything is started, with an Error that says what the command can't have.
 */
export async function startGuest(
  [program = 'qemu-system-x86_64', ...args]: readonly string[],
  options: BackEndOptions = {},
): Promise<Guest> {
  const line = new QemuLine(args);
  const [qemu, kvm] = await Promise.all([askQemu(program), setsAccelerator(line) ? NO_KVM : probeKvm()]);
  const mode = qemu.devices.has(TEST_DEVICE) ? 'window' : 'screen';
  const wish = { mode, vga: false, qemuDisplay: false, outputs: 1, size: null } as const;
  const backEnd = await startBackEnd(options);
  try {
    const sockets = { gpu: backEnd.socketPath, ...backEnd.inputPaths };
    const { args: more } = complete(line, qemu, wish, { kvm: kvm.works, desktop: false, sockets });
    const guest = spawn(program, [...args, ...more], { stdio: ['ignore', 'inherit', 'inherit'] });
    const exited = untilEnd(guest, (reason) => process.stderr.write(`${program}: ${reason}\n`));
    const close = (): void => {
      guest.kill();
      // A back-end that went first would make QEMU complain.
      void exited.then(() => backEnd.close());
    };
    return { ...backEnd, exited, close };
  } catch (error) {
    backEnd.close();
    throw error;
  }
}
