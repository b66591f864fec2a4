/** The control API over its socket: what it tells, waits for, records and injects, with a guest that does what we say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodePng, encodePng, type Picture } from '../../src/capture/index.js';
import type { Content, Route } from '../../src/control/api/route.js';
import { ROUTES, type RouteName } from '../../src/control/api/routes.js';
import { METRICS } from '../../src/control/metrics/table.js';
import type { BackEndOptions } from '../../src/npm/index.js';
import { ControlClient, ControlError } from '../../src/npm/index.js';
import { findMistake } from '../../src/schema/index.js';
import { VIRTIO_GPU_CMD_UPDATE_CURSOR } from '../../src/virtio-gpu/index.js';
import { playAnimation } from '../unit/apng-player.js';
import * as c from '../unit/gpu-commands.js';
import { parseMetrics } from '../unit/prometheus.js';
import { ControlGuest } from './control-guest.js';

const [RED, GREEN, BLUE] = [0xff0000, 0x00ff00, 0x0000ff];

function scenario(
  name: string,
  run: (t: Test, guest: ControlGuest) => Promise<void>,
  options?: BackEndOptions,
): void {
  t.test(name, async (t) => {
    const guest = await ControlGuest.start(options);
    try {
      await run(t, guest);
    } finally {
      guest.close();
    }
  });
}

/** 0xRRGGBB of a pixel. */
function pixel({ width, rgba }: Picture, x: number, y: number): number {
  const at = (y * width + x) * 4;
  return ((rgba[at] as number) << 16) | ((rgba[at + 1] as number) << 8) | (rgba[at + 2] as number);
}

/** A PNG of one color. */
function plain(width: number, height: number, color: number, alpha = 255): Uint8Array {
  const one = [color >> 16, (color >> 8) & 255, color & 255, alpha];
  return encodePng(
    width,
    height,
    Uint8Array.from({ length: width * height * 4 }, (_, i) => one[i % 4] as number),
  );
}

const decoded = (png: Uint8Array): Promise<Picture> => decodePng(png, 1 << 24);

scenario(
  'outputs, screenshots, hashes',
  async (t, guest) => {
    const { control } = guest.backEnd;
    t.match(await control.call('getHealth'), { apiVersion: 1, machine: true, outputsDecidedBy: 'back-end' });
    const { outputs } = await control.call('getOutputs');
    t.match(outputs, [
      { id: 0, enabled: true, width: 1280, height: 800, shown: null, sequence: 0 },
      { id: 1 },
    ]);
    await t.rejects(control.screenshot(), { name: 'ControlError', code: 'conflict', status: 409 });
    await guest.mode(64, 48, RED);
    await guest.fill(10, 20, 5, 6, GREEN);
    const whole = await decoded(await control.screenshot());
    t.match(whole, { width: 64, height: 48 });
    t.same(
      [pixel(whole, 9, 20), pixel(whole, 10, 20), pixel(whole, 14, 25), pixel(whole, 15, 25)],
      [RED, GREEN, GREEN, RED],
    );
    const part = await decoded(await control.screenshot(0, { x: 10, y: 20, width: 5, height: 6 }));
    t.same(part.rgba, (await decoded(plain(5, 6, GREEN))).rgba);
    await t.rejects(control.screenshot(0, { x: 60, width: 5 }), { code: 'not-possible', status: 422 });
    await t.rejects(control.screenshot(1), { code: 'conflict' });
    const before = await control.hash();
    t.equal(await control.hash(), before);
    await guest.fill(0, 0, 1, 1, BLUE);
    t.not(await control.hash(), before);
    t.equal(await control.hash(0, { x: 1 }), await control.hash(0, { x: 1, y: 0, width: 63, height: 48 }));
    await guest.off();
    await t.rejects(control.hash(), { code: 'conflict' });
    const shown = (await control.call('getOutputs')).outputs[0]?.shown;
    t.equal(shown, null);
  },
  { options: ['--outputs=2'] },
);

scenario('the cursor', async (t, guest) => {
  const { control } = guest.backEnd;
  await guest.mode(64, 48, RED);
  // A picture of the guest's serves as a cursor: its fourth byte is alpha, and that is 0 in ours.
  await guest.cursor(c.cursor(VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 1, x: 5, y: 6 }));
  const { outputs } = await control.call('getOutputs');
  t.match(outputs[0]?.cursor, { x: 5, y: 6, visible: true });
  const without = await decoded(await control.screenshot());
  t.equal(pixel(without, 0, 0), RED);
  const withCursor = await decoded(await control.screenshot(0, { cursor: true }));
  t.equal(withCursor.width, 64);
});

