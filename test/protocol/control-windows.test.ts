/**
 * Windows as the control API and the viewer have them: a scripted client behind the real firewall, a scripted compositor,
 * and clients of both that look at what is shown, wait for it and record it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from 'vhost-user-ts';
import { decodePng, encodePng } from '../../src/capture/index.js';
import { WindowViews } from '../../src/cli/viewer/window-views.js';
import { ControlClient, ControlServer, type ControlTarget, Screen } from '../../src/control/index.js';
import { ViewerServer } from '../../src/viewer/server/index.js';
import { playAnimation } from '../unit/apng-player.js';
import { type Picture, pattern, pictureOf, SceneGuest, type Surface } from '../unit/scene-guest.js';
import { ViewerClient } from './viewer-client.js';

const decoded = (png: Uint8Array): Promise<Picture> => decodePng(png, 1 << 24);

function targetOf({ guest }: SceneGuest): ControlTarget {
  return {
    version: '0',
    machine: true,
    qemuDecides: true,
    outputModes: [] as never,
    outputCount: 1,
    setOutput: async () => false,
    input: () => {
      throw new Error('nobody has input here');
    },
    readiness: () => null,
    status: () => ({}),
    windows: () => guest.windows.all,
    window: (id) => guest.windows.find(id),
    setPolicy: () => undefined,
  };
}

interface World {
  readonly desk: SceneGuest;
  readonly control: ControlClient;
  /** The client's, with the number 1. */
  readonly window: Surface;
}

function scenario(name: string, run: (t: Test, world: World) => Promise<void>): void {
  t.test(name, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'control-windows-'));
    const path = join(folder, 'socket');
    const desk = await SceneGuest.start();
    const server = new ControlServer({
      path,
      target: targetOf(desk),
      screen: new Screen(),
      log: silentLogger,
    });
    const control = new ControlClient(path);
    try {
      await run(t, { desk, control, window: await desk.window() });
    } finally {
      control.close();
      server.close();
      desk.close();
      rmSync(folder, { recursive: true });
    }
    t.equal(desk.guest.windows.watchers, 0, 'nobody listens any more');
  });
}

const WINDOW = { window: 1 } as const;

scenario('the list, screenshots, hashes', async (t, { desk, control, window }) => {
  const { guest } = desk;
  t.match(await control.windows(), [
    { id: 1, kind: 'window', parent: null, client: 'work/test', title: '[work]', shown: null, sequence: 0 },
  ]);
  await t.rejects(control.screenshot(WINDOW), {
    code: 'conflict',
    status: 409,
    message: 'window 1 shows nothing',
  });
  await t.rejects(control.screenshot({ window: 2 }), { code: 'not-found', status: 404 });
  guest.request(window.toplevel, 'set_title', ['a title']);
  guest.request(window.surface, 'set_buffer_scale', [2]);
  desk.show(window.surface, desk.buffer(40, 20, pattern(1)));
  await guest.sync();
  t.match(await control.windows(), [
    { title: '[work] a title', width: 20, height: 10, shown: { width: 40, height: 20 }, sequence: 1 },
  ]);
  t.same((await decoded(await control.screenshot(WINDOW))).rgba, pictureOf(40, 20, pattern(1)).rgba);
  const part = await decoded(await control.screenshot(WINDOW, { x: 30, y: 10, width: 10, height: 5 }));
  t.same(part.rgba, pictureOf(10, 5, (x, y) => pattern(1)(x + 30, y + 10)).rgba);
  await t.rejects(control.screenshot(WINDOW, { x: 30, width: 11 }), { code: 'not-possible', status: 422 });
  const before = await control.hash(WINDOW);
  t.equal(await control.hash(WINDOW), before);
  desk.show(window.surface, desk.buffer(40, 20, pattern(2)));
  await guest.sync();
  t.not(await control.hash(WINDOW), before);
  const viewport = guest.make(desk.viewporter, 'get_viewport', [window.surface]);
  guest.request(viewport, 'set_destination', [100_000, 10]);
  guest.request(window.surface, 'commit');
  await guest.sync();
  const tooLarge = { code: 'not-possible', status: 422, message: /larger than pictures can be/ };
  await t.rejects(control.screenshot(WINDOW), tooLarge);
  await t.rejects(control.settled(WINDOW, { timeoutMs: 1 }), tooLarge);
  await t.rejects(
    control.record(async () => undefined, WINDOW),
    tooLarge,
  );
});

scenario('waiting: changes, quiet, a picture, the end', async (t, { desk, control, window }) => {
  const { guest } = desk;
  const waiting = control.changed(WINDOW);
  await control.windows();
  desk.show(window.surface, desk.buffer(16, 16, pattern(1)));
  t.equal(await waiting, 1);
  await control.settled(WINDOW, { quietMs: 20 });
  const elsewhere = control.changed(WINDOW, { x: 8, width: 8, height: 8 });
  await control.windows();
  guest.request(window.surface, 'damage', [0, 0, 4, 4]);
  guest.request(window.surface, 'commit');
  guest.request(window.surface, 'damage', [12, 0, 4, 4]);
  guest.request(window.surface, 'commit');
  t.equal(await elsewhere, 3, 'damage elsewhere does not count');
  const { rgba } = pictureOf(16, 16, pattern(2));
  const png = encodePng(16, 16, rgba);
  await t.rejects(control.looksLike(png, { ...WINDOW, timeoutMs: 50 }), {
    code: 'timeout',
    message: /^window 1: \d+ pixels are different/,
    diff: Uint8Array,
  });
  const looks = control.looksLike(png, WINDOW);
  await control.windows();
  desk.show(window.surface, desk.buffer(16, 16, pattern(2)));
  await looks;
  const closing = control.changed(WINDOW);
  await control.windows();
  guest.request(window.toplevel, 'destroy');
  await closing;
  t.same(await control.windows(), []);
  await t.rejects(control.hash(WINDOW), { code: 'not-found' });
});

