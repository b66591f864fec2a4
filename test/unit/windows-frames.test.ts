/** Windows against a compositor that does as it is told: pace, buffers, feedback, bad frames, reconnection. */
import t from 'tap';
import { WindowSystem } from '../../src/wayland/index.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';
import { later, POOL_BYTES, WindowScene } from './windows-support.js';

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

const FRAME_BYTES = 64 * 48 * 4;

t.test('a window appears with its first frame, in the size of the guest', async (t) => {
  const scene = new WindowScene({ window: { title: 'My\0 VM' } });
  const { content, window } = scene;
  await until(() => scene.system.display !== null, 'a connection');
  await scene.settle();
  const { shown } = scene;
  t.equal(shown.surface.commits, 1, 'only the commit that asks for a configure');
  t.same(content.whole, [true], 'asked once when the compositor was ready');
  t.notOk(window.visible);
  content.next = content.frame('a', { poolOffset: 4096, damage: [{ x: 1, y: 2, width: 3, height: 4 }] });
  window.damaged();
  window.damaged();
  await until(() => shown.surface.buffer !== null, 'a picture');
  await scene.settle();
  t.same(content.whole, [true, true]);
  t.same(shown.surface.buffer?.place, [4096, 64, 48, 256, 1], 'the pool itself');
  t.same(shown.surface.damage, [[0, 0, 64, 48]], 'the first frame is new everywhere');
  t.same(shown.geometry, [0, 0, 64, 48]);
  t.same(shown.surface.destination, [64, 48]);
  t.equal(shown.title, 'My VM');
  t.equal(shown.appId, 'windows.test');
  t.same(shown.acked, [101]);
  t.same(scene.sizes, [], 'the guest keeps its size');
  t.equal(scene.desktop.stub.all('create_pool').length, 1);
  t.match(scene.desktop.stub.all('set_mode')[0]?.values, [2], 'server-side decorations are asked for');
  shown.surface.done();
  await until(() => window.visible, 'visible');
  scene.close();
  t.same(content.events, ['take a', 'shown a', 'released a'], 'nothing stays held after the end');
});

t.test('one commit for each frame callback, with what is newest then', async (t) => {
  const scene = new WindowScene();
  const { content, window } = scene;
  const { surface } = await scene.open();
  t.same(surface.damage, [[0, 0, 64, 48]]);
  const damage = [{ x: 8, y: 8, width: 16, height: 4 }];
  await scene.show('a', { poolOffset: FRAME_BYTES, damage });
  t.same(surface.damage, [[8, 8, 16, 4]], 'buffer damage');
  const { commits } = surface;
  const asked = content.whole.length;
  surface.release();
  for (const name of ['b', 'c', 'd']) {
    content.next = content.frame(name, { damage });
    window.damaged();
    await scene.settle();
  }
  t.equal(surface.commits, commits, 'nothing without a callback');
  t.equal(content.whole.length, asked, 'and nothing is asked for');
  surface.done();
  await until(() => surface.commits === commits + 1, 'the next commit');
  t.equal(content.whole.at(-1), false, 'what changed is enough');
  t.equal(content.events.at(-1), 'take d');
  surface.release();
  surface.done();
  await scene.settle();
  t.equal(surface.commits, commits + 1, 'nothing without damage');
  t.equal(content.whole.length, asked + 1);
  scene.close();
});

t.test('no more than two frames in the hands of the compositor', async (t) => {
  const scene = new WindowScene();
  const { content, window } = scene;
  const { surface } = await scene.open();
  await scene.show('a', { poolOffset: FRAME_BYTES });
  surface.done();
  content.next = content.frame('b', { poolOffset: 2 * FRAME_BYTES });
  window.damaged();
  await scene.settle();
  t.equal(content.next?.name, 'b', 'not asked for while two are held');
  t.equal(window.metrics.held, 2);
  surface.release();
  await until(() => surface.buffer?.place[0] === 2 * FRAME_BYTES, 'the third');
  t.equal(content.count('released first'), 1);
  t.equal(content.count('released a'), 0);
  t.equal(window.metrics.heldMax, 2);
  scene.close();
  for (const name of ['first', 'a', 'b'])
    t.equal(content.count(`released ${name}`), 1, `${name} exactly once`);
});

