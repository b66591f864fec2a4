/**
 * Windows of the guest's applications on the host: unmodified programs of Debian, and one of ours whose pictures are
 * known, through guest proxy, QEMU, device and firewall to sway and weston.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t, { type Test } from 'tap';
import { closeFd, mapFile, type UnixSocket } from 'vhost-user-native';
import { ControlClient } from '../../src/npm/index.js';
import {
  ContextSocket,
  DEFAULT_POLICY,
  Display,
  INTERFACES,
  SecurityContext,
  wl_seat,
} from '../../src/wayland/index.js';
import { playAnimation } from '../unit/apng-player.js';
import { copyToClipboard, untilClipboard } from './harness/clipboard.js';
import { HostCompositor } from './harness/compositor.js';
import {
  type ForwardMachine,
  GUEST_DISPLAY,
  runChecks,
  withForwardMachine,
} from './harness/forward-machine.js';
import { keysOf } from './harness/keys.js';
import { picture, pictureColor } from './harness/pattern.js';
import { computed, difference, pixelAt, type RgbPicture } from './harness/picture.js';
import { decodePng } from './harness/png.js';
import { sway, swaySandboxes, swayWindows, untilSwayWindows } from './harness/sway.js';
import { VirtualSeat } from './harness/virtual-seat.js';
import { WaylandTest } from './harness/wayland-test.js';
import { weston } from './harness/weston.js';
import { eventDemo, flowers, simpleShm, terminalText } from './harness/weston-programs.js';

const SIZE = { width: 800, height: 600 };
const LABEL = 'demo';
const folder = mkdtempSync(join(tmpdir(), 'forward-control-'));
const CONTROL = join(folder, 'control');
t.teardown(() => rmSync(folder, { recursive: true }));
const control = new ControlClient(CONTROL);
t.teardown(() => control.close());
const OPTIONS = [`--label=${LABEL}`, `--control-socket=${CONTROL}`];

/** Resolves when sway has windows of the guest with these titles, and no others. */
function untilWindows(compositor: HostCompositor, ...titles: readonly string[]): Promise<void> {
  return untilSwayWindows(
    compositor,
    titles.map((title) => `[${LABEL}] ${title}`),
  );
}

/** The one window that the control API knows, with this title, and its picture. */
async function apiWindow(t: Test, title: string, expected: RgbPicture): Promise<void> {
  const windows = (await control.windows()).filter((each) => each.title === `[${LABEL}] ${title}`);
  const [window] = windows;
  t.match(windows, [{ kind: 'window', appId: /^demo\./, ...SIZE, shown: SIZE }], 'the window in the list');
  if (window === undefined) return;
  const picture = await decodePng(await control.screenshot({ window: window.id }));
  t.equal(difference(picture, expected), null, "the API's screenshot is what the compositor shows");
}

/** Opens the program's window; returns when it fills the screen. (sway says that only once it knows the window.) */
async function openWindow(client: WaylandTest, seed: number, memory: 'shm' | 'shared'): Promise<void> {
  await client.connect(GUEST_DISPLAY);
  const { width } = await client.window({ width: 320, height: 200 }, seed, memory);
  if (width !== SIZE.width) await client.resized();
}

/** The guest sees what the compositor offers, minus what the policy keeps from it. */
async function checkGlobals(t: Test, { compositor, programs }: ForwardMachine): Promise<void> {
  // (Where it has security contexts, that is where clients of the guest are.)
  const connect = (): UnixSocket => compositor.connect();
  const socket = new ContextSocket();
  const context = await SecurityContext.create({ connect, appId: LABEL, instanceId: 'globals', socket });
  const display = new Display(context === null ? connect() : context.connect());
  await display.sync();
  const expected: Record<string, number> = { vhost_window_memory_v1: 1 };
  let removed = 0;
  for (const { interface: name, version } of display.registry.globals) {
    const allowed = DEFAULT_POLICY.globals.get(name);
    // (Offered where guest memory can be made dma-bufs, which depends on the machine.)
    if (name === 'zwp_linux_dmabuf_v1') continue;
    if (allowed === undefined) removed++;
    else expected[name] = Math.min(version, allowed, INTERFACES.get(name)?.version ?? 0);
  }
  display.close();
  context?.close();
  socket.close();
  const found: Record<string, number> = {};
  const info = await programs.run('wayland-info');
  for (const [, name = '', version] of info.matchAll(/^interface: '(\w+)', +version: +(\d+)/gm)) {
    if (name !== 'zwp_linux_dmabuf_v1') found[name] = Number(version);
  }
  t.strictSame(found, expected);
  if (context === null) t.ok(removed > 5, `${removed} globals are kept from the guest`);
}

