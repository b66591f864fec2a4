/** The host that this process runs on, for the checks. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { addSeals, closeFd, createMemfd, Seal, sandboxSupport } from 'vhost-user-native';
import { userName } from '../../doctor/index.js';
import { connectToCompositor, Display } from '../../wayland/index.js';
import { probeKvm } from '../vm/kvm.js';
import { askQemu } from '../vm/qemu-program.js';
import type { Host } from './host.js';

const COMPOSITOR_MS = 5000;
const SHARED_BYTES = 4096;

function open(path: string): string | null {
  try {
    closeSync(openSync(path, constants.O_RDWR));
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** Asks the compositor as a client does; a compositor that does not answer is given up. */
async function globals(env: NodeJS.ProcessEnv): Promise<ReadonlySet<string>> {
  const display = new Display(connectToCompositor({ ...env }));
  const silent = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('the compositor does not answer')), COMPOSITOR_MS).unref();
  });
  try {
    await Promise.race([display.sync(), silent]);
    return new Set(display.registry.globals.map(({ interface: name }) => name));
  } finally {
    display.close();
  }
}

function descriptors(): number {
  const [, most] = /^Max open files\s+(\w+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return most === 'unlimited' ? Number.POSITIVE_INFINITY : Number(most);
}

/** `qemu`: the program to ask. */
export function realHost(qemu: string): Host {
  return {
    nodeVersion: process.version,
    user: userName(),
    qemu: () => askQemu(qemu),
    kvm: probeKvm,
    memfd: () => {
      const fd = createMemfd('doctor', { size: SHARED_BYTES });
      addSeals(fd, Seal.SHRINK);
      closeFd(fd);
    },
    open,
    globals: () => globals(process.env),
    sandbox: sandboxSupport,
    descriptors,
  };
}