scenario('waiting: changes', async (t, guest) => {
  const { control } = guest.backEnd;
  await guest.mode(64, 48, RED);
  const elsewhere = control.changed(0, { x: 32, y: 0, timeoutMs: 100 });
  await t.rejects(elsewhere, { code: 'timeout' }, 'nothing happens');
  const [{ sequence }] = (await control.call('getOutputs')).outputs as unknown as [{ sequence: number }];
  await guest.fill(0, 0, 4, 4, BLUE);
  t.equal(await control.changed(0, { since: sequence }), sequence + 1, 'it happened before');
  const waiting = control.changed(0, { x: 32, y: 0, width: 8, height: 8 });
  await control.call('getHealth');
  await guest.fill(0, 0, 4, 4, RED);
  await guest.fill(39, 7, 4, 4, RED);
  t.equal(await waiting, sequence + 3, 'damage elsewhere does not count');
});

scenario('waiting: until it stands still', async (t, guest) => {
  const { control } = guest.backEnd;
  await t.rejects(control.settled(0, { quietMs: 1, timeoutMs: 50 }), { code: 'timeout' }, 'nothing is shown');
  const settled = control.settled(0, { quietMs: 50 });
  await guest.mode(64, 48, RED);
  await settled;
  let drawing = true;
  const drawn = (async () => {
    for (let i = 0; drawing; i++) await guest.fill(0, 0, 4, 4, i & 255);
  })();
  await t.rejects(
    control.settled(0, { quietMs: 300, timeoutMs: 400 }),
    { code: 'timeout' },
    'it always moves',
  );
  await control.settled(0, { x: 4, quietMs: 100 });
  drawing = false;
  await drawn;
  let redrawing = true;
  const redrawn = (async () => {
    while (redrawing) await guest.fill(0, 0, 4, 4, BLUE);
  })();
  await control.settled(0, { quietMs: 100 });
  redrawing = false;
  await redrawn;
  await control.settled(0, { quietMs: 20 });
});

scenario('waiting: until it looks right', async (t, guest) => {
  const { control } = guest.backEnd;
  const looks = (png: Uint8Array, options: object = {}) =>
    control.looksLike(png, { timeoutMs: 60, ...options });
  await t.rejects(looks(plain(2, 2, RED)), { code: 'timeout', diff: null }, 'nothing is shown');
  await guest.mode(64, 48, 0x203040);
  await looks(plain(64, 48, 0x203040));
  await looks(plain(8, 8, 0x203040), { x: 56, y: 40 });
  await t.rejects(looks(plain(8, 8, 0x203040), { x: 57, y: 40 }), { code: 'timeout' }, 'beyond the edge');
  await t.rejects(looks(plain(8, 8, 0x213040)), { code: 'timeout' });
  await looks(plain(8, 8, 0x223e40), { tolerance: 14 });
  await looks(plain(8, 8, RED, 0));
  await guest.fill(1, 1, 2, 3, RED);
  await looks(plain(8, 8, 0x203040), { differentMax: 6 });
  const failed = await looks(plain(8, 8, 0x203040), { differentMax: 5 }).then(
    () => null,
    (error: unknown) => error,
  );
  if (!(failed instanceof ControlError) || failed.diff === null) throw new Error('no difference');
  const diff = await decoded(failed.diff);
  t.match(diff, { width: 8, height: 8 });
  t.same([pixel(diff, 1, 1), pixel(diff, 2, 3)], [RED, RED]);
  t.not(pixel(diff, 3, 1), RED);
  const later = control.looksLike(plain(4, 4, BLUE), { x: 30, y: 30 });
  await guest.fill(30, 30, 4, 3, BLUE);
  await guest.fill(30, 33, 4, 1, BLUE);
  await later;
  await t.rejects(looks(Buffer.from('no picture')), { code: 'bad-request', status: 400 });
});