/** Pictures, whole and in part, and in the size that the compositor wants; no byte is copied on the host. */
async function checkPictures(t: Test, machine: ForwardMachine, memory: 'shm' | 'shared'): Promise<void> {
  const { compositor, qemu, programs } = machine;
  const { width, height } = SIZE;
  const name = `forward-${compositor.name}-${memory}`;
  const client = await WaylandTest.start(qemu.guest);
  await openWindow(client, 1, memory);
  await compositor.waitForScreen(`${name}-picture`, picture(width, height, 1));
  await client.draw(301, 203, 57, 91, 2);
  await client.draw(10, 20, 30, 40, 3);
  const seedAt = (x: number, y: number): number => {
    if (x >= 301 && x < 358 && y >= 203 && y < 294) return 2;
    return x >= 10 && x < 40 && y >= 20 && y < 60 ? 3 : 1;
  };
  const parts = computed(width, height, (x, y) => pictureColor(x, y, seedAt(x, y)));
  await compositor.waitForScreen(`${name}-parts`, parts);
  await apiWindow(t, 'test window', parts);
  const report = await programs.proxyReport();
  const zeroCopy = /copied-bytes=0 copied-frames=0 direct-frames=[1-9]/;
  t.match(report, memory === 'shared' ? zeroCopy : /copied-frames=[1-9]\d* direct-frames=0/);
  await client.close();
  await client.quit();
}

/** A second window takes half of the screen, and gives it back; both say whose they are. */
async function checkWindows(t: Test, { compositor, qemu, programs }: ForwardMachine): Promise<void> {
  const client = await WaylandTest.start(qemu.guest);
  await openWindow(client, 4, 'shm');
  const other = await programs.start('weston-simple-shm');
  t.strictSame(await client.resized(), { width: 400, height: 600 });
  await compositor.waitForShot((shot) => {
    for (let y = 0; y < 600; y++) {
      for (let x = 0; x < 400; x++) {
        if (pixelAt(shot, x, y) !== pictureColor(x, y, 4)) return `another color at ${x},${y}`;
      }
    }
    return null;
  });
  t.strictSame(await swayWindows(compositor), [
    { name: `[${LABEL}] test window`, appId: `${LABEL}.wayland-test` },
    { name: `[${LABEL}] simple-shm`, appId: `${LABEL}.org.freedesktop.weston.simple-shm` },
  ]);
  const animated = (await control.windows()).find(({ title }) => title.endsWith('simple-shm'));
  const film = await control.record(
    async () => {
      for (let i = 0; i < 5; i++) await control.changed({ window: animated?.id ?? 0 });
    },
    { window: animated?.id ?? 0 },
  );
  t.ok(playAnimation(Buffer.from(film)).frames.length > 1, 'what moves is filmed');
  await other.kill('KILL');
  t.strictSame(await client.resized(), SIZE);
  await compositor.waitForScreen('forward-alone', picture(SIZE.width, SIZE.height, 4));
  await client.quit();
  await untilWindows(compositor);
  t.strictSame(await control.windows(), [], 'the API knows of no window either');
}

/** The keyboard of the guest's clients is the host's. */
async function checkKeymap(t: Test, { compositor, qemu }: ForwardMachine): Promise<void> {
  const display = new Display(compositor.connect());
  await display.sync();
  const expected = await new Promise<{ bytes: number; crc: number }>((resolve) => {
    const keyboard = display.registry.bind(wl_seat, { max: 1 }).getKeyboard();
    keyboard.listen({
      keymap: (_format, fd, size) => {
        const mapping = mapFile(fd, 0, size, { writable: false });
        closeFd(fd);
        resolve({ bytes: size, crc: crc32(new Uint8Array(mapping.window(0, size))) });
      },
    });
  });
  display.close();
  const client = await WaylandTest.start(qemu.guest);
  await client.connect(GUEST_DISPLAY);
  t.strictSame(await client.keymap(), expected);
  await client.quit();
}

/** A terminal is typed at. */
async function checkTerminal(t: Test, machine: ForwardMachine, seat: VirtualSeat): Promise<void> {
  const { compositor, programs, qemu } = machine;
  const terminal = await programs.start('weston-terminal');
  await untilWindows(compositor, 'Wayland Terminal');
  await seat.type(...keysOf('touch tmp/typed\n'));
  await qemu.guest.run('until [ -e /clients/tmp/typed ]; do usleep 50000; done');
  t.pass('what was typed arrived');
  await terminal.kill();
  await untilWindows(compositor);
}

/** Text goes from the guest to the host, and back. */
async function checkClipboard(t: Test, { compositor, programs }: ForwardMachine): Promise<void> {
  const copy = await programs.start('wl-copy --foreground from-the-guest');
  await untilClipboard(compositor, 'from-the-guest');
  t.pass('from the guest to the host');
  const text = 'from the host: ä€𝄞 '.repeat(2000);
  const host = await copyToClipboard(compositor, text);
  t.equal((await copy.ended()).status, 0, 'the guest has lost the clipboard');
  t.equal(await programs.run('wl-paste --no-newline'), text.trimEnd());
  await host.stop();
}