t.test('buffers are reused; the idle ones are bounded', async (t) => {
  const scene = new WindowScene();
  const { surface } = await scene.open();
  const { stub } = scene.desktop;
  for (let round = 0; round < 3; round++) {
    for (const place of [1, 0]) {
      await scene.show('again', { poolOffset: place * FRAME_BYTES });
      surface.release();
      surface.done();
      await scene.settle();
    }
  }
  t.equal(stub.all('create_buffer').length, 2);
  for (let place = 0; place < 60; place++) {
    await scene.show('other', { poolOffset: place * FRAME_BYTES });
    surface.release();
    surface.done();
    await scene.settle();
  }
  t.ok(stub.living('wl_buffer').length <= 34, `${stub.living('wl_buffer').length} buffers`);
  t.ok(surface.buffer?.object.alive, 'the one on the screen is kept');
  t.ok((scene.system.display?.objectCount ?? 999) < 100, 'and ids are reused');
  scene.close();
});

t.test(
  'a buffer that comes again while it is held: releases that are about the past do not count',
  async (t) => {
    const scene = new WindowScene();
    const { content } = scene;
    const { surface } = await scene.open();
    // The compositor sends its release before it has seen the second commit: here nothing runs in between.
    content.next = content.frame('second');
    scene.window.damaged();
    surface.release();
    await until(() => surface.commits === 3, 'the second commit');
    await scene.settle();
    t.equal(content.count('released first'), 1);
    t.equal(content.count('released second'), 0, 'the release was for the first commit');
    surface.done();
    await scene.show('third');
    t.equal(content.count('released second'), 1, 'its pixels are held by the third');
    t.equal(scene.window.metrics.held, 1);
    await scene.settle();
    surface.release();
    await until(() => content.count('released third') === 1, 'the release');
    t.equal(scene.desktop.stub.all('create_buffer').length, 1);
    surface.done();
    await scene.show('fourth');
    scene.close();
    t.equal(content.count('released fourth'), 1);
    t.equal(content.events.filter((event) => event.startsWith('released')).length, 4);
  },
);

t.test('presentation feedback, the frame callback without it, and windows that nobody sees', async (t) => {
  const scene = new WindowScene();
  const { content } = scene;
  const shown = await scene.open();
  const { surface } = shown;
  t.same(content.infos, [{ timeNs: 5_000_000_007n, refreshNs: 16_666_666, flags: 1 }]);
  await scene.show('a', { poolOffset: FRAME_BYTES });
  surface.discard();
  surface.done();
  await until(() => content.count('dropped a') === 1, 'discarded');
  surface.release();
  await scene.show('b');
  await later(() => content.count('dropped b') === 1, 'a frame that is never shown');
  t.notOk(scene.window.visible, 'no callback came');
  surface.done();
  await until(() => scene.window.visible, 'visible again');
  surface.release();
  await scene.show('c', { poolOffset: FRAME_BYTES });
  const SUSPENDED = 9;
  shown.configure(0, 0, [SUSPENDED]);
  await until(() => content.count('dropped c') === 1, 'suspended');
  t.notOk(scene.window.visible);
  surface.presented();
  shown.configure(0, 0);
  await until(() => scene.window.visible, 'back');
  t.equal(content.count('shown c'), 0, 'told once');
  scene.close();

  const plain = new WindowScene({
    globals: [
      ['wl_compositor', 4],
      ['wl_shm', 1],
      ['xdg_wm_base', 1],
    ],
  });
  plain.content.next = plain.content.frame('a');
  await until(
    () => plain.desktops.length > 0 && plain.desktop.windows[0]?.surface.buffer != null,
    'a window',
  );
  plain.shown.surface.done(1234);
  await until(() => plain.content.infos.length === 1, 'shown');
  t.same(plain.content.infos, [{ timeNs: 1_234_000_000n, refreshNs: 0, flags: 0 }]);
  plain.close();
});

