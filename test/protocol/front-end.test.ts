/** FrontEndClient against a back-end that is a script of bytes. */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  adoptSocket,
  closeFd,
  createEventFd,
  fileIdentity,
  fileSize,
  READABLE,
  socketPair,
  type UnixSocket,
} from 'vhost-user-native';
import {
  bits,
  FrontEndClient,
  type FrontEndClientOptions,
  FrontEndMemory,
  FrontEndRequest,
} from 'vhost-user-ts';

interface Arrived {
  readonly hex: string;
  readonly fds: number[];
}

/** Collects whole messages; closes their descriptors at the end. */
class FakeBackEnd {
  readonly socket: UnixSocket;
  private readonly arrived: Arrived[] = [];
  private readonly waiting: ((message: Arrived) => void)[] = [];
  private readonly buffer = Buffer.alloc(8192);
  /** Whose descriptors are closed in the end: what a test takes out of a message's list is the test's. */
  private readonly received: Arrived[] = [];

  constructor(socket: UnixSocket) {
    this.socket = socket;
    socket.watch(READABLE, () => this.read());
  }

  next(): Promise<Arrived> {
    const first = this.arrived.shift();
    return first === undefined
      ? new Promise((resolve) => this.waiting.push(resolve))
      : Promise.resolve(first);
  }

  send(hex: string, fds: readonly number[] = []): void {
    const data = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    if (this.socket.send(data, fds) !== data.length) throw new Error('the socket is full');
  }

  close(): void {
    this.socket.close();
    for (const { fds } of this.received.splice(0)) for (const fd of fds) closeFd(fd);
  }

  /** The kernel never joins bytes with the descriptors of a later message, so exact reads keep them apart. */
  private read(): void {
    const { buffer, socket } = this;
    const head = socket.receive(buffer.subarray(0, 12));
    if (head.bytes <= 0) {
      socket.watch(0, () => undefined);
      return;
    }
    const size = buffer.readUInt32LE(8);
    if (size > 0) socket.receive(buffer.subarray(12, 12 + size));
    const message = { hex: buffer.toString('hex', 0, 12 + size), fds: head.fds };
    this.received.push(message);
    const waiter = this.waiting.shift();
    if (waiter === undefined) this.arrived.push(message);
    else waiter(message);
  }
}

function word(value: bigint | number, bytes = 8): string {
  const data = Buffer.alloc(8);
  data.writeBigUInt64LE(BigInt(value));
  return data.toString('hex', 0, bytes);
}

function message(request: number, flags: number, payload = ''): string {
  return word(request, 4) + word(flags, 4) + word(payload.length / 2, 4) + payload;
}

const MEMORY = { bytes: 0x10_0000, guestAddress: 0x1_0000_0000, userAddress: 0x7f00_0000_0000 };

function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

function pair(options: FrontEndClientOptions = {}): { client: FrontEndClient; fake: FakeBackEnd } {
  const [ours, theirs] = socketPair();
  const client = FrontEndClient.connect({ socket: ours, memory: MEMORY, ...options });
  return { client, fake: new FakeBackEnd(theirs) };
}

/** Checks one message, and answers it. */
async function expect(
  t: Test,
  fake: FakeBackEnd,
  hex: string,
  reply?: string,
  fdCount = 0,
): Promise<Arrived> {
  const got = await fake.next();
  t.equal(got.hex, hex);
  t.equal(got.fds.length, fdCount, 'descriptors');
  if (reply !== undefined) fake.send(reply);
  return got;
}

const DEVICE = 0x1_7000_0003n;

/** Answers `negotiate` with these protocol features. */
async function negotiate(
  t: Test,
  client: FrontEndClient,
  fake: FakeBackEnd,
  protocol: bigint,
): Promise<void> {
  const done = client.negotiate();
  const ack = (protocol >> 3n) & 1n;
  const flags = ack === 1n ? 9 : 1;
  const acknowledged = (request: number) => (ack === 1n ? message(request, 5, word(0)) : undefined);
  await expect(t, fake, '010000000100000000000000', message(1, 5, word(DEVICE)));
  await expect(t, fake, '0f0000000100000000000000', message(15, 5, word(protocol | (1n << 63n))));
  await expect(t, fake, message(16, 1, word(protocol)));
  if ((protocol & 1n) !== 0n) await expect(t, fake, message(17, 1), message(17, 5, word(2)));
  if (((protocol >> 5n) & 1n) !== 0n) await expect(t, fake, message(21, flags), acknowledged(21), 1);
  await expect(t, fake, message(3, flags), acknowledged(3));
  await expect(t, fake, message(2, flags, word(DEVICE)), acknowledged(2));
  await done;
  t.equal(client.features, DEVICE);
  t.equal(client.protocolFeatures, protocol);
}

