/** The firewall between real programs and real compositors. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createMemfd, createPipe, mapFile } from 'vhost-user-native';
import { HostCompositor } from '../e2e/harness/compositor.js';
import type { RgbPicture } from '../e2e/harness/picture.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { sway } from '../e2e/harness/sway.js';
import { VirtualSeat } from '../e2e/harness/virtual-seat.js';
import { weston } from '../e2e/harness/weston.js';
import { FirewallBridge } from '../firewall-bridge.js';
import { drain, fill, GuestClient, TestBlob, until } from '../stub/guest-client.js';

const WIDTH = 640;
const HEIGHT = 480;
/** Of the scripted window. */
const SIDE = 256;
const BLUE = 0x2040e0;

/** Pixels of a colour, null unless there are at least so many. */
function colored(shot: RgbPicture, color: number, least: number): string | null {
  let count = 0;
  for (let at = 0; at < shot.rgb.length; at += 3) {
    const [r = 0, g = 0, b = 0] = shot.rgb.subarray(at, at + 3);
    if (((r << 16) | (g << 8) | b) === color) count++;
  }
  return count >= least ? null : `${count} pixels of ${color.toString(16)}, at least ${least}`;
}

/** Pixels that are not as they were. */
function changed(shot: RgbPicture, before: RgbPicture): number {
  let count = 0;
  for (let at = 0; at < shot.rgb.length; at += 3) {
    const same = [0, 1, 2].every((channel) => shot.rgb[at + channel] === before.rgb[at + channel]);
    if (!same) count++;
  }
  return count;
}

/** What it shows once it stands still: shells fade in. */
async function settled(compositor: HostCompositor): Promise<RgbPicture> {
  let last = await compositor.screenshot();
  return compositor.waitForShot((shot) => {
    const count = changed(shot, last);
    last = shot;
    const plain = shot.rgb.every((value) => value === shot.rgb[0]);
    return count === 0 && !plain ? null : `${count} pixels change`;
  });
}

t.test('a scripted client on weston: window, pixels from the region, keymap, frames', async (t) => {
  const compositor = await HostCompositor.start(
    weston({ version: '10', width: WIDTH, height: HEIGHT, shell: 'desktop' }),
  );
  t.teardown(() => compositor.close());
  const bytes = 4 << 20;
  const fd = createMemfd('region', { size: bytes });
  const memory = mapFile(fd, 0, bytes, { writable: true });
  const guest = new GuestClient({ socket: compositor.connect(), region: { fd, bytes } });
  const registry = await guest.start();
  const shm = guest.bind(registry, 'wl_shm');
  const base = guest.bind(registry, 'xdg_wm_base');
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  const shell = guest.make(base, 'get_xdg_surface', [surface]);
  const toplevel = guest.make(shell, 'get_toplevel');
  guest.request(toplevel, 'set_title', ['scripted']);
  guest.request(surface, 'commit');
  const configure = await guest.event(shell, 'configure');
  guest.request(shell, 'ack_configure', [Number(configure.values[0])]);

  const at = 1 << 20;
  new Uint32Array(memory.window(at + 64, SIDE * SIDE * 4)).fill(0xff000000 | BLUE);
  const blob = new TestBlob(2 << 20, at);
  const pool = guest.make(shm, 'create_pool', [0, 2 << 20], [blob.item]);
  const buffer = guest.make(pool, 'create_buffer', [64, SIDE, SIDE, SIDE * 4, 1]);
  for (let frame = 0; frame < 3; frame++) {
    guest.request(surface, 'attach', [buffer, 0, 0]);
    guest.request(surface, 'damage_buffer', [0, 0, SIDE, SIDE]);
    const callback = guest.make(surface, 'frame');
    guest.request(surface, 'commit');
    await guest.event(callback, 'done');
  }
  await compositor.waitForShot((shot) => colored(shot, BLUE, (SIDE * SIDE) / 2));
  t.equal(guest.ended, false);
  t.strictSame(guest.log, []);
  guest.close();
  memory.close();
  t.equal(blob.holds, 0);
  t.notMatch(compositor.output, /error in client|invalid/);
});

const PROGRAMS = ['weston-simple-shm', 'weston-eventdemo', 'weston-dnd', 'weston-terminal'];