scenario('recordings: frames with their times', async (t, guest) => {
  const { control } = guest.backEnd;
  await guest.mode(64, 48, RED);
  const file = await control.record(async () => {
    for (const [i, color] of [GREEN, BLUE, GREEN].entries()) {
      const recorded = frames(guest, i + 1);
      await recorded;
      await guest.fill(10 + i, 20, 8, 4, color);
    }
    await frames(guest, 4);
  });
  const { width, height, plays, frames: played } = playAnimation(file);
  t.match({ width, height, plays }, { width: 64, height: 48, plays: 1 });
  const last = played.at(-1);
  const screen = await decoded(await control.screenshot());
  t.same(last?.canvas, screen.rgba, 'the last frame is what the guest shows');
  t.match(played[1], { x: 10, y: 20, width: 8, height: 4 }, 'a frame is the part that changed');
  t.ok(
    played.slice(0, -1).every(({ delay }) => delay >= 0.04),
    'no more than 20 frames a second',
  );
  t.same((await control.call('getRecordings')).recordings, []);
});

/** Resolves when the only recording has so many frames. */
async function frames({ backEnd: { control } }: ControlGuest, count: number): Promise<void> {
  for (;;) {
    const [recording] = (await control.call('getRecordings')).recordings;
    if ((recording?.frames ?? 0) >= count) return;
  }
}

scenario('recordings: modes, screens that are off, limits', async (t, guest) => {
  const { control } = guest.backEnd;
  const file = await control.record(async () => {
    await guest.mode(32, 48, RED);
    await frames(guest, 1);
    await guest.mode(64, 16, BLUE);
    await frames(guest, 2);
    await guest.off();
    await frames(guest, 3);
  });
  const { width, height, frames: played } = playAnimation(file);
  t.match({ width, height }, { width: 64, height: 48 });
  const colors = played.map(({ canvas }) => [
    pixel({ width, height, rgba: canvas }, 0, 0),
    pixel({ width, height, rgba: canvas }, 63, 40),
  ]);
  t.same(colors, [
    [RED, 0],
    [BLUE, 0],
    [0, 0],
  ]);
  const start = () => control.call('startRecording', { body: { output: 0 } });
  const { id: recording } = await start();
  await t.rejects(control.call('getRecordingFile', { params: { recording } }), {
    code: 'conflict',
    status: 409,
  });
  t.match(await control.call('stopRecording', { params: { recording } }), { state: 'stopped', frames: 0 });
  t.equal(playAnimation(await control.call('getRecordingFile', { params: { recording } })).frames.length, 0);
  for (let i = 0; i < 3; i++) await start();
  await t.rejects(start(), { code: 'too-many', status: 429 });
  for (const { id } of (await control.call('getRecordings')).recordings) {
    await control.call('deleteRecording', { params: { recording: id } });
  }
  await t.rejects(control.call('deleteRecording', { params: { recording } }), {
    code: 'not-found',
    status: 404,
  });
});

scenario('keys and text', async (t, guest) => {
  const { control } = guest.backEnd;
  await t.rejects(control.press('KEY_A'), { code: 'conflict', message: /does not use/ });
  await t.rejects(control.inputReady('keyboard', { timeoutMs: 30 }), { code: 'timeout' });
  await t.rejects(control.inputReady('mouse'), { code: 'conflict', message: /--mouse-socket/ });
  const ready = control.inputReady('keyboard');
  const keyboard = await guest.plug('keyboard');
  await ready;
  await control.press('KEY_LEFTCTRL', 'KEY_C');
  t.same(await keyboard.take(4), ['1 29 1', '1 46 1', '1 46 0', '1 29 0']);
  await control.call('sendKeys', { body: { keys: ['KEY_A', 'KEY_B'], action: 'press' } });
  t.same(await keyboard.take(2), ['1 30 1', '1 48 1']);
  await control.call('releaseInput');
  t.same((await keyboard.take(2)).sort(), ['1 30 0', '1 48 0']);
  await control.type('aB \n');
  const shift = (pressed: number) => `1 42 ${pressed}`;
  t.same(await keyboard.take(10), [
    ...['1 30 1', '1 30 0'],
    ...[shift(1), '1 48 1', '1 48 0', shift(0)],
    ...['1 57 1', '1 57 0', '1 28 1', '1 28 0'],
  ]);
  // Far more than may wait in the device: nothing is lost, and texts do not mix.
  await Promise.all([control.type('x'.repeat(400)), control.type('y'.repeat(400))]);
  const typed = await keyboard.take(1600);
  t.same(new Set(typed.slice(0, 800)), new Set(['1 45 1', '1 45 0']));
  t.same(new Set(typed.slice(800)), new Set(['1 21 1', '1 21 0']));
  await t.rejects(control.press('KEY_NONE'), { status: 400, message: /KEY_NONE/ });
  await t.rejects(control.type('naïve'), { status: 400, message: /ï/ });
  t.same(keyboard.events, []);
});