t.test('negotiation, memory table and ring set-up, byte by byte, without REPLY_ACK', async (t) => {
  const before = openFds();
  const { client, fake } = pair();
  await negotiate(t, client, fake, 0n);
  await client.shareMemory();
  const region = '0000000001000000' + '0000100000000000' + '00000000007f0000' + '0000000000000000';
  const table = await expect(t, fake, message(5, 1, `0100000000000000${region}`), undefined, 1);
  t.strictSame(fileIdentity(table.fds[0] as number), fileIdentity(client.memory.fd));
  t.equal(fileSize(table.fds[0] as number), MEMORY.bytes);

  const queue = await client.startQueue(1, { size: 8, indirectEntries: 0, base: 5 });
  const user = (address: number) => word(address - MEMORY.guestAddress + MEMORY.userAddress);
  const { descAddress, availAddress, usedAddress } = queue.driver;
  await expect(t, fake, '08000000' + '01000000' + '08000000' + '01000000' + '08000000');
  await expect(t, fake, message(10, 1, '0100000005000000'));
  const areas = user(descAddress) + user(usedAddress) + user(availAddress) + word(0);
  await expect(t, fake, message(9, 1, `0100000000000000${areas}`));
  const call = await expect(t, fake, message(13, 1, word(1)), undefined, 1);
  await expect(t, fake, message(14, 1, word(1)), undefined, 1);
  const kick = await expect(t, fake, message(12, 1, word(1)), undefined, 1);
  await expect(t, fake, message(18, 1, '0100000001000000'));
  t.strictSame(fileIdentity(call.fds[0] as number), fileIdentity(queue.callFd.fd));
  t.strictSame(fileIdentity(kick.fds[0] as number), fileIdentity(queue.kickFd.fd));

  await client.addressQueue(queue, true);
  await expect(t, fake, message(9, 1, `0100000001000000${areas.slice(0, 48)}${word(usedAddress)}`));
  await client.setVringFd(FrontEndRequest.SET_VRING_CALL, 1, null);
  await expect(t, fake, message(13, 1, word(0x101)));
  const stopping = client.stopQueue(queue);
  await expect(t, fake, message(11, 1, '0100000000000000'), message(11, 5, '0100000007000000'));
  t.equal(await stopping, 7);
  client.close();
  fake.close();
  t.equal(openFds(), before, 'every descriptor is back');
});

t.test('the other messages, with REPLY_ACK', async (t) => {
  const before = openFds();
  const { client, fake } = pair();
  await negotiate(t, client, fake, bits(0, 1, 3, 9, 12, 13, 15, 16, 22));
  t.equal(client.queueCount, 2);
  const run = async (call: Promise<void>, request: number, payload: string, fds = 0) => {
    await expect(t, fake, message(request, 9, payload), message(request, 5, word(0)), fds);
    await call;
  };
  const region =
    word(0) + word(MEMORY.guestAddress) + word(MEMORY.bytes) + word(MEMORY.userAddress) + word(0);
  await run(client.shareMemory(), 37, region, 1);
  await run(client.removeMemRegion(client.memory.region), 38, region);
  await run(client.setConfig(4, Uint8Array.of(1, 2, 3)), 25, '040000000300000000000000010203');
  await run(client.resetDevice(), 34, '');
  await run(client.setStatus(15), 39, word(15));

  const config = client.getConfig(8, 4);
  const head = '080000000400000000000000';
  await expect(t, fake, message(24, 1, `${head}00000000`), message(24, 5, `${head}0a0b0c0d`));
  t.equal(Buffer.from(await config).toString('hex'), '0a0b0c0d');
  const status = client.getStatus();
  await expect(t, fake, message(40, 1), message(40, 5, word(7)));
  t.equal(await status, 7);
  const slots = client.getMaxMemSlots();
  await expect(t, fake, message(36, 1), message(36, 5, word(509)));
  t.equal(await slots, 509);

  const shared = client.getSharedMemory();
  const sizes = word(0) + word(0x1000_0000) + word(0).repeat(254);
  await expect(t, fake, message(44, 1), message(44, 5, `0100000000000000${sizes}`));
  t.equal((await shared)[1], 0x1000_0000);

  const inflight = client.getInflight(2, 256);
  await expect(t, fake, message(31, 1, `${word(0)}${word(0)}0200000100000000`));
  const stand = createEventFd();
  fake.send(message(31, 5, `${word(0x2000)}${word(0)}0200000100000000`), [stand.fd]);
  const area = await inflight;
  t.equal(area.mmapSize, 0x2000);
  t.strictSame(fileIdentity(area.fd), fileIdentity(stand.fd));
  await run(client.setInflight(area), 32, `${word(0x2000)}${word(0)}0200000100000000`, 1);
  area.close();
  stand.close();

  const display = client.setGpuSocket();
  const gpu = await expect(t, fake, message(33, 9), message(33, 5, word(0)), 1);
  const ours = await display;
  const theirs = adoptSocket(gpu.fds[0] as number);
  gpu.fds.pop();
  ours.send(Buffer.from('hello'));
  const text = Buffer.alloc(8);
  t.equal(theirs.receive(text).bytes, 5);
  ours.close();

  const logging = client.startLog();
  const logFd = await expect(t, fake, message(6, 1, word(0x21000) + word(0)), message(6, 5, word(0)), 1);
  t.equal(fileSize(logFd.fds[0] as number), 0x21000);
  await expect(t, fake, message(2, 9, word(DEVICE | (1n << 26n))), message(2, 5, word(0)));
  (await logging).close();

  client.close();
  theirs.close();
  fake.close();
  t.equal(openFds(), before, 'every descriptor is back');
});

