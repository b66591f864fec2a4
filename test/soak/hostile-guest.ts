/**
 * A guest that has it in for its back-end, as a process of its own: one attack after the other, over real sockets. It
 * starts when its parent sends it how often each attack is made (0 = until it is told to rest), and says when it rests.
 *
 *     node hostile-guest.js GPU-SOCKET WAYLAND-SOCKET SEED
 */
import {
  FrontEndClient,
  type FrontEndQueue,
  FrontEndRequest,
  MessageHeader,
  type SharedMemoryMapping,
} from 'vhost-user-ts';
import { Random } from '../../fuzz/core/random.js';
import { MEMORY_BASE } from '../../fuzz/gpu/machine.js';
import { makeCursorRequest, makeRequest } from '../../fuzz/gpu/requests.js';
import { MortalCompositor } from '../protocol/mortal-compositor.js';
import * as c from '../unit/gpu-commands.js';
import { FakeQemu } from '../unit/gpu-socket-fixture.js';

/** What the parent says: how often each attack is made. */
export interface Orders {
  readonly rounds: number;
}

/** What is said to the parent: attacks so far, and commands that were sent. */
export interface Deeds {
  readonly attacks: number;
  readonly commands: number;
}

const MEMORY_BYTES = 16 * 2 ** 20;
const RESPONSE_BYTES = 1100;
const GET_DISPLAY_INFO = 0x100;
const WIDE = 4096;
const HIGH = 2160;
const UPDATE_CURSOR = 0x300;

const [gpuPath = '', waylandPath = '', seed = '1'] = process.argv.slice(2);
const random = new Random(Number(seed));
let attacks = 0;
let commands = 0;
let order = 0;

async function connect(display: FakeQemu | null = null): Promise<FrontEndClient> {
  const client = FrontEndClient.connect({
    path: gpuPath,
    memory: { bytes: MEMORY_BYTES, guestAddress: MEMORY_BASE },
    // The window is granted and used by nobody, or refused.
    handlers: { mapShared: async (_: SharedMemoryMapping) => !random.oneIn(4) },
  });
  await client.negotiate();
  if (display !== null) {
    const message = { request: FrontEndRequest.GPU_SET_SOCKET, flags: 1, size: 0 };
    client.sendRaw(MessageHeader.encode(message), [display.far.fd]);
    display.far.close();
  }
  await client.shareMemory();
  return client;
}

/** Keeps a ring full until `count` requests were sent. What is held for ever stays in it: it may be full before. */
async function flood(
  queue: FrontEndQueue,
  count: number,
  make: (index: number) => Uint8Array,
): Promise<void> {
  const room = queue.index === 0 ? RESPONSE_BYTES : 0;
  for (let sent = 0; sent < count; ) {
    let added = 0;
    while (sent + added < count && queue.submit(make(sent + added), room, () => undefined) >= 0) added++;
    queue.kick();
    sent += added;
    commands += added;
    if (sent < count && (await answered(queue)) === 'full') return;
  }
}

/** Something came back; or the last thing did, and all that is left is held. */
function answered(queue: FrontEndQueue): Promise<'some' | 'full'> {
  const call = queue.waitForCall().then(() => 'some' as const);
  call.catch(() => undefined);
  return Promise.race([call, later(HELD_MS).then(() => 'full' as const)]);
}

/** A ring from which nothing came for that long has only chains that wait for something. */
const HELD_MS = 200;

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Commands with numbers as no driver sends them, on both queues. */
async function sendNonsense(client: FrontEndClient): Promise<void> {
  const control = await client.startQueue(0);
  const cursor = await client.startQueue(1, { size: 64 });
  const aboutContexts = random.oneIn(2);
  await Promise.all([
    flood(control, 2000, () => makeRequest(random, aboutContexts)),
    flood(cursor, 500, () => makeCursorRequest(random)),
  ]);
}

/** As many small commands as the back-end takes. */
async function sendMany(client: FrontEndClient): Promise<void> {
  const control = await client.startQueue(0);
  const request = random.oneIn(2) ? c.header(GET_DISPLAY_INFO) : Uint8Array.of(1, 2, 3);
  await flood(control, 10_000, () => request);
}

