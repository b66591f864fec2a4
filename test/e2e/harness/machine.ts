/** A back-end with a virtual machine on it, for the length of a test; their logs when the test fails. */
import type { Test } from 'tap';
import { BackEnd, displayDevice } from './back-end.js';
import { type KernelVersion, Qemu, type QemuVersion } from './qemu.js';

/**
 * E2E_DEVICE=builtin runs the same tests on QEMU's own virtio-gpu: that checks the tests, and tells whether a
 * failure is ours.
 */
export const BUILTIN = process.env.E2E_DEVICE === 'builtin';

/** Our devices' counterparts that live in QEMU. */
const BUILTIN_DRIVERS: Readonly<Record<string, string>> = {
  'vhost-user-gpu-pci': 'virtio-gpu-pci',
  'vhost-user-vga': 'virtio-vga',
};

export interface MachineOptions {
  readonly qemu: QemuVersion;
  readonly kernel: KernelVersion;
  readonly driver: 'vhost-user-gpu-pci' | 'vhost-user-vga';
  /** Properties of the device, for example `max_outputs=2`. */
  readonly properties?: string;
}

/** Boots a guest whose display is `driver` behind `backEnd` (null: QEMU's own device). */
export async function bootMachine(backEnd: BackEnd | null, options: MachineOptions): Promise<Qemu> {
  const { driver, properties = '', ...rest } = options;
  const device =
    backEnd === null
      ? ['-device', [BUILTIN_DRIVERS[driver] as string, 'id=gpu', properties].filter(Boolean).join()]
      : displayDevice(backEnd.socketPath, driver, properties);
  return Qemu.boot({ ...rest, device });
}

/** Runs `body` with a back-end process, or with null when the tests run on QEMU's own device. */
export async function withBackEnd(t: Test, body: (backEnd: BackEnd | null) => Promise<void>): Promise<void> {
  const backEnd = BUILTIN ? null : await BackEnd.start();
  try {
    await body(backEnd);
  } finally {
    const code = await backEnd?.stop();
    if (backEnd !== null) t.equal(code, 0, 'the back-end ended cleanly');
    if (!t.passing() && backEnd !== null) t.comment(`back-end:\n${backEnd.process.output}`);
  }
}

/** Runs `body` with a booted machine; shows the guest's kernel log when the test failed. */
export async function withMachine(
  t: Test,
  boot: Promise<Qemu>,
  body: (qemu: Qemu) => Promise<void>,
): Promise<void> {
  const qemu = await boot;
  let finished = false;
  try {
    await body(qemu);
    finished = true;
  } finally {
    if (!finished || !t.passing()) t.comment(`QEMU:\n${qemu.process.output}\nguest:\n${qemu.consoleLog}`);
    await qemu.close();
  }
}