/** A client that breaks the protocol is cut off; the others don't notice. */
async function checkViolations(t: Test, machine: ForwardMachine): Promise<void> {
  const { compositor, programs, qemu, backEnd } = machine;
  const other = await programs.start('weston-simple-shm');
  await untilWindows(compositor, 'simple-shm');
  const client = await WaylandTest.start(qemu.guest);
  for (const [what, complaint] of [
    ['object', /invalid object/],
    ['role', /role/],
  ] as const) {
    await client.connect(GUEST_DISPLAY);
    await client.window(SIZE, 5, 'shm');
    await untilWindows(compositor, 'simple-shm', 'test window');
    t.match(await client.violate(what), complaint);
    await untilWindows(compositor, 'simple-shm');
  }
  t.match(backEnd.process.output, /forwarded client demo\/client \d+: .*role/, 'the log names the rule');
  await client.quit();
  const shot = await compositor.screenshot();
  await compositor.waitForShot((next) => (Buffer.compare(next.rgb, shot.rgb) === 0 ? 'it stopped' : null));
  await other.kill();
  await untilWindows(compositor);
}

/** Whoever ends, nothing stays behind, and what comes after works. */
async function checkEnds(t: Test, machine: ForwardMachine): Promise<void> {
  const { compositor, programs, qemu } = machine;
  const first = await programs.start('weston-simple-shm');
  await untilWindows(compositor, 'simple-shm');
  await programs.endProxy('KILL');
  await untilWindows(compositor);
  await first.ended();
  t.pass('the proxy was killed');
  await programs.startProxy();
  const second = await programs.start('weston-simple-shm');
  await untilWindows(compositor, 'simple-shm');
  await compositor.kill();
  await second.ended();
  t.pass('the compositor was killed');
  await compositor.start();
  const client = await WaylandTest.start(qemu.guest);
  await openWindow(client, 6, 'shared');
  await compositor.waitForScreen('forward-again', picture(SIZE.width, SIZE.height, 6));
  await client.quit();
}

/**
 * Of weston without input devices. To be started anew for each window: the shell touches the memory of the one that it
 * showed before, and can end of that.
 */
const KIOSK = weston({ version: 'current', ...SIZE });

/** Unmodified programs on a current weston: each is seen, and nothing else. */
async function checkPrograms(t: Test, { compositor, programs, qemu }: ForwardMachine): Promise<void> {
  const text = 'words in a terminal';
  const shell = `#!/bin/sh\necho ${text}\nexec sleep 100000\n`;
  await qemu.guest.run(`printf '${shell}' >/clients/tmp/shell && chmod +x /clients/tmp/shell`);
  for (const [command, look] of [
    ['weston-simple-shm', simpleShm],
    ['weston-eventdemo', eventDemo],
    ['weston-dnd', flowers],
    ['weston-terminal --shell=/tmp/shell', terminalText(text)],
  ] as const) {
    await compositor.become(KIOSK);
    const program = await programs.start(command);
    await compositor.waitForShot(look);
    t.pass(command);
    await program.kill();
    await program.ended();
  }
}

t.test('Linux 6.12, sway, then a current weston', async (t) => {
  const compositor = await HostCompositor.start(sway(SIZE));
  try {
    const options = { compositor, kernel: '6.12', options: OPTIONS } as const;
    await withForwardMachine(t, options, async (machine) => {
      await runChecks(t, machine, {
        globals: checkGlobals,
        pictures: (t) => checkPictures(t, machine, 'shm'),
        'pictures in memory that the host sees': (t) => checkPictures(t, machine, 'shared'),
        windows: checkWindows,
      });
      // From here on the pointer is on the screen.
      const seat = await VirtualSeat.plugIn(compositor);
      await runChecks(t, machine, {
        keymap: checkKeymap,
        terminal: (t) => checkTerminal(t, machine, seat),
        clipboard: checkClipboard,
        violations: checkViolations,
        ends: checkEnds,
      });
      seat.unplug();
      await runChecks(t, machine, { 'programs on weston': checkPrograms });
    });
  } finally {
    await compositor.close();
  }
});

/** sway says which windows come out of a security context, and of which VM's. */
async function checkSandbox(t: Test, { compositor, qemu }: ForwardMachine): Promise<void> {
  const client = await WaylandTest.start(qemu.guest);
  await openWindow(client, 7, 'shm');
  const [sandbox] = await swaySandboxes(compositor);
  t.match(sandbox, { engine: 'vhost-user-gpu-ts', appId: LABEL, instanceId: /^[0-9a-f-]{36}$/ });
  await client.quit();
  await untilWindows(compositor);
}

t.test('Linux 6.1, a current weston, then a current sway', async (t) => {
  const compositor = await HostCompositor.start(KIOSK);
  try {
    const options = { compositor, kernel: '6.1', options: OPTIONS } as const;
    await withForwardMachine(t, options, async (machine) => {
      await runChecks(t, machine, {
        globals: checkGlobals,
        pictures: (t) => checkPictures(t, machine, 'shm'),
      });
      await compositor.become(KIOSK);
      await runChecks(t, machine, {
        'pictures in memory that the host sees': (t) => checkPictures(t, machine, 'shared'),
        programs: checkPrograms,
      });
      await compositor.become(sway({ version: 'current', ...SIZE }));
      await runChecks(t, machine, {
        'globals in a security context': checkGlobals,
        'pictures on sway': (t) => checkPictures(t, machine, 'shared'),
        'security context': checkSandbox,
      });
    });
  } finally {
    await compositor.close();
  }
});
