/** FrontEndClient and BackEndServer against each other, over a real socket and real memory. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { closeFd, createMemfd, dupFd } from 'vhost-user-native';
import {
  BackEndServer,
  type DescriptorChain,
  Feature,
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  type FrontEnd,
  FrontEndClient,
  type FrontEndClientOptions,
  FrontEndMemory,
  type FrontEndQueue,
  ProtocolFeature,
  type VhostUserDevice,
  type Virtqueue,
} from 'vhost-user-ts';

const PACKED = FRONT_END_FEATURES | (1n << BigInt(Feature.RING_PACKED));
const NO_SLOTS = FRONT_END_PROTOCOL_FEATURES & ~(1n << BigInt(ProtocolFeature.CONFIGURE_MEM_SLOTS));
const NO_EVENT_IDX = FRONT_END_FEATURES & ~(1n << BigInt(Feature.RING_EVENT_IDX));

/** Answers with the request, each byte plus one. A first byte of 255 makes it hold the chain. */
class PlusOne implements VhostUserDevice {
  readonly queueCount = 2;
  readonly features = 0n;
  readonly configLength = 8;
  readonly config = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  readonly held: [Virtqueue, DescriptorChain][] = [];
  frontEnd: FrontEnd | null = null;
  private readonly buffer = new Uint8Array(4096);

  attach(frontEnd: FrontEnd): void {
    this.frontEnd = frontEnd;
  }

  handleChain(queue: Virtqueue, chain: DescriptorChain): void {
    const length = chain.read(this.buffer, 0, this.buffer.length);
    if (this.buffer[0] === 255) this.held.push([queue, chain]);
    else this.answer(queue, chain, length);
  }

  answer(queue: Virtqueue, chain: DescriptorChain, length: number): void {
    for (let i = 0; i < length; i++) this.buffer[i] = (this.buffer[i] as number) + 1;
    queue.push(chain, chain.write(this.buffer, 0, length));
  }

  readConfig(target: Uint8Array, offset: number): void {
    target.set(this.config.subarray(offset, offset + target.length));
  }

  writeConfig(data: Uint8Array, offset: number): void {
    this.config.set(data, offset);
  }
}

interface World {
  readonly device: PlusOne;
  readonly client: FrontEndClient;
  /** One more client for the same device. */
  connect(options?: FrontEndClientOptions): Promise<FrontEndClient>;
}

/** A back-end with a client; everything must be closed when the test is over. */
async function world(
  t: Test,
  options: FrontEndClientOptions,
  run: (world: World) => Promise<void>,
): Promise<void> {
  const before = readdirSync('/proc/self/fd').length;
  const folder = mkdtempSync(join(tmpdir(), 'vhost-'));
  const path = join(folder, 's');
  const device = new PlusOne();
  const server = new BackEndServer(device, { path });
  const connect = async (more: FrontEndClientOptions = {}) => {
    const client = FrontEndClient.connect({ path, ...options, ...more });
    await client.negotiate();
    await client.shareMemory();
    return client;
  };
  const client = await connect();
  try {
    await run({ device, client, connect });
  } finally {
    client.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
  t.equal(readdirSync('/proc/self/fd').length, before, 'every descriptor is back');
}

function numbered(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seed + i) % 200);
}

async function exchange(t: Test, queue: FrontEndQueue, count: number, indirect: boolean): Promise<void> {
  const answers = Array.from({ length: count }, (_, i) =>
    queue.request(numbered(i, 1 + (i % 50)), 64, { indirect, pieces: 1 + (i % 3) }),
  );
  const wrong = (await Promise.all(answers)).filter(({ used, data }, i) => {
    const expected = numbered(i, 1 + (i % 50)).map((byte) => byte + 1);
    return used !== expected.length || Buffer.compare(data, expected) !== 0;
  });
  t.equal(wrong.length, 0, `${count} answers`);
  t.equal(queue.driver.freeDescriptors, queue.driver.size);
}