scenario(
  'pointer and touch',
  async (t, guest) => {
    const { control } = guest.backEnd;
    await guest.mode(100, 50, RED);
    await t.rejects(control.moveTo(1, 1), { code: 'conflict' });
    const tablet = await guest.plug('tablet');
    await control.click(50, 25);
    // An output of 1280 x 800 has half of that where a mode of 100 x 50 has it.
    t.same(await tablet.take(4), ['3 0 16384', '3 1 16384', '1 272 1', '1 272 0']);
    await control.call('sendPointer', { body: { scrollVertical: -1 } });
    t.same(await tablet.take(2), ['2 8 -1', '2 11 -120']);
    await t.rejects(control.moveTo(101, 1), { code: 'not-possible', status: 422 });
    await t.rejects(control.call('sendPointer', { body: { x: 1 } }), { code: 'bad-request', status: 400 });
    await t.rejects(control.call('sendPointer', { body: { x: 1, y: 1, dx: 1 } }), {
      code: 'bad-request',
      status: 400,
    });
    await t.rejects(control.call('sendPointer', { body: { dx: 1 } }), {
      code: 'conflict',
      message: /--mouse-socket/,
    });
    const touch = await guest.plug('touch');
    const fingers = (...list: { finger: number; x?: number; y?: number }[]) =>
      control.call('sendTouch', { body: { fingers: list } });
    await fingers({ finger: 3, x: 0, y: 0 }, { finger: 4, x: 100, y: 50 });
    t.same(await touch.take(9), [
      '3 47 0',
      '3 57 0',
      '3 53 0',
      '3 54 0',
      '3 47 1',
      '3 57 1',
      '3 53 32767',
      '3 54 32767',
      '1 330 1',
    ]);
    await fingers({ finger: 3 }, { finger: 4 });
    t.match((await touch.take(5)).sort(), ['1 330 0', '3 47 0', '3 47 1', '3 57 -1', '3 57 -1']);
  },
  { inputs: ['keyboard', 'tablet', 'touch'] },
);

scenario('a guest that takes nothing', async (t, guest) => {
  const { control } = guest.backEnd;
  await guest.plug('keyboard', 0);
  await t.rejects(control.type('x'.repeat(100)), { code: 'guest-busy', status: 503 });
});

scenario('monitors', async (t, guest) => {
  const { control } = guest.backEnd;
  const patch = (output: number, body: object) => control.call('patchOutput', { params: { output }, body });
  t.same(await patch(0, { width: 1024, height: 768 }), { told: true });
  t.same(await patch(0, { width: 1024 }), { told: false }, 'nothing is different');
  t.match((await control.call('getOutputs')).outputs[0], { width: 1024, height: 768, enabled: true });
  t.same(await patch(0, { enabled: false }), { told: true });
  t.match((await control.call('getOutputs')).outputs[0], { width: 0, enabled: false });
  await t.rejects(patch(1, { enabled: true }), { code: 'not-found', status: 404 });
  await t.rejects(patch(0, { width: 0 }), { code: 'bad-request', status: 400 });
});

scenario('metrics: every counter, in the format', async (t, guest) => {
  await guest.mode(8, 8, RED);
  await guest.plug('keyboard');
  const families = parseMetrics(await guest.backEnd.control.metrics());
  for (const [name, { type, help }] of families) {
    t.ok(help.length > 10 && name.startsWith('vhost_user_gpu_'), name);
    t.equal(type === 'counter', name.endsWith('_total'), name);
  }
  const value = (name: string, labels = '') => families.get(`vhost_user_gpu_${name}`)?.samples.get(labels);
  t.equal(value('transfer_bytes_total'), 8 * 8 * 4);
  t.equal(value('machine_attached'), 1);
  t.equal(value('guest_faults_total', '{kind="out-of-memory"}'), 0);
  t.equal(value('input_live', '{device="keyboard"}'), 1);
  t.ok((value('cpu_seconds_total') ?? 0) > 0);
  const names = METRICS.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, 'no name twice');
});

