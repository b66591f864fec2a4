/** Front-ends that break the rules: what is refused, what ends the connection, and that the next one works. */
import { openSync } from 'node:fs';
import type { Test } from 'tap';
import {
  closeFd,
  createEventFd,
  createMemfd,
  READABLE,
  socketPair,
  type UnixSocket,
  WRITABLE,
} from 'vhost-user-native';
import {
  BackEndRequest,
  ConfigHeader,
  Connection,
  FrontEndMemory,
  Inflight,
  LogDescription,
  MemoryTableHeader,
  ProtocolFeature as P,
  FrontEndRequest as R,
  SingleMemoryRegion,
  VRING_NO_FD,
  VringAddresses,
} from 'vhost-user-ts';
import {
  addresses,
  type Bench,
  closing,
  EchoDevice,
  hex,
  memoryTable,
  message,
  NEED_REPLY,
  Raw,
  scenario,
  scenarioWith,
  state,
  turn,
  u64,
  unhex,
} from './vhost-support.js';

closeFd(createMemfd('warm-up', { size: 4096 }));

/** The server answers a new front-end. */
async function servesNext(t: Test, bench: Bench): Promise<void> {
  const raw = bench.connect();
  t.match(await raw.ask(R.GET_FEATURES), /^01000000050000/, 'the next front-end is served');
  raw.close();
  t.equal(await bench.ended(), null);
}

/** What is done to a connection ends it, for this reason. */
async function ends(
  t: Test,
  bench: Bench,
  code: string | null,
  act: (raw: Raw) => unknown | Promise<unknown>,
): Promise<void> {
  const raw = bench.connect();
  await act(raw);
  t.equal(await bench.ended(), code);
  raw.close();
  await servesNext(t, bench);
}

scenario('messages that are no messages', async (t, bench) => {
  const bad = 'VHOST_ERR_BAD_MESSAGE';
  for (const header of [
    '01000000 00000000 00000000', // version 0
    '01000000 02000000 00000000', // version 2
    '01000000 03000000 00000000', // version 3
    '01000000 05000000 00000000', // a reply
    '01000000 01000000 01100000', // 4097 bytes
    '01000000 01000000 ffffffff', // 4 GiB
  ]) {
    await ends(t, bench, bad, (raw) => raw.send(header));
  }
  // Payloads too short and too long, without need_reply.
  for (const [request, length] of [
    [R.SET_FEATURES, 7],
    [R.SET_FEATURES, 9],
    [R.SET_FEATURES, 4096],
    [R.SET_VRING_NUM, 4],
    [R.SET_VRING_ADDR, 39],
    [R.SET_MEM_TABLE, 4],
    [R.SET_MEM_TABLE, 8 + 9 * 32],
    [R.GET_VRING_BASE, 0],
  ] as const) {
    await ends(t, bench, bad, (raw) => raw.send(message(request, new Uint8Array(length))));
  }
});

scenario('the connection is cut at each byte of a message', async (t, bench) => {
  const whole = message(R.SET_FEATURES, u64(0));
  for (let length = 0; length <= whole.length; length++) {
    const raw = bench.connect();
    if (length > 0) raw.send(whole.subarray(0, length));
    raw.close();
    const clean = length === 0 || length === whole.length;
    t.equal(await bench.ended(), clean ? null : 'VHOST_ERR_BAD_MESSAGE', `${length} bytes`);
  }
  await servesNext(t, bench);
});

