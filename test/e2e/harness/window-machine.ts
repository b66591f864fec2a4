/** A machine whose screens are windows on a compositor of the host: QEMU 11.1's generic device, and input devices. */
import type { Test } from 'tap';
import { BackEnd, displayDevice } from './back-end.js';
import type { HostCompositor } from './compositor.js';
import { withMachine } from './machine.js';
import { type KernelVersion, Qemu } from './qemu.js';

export const GENERIC_DEVICE = 'vhost-user-test-device-pci';
export const GENERIC_PROPERTIES = 'virtio-id=16,num_vqs=2,vq_size=256,config_size=20';

export type InputKind = 'keyboard' | 'tablet' | 'mouse' | 'touch';

export interface WindowMachineOptions {
  readonly compositor: HostCompositor;
  readonly kernel: KernelVersion;
  /** Of the first output, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly inputs?: readonly InputKind[];
  /** The guest with a desktop. */
  readonly desktop?: boolean;
  /** More options for the back-end. */
  readonly options?: readonly string[];
}

export interface WindowMachine {
  readonly qemu: Qemu;
  readonly backEnd: BackEnd;
  readonly compositor: HostCompositor;
}

/** Runs `body` with the booted machine; shows the logs of all that took part when the test failed. */
export async function withWindowMachine(
  t: Test,
  options: WindowMachineOptions,
  body: (machine: WindowMachine) => Promise<void>,
): Promise<void> {
  const { compositor, kernel, width, height, inputs = [], desktop = false } = options;
  const backEnd = await BackEnd.startIn(compositor.env, (path) => [
    '--window',
    `--resolution=${width}x${height}`,
    ...inputs.map((kind) => `--${kind}-socket=${path}-${kind}`),
    ...(options.options ?? []),
  ]);
  const device = [
    ...inputs.flatMap((kind) => inputDevice(kind, `${backEnd.socketPath}-${kind}`)),
    ...displayDevice(backEnd.socketPath, GENERIC_DEVICE, GENERIC_PROPERTIES),
  ];
  try {
    await withMachine(t, Qemu.boot({ qemu: '11.1', kernel, device, desktop }), (qemu) =>
      body({ qemu, backEnd, compositor }),
    );
  } finally {
    t.equal(await backEnd.stop(), 0, 'the back-end ended cleanly');
    if (!t.passing()) {
      t.comment(`back-end:\n${backEnd.process.output}\n${compositor.name}:\n${compositor.output}`);
    }
  }
}

/** QEMU's arguments for an input device behind a vhost-user socket. */
export function inputDevice(kind: InputKind, path: string): string[] {
  return [
    '-chardev',
    `socket,id=${kind}-socket,path=${path}`,
    '-device',
    `vhost-user-input-pci,id=${kind},chardev=${kind}-socket`,
  ];
}
