/** Rings over a real connection, driven by our own front-end: both formats, batches, stops, resets, logging. */
import { ftruncateSync } from 'node:fs';
import { closeFd, createEventFd, createMemfd } from 'vhost-user-native';
import {
  bits,
  Feature,
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  FrontEndClient,
  type FrontEndClientOptions,
  Inflight,
  ProtocolFeature as P,
  FrontEndRequest as R,
  VringAddresses,
} from 'vhost-user-ts';
import { EntropyDevice } from '../../examples/entropy.js';
import {
  closing,
  EchoDevice,
  hex,
  memoryTable,
  scenario,
  scenarioWith,
  state,
  turn,
  u64,
} from './vhost-support.js';

closeFd(createMemfd('warm-up', { size: 4096 }));

const PACKED = bits(Feature.RING_PACKED);

async function client(
  bench: { readonly path: string },
  options: FrontEndClientOptions = {},
): Promise<FrontEndClient> {
  const front = FrontEndClient.connect({ path: bench.path, ...options });
  await front.negotiate();
  await front.shareMemory();
  return front;
}

function numbered(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => Uint8Array.of(i & 0xff, i >> 8, 1, 2, 3));
}

const formats = [
  ['split', FRONT_END_FEATURES],
  ['split without EVENT_IDX', FRONT_END_FEATURES & ~bits(Feature.RING_EVENT_IDX)],
  ['packed', FRONT_END_FEATURES | PACKED],
  ['packed without EVENT_IDX', (FRONT_END_FEATURES | PACKED) & ~bits(Feature.RING_EVENT_IDX)],
] as const;

for (const [name, features] of formats) {
  scenario(`${name}: requests, alone and together`, async (t, bench) => {
    const front = await client(bench, { features });
    const queue = await front.startQueue(1, { size: 64 });
    const alone = await queue.request(Uint8Array.of(1, 2, 3), 8);
    t.same([alone.used, hex(alone.data)], [3, '030201']);
    for (const options of [{}, { indirect: true, pieces: 3 }]) {
      // Several times around the ring, 16 at a time.
      for (let round = 0; round < 16; round++) {
        const sent = numbered(16);
        const answers = await Promise.all(sent.map((data) => queue.request(data, 5, options)));
        t.same(
          answers.map(({ data }) => hex(data)),
          sent.map((data) => hex(data.toReversed())),
        );
      }
    }
    t.ok(queue.calls <= 1 + 32 * 16, 'at most one interrupt each');
    front.close();
    t.equal(await bench.ended(), null);
  });

  scenario(`${name}: a paused machine goes on, a new driver gets a fresh device`, async (t, bench) => {
    const front = await client(bench, { features });
    const { events } = bench.device;
    const queue = await front.startQueue(0);
    await queue.request(Uint8Array.of(1), 1);
    const base = await front.stopQueue(queue);
    await front.setStatus(0);
    t.equal(events.at(-1), 'stopped 0');
    await front.resumeQueue(queue, base);
    t.same(hex((await queue.request(Uint8Array.of(5, 6), 2)).data), '0605');
    t.notOk(events.includes('reset'), 'pause and go on');

    await front.stopQueue(queue);
    await front.setStatus(0);
    const fresh = await front.startQueue(0);
    t.same(events.slice(-2), ['reset', 'started 0']);
    t.same(hex((await fresh.request(Uint8Array.of(7, 8), 2)).data), '0807');
    await front.resetDevice();
    t.same(events.slice(-2), ['stopped 0', 'reset']);
    const again = await front.startQueue(0);
    t.same(hex((await again.request(Uint8Array.of(9), 2)).data), '09');
    t.equal(events.filter((event) => event === 'reset').length, 2, 'once each');
    front.close();
    t.equal(await bench.ended(), null);
  });
}