scenario('the connection is cut after each message of a start', async (t, bench) => {
  using memory = new FrontEndMemory({ bytes: 1 << 20 });
  using kick = closing(createEventFd());
  using pair = closing(lonelySocket());
  const steps: readonly [number, (Uint8Array | undefined)?, number?][] = [
    [R.SET_PROTOCOL_FEATURES, u64(0xfffff)],
    [R.SET_BACKEND_REQ_FD, undefined, pair.fd],
    [R.SET_OWNER],
    [R.SET_FEATURES, u64(1n << 30n)],
    [R.GPU_SET_SOCKET, undefined, pair.fd],
    [R.SET_MEM_TABLE, memoryTable(memory.region), memory.fd],
    [R.SET_VRING_NUM, state(0, 64)],
    [R.SET_VRING_BASE, state(0, 0)],
    [R.SET_VRING_ADDR, addresses(0, memory.userAddress)],
    [R.SET_VRING_CALL, u64(0), kick.fd],
    [R.SET_VRING_ERR, u64(0), kick.fd],
    [R.SET_VRING_KICK, u64(0), kick.fd],
    [R.SET_VRING_ENABLE, state(0, 1)],
    [R.GET_VRING_BASE, state(0, 0)],
  ];
  for (let count = 1; count <= steps.length; count++) {
    const raw = bench.connect();
    for (const [request, payload, fd] of steps.slice(0, count)) {
      raw.send(message(request, payload), fd === undefined ? [] : [fd]);
    }
    raw.close();
    const reason = await bench.ended();
    t.equal(reason, null, `${count} messages`);
    t.equal(bench.device.events.at(-1), 'detach');
  }
  await servesNext(t, bench);
});

scenario('requests that are not known, or not negotiated', async (t, bench) => {
  const raw = await bench.connect().negotiate();
  for (const request of [0, 99, 0xffff_ffff, R.VRING_KICK, R.IOTLB_MSG, R.POSTCOPY_ADVISE]) {
    t.equal(await raw.command(request, unhex('0102')), 'refused', `${request}`);
    raw.send(message(request, unhex('0102')));
  }
  t.equal(await raw.command(R.RESET_DEVICE), 'refused', 'RESET_DEVICE was not negotiated');
  t.match(await raw.ask(R.GET_FEATURES), /^01000000050000/, 'those without need_reply were passed over');
  t.equal(bench.warnings.length, 13);
  for (let i = 0; i < 100; i++) t.equal(await raw.command(99), 'refused');
  t.ok(bench.warnings.length < 40, 'a front-end can’t fill the log');
  raw.close();
  t.equal(await bench.ended(), null);
  await ends(t, bench, 'VHOST_ERR_UNSUPPORTED', (next) => next.send(message(R.GET_QUEUE_NUM)));
});

scenario('descriptors that are missing, surplus, or something else', async (t, bench) => {
  using kick = closing(createEventFd());
  using memory = new FrontEndMemory({ bytes: 8192 });
  const bad = 'VHOST_ERR_BAD_FDS';
  const table = memoryTable(memory.region);
  const raw = await bench.connect().negotiate(P.BACKEND_REQ, P.CONFIGURE_MEM_SLOTS, P.LOG_SHMFD);
  t.equal(await raw.command(R.SET_VRING_KICK, u64(0)), 'refused');
  t.equal(await raw.command(R.SET_VRING_KICK, u64(0), [memory.fd]), 'refused', 'no eventfd');
  t.equal(await raw.command(R.SET_MEM_TABLE, table), 'refused');
  t.equal(
    await raw.command(R.ADD_MEM_REG, SingleMemoryRegion.encode({ padding: 0n, region: memory.region })),
    'refused',
  );
  t.equal(await raw.command(R.SET_LOG_BASE, LogDescription.encode({ size: 4096, offset: 0 })), 'refused');
  t.equal(await raw.command(R.GPU_SET_SOCKET), 'refused');
  t.equal(await raw.command(R.GPU_SET_SOCKET, undefined, [kick.fd]), 'refused', 'no socket');
  t.equal(await raw.command(R.SET_BACKEND_REQ_FD, undefined, [kick.fd]), 'refused', 'no socket');
  t.equal(await raw.command(R.SET_VRING_CALL, u64(0), [kick.fd, kick.fd, memory.fd]), 'ok', 'surplus');
  t.equal(await raw.command(R.SET_VRING_CALL, u64(VRING_NO_FD), [kick.fd]), 'ok', 'surplus');
  t.equal(await raw.command(R.SET_MEM_TABLE, table, [memory.fd, kick.fd]), 'ok', 'surplus');
  t.match(await raw.ask(R.GET_FEATURES, undefined, 0, [kick.fd]), /^01000000050000/, 'surplus');
  raw.close();
  t.equal(await bench.ended(), null);

  await ends(t, bench, bad, (next) => next.send(message(R.SET_VRING_KICK, u64(0))));
  await ends(t, bench, bad, (next) => next.send(message(R.SET_MEM_TABLE, table)));
  await ends(t, bench, bad, (next) => next.send(message(R.GET_FEATURES), new Array(9).fill(kick.fd)));
  const split = message(R.SET_VRING_KICK, u64(0));
  await ends(t, bench, bad, async (next) => {
    next.send(split.subarray(0, 12), [kick.fd]);
    await turn();
    next.send(split.subarray(12), [kick.fd]);
  });
  // Without need_reply, a display socket that is missing is passed over: nothing depends on it.
  const next = bench.connect();
  next.send(message(R.GPU_SET_SOCKET));
  t.match(await next.ask(R.GET_FEATURES), /^01000000050000/);
  next.close();
  t.equal(await bench.ended(), null);
});