t.test('a compositor that calls back but never tells of a presentation', async (t) => {
  const scene = new WindowScene();
  const { content } = scene;
  const { surface } = await scene.open();
  const callBack = (): void => {
    surface.release();
    surface.done(77);
  };
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    await scene.show(name, { poolOffset: (index % 2) * FRAME_BYTES });
    callBack();
    await scene.settle();
    surface.discard();
    await until(() => content.count(`shown ${name}`) === 1, `${name} to be shown, by the callback`);
  }
  t.equal(scene.desktop.stub.all('feedback').length, 3, 'not asked any more after two of them');
  t.equal(scene.window.metrics.framesShown, 4);
  t.equal(content.infos.at(-1)?.timeNs, 77_000_000n);
  scene.close();
});

t.test('frames that the compositor would end the connection for are refused', async (t) => {
  const scene = new WindowScene({ formats: [0, 1, 0x34324241] });
  const { content, window } = scene;
  const { surface } = await scene.open();
  t.ok(scene.system.supportsFormat(0x34324241));
  t.notOk(scene.system.supportsFormat(0x34325241));
  const bad = [
    { poolOffset: POOL_BYTES - FRAME_BYTES + 1 },
    { poolOffset: -4 },
    { poolOffset: 0.5 },
    { strideBytes: 63 },
    { strideBytes: 2 ** 32 },
    { width: 0 },
    { width: -1 },
    { height: 2 ** 31 },
    { height: Number.NaN },
    { format: 0x34325241 },
  ];
  for (const [index, options] of bad.entries()) {
    const name = `bad ${index}`;
    content.next = content.frame(name, options);
    window.damaged();
    await until(() => content.count(`released ${name}`) === 1, `${name} to be refused`);
    t.equal(content.count(`dropped ${name}`), 1);
  }
  t.equal(window.metrics.framesRefused, bad.length);
  await scene.show('good', { poolOffset: POOL_BYTES - FRAME_BYTES, format: 0x34324241 });
  t.equal(surface.buffer?.place[0], POOL_BYTES - FRAME_BYTES, 'the last bytes of the pool');
  scene.close();
});

t.test('damage is clipped to the buffer; much of it is all of it', async (t) => {
  const scene = new WindowScene();
  const { surface } = await scene.open();
  await scene.show('a', {
    poolOffset: FRAME_BYTES,
    damage: [
      { x: -5, y: -5, width: 10, height: 10 },
      { x: 60, y: 40, width: 1e9, height: 1e9 },
      { x: 64, y: 0, width: 5, height: 5 },
    ],
  });
  t.same(surface.damage, [
    [0, 0, 5, 5],
    [60, 40, 4, 8],
  ]);
  surface.release();
  surface.done();
  const many = Array.from({ length: 65 }, (_, x) => ({ x: x % 64, y: 0, width: 1, height: 1 }));
  await scene.show('b', { damage: many });
  t.same(surface.damage, [[0, 0, 64, 48]]);
  surface.release();
  surface.done();
  await scene.show('c', { poolOffset: FRAME_BYTES, width: 32, height: 32, damage: many.slice(0, 1) });
  t.same(surface.damage, [[0, 0, 32, 32]], 'another size is another picture');
  scene.close();
});

t.test('a compositor that goes away: all is released, and the windows come back', async (t) => {
  const scene = new WindowScene();
  const { content, window } = scene;
  await scene.open();
  await scene.show('a', { poolOffset: FRAME_BYTES });
  window.setTitle('renamed');
  scene.desktop.stub.close();
  await until(() => scene.states.at(-1) === null, 'the end');
  t.same(content.events.slice(-3), ['dropped a', 'released first', 'released a']);
  t.equal(window.metrics.held, 0);
  t.notOk(window.visible);
  content.next = content.frame('b');
  window.damaged();
  await until(() => scene.desktops.length === 2 && scene.desktop.windows.length === 1, 'a second connection');
  await until(() => scene.shown.surface.buffer !== null, 'the picture');
  t.equal(content.whole.at(-1), true, 'the whole picture is asked for');
  t.equal(scene.shown.title, 'renamed');
  t.equal(scene.system.connections, 2);
  scene.desktop.stub.fail(scene.shown.surface.object, 3, 'because');
  await later(() => scene.desktops.length === 3, 'again after a protocol error');
  t.match(scene.logged.join('\n'), /wl_surface .*error 3 .*: because/);
  window.destroy();
  await later(() => scene.system.display !== null, 'a third connection');
  await scene.settle();
  t.equal(scene.desktop.windows.length, 0, 'a window that was destroyed stays away');
  scene.close();
});