t.test('refusals', async (t) => {
  const { client, fake } = pair();
  await negotiate(t, client, fake, bits(3, 9));
  const refused = { code: 'VHOST_ERR_REFUSED' };
  const reset = t.rejects(client.resetDevice(), refused);
  await expect(t, fake, message(34, 9), message(34, 5, word(1)));
  await reset;
  const config = t.rejects(client.getConfig(0, 4), refused);
  await expect(t, fake, message(24, 1, '00000000040000000000000000000000'), message(24, 5));
  await config;
  await t.rejects(client.getConfig(0, 257), RangeError);
  t.equal(await Promise.race([client.closed, 'open']), 'open');
  client.close();
  fake.close();
});

const WRONG_REPLIES: [string, string, number][] = [
  ['to another request', message(2, 5, word(0)), 0],
  ['without the reply flag', message(1, 1, word(0)), 0],
  ['with a descriptor', message(1, 5, word(0)), 1],
];

for (const [what, reply, fdCount] of WRONG_REPLIES) {
  t.test(`a reply ${what} ends the connection`, async (t) => {
    const before = openFds();
    const { client, fake } = pair();
    const queue = await client.startQueue(0, { size: 4 });
    const bad = { code: 'VHOST_ERR_BAD_REPLY' };
    const first = t.rejects(client.negotiate(), bad);
    const second = t.rejects(client.getStatus(), bad, 'and everything that waits');
    const third = t.rejects(queue.request(Uint8Array.of(1), 1), bad);
    fake.send(reply, fdCount === 0 ? [] : [fake.socket.fd]);
    await Promise.all([first, second, third]);
    t.match(await client.closed, bad);
    await t.rejects(client.negotiate(), bad);
    client.close();
    fake.close();
    t.equal(openFds(), before);
  });
}

t.test('a u64 that is none; a message that nobody asked for', async (t) => {
  const { client, fake } = pair();
  const features = t.rejects(client.negotiate(), { code: 'VHOST_ERR_BAD_REPLY' });
  fake.send(message(1, 5, '00000000'));
  await features;
  fake.send(message(1, 5, word(0)));
  t.match(await client.closed, { code: 'VHOST_ERR_BAD_REPLY' });
  client.close();
  fake.close();
});

t.test('the back-end goes away', async (t) => {
  const before = openFds();
  const { client, fake } = pair();
  const queue = await client.startQueue(0, { size: 4 });
  const gone = { code: 'VHOST_ERR_CONNECTION' };
  const pending = [
    t.rejects(client.negotiate(), gone),
    t.rejects(queue.request(new Uint8Array(8), 8), gone),
    t.rejects(queue.waitForCall(), gone),
  ];
  const raw = client.receiveRaw();
  fake.close();
  await Promise.all(pending);
  t.equal(await raw, null);
  t.equal(await client.closed, null);
  await t.rejects(client.getStatus(), gone);
  await t.rejects(client.plain(FrontEndRequest.SET_OWNER), gone);
  t.throws(() => client.sendRaw(new Uint8Array(1)), gone);
  client.close();
  client.close();
  t.equal(openFds(), before);
});