scenario('memory tables that lie', async (t, bench) => {
  using memory = new FrontEndMemory({ bytes: 1 << 20 });
  const { region, fd } = memory;
  const raw = await bench.connect().negotiate(P.CONFIGURE_MEM_SLOTS);
  t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(region), [fd]), 'ok');
  const big = 2 ** 60;
  for (const [what, ...regions] of [
    ['longer than its file', { ...region, size: region.size + 4096 }],
    ['starts past the end of its file', { ...region, mmapOffset: 1 << 21 }],
    ['no bytes', { ...region, size: 0 }],
    ['wraps', { ...region, guestAddress: 2 ** 64 - 2 ** 12 }],
    ['wraps in user space', { ...region, userAddress: 2 ** 64 - 2 ** 12 }],
    ['huge', { ...region, size: big }],
    ['offset wraps', { ...region, mmapOffset: 2 ** 64 - 2 ** 12 }],
    ['not page-aligned', { ...region, guestAddress: region.guestAddress + 8 }],
    ['overlaps', region, { ...region, guestAddress: region.guestAddress + 4096, userAddress: 4096 }],
  ] as const) {
    const fds = regions.map(() => fd);
    t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(...regions), fds), 'refused', what);
  }
  const count = MemoryTableHeader.encode({ count: 0xffff_ffff, padding: 0 });
  t.equal(await raw.command(R.SET_MEM_TABLE, count, [fd]), 'refused', 'four billion regions');
  const { frontEnd } = bench.device;
  const whole = Float64Array.of(region.guestAddress, region.size);
  const table = frontEnd?.memory.scatterGather(whole);
  t.equal(table?.length, region.size, 'the old table is in force');
  table?.close();
  const readOnly = openSync(`/proc/self/fd/${fd}`, 'r');
  t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(region), [readOnly]), 'refused', 'read-only');
  closeFd(readOnly);
  raw.close();
  t.equal(await bench.ended(), null);
  await ends(t, bench, 'VHOST_ERR_BAD_MEMORY_TABLE', (next) =>
    next.send(message(R.SET_MEM_TABLE, memoryTable({ ...region, size: 0 })), [fd]),
  );
});