for (const program of [
  weston({ version: '10', width: WIDTH, height: HEIGHT, shell: 'desktop' }),
  sway({ width: WIDTH, height: HEIGHT }),
]) {
  t.test(`programs as they are, on ${program.name}`, async (t) => {
    const compositor = await HostCompositor.start(program);
    const folder = mkdtempSync(join(tmpdir(), 'firewall-'));
    const bridge = new FirewallBridge(join(folder, 'guest-0'), { connect: () => compositor.connect() });
    t.teardown(async () => {
      bridge.close();
      rmSync(folder, { recursive: true, force: true });
      await compositor.close();
    });
    const env = { ...compositor.env, XDG_RUNTIME_DIR: folder, WAYLAND_DISPLAY: 'guest-0' };
    for (const name of PROGRAMS) {
      // It gives up on sway, with and without us: "Both buffers busy at redraw()".
      if (name === 'weston-simple-shm' && program.name === 'sway') continue;
      const before = await settled(compositor);
      const child = new TestProcess(name, name, [], env, folder);
      const shot = compositor.waitForShot((picture) => {
        if (child.exit !== null) throw new Error(`${name} ended: ${child.output}\n${bridge.log.join('\n')}`);
        const count = changed(picture, before);
        return count >= 10_000 ? null : `${name}: ${count} pixels changed`;
      });
      await shot.finally(() => child.stop('SIGTERM'));
      await until(() => bridge.firewall.clientCount === 0, `${name} to be gone`);
      t.pass(name);
    }
    const complaints = bridge.log.filter((line) => !line.startsWith('security context'));
    t.strictSame(complaints, [], 'nothing was refused');
    t.match(bridge.trace.join('\n'), /xdg_toplevel@\d+\.set_title\("/);
    t.notMatch(compositor.output, /error in client|protocol error/i);
  });
}

t.test('typing in a terminal, on sway', async (t) => {
  const compositor = await HostCompositor.start(sway({ width: WIDTH, height: HEIGHT }));
  const folder = mkdtempSync(join(tmpdir(), 'firewall-'));
  const bridge = new FirewallBridge(join(folder, 'guest-0'), { connect: () => compositor.connect() });
  const seat = await VirtualSeat.plugIn(compositor);
  const before = await settled(compositor);
  const env = { ...compositor.env, XDG_RUNTIME_DIR: folder, WAYLAND_DISPLAY: 'guest-0' };
  const terminal = new TestProcess('weston-terminal', 'weston-terminal', ['--shell=/bin/sh'], env, folder);
  t.teardown(async () => {
    await terminal.stop('SIGKILL');
    bridge.close();
    rmSync(folder, { recursive: true, force: true });
    await compositor.close();
  });
  await compositor.waitForShot((shot) => (changed(shot, before) > 10_000 ? null : 'no terminal'));
  const file = join(folder, 'x');
  // "cp /etc/hostname x" and Enter.
  await seat.type(46, 25, 57, 53, 18, 20, 46, 53, 35, 24, 31, 20, 49, 30, 50, 18, 57, 45, 28);
  const deadline = Date.now() + 30_000;
  while (!existsSync(file) || readFileSync(file).length === 0) {
    if (Date.now() > deadline) throw new Error(bridge.trace.slice(-50).join('\n'));
    await compositor.screenshot();
  }
  t.equal(readFileSync(file, 'utf8'), readFileSync('/etc/hostname', 'utf8'));
});

/** A window of a scripted client that has the keyboard, and its data device. */
async function focused(guest: GuestClient): Promise<{ manager: number; device: number; serial: number }> {
  const registry = await guest.start();
  const shm = guest.bind(registry, 'wl_shm');
  const base = guest.bind(registry, 'xdg_wm_base');
  const seat = guest.bind(registry, 'wl_seat');
  const manager = guest.bind(registry, 'wl_data_device_manager');
  const device = guest.make(manager, 'get_data_device', [seat]);
  const keyboard = guest.make(seat, 'get_keyboard');
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  const shell = guest.make(base, 'get_xdg_surface', [surface]);
  guest.make(shell, 'get_toplevel');
  guest.request(surface, 'commit');
  const configure = await guest.event(shell, 'configure');
  guest.request(shell, 'ack_configure', [Number(configure.values[0])]);
  const pool = guest.make(shm, 'create_pool', [0, 1 << 16], [new TestBlob(1 << 16, 0).item]);
  const buffer = guest.make(pool, 'create_buffer', [0, 64, 64, 256, 1]);
  guest.request(surface, 'attach', [buffer, 0, 0]);
  guest.request(surface, 'commit');
  const keymap = await guest.event(keyboard, 'keymap');
  const [file] = keymap.items;
  t.ok(file?.kind === 'file' && file.content.length === keymap.values[2], 'the keymap came as a file');
  t.match(file?.kind === 'file' ? Buffer.from(file.content).toString() : '', /xkb_keymap/);
  const enter = await guest.event(keyboard, 'enter');
  return { manager, device, serial: Number(enter.values[0]) };
}

t.test('clipboard from one guest to another, on sway', async (t) => {
  const compositor = await HostCompositor.start(sway({ width: WIDTH, height: HEIGHT }));
  t.teardown(() => compositor.close());
  const seat = await VirtualSeat.plugIn(compositor);
  const bytes = 1 << 20;
  const region = { fd: createMemfd('region', { size: bytes }), bytes };
  const one = new GuestClient({ socket: compositor.connect(), region });
  const { manager, device, serial } = await focused(one);
  const source = one.make(manager, 'create_data_source');
  one.request(source, 'offer', ['text/plain']);
  one.request(device, 'set_selection', [source, serial]);
  await one.sync();

  const two = new GuestClient({ socket: compositor.connect(), region });
  const other = await focused(two);
  await until(() => two.events.some(({ name, values }) => name === 'selection' && values[0] !== 0));
  const offer = Number((await two.event(other.device, 'selection')).values[0]);
  t.ok(two.events.some(({ object, values }) => object === offer && values[0] === 'text/plain'));
  const { reader, writeFd } = createPipe();
  two.request(offer, 'receive', ['text/plain', 0], [{ kind: 'read-pipe', fd: writeFd }]);
  const send = await one.event(source, 'send');
  t.equal(send.values[0], 'text/plain');
  const [item] = send.items;
  if (item?.kind !== 'write-pipe') throw new Error('no pipe');
  one.events.splice(one.events.indexOf(send), 1);
  const data = Buffer.alloc(200_000, 'from one guest to the other ');
  const [got] = await Promise.all([drain(reader), fill(item.fd, data)]);
  t.ok(got.equals(data));
  seat.unplug();
  one.close();
  two.close();
});
