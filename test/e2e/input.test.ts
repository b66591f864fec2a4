/**
 * Input devices behind QEMU's vhost-user-input-pci: what the back-end tells arrives at the guest's evdev, event by
 * event; the guest's LEDs arrive here.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type BackEndServer, serve } from 'vhost-user-ts';
import {
  InputDevice,
  type InputProfile,
  keyboardProfile,
  mouseProfile,
  tabletProfile,
  touchscreenProfile,
} from '../../src/input/index.js';
import * as ev from '../../src/input/wire/event-codes.js';
import type { GuestChannel } from './harness/guest-channel.js';
import { type KernelVersion, Qemu, type QemuVersion } from './harness/qemu.js';

/** struct input_event on 64-bit Linux: a time of 16 bytes, then type, code and value. */
const INPUT_EVENT_BYTES = 24;
const INPUT_EVENT_TYPE = 16;

const LED_TIMEOUT_MS = 60_000;

const KEY_A = 30;
const KEY_LEFTSHIFT = 42;

const profiles = {
  keyboard: keyboardProfile({ name: 'test keyboard', serial: 'K1' }),
  tablet: tabletProfile({ name: 'test tablet' }),
  mouse: mouseProfile({ name: 'test mouse' }),
  touchscreen: touchscreenProfile({ name: 'test touchscreen' }),
} satisfies Record<string, InputProfile>;
type Kind = keyof typeof profiles;
const kinds = Object.keys(profiles) as Kind[];

/** Four devices, each with a server of its own, in this process. */
class Devices {
  readonly folder = mkdtempSync(join(tmpdir(), 'input-e2e-'));
  readonly all: Readonly<Record<Kind, InputDevice>>;
  readonly disconnects: (Error | null)[] = [];
  private readonly servers: BackEndServer[];
  private readonly leds: string[] = [];
  private wake: () => void = () => undefined;

  constructor() {
    const onLed = (code: number, on: boolean): void => {
      this.leds.push(`${code} ${on ? 'on' : 'off'}`);
      this.wake();
    };
    const entries = kinds.map((kind) => [kind, new InputDevice({ profile: profiles[kind], onLed })] as const);
    this.all = Object.fromEntries(entries) as Record<Kind, InputDevice>;
    this.servers = entries.map(([kind, device]) =>
      serve(
        device,
        { path: join(this.folder, kind) },
        { onDisconnected: (reason) => this.disconnects.push(reason) },
      ),
    );
  }

  get arguments(): string[] {
    return kinds.flatMap((kind) => [
      ...['-chardev', `socket,id=${kind}-socket,path=${join(this.folder, kind)}`],
      ...['-device', `vhost-user-input-pci,id=${kind},chardev=${kind}-socket`],
    ]);
  }