scenario('rings that can’t be', async (t, bench) => {
  using memory = new FrontEndMemory({ bytes: 1 << 20 });
  using kick = closing(createEventFd());
  const raw = await bench.connect().negotiate();
  const user = memory.userAddress;
  t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(memory.region), [memory.fd]), 'ok');
  for (const num of [0, 3, 100, 65536, 0xffff_ffff]) {
    t.equal(await raw.command(R.SET_VRING_NUM, state(0, num)), 'refused', `size ${num}`);
  }
  for (const index of [2, 255, 0xffff_ffff]) {
    t.equal(await raw.command(R.SET_VRING_NUM, state(index, 16)), 'refused', `queue ${index}`);
    t.equal(await raw.command(R.SET_VRING_BASE, state(index, 0)), 'refused');
    t.equal(await raw.command(R.SET_VRING_ENABLE, state(index, 1)), 'refused');
    t.equal(await raw.command(R.SET_VRING_ADDR, addresses(index, user)), 'refused');
  }
  t.equal(await raw.command(R.SET_VRING_KICK, u64(2), [kick.fd]), 'refused', 'queue 2');
  t.equal(await raw.command(R.SET_VRING_KICK, u64(0x200), [kick.fd]), 'refused', 'unknown flag');
  t.equal(await raw.command(R.SET_VRING_KICK, u64(1n << 63n), [kick.fd]), 'refused', 'unknown flag');
  t.equal(await raw.command(R.SET_VRING_ENABLE, state(0, 2)), 'refused');
  for (const address of [0, user - 4096, user + (1 << 20), 2 ** 63]) {
    t.equal(await raw.command(R.SET_VRING_ADDR, addresses(0, address)), 'refused', 'outside memory');
  }

  // Kicked before it is set up: nothing happens, and the ring can be set up still.
  t.equal(await raw.command(R.SET_VRING_KICK, u64(0), [kick.fd]), 'ok');
  kick.signal();
  while (kick.drain()) await turn();
  await raw.ask(R.GET_FEATURES);
  t.ok(bench.warnings.some((line) => line.includes('not set up')) || bench.device.events.length > 0);
  // The start of the areas lies in memory, the rest does not, or is misaligned: found when the ring starts.
  t.equal(await raw.command(R.SET_VRING_NUM, state(0, 64)), 'ok');
  const odd = {
    index: 0,
    flags: 0,
    descriptor: user + 8,
    available: user + 0x400,
    used: user + 0x800,
    log: 0,
  };
  const tail = { ...odd, descriptor: user + (1 << 20) - 16 };
  for (const wrong of [odd, tail]) {
    t.equal(await raw.command(R.SET_VRING_ADDR, VringAddresses.encode(wrong)), 'ok');
    t.equal(await raw.command(R.SET_VRING_KICK, u64(0), [kick.fd]), 'refused');
  }
  raw.close();
  t.equal(await bench.ended(), null);
  const bad = 'VHOST_ERR_BAD_VRING';
  await ends(t, bench, bad, (next) => next.send(message(R.GET_VRING_BASE, state(9, 0))));
  await ends(t, bench, bad, (next) => next.send(message(R.GET_VRING_BASE, state(9, 0), NEED_REPLY)));
  await ends(t, bench, bad, (next) => next.send(message(R.SET_VRING_NUM, state(0, 0))));
});

scenario('what a front-end does wrong again and again does not fill the log', async (t, bench) => {
  using kick = closing(createEventFd());
  const raw = await bench.connect().negotiate(P.CONFIG);
  t.equal(await raw.command(R.SET_VRING_KICK, u64(0), [kick.fd]), 'ok');
  const config = ConfigHeader.encode({ offset: 0, size: 20, flags: 0 });
  for (let i = 0; i < 100; i++) {
    kick.signal();
    await raw.ask(R.GET_CONFIG, config);
    raw.send(
      message(R.SET_PROTOCOL_FEATURES, u64((1n << 63n) | BigInt(1 << P.CONFIG) | BigInt(1 << P.REPLY_ACK))),
    );
    t.equal(await raw.command(99), 'refused');
  }
  t.ok(bench.warnings.length <= 33, `${bench.warnings.length} lines`);
  raw.close();
  t.equal(await bench.ended(), null);
});