for (const [name, features] of formats) {
  const packed = name.startsWith('packed');
  scenario(`${name}: paused where a new ring would start, too`, async (t, bench) => {
    const front = await client(bench, { features });
    const { events } = bench.device;
    const resets = (): number => events.filter((event) => event === 'reset').length;
    /** A queue that was used, and is just where one starts that was not: after 32 descriptors, or 65536 chains. */
    const used = async () => {
      const queue = await front.startQueue(0, { size: 16, ...(packed ? {} : { base: 0x1_0000 - 16 }) });
      for (let i = 0; i < 16; i++) await queue.request(Uint8Array.of(i), 1);
      t.equal(await front.stopQueue(queue), packed ? 0x8000_8000 : 0);
      return queue;
    };

    const first = await used();
    await front.resumeQueue(first, packed ? 0x8000_8000 : 0);
    t.same(hex((await first.request(Uint8Array.of(5, 6), 2)).data), '0605', 'paused');
    t.equal(resets(), 0);
    await front.stopQueue(first);

    await used();
    t.equal(resets(), 1);
    const elsewhere = await front.startQueue(0, { size: 16 });
    t.equal(resets(), 2, 'a new driver, with or without memory of its own');
    t.same(hex((await elsewhere.request(Uint8Array.of(7, 8), 2)).data), '0807');
    await front.stopQueue(elsewhere);

    const last = await used();
    t.equal(resets(), 3);
    front.memory.view(last.driver.descAddress, 16 * 16).fill(0);
    await front.resumeQueue(last, packed ? 0x8000_8000 : 0);
    t.equal(resets(), 4, 'somebody has set it up anew');
    front.close();
    t.equal(await bench.ended(), null);
  });
}

scenario('pause or new driver: one used ring among idle ones tells', async (t, bench) => {
  const front = await client(bench);
  const { events } = bench.device;
  const resets = () => events.filter((event) => event === 'reset').length;
  const idle = await front.startQueue(0);
  const used = await front.startQueue(1);
  await used.request(Uint8Array.of(1), 1);
  const bases = [await front.stopQueue(idle), await front.stopQueue(used)] as const;
  await front.resumeQueue(idle, bases[0]);
  await front.resumeQueue(used, bases[1]);
  t.equal(hex((await used.request(Uint8Array.of(1, 2), 2)).data), '0201');
  t.equal(resets(), 0, 'paused');
  await front.stopQueue(idle);
  await front.stopQueue(used);
  await front.startQueue(0);
  t.equal(resets(), 0, 'the idle ring does not tell yet');
  const fresh = await front.startQueue(1);
  t.equal(resets(), 1, 'a new driver');
  t.equal(hex((await fresh.request(Uint8Array.of(1, 2), 2)).data), '0201');
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('a batch is published in parts, so that its driver goes on meanwhile', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0, { size: 256 });
  const parts: number[] = [];
  let chains = 0;
  let seen = 0;
  bench.device.onChain = () => {
    // Stands for a driver on another processor.
    if (chains++ === 0) while (queue.driver.poll() !== null) seen++;
  };
  Object.assign(bench.device, {
    endBatch: () => {
      if (chains > 0) parts.push(chains);
      chains = 0;
    },
  });
  for (const data of numbered(20)) queue.submit(data, 5, () => undefined);
  queue.kick();
  while (parts.length < 3 || queue.calls === 0) await turn();
  t.same(parts, [8, 8, 4]);
  t.equal(seen, 16, 'what is done is seen while the rest is carried out');
  t.equal(queue.calls, 1, 'it asked for one interrupt');
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('chains that are held are published when they are pushed, in any order', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0, { size: 8 });
  const { device } = bench;
  device.hold = true;
  const order: number[] = [];
  const all = [1, 2, 3].map((i) => queue.request(Uint8Array.of(i), 1).then(() => order.push(i)));
  await front.getU64(R.GET_FEATURES);
  while (device.held.length < 3) await turn();
  for (const i of [2, 0, 1]) {
    const entry = device.held[i];
    if (entry !== undefined) device.answer(entry.queue, entry.chain);
  }
  await Promise.all(all);
  t.same(order, [3, 1, 2]);
  t.equal(queue.calls, 1, 'pushes of one turn share an interrupt');

  device.held.length = 0;
  queue.submit(Uint8Array.of(9), 1, () => t.fail('it was void'));
  queue.kick();
  while (device.held.length < 1) await turn();
  const entry = device.held[0];
  await front.stopQueue(queue);
  if (entry !== undefined) device.answer(entry.queue, entry.chain);
  t.notOk(entry?.queue.running);
  await front.getU64(R.GET_FEATURES);
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('a device that pauses its queue gets the rest when it resumes', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0, { size: 64 });
  let chains = 0;
  const paused = new Promise<() => void>((resolve) => {
    bench.device.onChain = (deviceQueue) => {
      if (++chains !== 3) return;
      deviceQueue.pause();
      resolve(() => deviceQueue.resume());
    };
  });
  const all = Promise.all(numbered(20).map((data) => queue.request(data, 5)));
  const resume = await paused;
  await front.getU64(R.GET_FEATURES);
  t.equal(chains, 3);
  resume();
  t.equal((await all).length, 20);
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('a busy ring does not keep the front-end waiting', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0, { size: 1024, indirectEntries: 0 });
  let chains = 0;
  bench.device.onChain = () => {
    chains++;
  };
  let stop = false;
  const again = () => {
    if (stop) return;
    queue.submit(Uint8Array.of(1), 1, again);
    queue.kick();
  };
  for (let i = 0; i < 300; i++) queue.submit(Uint8Array.of(1), 1, again);
  queue.kick();
  await front.getU64(R.GET_FEATURES);
  t.ok(chains <= 1024, `answered after ${chains} chains`);
  stop = true;
  front.close();
  t.equal(await bench.ended(), null);
});