const SETUPS: [string, FrontEndClientOptions][] = [
  ['split rings, memory slots', {}],
  ['split rings without EVENT_IDX, memory table', { features: NO_EVENT_IDX, protocolFeatures: NO_SLOTS }],
  ['packed rings', { features: PACKED }],
  ['no protocol features', { features: 1n << 32n }],
];

for (const [what, options] of SETUPS) {
  t.test(`requests: ${what}`, (t) =>
    world(t, options, async ({ client }) => {
      const queue = await client.startQueue(0, { size: 128 });
      const other = await client.startQueue(1, { size: 16 });
      const indirect = client.hasFeature(Feature.RING_INDIRECT_DESC);
      for (let round = 0; round < 5; round++) await exchange(t, queue, 21, false);
      if (indirect) await exchange(t, queue, 128, true);
      await exchange(t, other, 2, false);
      const full = t.rejects(
        Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9].map((seed) => other.request(numbered(seed, 8), 8))),
        { code: 'VHOST_ERR_QUEUE_FULL' },
      );
      await full;
    }),
  );

  t.test(`stop and go: ${what}`, (t) =>
    world(t, options, async ({ client }) => {
      const queue = await client.startQueue(0, { size: 16 });
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 3; i++) await exchange(t, queue, 3, false);
        const base = await client.stopQueue(queue);
        const waiting = queue.request(numbered(7, 4), 4);
        await client.resumeQueue(queue, base);
        t.equal((await waiting).used, 4, 'what was added meanwhile is answered');
      }
    }),
  );
}

for (const features of [FRONT_END_FEATURES, PACKED]) {
  t.test(`polling: nobody watches interrupts, ${features === PACKED ? 'packed' : 'split'}`, (t) =>
    world(t, { features }, async ({ client }) => {
      const { memory } = client;
      const queue = await client.startQueue(0, { size: 64 });
      const address = memory.alloc(64);
      memory.write(address, numbered(3, 16));
      const readable = [{ address, length: 16 }];
      const writable = [{ address: address + 16, length: 16 }];
      queue.driver.disableInterrupts();
      let done = 0;
      for (let round = 0; round < 100; round++) {
        while (queue.driver.add(readable, writable) >= 0);
        queue.kick();
        while (queue.driver.inFlight > 0) {
          for (let used = queue.driver.poll(); used !== null; used = queue.driver.poll())
            done += used.length / 16;
          if (queue.driver.inFlight > 0) await new Promise(setImmediate);
        }
      }
      t.equal(done, 3200);
      t.same(
        memory.read(address + 16, 16),
        numbered(3, 16).map((byte) => byte + 1),
      );
      t.equal(queue.calls, 0);
      t.equal(
        (await queue.request(numbered(0, 4), 4)).used,
        4,
        'and interrupts are back when they are needed',
      );
    }),
  );
}

t.test('config space, its change, status', (t) => {
  let changed: () => void = () => undefined;
  const change = new Promise<void>((resolve) => {
    changed = resolve;
  });
  return world(t, { handlers: { configChanged: () => changed() } }, async ({ device, client }) => {
    t.same(await client.getConfig(2, 3), [3, 4, 5]);
    await client.setConfig(3, Uint8Array.of(9, 10));
    t.same(device.config, [1, 2, 3, 9, 10, 6, 7, 8]);
    t.equal(await device.frontEnd?.configChanged(), true);
    await change;
    await client.setStatus(15);
    t.equal(await client.getStatus(), 15);
    t.ok((await client.getMaxMemSlots()) > 0);
    t.equal(client.queueCount, 2);
  });
});