scenario('a driver that breaks its ring again and again does not fill the log', async (t, bench) => {
  using memory = new FrontEndMemory({ bytes: 1 << 20 });
  using kick = closing(createEventFd());
  const raw = await bench.connect().negotiate();
  t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(memory.region), [memory.fd]), 'ok');
  memory.bytes[0x402] = 200; // avail.idx: more than the ring has
  const { events } = bench.device;
  for (let i = 1; i <= 50; i++) {
    await raw.ask(R.GET_VRING_BASE, state(0, 0));
    await raw.command(R.SET_VRING_NUM, state(0, 16));
    await raw.command(R.SET_VRING_BASE, state(0, 0));
    await raw.command(R.SET_VRING_ADDR, addresses(0, memory.userAddress));
    await raw.command(R.SET_VRING_KICK, u64(0), [kick.fd]);
    while (events.filter((event) => event === 'stopped 0').length < i) await turn();
  }
  const lines = bench.warnings.filter((line) => line.startsWith('ring broken')).length;
  t.ok(lines >= 1 && lines <= 10, `${lines} lines`);
  raw.close();
  t.equal(await bench.ended(), null);
});

scenario('a ring that the driver put where none can be does not end the connection', async (t, bench) => {
  using memory = new FrontEndMemory({ bytes: 1 << 20 });
  using kick = closing(createEventFd());
  const raw = bench.connect();
  const user = memory.userAddress;
  // As QEMU does it: nothing here asks for an acknowledgement.
  const setUp = async (num: number, address: number) => {
    raw.send(message(R.SET_VRING_NUM, state(0, num)));
    raw.send(message(R.SET_VRING_BASE, state(0, 0)));
    raw.send(message(R.SET_VRING_ADDR, addresses(0, address)));
    raw.send(message(R.SET_VRING_KICK, u64(0)), [kick.fd]);
    kick.signal();
    await raw.ask(R.GET_FEATURES);
    await turn();
    return raw.ask(R.GET_VRING_BASE, state(0, 0));
  };
  raw.send(message(R.SET_MEM_TABLE, memoryTable(memory.region)), [memory.fd]);
  for (const [num, address] of [
    [16, user + 8],
    [12, user],
    [16, user + (1 << 20) - 0x804],
  ] as const) {
    t.match(await setUp(num, address), /^0b000000/, `${num} entries at +${address - user}`);
  }
  t.notOk(bench.device.events.includes('started 0'));
  await setUp(16, user);
  t.ok(bench.device.events.includes('started 0'), 'a rebooted guest does better');
  raw.close();
  t.equal(await bench.ended(), null);
});

scenario('a broken ring stops alone, tells so, and can be set up anew', async (t, bench) => {
  using memory = new FrontEndMemory({ bytes: 1 << 20 });
  using kick = closing(createEventFd());
  using error = closing(createEventFd());
  const raw = await bench.connect().negotiate();
  const broken = new Promise<void>((resolve) => error.watch(() => resolve()));
  const setUp = async () => {
    t.equal(await raw.command(R.SET_VRING_NUM, state(0, 16)), 'ok');
    t.equal(await raw.command(R.SET_VRING_BASE, state(0, 0)), 'ok');
    t.equal(await raw.command(R.SET_VRING_ADDR, addresses(0, memory.userAddress)), 'ok');
    t.equal(await raw.command(R.SET_VRING_ERR, u64(0), [error.fd]), 'ok');
    t.equal(await raw.command(R.SET_VRING_KICK, u64(0), [kick.fd]), 'ok');
  };
  t.equal(await raw.command(R.SET_MEM_TABLE, memoryTable(memory.region), [memory.fd]), 'ok');
  memory.bytes[0x402] = 200; // avail.idx: more than the ring has
  await setUp();
  await broken;
  t.match(await raw.ask(R.GET_FEATURES), /^01000000050000/, 'the connection goes on');
  t.equal(bench.device.events.at(-1), 'stopped 0');
  t.equal(bench.warnings.filter((line) => line.startsWith('ring broken')).length, 1);
  await raw.ask(R.GET_VRING_BASE, state(0, 0));
  memory.bytes[0x402] = 0;
  await setUp();
  t.equal(bench.device.events.at(-1), 'started 0');
  raw.close();
  t.equal(await bench.ended(), null);
});