scenario('a policy can be replaced only where there is one', async (t, guest) => {
  const { control } = guest.backEnd;
  await t.rejects(control.call('putPolicy', { body: {} }), { status: 422, message: /--wayland/ });
  t.same(await control.call('getWindows'), { windows: [] });
});

t.test('a policy is replaced, within what can be', async (t) => {
  const guest = await ControlGuest.start({ options: ['--wayland', '--log-level=silent', '--border=auto'] });
  try {
    const put = (body: object) =>
      guest.backEnd.control.call('putPolicy', { body: body as Record<string, never> });
    await put({ clipboard: { direction: 'none' } });
    await t.rejects(put({ clipboard: { direction: 'sideways' } }), {
      status: 422,
      message: /clipboard\.direction/,
    });
    await t.rejects(put({ clipbored: {} }), { status: 422, message: /clipbored/ });
    await t.rejects(put({ ask: { command: ['/bin/true'] } }), { status: 422, message: /ask is fixed/ });
    await t.rejects(put({ securityContext: 'off' }), { status: 422, message: /securityContext is fixed/ });
  } finally {
    guest.close();
  }
});

t.test('a connection that was idle for so long that it is closed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'control-'));
  const path = join(folder, 'socket');
  let requests = 0;
  const server = createServer((message, response) => {
    requests += 1;
    if (requests === 2) message.socket.destroy();
    else response.end(JSON.stringify({ windows: [] }));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const control = new ControlClient(path);
  try {
    for (let i = 0; i < 2; i++) t.same(await control.call('getWindows'), { windows: [] });
    t.equal(requests, 3, 'it was asked again');
  } finally {
    control.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
});

scenario('every answer is what the description says', async (t, guest) => {
  await guest.mode(8, 8, RED);
  await guest.plug('keyboard');
  await guest.plug('tablet');
  const bodies: Partial<Record<RouteName, unknown>> = {
    patchOutput: { width: 800, height: 600 },
    waitForMatch: plain(8, 8, BLUE),
    waitForWindowMatch: plain(8, 8, BLUE),
    startRecording: { output: 0 },
    sendKeys: { keys: ['KEY_A'] },
    sendText: { text: 'a' },
    sendPointer: { x: 1, y: 1 },
    sendTouch: { fingers: [{ finger: 1 }] },
    putPolicy: {},
  };
  const order = Object.keys(ROUTES) as RouteName[];
  for (const name of order) {
    const route: Route = ROUTES[name];
    const answer = await exchange(guest, route, bodies[name]);
    const refused = answer.status >= 400;
    const isOfWindow = route.path.includes('{window}');
    t.equal(refused, isOfWindow || ['putPolicy', 'sendTouch'].includes(name), name);
    const content: Content = refused ? { kind: 'none' } : route.answer;
    t.equal(content.kind !== 'none' || refused, answer.body.length > 0, `${name}: a body or none`);
    if (content.kind === 'json') {
      t.equal(findMistake(content.schema, JSON.parse(answer.body.toString()), name), null);
    }
    if (content.kind !== 'none') {
      t.equal(answer.type, content.kind === 'json' ? 'application/json' : content.mediaType, name);
    }
  }
});

/** Sends a request as it is, with the first recording and output in its path. */
function exchange(
  { backEnd: { control } }: ControlGuest,
  route: Route,
  body: unknown,
): Promise<{ status: number; type: string; body: Buffer }> {
  const path = route.path
    .replace('{output}', '0')
    .replace('{window}', '1')
    .replace('{device}', 'tablet')
    .replace('{recording}', '1');
  const query = 'timeoutMs' in route.query ? '?timeoutMs=1' : '';
  const type = route.body.kind === 'bytes' ? route.body.mediaType : 'application/json';
  return new Promise((resolve, reject) => {
    const options = { socketPath: control.socketPath, method: route.method, path: path + query };
    const sent = request({ ...options, headers: { 'Content-Type': type } }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(pieces),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body instanceof Uint8Array ? body : body === undefined ? undefined : JSON.stringify(body));
  });
}