/** Copies as large as a resource can be, of pages that are all the same. */
async function sendLarge(client: FrontEndClient): Promise<void> {
  const control = await client.startQueue(0);
  const piece = 2 ** 20;
  const pages = Array.from({ length: (WIDE * HIGH * 4) / piece + 1 }, () => [MEMORY_BASE, piece] as const);
  await control.request(c.create2d(1, WIDE, HIGH), RESPONSE_BYTES);
  await control.request(c.attach(1, pages), RESPONSE_BYTES);
  await control.request(c.setScanout(0, 1, c.rect(WIDE, HIGH)), RESPONSE_BYTES);
  await flood(control, 40, () => c.transfer(1, c.rect(WIDE, HIGH)));
}

/** Cursors, one after the other. */
async function sendCursors(client: FrontEndClient): Promise<void> {
  const control = await client.startQueue(0);
  const cursor = await client.startQueue(1, { size: 64 });
  await control.request(c.create2d(2, 64, 64, 1), RESPONSE_BYTES);
  await control.request(c.attach(2, [[MEMORY_BASE, 64 * 64 * 4]]), RESPONSE_BYTES);
  await flood(cursor, 4000, (i) => c.cursor(UPDATE_CURSOR, { resourceId: i % 3 }));
}

/** Somebody writes to the rings while they are served. */
async function scribble(client: FrontEndClient): Promise<void> {
  const control = await client.startQueue(0);
  const words = new Uint32Array(client.memory.buffer, 0, MEMORY_BYTES / 4);
  const start = (control.driver.descAddress - MEMORY_BASE) / 4;
  const end = (control.driver.usedAddress - MEMORY_BASE) / 4 + 512;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 16; i++) control.submit(makeRequest(random, false), RESPONSE_BYTES, () => undefined);
    control.kick();
    for (let i = 0; i < 50; i++) words[random.between(start, end)] = random.interesting();
    control.kickFd.signal();
    await later(1);
    if (control.broken !== null) return;
  }
}

/** Messages that no front-end sends. */
async function babble(client: FrontEndClient): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const size = random.below(64);
    const payload = Uint8Array.from({ length: size }, () => random.below(256));
    const request = random.oneIn(4) ? random.interesting() : random.below(50);
    const said = {
      request,
      flags: random.oneIn(4) ? random.below(16) : 1,
      size: random.oneIn(8) ? 5000 : size,
    };
    client.sendRaw(Buffer.concat([MessageHeader.encode(said), payload]));
    await later(0);
  }
}

/** It leaves in the middle of what it asked for. */
async function leave(client: FrontEndClient): Promise<void> {
  const control = await client.startQueue(0);
  const pages = [[MEMORY_BASE, 2 ** 20]] as const;
  for (const request of [c.create2d(1, 512, 512), c.attach(1, pages), c.setScanout(0, 1, c.rect(512, 512))]) {
    control.submit(request, RESPONSE_BYTES, () => undefined);
  }
  for (let i = 0; i < 50; i++)
    control.submit(c.transfer(1, c.rect(512, 512)), RESPONSE_BYTES, () => undefined);
  control.kick();
}

const ATTACKS = [sendNonsense, sendMany, sendLarge, sendCursors, scribble, babble, leave];

/** One attack by a new machine; the display of some does not read what it is sent. */
async function attack(how: (client: FrontEndClient) => Promise<void>): Promise<void> {
  const display = random.oneIn(2) ? new FakeQemu({ reading: random.oneIn(2) }) : null;
  try {
    const client = await connect(display);
    // The back-end ends connections that make no sense, in the middle of anything.
    await Promise.race([how(client).catch(() => undefined), client.closed]);
    client.close();
  } catch {
    // It was ended before it began.
  }
  if (display !== null) {
    display.socket.close();
    display.messages.length = 0;
  }
  attacks++;
}

async function obey({ rounds }: Orders): Promise<void> {
  const mine = ++order;
  for (let round = 0; rounds === 0 || round < rounds; round++) {
    for (const each of ATTACKS) {
      if (order !== mine) return;
      await attack(each);
    }
  }
}

function rest(): void {
  process.send?.({ attacks, commands } satisfies Deeds);
}

const compositor = new MortalCompositor(waylandPath);
process.on('message', (said: Orders | 'rest' | 'leave') => {
  if (said === 'leave') {
    compositor.kill();
    process.disconnect();
    process.exit(0);
  }
  if (said === 'rest') order++;
  else void obey(said).then(rest);
});
process.send?.({ attacks, commands } satisfies Deeds);