for (const features of [FRONT_END_FEATURES, PACKED]) {
  const name = features === PACKED ? 'packed' : 'split';
  t.test(`dirty log: ${name}`, (t) =>
    world(t, { features }, async ({ client }) => {
      const queue = await client.startQueue(0, { size: 8 });
      const log = await client.startLog();
      await client.addressQueue(queue, true);
      log.take();
      const address = client.memory.alloc(0x3000, 4096);
      client.memory.write(address, numbered(0, 64));
      const called = queue.waitForCall();
      queue.driver.add([{ address, length: 64 }], [{ address: address + 0x2000, length: 64 }]);
      queue.kick();
      await called;
      const pages = log.take();
      t.ok(pages.includes(address + 0x2000), 'the answer');
      t.notOk(pages.includes(address), 'not the request');
      const ring = features === PACKED ? queue.driver.descAddress : queue.driver.usedAddress;
      t.ok(pages.includes(ring - (ring % 4096)), 'the ring');
      t.strictSame(log.take(), []);
      log.close();
    }),
  );

  t.test(`a back-end that forgot: inflight, ${name}`, (t) => {
    const memory = new FrontEndMemory();
    const options = { features, memory };
    return world(t, options, async ({ device, client, connect }) => {
      const area = await client.getInflight(2, 8);
      await client.setInflight(area);
      const queue = await client.startQueue(0, { size: 8 });
      await queue.request(numbered(1, 4), 4);
      const held = queue.request(Uint8Array.of(255, 1), 2);
      await queue.request(numbered(1, 4), 4);
      t.equal(device.held.length, 1);
      client.releaseQueue(queue);
      client.close();
      device.held.length = 0;

      const again = await connect();
      await again.setInflight(area);
      await again.resumeQueue(queue, queue.driver.base);
      await queue.request(numbered(1, 4), 4);
      t.equal(device.held.length, 1, 'it comes again');
      const [owner, chain] = device.held[0] as [Virtqueue, DescriptorChain];
      device.answer(owner, chain, 2);
      t.equal((await held).used, 2);
      again.close();
      area.close();
    }).finally(() => memory.close());
  });
}

t.test('shared memory', async (t) => {
  const seen: string[] = [];
  const kept: number[] = [];
  const handlers = {
    mapShared: ({ id, offset, length }: { id: number; offset: number; length: number }, fd: number) => {
      seen.push(`map ${id} ${offset} ${length}`);
      kept.push(dupFd(fd));
      return true;
    },
    unmapShared: () => false,
  };
  const device = Object.assign(new PlusOne(), { sharedMemory: [{ id: 1, length: 0x10000 }] });
  const folder = mkdtempSync(join(tmpdir(), 'vhost-'));
  const server = new BackEndServer(device, { path: join(folder, 's') });
  const client = FrontEndClient.connect({ path: join(folder, 's'), handlers });
  await client.negotiate();
  t.notOk(client.hasProtocolFeature(ProtocolFeature.CONFIGURE_MEM_SLOTS));
  t.equal((await client.getSharedMemory())[1], 0x10000);
  const fd = createMemfd('shared', { size: 0x4000 });
  t.equal(await device.frontEnd?.mapShared(1, fd, 0, 0x2000, 0x4000), true);
  t.equal(await device.frontEnd?.unmapShared(1, 0x2000, 0x4000), false);
  t.strictSame(seen, [`map 1 ${0x2000} ${0x4000}`]);
  for (const each of [fd, ...kept]) closeFd(each);
  client.close();
  server.close();
  rmSync(folder, { recursive: true });
});

t.test('a broken ring is reported by its error eventfd; garbage ends the connection', (t) =>
  world(t, {}, async ({ client }) => {
    const queue = await client.startQueue(0, { size: 8 });
    const error = new Promise<void>((resolve) => queue.errFd.watch(resolve));
    queue.driver.setAvailIndex(100);
    queue.kickFd.signal();
    await error;
    const stuck = t.rejects(queue.waitForCall(), { code: 'VHOST_ERR_CONNECTION' });
    client.sendRaw(new Uint8Array(12).fill(0xff));
    t.equal(await client.receiveRaw(), null);
    t.equal(await client.closed, null);
    await stuck;
    t.throws(() => queue.submit(numbered(0, 1), 1, () => undefined), { code: 'VHOST_ERR_CONNECTION' });
  }),
);