scenario('logs and inflight regions with bad sizes', async (t, bench) => {
  using file = closing(memfd(8192));
  const raw = await bench.connect().negotiate(P.LOG_SHMFD, P.INFLIGHT_SHMFD);
  for (const [size, offset] of [
    [0, 0],
    [8193, 0],
    [4096, 8192],
    [4096, 1],
    [2 ** 40, 0],
    [2 ** 63, 0],
    [4096, 2 ** 63],
  ] as const) {
    const payload = LogDescription.encode({ size, offset });
    t.equal(await raw.command(R.SET_LOG_BASE, payload, [file.fd]), 'refused', `log of ${size} at ${offset}`);
  }
  for (const [mmapSize, mmapOffset, queueCount, queueSize] of [
    [0, 0, 1, 16],
    [64, 0, 1, 16],
    [8192, 4096, 1, 16],
    [2 ** 63, 0, 1, 16],
    [8192, 0, 0, 16],
    [8192, 0, 3, 16],
    [8192, 0, 1, 0],
    [8192, 0, 2, 65535],
  ] as const) {
    const payload = Inflight.encode({ mmapSize, mmapOffset, queueCount, queueSize });
    const what = `inflight ${mmapSize} at ${mmapOffset}, ${queueCount} queues of ${queueSize}`;
    t.equal(await raw.command(R.SET_INFLIGHT_FD, payload, [file.fd]), 'refused', what);
  }
  raw.close();
  t.equal(await bench.ended(), null);
  const negotiated = message(R.SET_PROTOCOL_FEATURES, u64(0x1002));
  await ends(t, bench, 'VHOST_ERR_BAD_INFLIGHT', (next) => {
    next.send(negotiated);
    next.send(
      message(
        R.GET_INFLIGHT_FD,
        Inflight.encode({ mmapSize: 0, mmapOffset: 0, queueCount: 9, queueSize: 1 }),
      ),
    );
  });
  await ends(t, bench, 'VHOST_ERR_BAD_LOG', (next) => {
    next.send(negotiated);
    next.send(message(R.SET_LOG_BASE, LogDescription.encode({ size: 0, offset: 0 })), [file.fd]);
  });
});

/** A connected socket whose other end is closed. */
function lonelySocket(): UnixSocket {
  const [ours, theirs] = socketPair();
  theirs.close();
  return ours;
}

function memfd(size: number): { readonly fd: number; close(): void } {
  const fd = createMemfd('test', { size });
  return { fd, close: () => closeFd(fd) };
}

scenario('config space that is not there', async (t, bench) => {
  const raw = await bench.connect().negotiate(P.CONFIG);
  const refused = '180000000500000000000000';
  for (const [offset, size, bytes] of [
    [0, 20, 16],
    [0, 16, 20],
    [250, 16, 16],
    [0xffff_ffff, 4, 4],
  ] as const) {
    const header = ConfigHeader.encode({ offset, size, flags: 0 });
    const payload = Uint8Array.from([...header, ...new Uint8Array(bytes)]);
    t.equal(await raw.ask(R.GET_CONFIG, payload), refused);
    t.equal(await raw.command(R.SET_CONFIG, payload), 'refused');
  }
  t.same(bench.device.events, ['attach']);
  raw.close();
  t.equal(await bench.ended(), null);
});

class Headless extends EchoDevice {
  override readonly setGpuSocket = undefined as unknown as EchoDevice['setGpuSocket'];
}

scenarioWith(
  'a device without a display',
  () => new Headless(),
  async (t, bench) => {
    const raw = await bench.connect().negotiate();
    using socket = closing(lonelySocket());
    t.equal(await raw.command(R.GPU_SET_SOCKET, undefined, [socket.fd]), 'refused');
    raw.close();
    t.equal(await bench.ended(), null);
  },
);