scenario('recordings', async (t, { desk, control, window }) => {
  const { guest } = desk;
  desk.show(window.surface, desk.buffer(16, 16, pattern(1)));
  await guest.sync();
  const file = await control.record(async () => {
    const frames = async (): Promise<number> =>
      (await control.call('getRecordings')).recordings[0]?.frames ?? 0;
    while ((await frames()) < 1);
    guest.request(window.surface, 'attach', [desk.buffer(16, 16, pattern(2)), 0, 0]);
    guest.request(window.surface, 'damage_buffer', [4, 4, 2, 2]);
    guest.request(window.surface, 'commit');
    while ((await frames()) < 2);
    const { recordings } = await control.call('getRecordings');
    t.match(recordings, [{ output: null, window: 1, state: 'running' }]);
  }, WINDOW);
  const { width, height, frames } = playAnimation(Buffer.from(file));
  t.same({ width, height }, { width: 16, height: 16 });
  const [first, last] = [frames[0], frames.at(-1)];
  t.same(first?.canvas, pictureOf(16, 16, pattern(1)).rgba);
  const damaged = pictureOf(16, 16, (x, y) =>
    x >= 4 && x < 6 && y >= 4 && y < 6 ? pattern(2)(x, y) : pattern(1)(x, y),
  );
  t.same(last?.canvas, damaged.rgba, 'the part that changed');
  const both = control.call('startRecording', { body: { output: 0, window: 1 } });
  await t.rejects(both, { code: 'bad-request' });
  await t.rejects(control.call('startRecording', { body: { window: 7 } }), { code: 'not-found' });
});

scenario(
  'a guest that draws, resizes and restacks while it is looked at',
  async (t, { desk, control, window }) => {
    const { guest } = desk;
    const buffers = [8, 32, 57].map((size) => desk.buffer(size, size, pattern(size)));
    const child = desk.subsurface(window.surface);
    guest.request(child.role, 'set_desync');
    desk.show(window.surface, buffers[0] ?? 0);
    await guest.sync();
    let drawing = true;
    const drawn = (async () => {
      for (let i = 0; drawing; i++) {
        guest.request(child.role, 'set_position', [(i % 50) - 25, (i * 7) % 40]);
        desk.show(child.surface, i % 11 === 0 ? 0 : (buffers[i % 3] ?? 0));
        desk.show(window.surface, buffers[(i >> 1) % 3] ?? 0);
        for (let at = 0; at < 4096; at += 4) desk.bytes.setUint32(at, i * 0x01010101);
        await guest.sync();
      }
    })();
    let pictures = 0;
    for (let i = 0; i < 60; i++) {
      const { width, height, rgba } = await decoded(await control.screenshot(WINDOW));
      if (rgba.length === width * height * 4) pictures++;
    }
    const film = await control.record(async () => {
      await control.changed(WINDOW);
      await control.changed(WINDOW);
    }, WINDOW);
    drawing = false;
    await drawn;
    t.equal(pictures, 60);
    t.ok(playAnimation(Buffer.from(film)).frames.length > 0);
    t.notOk(guest.ended, guest.log.join());
  },
);

scenario('the viewer: windows come, change and go', async (t, { desk, window }) => {
  const { guest } = desk;
  const tokens = { control: 'c'.repeat(32), view: null };
  const place = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const server = await ViewerServer.listen({
    address: place,
    tokens,
    viewersMax: 8,
    name: 'vm',
    log: silentLogger,
  });
  const views = [new WindowViews(guest.windows)];
  server.serve({ target: targetOf(desk), screen: new Screen(), views });
  const viewer = await ViewerClient.enter({ address: server.address }, tokens.control);
  try {
    const { views: none } = await viewer.message('views');
    t.notOk(
      none.some(({ kind }) => kind === 'window'),
      'what shows nothing is not listed',
    );
    desk.show(window.surface, desk.buffer(300, 200, pattern(1)));
    const { views: listed } = await viewer.message('views', (each) => each.views.length === 2);
    t.match(listed[1], { id: 'window-1', kind: 'window', title: '[work]', width: 300, height: 200 });
    viewer.say({ type: 'watch', view: 'window-1' });
    await viewer.untilShows(pictureOf(300, 200, pattern(1)));
    guest.request(window.surface, 'attach', [desk.buffer(300, 200, pattern(2)), 0, 0]);
    guest.request(window.surface, 'damage_buffer', [290, 10, 100, 7]);
    guest.request(window.surface, 'commit');
    const inside = (x: number, y: number): boolean => x >= 290 && y >= 10 && y < 17;
    const damaged = pictureOf(300, 200, (x, y) => pattern(inside(x, y) ? 2 : 1)(x, y));
    await viewer.untilShows(damaged);
    t.pass('the damage, and nothing else');
    guest.request(window.toplevel, 'set_title', ['renamed']);
    await viewer.message('views', (each) => each.views[1]?.title === '[work] renamed');
    desk.show(window.surface, desk.buffer(40, 30, pattern(3)));
    await viewer.untilShows(pictureOf(40, 30, pattern(3)));
    const before = viewer.messages.length;
    guest.request(window.toplevel, 'destroy');
    await viewer.message(
      'views',
      (each) => viewer.messages.indexOf(each) >= before && each.views.length === 1,
    );
    t.pass('a window that is gone is not listed');
  } finally {
    viewer.close();
    server.close();
  }
});