t.test('no compositor, or one that lacks something: it is tried again, patiently', async (t) => {
  const scene = new WindowScene({ globals: [['wl_compositor', 4]] });
  await later(() => scene.desktops.length === 2, 'a second attempt');
  t.match(scene.logged, [/no compositor: the compositor has no wl_shm; trying again/]);
  t.equal(scene.system.display, null);
  scene.available = false;
  const { attempts } = scene;
  await later(() => scene.attempts >= attempts + 2, 'two more attempts');
  t.equal(scene.logged.length, 2, 'said once for each reason');
  t.same(scene.content.whole, []);
  scene.close();
  t.throws(() => scene.system.createWindow({} as never), { code: 'WL_ERR_CLOSED' });
  const tooLarge = { connect: () => t.fail('connects'), pool: { fd: 0, bytes: 2 ** 31 }, appId: '', log: {} };
  t.throws(() => new WindowSystem(tooLarge as never), RangeError);
});

t.test('a global that can not be', async (t) => {
  const scene = new WindowScene();
  await scene.open();
  scene.desktop.stub.addGlobal('wl_seat', 0);
  await later(() => scene.desktops.length === 2, 'another connection');
  t.match(scene.logged.join('\n'), /version 0 of wl_seat/);
  scene.close();
});

t.test('a compositor that does not read gets no frames', async (t) => {
  const scene = new WindowScene();
  const { content, window } = scene;
  const { surface } = await scene.open();
  const { stub } = scene.desktop;
  stub.connection.pause();
  // Requests pile up: titles, here.
  while (scene.system.display?.congested === false) window.setTitle('x'.repeat(500));
  surface.done();
  const asked = content.whole.length;
  content.next = content.frame('late', { poolOffset: FRAME_BYTES });
  window.damaged();
  await until(() => true);
  t.equal(content.whole.length, asked);
  stub.connection.resume();
  await until(() => surface.buffer?.place[0] === FRAME_BYTES, 'the frame, once it reads again');
  scene.close();
});

t.test('content that destroys its window from within a call', async (t) => {
  const scene = new WindowScene();
  const { content, window } = scene;
  const { surface } = await scene.open();
  const commits = surface.commits;
  content.onTake = () => window.destroy();
  content.next = content.frame('a');
  window.damaged();
  await until(() => content.count('released a') === 1, 'released');
  await scene.settle();
  t.equal(surface.commits, commits);
  t.notOk(surface.object.alive);
  t.equal(scene.desktop.windows.length, 0);
  t.equal(content.count('released first'), 1);
  window.damaged();
  window.setTitle('x');
  window.setFullscreen(true);
  window.destroy();
  scene.close();
});

t.test(
  'a compositor that never frees an id: the connection ends when there are too many, nothing else',
  async (t) => {
    const scene = new WindowScene({ objectsMax: 60 });
    const { content, window } = scene;
    const { surface } = await scene.open();
    scene.desktop.stub.keepsIds = true;
    for (let frames = 0; scene.system.display !== null; frames++) {
      const { commits } = surface;
      content.next = content.frame(`f${frames}`, { poolOffset: (frames % 2) * FRAME_BYTES });
      window.damaged();
      await until(() => surface.commits > commits || scene.system.display === null, 'a commit, or the end');
      if (scene.system.display === null) break;
      surface.release();
      surface.done();
    }
    t.match(scene.logged.join('\n'), /more than 60 objects/);
    scene.close();
    const taken = content.events.filter((event) => event.startsWith('take'));
    for (const event of taken) {
      const name = event.slice('take '.length);
      t.equal(content.count(`released ${name}`), 1, `${name} was released once`);
    }
  },
);