  /** The next change of an LED; rejects when none comes. */
  async led(): Promise<string> {
    if (this.leds.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const status = (): string => JSON.stringify(this.all.keyboard.status);
        const timer = setTimeout(() => reject(new Error(`no LED changed: ${status()}`)), LED_TIMEOUT_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.leds.shift() as string;
  }

  close(): void {
    for (const server of this.servers) server.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** The guest's event device of that kind, for example /dev/input/event2. */
async function eventNode(guest: GuestChannel, kind: Kind): Promise<string> {
  const found = await guest.run(`grep -lx 'test ${kind}' /sys/class/input/event*/device/name`);
  return `/dev/input/${found.split('/')[4]}`;
}

/**
 * Has the guest read `count` events while `inject` runs; resolves with them as `TYPE CODE VALUE`. The device is open
 * before `inject` is called, and the pipe's reader waits for its writer: nobody has to guess a time.
 */
async function received(
  guest: GuestChannel,
  kind: Kind,
  count: number,
  inject: () => void,
): Promise<string[]> {
  const node = await eventNode(guest, kind);
  await guest.run(
    [
      'rm -f /tmp/events; mkfifo /tmp/events',
      `exec 3<${node}`,
      `(cat <&3 | dd bs=${INPUT_EVENT_BYTES} count=${count} iflag=fullblock 2>/dev/null | base64 >/tmp/events) &`,
    ].join('\n'),
  );
  inject();
  const bytes = Buffer.from(await guest.run('cat /tmp/events'), 'base64');
  return Array.from({ length: bytes.length / INPUT_EVENT_BYTES }, (_, i) => {
    const at = i * INPUT_EVENT_BYTES + INPUT_EVENT_TYPE;
    return `${bytes.readUInt16LE(at)} ${bytes.readUInt16LE(at + 2)} ${bytes.readInt32LE(at + 4)}`;
  });
}

const SYN = '0 0 0';
const press = (code: number) => `${ev.EV_KEY} ${code} 1`;
const release = (code: number) => `${ev.EV_KEY} ${code} 0`;
const rel = (code: number, value: number) => `${ev.EV_REL} ${code} ${value}`;
const abs = (code: number, value: number) => `${ev.EV_ABS} ${code} ${value}`;

async function checkIdentity(t: Test, guest: GuestChannel): Promise<void> {
  const devices = await guest.run('cat /proc/bus/input/devices');
  const section = (kind: Kind) =>
    devices.split('\n\n').find((part) => part.includes(`Name="test ${kind}"`)) ?? '';
  t.match(section('keyboard'), 'Bus=0006 Vendor=1af4 Product=0001 Version=0001');
  t.match(section('keyboard'), 'Uniq=K1');
  t.match(section('keyboard'), /B: EV=20003$/m, 'keys and LEDs, no repeat');
  t.match(section('keyboard'), /B: LED=1f/);
  t.match(section('keyboard'), /B: KEY=1ffffffffffffff ffffffffffffffff ffffffffffffffff fffffffffffffffe$/m);
  t.match(section('tablet'), /B: EV=f$/m);
  t.match(section('tablet'), /B: REL=1940$/m);
  t.match(section('mouse'), /B: REL=1943$/m);
  t.match(section('touchscreen'), /B: PROP=2$/m);
  t.match(section('touchscreen'), /B: ABS=260800000000000$/m);
}

async function checkKeyboard(t: Test, guest: GuestChannel, keyboard: InputDevice): Promise<void> {
  const typed = await received(guest, 'keyboard', 8, () => {
    for (const [code, pressed] of [
      [KEY_LEFTSHIFT, true],
      [KEY_A, true],
      [KEY_A, false],
      [KEY_LEFTSHIFT, false],
    ] as const) {
      keyboard.key(code, pressed);
      keyboard.frame();
    }
  });
  t.strictSame(typed, [
    ...[press(KEY_LEFTSHIFT), SYN, press(KEY_A), SYN],
    ...[release(KEY_A), SYN, release(KEY_LEFTSHIFT), SYN],
  ]);
  // All at once, through a queue of four entries; as many as evdev keeps for a slow reader (64 events). Codes from
  // 183 on do nothing to the guest's console.
  const codes = Array.from({ length: 15 }, (_, i) => 183 + i);
  const burst = await received(guest, 'keyboard', codes.length * 4, () => {
    for (const code of codes) {
      keyboard.key(code, true);
      keyboard.frame();
      keyboard.key(code, false);
      keyboard.frame();
    }
  });
  t.strictSame(
    burst,
    codes.flatMap((code) => [press(code), SYN, release(code), SYN]),
  );
}

async function checkPointers(t: Test, guest: GuestChannel, devices: Devices): Promise<void> {
  const { tablet, mouse } = devices.all;
  const clicked = await received(guest, 'tablet', 9, () => {
    tablet.moveTo(1, 0.5);
    tablet.button(ev.BTN_LEFT, true);
    tablet.frame();
    tablet.button(ev.BTN_LEFT, false);
    tablet.frame();
    tablet.scroll('vertical', -120);
    tablet.frame();
  });
  t.strictSame(clicked, [
    ...[abs(ev.ABS_X, 32767), abs(ev.ABS_Y, 16384), press(ev.BTN_LEFT), SYN, release(ev.BTN_LEFT), SYN],
    ...[rel(ev.REL_WHEEL, -1), rel(ev.REL_WHEEL_HI_RES, -120), SYN],
  ]);
  const moved = await received(guest, 'mouse', 5, () => {
    mouse.moveBy(-7, 11);
    mouse.scroll('horizontal', 15);
    mouse.button(ev.BTN_EXTRA, true);
    mouse.frame();
  });
  t.strictSame(moved, [
    ...[rel(ev.REL_X, -7), rel(ev.REL_Y, 11), rel(ev.REL_HWHEEL_HI_RES, 15), press(ev.BTN_EXTRA), SYN],
  ]);
}

async function checkTouch(t: Test, guest: GuestChannel, screen: InputDevice): Promise<void> {
  // Linux passes ABS_MT_SLOT on when the slot changes; slot 0 is where it starts.
  const touched = await received(guest, 'touchscreen', 14, () => {
    screen.touch(0, 1, 0.25);
    screen.frame();
    screen.touch(4, 0.5, 1);
    screen.frame();
    screen.releaseAll();
  });
  t.strictSame(touched, [
    abs(ev.ABS_MT_TRACKING_ID, 0),
    abs(ev.ABS_MT_POSITION_X, 32767),
    abs(ev.ABS_MT_POSITION_Y, 8192),
    press(ev.BTN_TOUCH),
    SYN,
    abs(ev.ABS_MT_SLOT, 4),
    abs(ev.ABS_MT_TRACKING_ID, 1),
    abs(ev.ABS_MT_POSITION_X, 16384),
    abs(ev.ABS_MT_POSITION_Y, 32767),
    SYN,
    abs(ev.ABS_MT_SLOT, 0),
    abs(ev.ABS_MT_TRACKING_ID, -1),
    abs(ev.ABS_MT_SLOT, 4),
    abs(ev.ABS_MT_TRACKING_ID, -1),
  ]);
}

/** The guest writes to the event device what a program that sets LEDs writes: the LED, then SYN_REPORT. */
async function checkLeds(t: Test, guest: GuestChannel, devices: Devices): Promise<void> {
  const node = await eventNode(guest, 'keyboard');
  const set = async (code: number, value: number): Promise<void> => {
    const bytes = Buffer.alloc(2 * INPUT_EVENT_BYTES);
    bytes.writeUInt16LE(ev.EV_LED, INPUT_EVENT_TYPE);
    bytes.writeUInt16LE(code, INPUT_EVENT_TYPE + 2);
    bytes.writeInt32LE(value, INPUT_EVENT_TYPE + 4);
    await guest.run(`echo ${bytes.toString('base64')} | base64 -d >${node}`);
  };
  await set(ev.LED_SCROLLL, 1);
  t.equal(await devices.led(), `${ev.LED_SCROLLL} on`);
  await set(ev.LED_SCROLLL, 0);
  t.equal(await devices.led(), `${ev.LED_SCROLLL} off`);
}

/** The driver leaves with a key held down, and comes back: nothing is pressed, and keys arrive. */
async function checkNewDriver(t: Test, guest: GuestChannel, keyboard: InputDevice): Promise<void> {
  const node = await eventNode(guest, 'keyboard');
  const held = await received(guest, 'keyboard', 2, () => {
    keyboard.key(KEY_LEFTSHIFT, true);
    keyboard.frame();
  });
  t.strictSame(held, [press(KEY_LEFTSHIFT), SYN]);
  await guest.run(
    [
      `device=$(basename $(readlink -f /sys/class/input/${node.slice('/dev/input/'.length)}/device/device))`,
      'cd /sys/bus/virtio/drivers/virtio_input',
      'echo $device >unbind',
      'echo $device >bind',
    ].join('\n'),
  );
  const typed = await received(guest, 'keyboard', 2, () => {
    keyboard.key(KEY_LEFTSHIFT, true);
    keyboard.frame();
  });
  t.strictSame(typed, [press(KEY_LEFTSHIFT), SYN]);
}

async function checkMachine(t: Test, version: QemuVersion, kernel: KernelVersion): Promise<void> {
  const devices = new Devices();
  const boot = Qemu.boot({ qemu: version, kernel, device: devices.arguments });
  const qemu = await boot.catch((error) => {
    devices.close();
    throw error;
  });
  const { guest } = qemu;
  const { keyboard, touchscreen } = devices.all;
  try {
    await t.test('identity', async (t) => checkIdentity(t, guest));
    await t.test('keyboard', async (t) => checkKeyboard(t, guest, keyboard));
    await t.test('pointers', async (t) => checkPointers(t, guest, devices));
    await t.test('touch', async (t) => checkTouch(t, guest, touchscreen));
    await t.test('LEDs', async (t) => checkLeds(t, guest, devices));
    await t.test('a new driver', async (t) => checkNewDriver(t, guest, keyboard));
    t.strictSame(devices.disconnects, []);
  } finally {
    if (!t.passing()) t.comment(`QEMU:\n${qemu.process.output}\nguest:\n${qemu.consoleLog}`);
    await qemu.close();
    devices.close();
  }
}

for (const [qemu, kernel] of [
  ['11.1', '6.12'],
  ['10.0', '6.1'],
] as const) {
  t.test(`four devices: QEMU ${qemu}, Linux ${kernel}`, async (t) => checkMachine(t, qemu, kernel));
}