t.test('close() rejects what waits', async (t) => {
  const before = openFds();
  const { client, fake } = pair();
  const closed = { code: 'VHOST_ERR_CLOSED' };
  const pending = t.rejects(client.negotiate(), closed);
  client.close();
  await pending;
  t.equal(await client.closed, null);
  await t.rejects(client.getStatus(), closed);
  t.equal(client.memory.bytes.length, 0, 'views are detached');
  fake.close();
  t.equal(openFds(), before);
});

t.test('raw bytes both ways', async (t) => {
  const { client, fake } = pair();
  client.sendRaw(Buffer.from(message(99, 1, 'abcd'), 'hex'), [client.memory.fd]);
  const got = await fake.next();
  t.equal(got.hex, message(99, 1, 'abcd'));
  t.equal(got.fds.length, 1);
  fake.send(message(99, 5, 'ef'), [fake.socket.fd]);
  const reply = await client.receiveRaw();
  t.match(reply, { request: 99, flags: 5, payload: new Uint8Array([0xef]) });
  for (const fd of reply?.fds ?? []) closeFd(fd);
  const waiting = client.receiveRaw();
  fake.send(message(98, 5));
  t.match(await waiting, { request: 98 });
  client.close();
  fake.close();
});

t.test('requests of the back-end are answered in order', async (t) => {
  const before = openFds();
  const seen: string[] = [];
  const { client, fake } = pair({
    handlers: {
      configChanged: () => seen.push('config'),
      mapShared: (mapping, fd) => {
        seen.push(
          `map ${mapping.id} ${mapping.fdOffset} ${mapping.offset} ${mapping.length} ${fileSize(fd)}`,
        );
        return new Promise((resolve) => setImmediate(() => resolve(true)));
      },
      unmapShared: ({ offset, length }) => {
        seen.push(`unmap ${offset} ${length}`);
        throw new Error('no');
      },
    },
  });
  const done = client.negotiate();
  await expect(t, fake, message(1, 1), message(1, 5, word(1n << 30n)));
  await expect(t, fake, message(15, 1), message(15, 5, word(bits(5, 10, 22))));
  await expect(t, fake, message(16, 1, word(bits(5, 10, 22))));
  const { fds } = await expect(t, fake, message(21, 1), undefined, 1);
  await done;
  const channel = new FakeBackEnd(adoptSocket(fds[0] as number));
  const mapping = `0100000000000000${word(0x1000)}${word(0x2000)}${word(0x3000)}${word(1)}`;
  channel.send(message(2, 1));
  channel.send(message(9, 9, mapping), [client.memory.fd]);
  channel.send(message(10, 9, mapping));
  channel.send(message(2, 9));
  channel.send(message(9, 9, mapping));
  channel.send(message(77, 9));
  await expect(t, channel, message(9, 5, word(0)));
  await expect(t, channel, message(10, 5, word(1)));
  await expect(t, channel, message(2, 5, word(0)));
  await expect(t, channel, message(9, 5, word(1)));
  await expect(t, channel, message(77, 5, word(1)));
  const map = `map 1 ${0x1000} ${0x2000} ${0x3000} ${MEMORY.bytes}`;
  t.strictSame(seen, ['config', map, `unmap ${0x2000} ${0x3000}`, 'config']);
  channel.send(message(9, 9, '00'));
  t.match(await client.closed, { code: 'VHOST_ERR_BAD_MESSAGE' });
  client.close();
  channel.close();
  fds.pop();
  fake.close();
  t.equal(openFds(), before);
});

t.test('guest memory: allocations do not overlap, and everything can be given back', (t) => {
  const memory = new FrontEndMemory({ bytes: 0x4000 });
  const request = fc.record({ length: fc.integer({ min: 0, max: 900 }), shift: fc.nat(8), drop: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
      const live: { address: number; length: number }[] = [];
      for (const { length, shift, drop } of requests) {
        const address = memory.alloc(length, 1 << shift);
        const inside =
          address >= memory.guestAddress && address + length <= memory.guestAddress + memory.length;
        if (!inside || address % (1 << shift) !== 0) return false;
        for (const other of live) {
          if (address < other.address + other.length && other.address < address + length) return false;
        }
        live.push({ address, length: Math.max(1, length) });
        while (live.length > 8)
          memory.free((live.splice(drop % live.length, 1)[0] as { address: number }).address);
      }
      for (const { address } of live) memory.free(address);
      const all = memory.alloc(memory.length);
      memory.free(all);
      return all === memory.guestAddress;
    }),
  );
  t.throws(() => memory.alloc(memory.length + 1), { code: 'VHOST_ERR_NO_MEMORY' });
  t.throws(() => memory.free(1), RangeError);
  memory.close();
  t.end();
});