scenario('replies on the back-end channel that answer nothing end the connection', async (t, bench) => {
  for (const reply of [
    message(BackEndRequest.CONFIG_CHANGE_MSG, u64(0), 4),
    message(BackEndRequest.SHMEM_MAP, u64(0), 4),
    message(BackEndRequest.CONFIG_CHANGE_MSG, u64(0)),
    message(BackEndRequest.CONFIG_CHANGE_MSG, unhex('00'), 4),
  ]) {
    const raw = await bench.connect().negotiate(P.BACKEND_REQ, P.CONFIG);
    const [ours, theirs] = socketPair();
    t.equal(await raw.command(R.SET_BACKEND_REQ_FD, undefined, [theirs.fd]), 'ok');
    theirs.close();
    const channel = new Raw(ours);
    const asked = bench.device.frontEnd?.configChanged();
    await channel.receive();
    channel.send(reply);
    if (hex(reply) === hex(message(BackEndRequest.CONFIG_CHANGE_MSG, u64(0), 4))) {
      t.equal(await asked, true);
      channel.send(reply);
    } else {
      t.equal(await asked, false);
    }
    t.equal(await bench.ended(), 'VHOST_ERR_BAD_REPLY');
    channel.close();
    raw.close();
  }
  // Hanging up there is allowed.
  const raw = await bench.connect().negotiate(P.BACKEND_REQ, P.CONFIG);
  const [ours, theirs] = socketPair();
  t.equal(await raw.command(R.SET_BACKEND_REQ_FD, undefined, [theirs.fd]), 'ok');
  theirs.close();
  const asked = bench.device.frontEnd?.configChanged();
  ours.close();
  t.equal(await asked, false);
  t.match(await raw.ask(R.GET_FEATURES), /^01000000050000/);
  raw.close();
  t.equal(await bench.ended(), null);
});

scenario('a front-end that sends and never reads stops itself', async (t, bench) => {
  const raw = bench.connect();
  raw.socket.watch(0, () => undefined);
  const many = Uint8Array.from(Array.from({ length: 500 }, () => [...message(R.GET_FEATURES)]).flat());
  let idle = 0;
  while (idle < 50) {
    idle = raw.socket.send(many) > 0 ? 0 : idle + 1;
    await turn();
  }
  t.ok(bench.server.busy, 'it waits');
  raw.close();
  await bench.ended();
  await servesNext(t, bench);
});

scenario('while too many answers wait, the connection is not woken by what it does not read', async (t) => {
  const [ours, theirs] = socketPair();
  let watched = 0;
  const socket: UnixSocket = {
    fd: ours.fd,
    closed: false,
    receive: (target) => ours.receive(target),
    send: (data, fds) => ours.send(data, fds),
    sendRows: () => 0,
    setSendBuffer: () => undefined,
    watch: (events, callback) => {
      watched = events;
      ours.watch(events, callback);
    },
    close: () => ours.close(),
  };
  let handled = 0;
  const answer = new Uint8Array(4096);
  const connection = new Connection(socket, {
    message: ({ request }) => {
      handled++;
      connection.send(request, 5, answer);
    },
    ended: () => t.fail('it goes on'),
  });
  const questions = Uint8Array.from(Array.from({ length: 1000 }, () => [...message(R.GET_FEATURES)]).flat());
  t.equal(theirs.send(questions), questions.length);
  const waits = (): boolean => connection.queued > 64;
  while (!waits()) await turn();
  await turn();
  t.equal(watched, WRITABLE);
  const target = new Uint8Array(1 << 20);
  while (handled < 1000) {
    theirs.receive(target);
    await turn();
  }
  t.equal(watched & READABLE, READABLE, 'and goes on when the peer reads');
  connection.close();
  theirs.close();
});

scenario('one at a time: others wait in the backlog', async (t, bench) => {
  const first = bench.connect();
  t.match(await first.ask(R.GET_FEATURES), /^01000000050000/);
  const second = bench.connect();
  const answer = second.ask(R.GET_FEATURES);
  await first.ask(R.GET_FEATURES);
  t.same(bench.device.events, ['attach']);
  first.close();
  t.equal(await bench.ended(), null);
  t.match(await answer, /^01000000050000/);
  second.close();
  t.equal(await bench.ended(), null);
  t.same(bench.device.events, ['attach', 'detach', 'attach', 'detach']);
});
