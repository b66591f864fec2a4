/**
 * A back-end under supervision, on a machine with a monitor for the supervisor: QEMU 11.1's generic device and input
 * devices, on ports where they can be plugged in again.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { BackEnd } from './back-end.js';
import type { GuestChannel } from './guest-channel.js';
import { SANDBOX_OPTIONS } from './sandbox.js';
import { until } from './until.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES, type InputKind } from './window-machine.js';

const COMMAND = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const PLUGGED = /"msg":"the device (was|could not be) plugged in again"/g;

/** `options` may name files beside the socket; QEMU's monitor lies there, too. */
export function startSupervised(
  inputs: readonly InputKind[],
  env: NodeJS.ProcessEnv,
  options: (socketPath: string) => readonly string[],
): Promise<BackEnd> {
  const all = (path: string): string[] => [
    ...['supervise', `--qmp=${path}-monitor`, '--device=gpu', ...inputs.map((kind) => `--device=${kind}`)],
    ...['--', `--socket-path=${path}`, '--log-format=json', ...SANDBOX_OPTIONS],
    ...options(path),
    ...inputs.map((kind) => `--${kind}-socket=${path}-${kind}`),
  ];
  return BackEnd.startScript(COMMAND, all, env);
}

/** QEMU's arguments for the devices of that back-end. */
export function supervisedDevices(path: string, inputs: readonly InputKind[]): string[] {
  const port = (name: string, slot: number, more = ''): string[] => [
    '-device',
    `pcie-root-port,id=${name}-port,slot=${slot},chassis=${slot}${more}`,
  ];
  return [
    ...['-qmp', `unix:${path}-monitor,server=on,wait=off`],
    ...port('gpu', 1, ',pref64-reserve=512M'),
    ...['-chardev', `socket,id=gpu-socket,path=${path}`],
    ...['-device', `${GENERIC_DEVICE},id=gpu,bus=gpu-port,chardev=gpu-socket,${GENERIC_PROPERTIES}`],
    ...inputs.flatMap((kind, i) => [
      ...port(kind, i + 2),
      ...['-chardev', `socket,id=${kind}-socket,path=${path}-${kind}`],
      ...['-device', `vhost-user-input-pci,id=${kind},bus=${kind}-port,chardev=${kind}-socket`],
    ]),
  ];
}

/** Kills the back-end, and waits until the supervisor has plugged its devices in again. */
export async function killBackEnd(
  t: Test,
  { process: supervisor }: BackEnd,
  inputs: readonly InputKind[],
): Promise<void> {
  const plugged = (): string[] => supervisor.output.match(PLUGGED) ?? [];
  const before = plugged().length;
  const children = readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8');
  process.kill(Number(children.trim()), 'SIGKILL');
  while (plugged().length < before + 1 + inputs.length) await supervisor.nextOutput();
  t.notMatch(supervisor.output, /could not be plugged in/);
}

/**
 * Gives the guest's new card the name that test programs open: it is card1 while a program still has the old card0, and the
 * one after it is card0 again.
 */
export async function nameCard(guest: GuestChannel): Promise<void> {
  await until(
    'the guest has a card',
    () => guest.try('ls /dev/dri/card*'),
    ({ status }) => status === 0,
  );
  await guest.run('cd /dev/dri; [ -e card0 ] || ln -s card[1-9] card0');
}

/** Resolves when the guest has that many of our input devices. (A PC has a keyboard of its own.) */
export async function untilInputs(guest: GuestChannel, count: number): Promise<void> {
  await until(
    'the guest has its input devices',
    () => guest.run('grep -l vhost-user /sys/class/input/event*/device/name || true'),
    (found) => found.trim().split('\n').length === count,
  );
}