scenario(
  'a driver that never stops adding bad chains does not keep the front-end waiting',
  async (t, bench) => {
    const front = await client(bench);
    const queue = await front.startQueue(0, { size: 64 });
    const { driver } = queue;
    let batches = 0;
    const bad = () => {
      while (driver.add([{ address: 2 ** 50, length: 8 }], []) >= 0);
      driver.publish();
    };
    Object.assign(bench.device, {
      // Stands for a driver on another processor.
      endBatch: () => {
        if (++batches >= 1000) return;
        while (driver.poll() !== null);
        bad();
      },
    });
    bad();
    queue.kickFd.signal();
    await front.getU64(R.GET_FEATURES);
    t.ok(batches < 100, `answered after ${batches} batches`);
    batches = 1000;
    front.close();
    t.equal(await bench.ended(), null);
  },
);

scenario('one slow chain is all that a batch may be late by', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0, { size: 64 });
  let chains = 0;
  bench.device.onChain = () => {
    chains++;
    const end = performance.now() + 5;
    while (performance.now() < end);
  };
  for (let i = 0; i < 8; i++) queue.submit(Uint8Array.of(1), 1, () => undefined);
  const last = new Promise((resolve) => queue.submit(Uint8Array.of(1), 1, resolve));
  queue.kick();
  while (chains === 0) await turn();
  t.ok(chains <= 2, `${chains} chains in a turn`);
  await last;
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('a kick is not lost when its eventfd is replaced', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0);
  await queue.request(Uint8Array.of(1), 1);
  const answer = new Promise<Uint8Array>((resolve) => {
    queue.submit(Uint8Array.of(1, 2), 2, (_used, data) => resolve(data.slice()));
  });
  queue.driver.publish();
  // The driver kicked the old one, and nobody has looked.
  using kick = closing(createEventFd());
  await front.setVringFd(R.SET_VRING_KICK, 0, kick.fd);
  t.equal(hex(await answer), '0201');
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('a device can answer what it holds until its queue is stopped', async (t, bench) => {
  const front = await client(bench);
  const { device } = bench;
  device.hold = true;
  Object.assign(device, {
    queueStopped: () => {
      for (const { queue, chain } of device.held.splice(0)) device.answer(queue, chain);
    },
  });
  const queue = await front.startQueue(0);
  const answer = queue.request(Uint8Array.of(1, 2), 2);
  while (device.held.length < 1) await turn();
  await front.stopQueue(queue);
  t.equal(hex((await answer).data), '0201', 'stopped by GET_VRING_BASE alone');
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('no kick descriptor, no call descriptor: both sides poll', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0);
  await front.stopQueue(queue);
  const base = queue.driver.base;
  await front.setVring(R.SET_VRING_BASE, 0, base);
  await front.setVringFd(R.SET_VRING_CALL, 0, null);
  await front.setVringFd(R.SET_VRING_KICK, 0, null);
  queue.driver.add([{ address: front.memory.alloc(16), length: 4 }], []);
  queue.driver.publish();
  while (!queue.driver.hasUsed()) await turn();
  t.equal(queue.driver.poll()?.length, 0);
  t.equal(queue.calls, 0);
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('memory table changes while rings run', async (t, bench) => {
  const front = await client(bench, {
    protocolFeatures: FRONT_END_PROTOCOL_FEATURES & ~bits(P.CONFIGURE_MEM_SLOTS),
  });
  const queue = await front.startQueue(0);
  const { region, fd } = front.memory;
  const other = { ...region, guestAddress: 0x2_0000_0000, userAddress: 0x7d00_0000_0000 };
  await queue.request(Uint8Array.of(1), 1);
  await front.setMemTable([other, region], [fd, fd]);
  t.equal(hex((await queue.request(Uint8Array.of(1, 2), 2)).data), '0201');
  await front.setMemTable([region], [fd]);
  t.equal(hex((await queue.request(Uint8Array.of(3, 4), 2)).data), '0403');
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('dirty log: written pages show while LOG_ALL is on, and only then', async (t, bench) => {
  const front = await client(bench);
  const queue = await front.startQueue(0);
  const log = await front.startLog();
  await front.addressQueue(queue, true);
  const target = front.memory.alloc(8192, 4096);
  const source = front.memory.alloc(16);
  const run = async () => {
    const used = new Promise<void>((resolve) => {
      queue.onUsed = () => resolve();
    });
    queue.driver.add([{ address: source, length: 8 }], [{ address: target + 4092, length: 8 }]);
    queue.listen();
    queue.kick();
    await used;
  };
  await run();
  const dirty = log.take();
  t.ok(dirty.includes(target) && dirty.includes(target + 4096), 'both pages of the buffer');
  const usedPage = Math.floor(queue.driver.usedAddress / 4096) * 4096;
  t.ok(dirty.includes(usedPage), 'the used ring');
  await front.addressQueue(queue, false);
  await run();
  t.notOk(log.take().includes(usedPage), 'VHOST_VRING_F_LOG is off');
  await front.setFeatures(front.features & ~bits(Feature.LOG_ALL));
  await run();
  t.same(log.take(), []);
  log.close();
  front.close();
  t.equal(await bench.ended(), null);
});

scenario('inflight region: what one connection left, the next one answers', async (t, bench) => {
  const { device } = bench;
  device.hold = true;
  const front = await client(bench);
  const area = await front.getInflight(2, 64);
  await front.setInflight(area);
  const queue = await front.startQueue(0, { size: 64 });
  const { driver, kickFd, callFd } = queue;
  const source = front.memory.alloc(16);
  const target = front.memory.alloc(16);
  front.memory.write(source, Uint8Array.of(1, 2, 3, 4));
  driver.add([{ address: source, length: 4 }], [{ address: target, length: 4 }]);
  queue.kick();
  while (device.held.length < 1) await turn();
  device.frontEnd?.fail(new Error('as if it had crashed'));
  t.equal(await bench.ended(), 'as if it had crashed');
  await front.closed;
  t.equal(driver.hasUsed(), false);

  device.hold = false;
  const raw = await bench.connect().negotiate(P.INFLIGHT_SHMFD);
  const { memory } = front;
  t.equal(await raw.command(R.SET_FEATURES, u64(front.features)), 'ok');
  const inflight = Inflight.encode(area);
  t.equal(await raw.command(R.SET_INFLIGHT_FD, inflight, [area.fd]), 'ok');
  t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(memory.region), [memory.fd]), 'ok');
  const ring = VringAddresses.encode({
    index: 0,
    flags: 0,
    descriptor: memory.userOf(driver.descAddress),
    used: memory.userOf(driver.usedAddress),
    available: memory.userOf(driver.availAddress),
    log: 0,
  });
  t.equal(await raw.command(R.SET_VRING_NUM, state(0, 64)), 'ok');
  t.equal(await raw.command(R.SET_VRING_ADDR, ring), 'ok');
  t.equal(await raw.command(R.SET_VRING_CALL, u64(0), [callFd.fd]), 'ok');
  t.equal(await raw.command(R.SET_VRING_KICK, u64(0), [kickFd.fd]), 'ok');
  t.equal(await raw.command(R.SET_INFLIGHT_FD, inflight, [area.fd]), 'refused', 'the ring is started');
  t.equal(await raw.command(R.SET_VRING_ENABLE, state(0, 1)), 'ok');
  while (!driver.hasUsed()) await turn();
  t.equal(driver.poll()?.length, 4, 'without a kick');
  t.same(memory.read(target, 4), Uint8Array.of(4, 3, 2, 1));
  area.close();
  front.close();
  raw.close();
  t.equal(await bench.ended(), null);
});

scenario(
  'the file behind guest memory is truncated: that connection ends, the next one works',
  async (t, bench) => {
    const front = await client(bench);
    const queue = await front.startQueue(0);
    await queue.request(Uint8Array.of(1), 1);
    queue.driver.add([{ address: front.memory.alloc(16), length: 4 }], []);
    queue.driver.publish();
    ftruncateSync(front.memory.fd, 0);
    queue.kickFd.signal();
    t.equal(await bench.ended(), 'VHOST_ERR_MEMORY_GONE');
    await front.closed;
    front.close();
    const next = await client(bench);
    const working = await next.startQueue(0);
    t.equal((await working.request(Uint8Array.of(1), 1)).used, 1);
    next.close();
    t.equal(await bench.ended(), null);
  },
);

scenario('a device that throws ends the connection, not the process', async (t, bench) => {
  for (const where of ['handleChain', 'endBatch', 'queueStarted', 'attach', 'readConfig', 'fail'] as const) {
    const { device } = bench;
    const boom = () => {
      throw new TypeError('boom');
    };
    const fail = () => device.frontEnd?.fail(new Error('enough'));
    if (where === 'fail') Object.assign(device, { handleChain: fail });
    else Object.assign(device, { [where]: boom });
    const front = FrontEndClient.connect({ path: bench.path });
    const failed = front
      .negotiate()
      .then(() => front.shareMemory())
      .then(() => (where === 'readConfig' ? front.getConfig(0, 4).then(() => null) : front.startQueue(0)))
      .then((queue) => queue?.request(Uint8Array.of(1), 1));
    t.equal(await bench.ended(), where === 'fail' ? 'enough' : 'VHOST_ERR_DEVICE', where);
    await t.rejects(failed);
    front.close();
    Reflect.deleteProperty(device, where === 'fail' ? 'handleChain' : where);
  }
  t.ok(bench.device instanceof EchoDevice);
});

scenario(
  'a device that throws while its broken ring is stopped ends the connection only',
  async (t, bench) => {
    Object.assign(bench.device, {
      queueStopped: () => {
        throw new TypeError('boom');
      },
    });
    const front = await client(bench);
    const queue = await front.startQueue(0, { size: 16 });
    await queue.request(Uint8Array.of(1), 1);
    queue.driver.setAvailIndex(1000);
    queue.kickFd.signal();
    t.equal(await bench.ended(), 'VHOST_ERR_DEVICE');
    await front.closed;
    front.close();
  },
);

scenarioWith(
  'examples/entropy.ts',
  () => new EntropyDevice(),
  async (t, bench) => {
    const front = await client(bench, { features: FRONT_END_FEATURES | PACKED });
    const queue = await front.startQueue(0, { size: 4 });
    const [first, second] = [
      await queue.request(new Uint8Array(0), 4096),
      await queue.request(new Uint8Array(0), 4096),
    ];
    t.equal(first.used, 4096);
    t.ok(new Set(first.data).size > 200, 'bytes of all kinds');
    t.not(hex(first.data), hex(second.data));
    front.close();
    t.equal(await bench.ended(), null);
  },
);
