/** What a front-end says: a set-up as QEMU does it, with mistakes, and then anything. */
import {
  FrontEndRequest as Ask,
  bits,
  Feature,
  Inflight,
  MemoryTableHeader,
  MessageHeader,
  ProtocolFeature as Protocol,
  U64,
  VringAddresses,
  VringState,
} from 'vhost-user-ts';
import { mutateBytes } from '../core/mutate.js';
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import { DESCRIPTORS, MEMORY_BYTES } from './descriptors.js';
import { CONFIG_BYTES, QUEUES } from './device.js';

const GUEST = 0x1_0000_0000;
const USER = 0x7f00_0000_0000;
const PAGE = 4096;
const RING_BYTES = 8 * PAGE;
const REGION_BYTES = 64 << 10;
const NEED_REPLY = 8;
const VERSION = 1;

/** What the back-end offers, with shared regions and without. */
const ALWAYS = [
  Protocol.MQ,
  Protocol.LOG_SHMFD,
  Protocol.REPLY_ACK,
  Protocol.BACKEND_REQ,
  Protocol.CONFIG,
  Protocol.BACKEND_SEND_FD,
  Protocol.INFLIGHT_SHMFD,
  Protocol.RESET_DEVICE,
  Protocol.STATUS,
];
export const SHARED = bits(...ALWAYS, Protocol.SHMEM);
export const SLOTS = bits(...ALWAYS, Protocol.CONFIGURE_MEM_SLOTS);

/** A message: what it asks, its payload, and kinds of descriptors. */
type Said = readonly [request: number, payload: Uint8Array, fds: readonly string[]];
type Maker = (random: Random) => Said;
/** What is still to be said of a set-up. */
export type Plan = Maker[];

const NOTHING = new Uint8Array(0);
const plain =
  (request: number): Maker =>
  () => [request, NOTHING, []];
const u64 = (value: bigint): Uint8Array => U64.encode({ value });
const queue = (random: Random): number => (random.oneIn(40) ? random.interesting() : random.below(QUEUES));
const page = (random: Random): number =>
  random.oneIn(30) ? random.interesting() : random.below(MEMORY_BYTES / PAGE) * PAGE;
const size = (random: Random): number =>
  random.oneIn(20) ? random.interesting() : random.pick([1, 2, 8, 16, 256]);
const file = (random: Random): string =>
  random.oneIn(12) ? random.pick(DESCRIPTORS) : random.pick(['memory', 'memory', 'brittle']);

function features(random: Random): bigint {
  const optional = [Feature.RING_PACKED, Feature.RING_INDIRECT_DESC, Feature.RING_EVENT_IDX, Feature.LOG_ALL];
  const chosen = optional.filter(() => random.oneIn(2));
  const protocol = random.oneIn(8) ? [] : [Feature.PROTOCOL_FEATURES];
  const odd = random.oneIn(20) ? BigInt(random.word()) << BigInt(random.below(32)) : 0n;
  return bits(...chosen, ...protocol, Feature.VERSION_1) | odd;
}

function protocolFeatures(random: Random): bigint {
  if (random.oneIn(6)) return BigInt(random.word());
  const left = bits(...ALWAYS.filter(() => random.oneIn(12)));
  return (SHARED | SLOTS) & ~left;
}

function region(random: Random, index: number): number[] {
  const offset = random.oneIn(20) ? page(random) : index * REGION_BYTES;
  const bytes = random.oneIn(20) ? random.interesting() : REGION_BYTES;
  const user = USER + offset;
  return [GUEST + offset, bytes, user, random.oneIn(20) ? page(random) : offset];
}

function regions(list: readonly number[][]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(list.flat().map(BigInt)).buffer);
}

function memoryTable(random: Random): Said {
  const count = random.oneIn(12) ? random.below(10) : 2;
  const list = Array.from({ length: count }, (_, index) => region(random, index));
  const said = random.oneIn(30) ? random.interesting() : count;
  const head = MemoryTableHeader.encode({ count: said, padding: 0 });
  const fds = random.oneIn(20) ? random.below(12) : count;
  const kind = file(random);
  return [
    Ask.SET_MEM_TABLE,
    Buffer.concat([head, regions(list)]),
    Array.from({ length: fds }, () => (random.oneIn(8) ? file(random) : kind)),
  ];
}

function oneRegion(request: number): Maker {
  return (random) => {
    const said = regions([[0], region(random, random.below(3))]);
    return [request, said, request === Ask.ADD_MEM_REG ? [file(random)] : []];
  };
}

function addresses(random: Random): Said {
  const index = queue(random);
  const at = USER + (index % QUEUES) * RING_BYTES;
  const place = (offset: number): number =>
    random.oneIn(30) ? USER + page(random) + random.below(20) : at + offset;
  const wild = { index, flags: random.below(2), log: random.oneIn(20) ? random.interesting() : GUEST };
  const payload = { ...wild, descriptor: place(0), available: place(2 * PAGE), used: place(4 * PAGE) };
  return [Ask.SET_VRING_ADDR, VringAddresses.encode(payload), []];
}

const ring =
  (request: number, num: (random: Random) => number): Maker =>
  (random) => [request, VringState.encode({ index: queue(random), num: num(random) >>> 0 }), []];

const event =
  (request: number): Maker =>
  (random) => {
    const none = random.oneIn(10);
    const word = queue(random) | (none ? 0x100 : 0) | (random.oneIn(60) ? random.interesting() : 0);
    const kind = random.oneIn(20) ? random.pick(DESCRIPTORS) : 'event';
    return [request, u64(BigInt(word >>> 0)), none && !random.oneIn(8) ? [] : [kind]];
  };

const base = (random: Random): number => {
  if (random.oneIn(8)) return random.interesting();
  return random.oneIn(2) ? 0 : 0x8000_8000;
};

function inflight(request: number): Maker {
  return (random) => {
    const payload = Inflight.encode({
      mmapSize: random.oneIn(8) ? random.interesting() : PAGE * 4,
      mmapOffset: random.oneIn(8) ? page(random) : 0,
      queueCount: random.oneIn(8) ? random.below(400) : QUEUES,
      queueSize: random.oneIn(8) ? random.word() & 0xffff : 16,
    });
    const padded = random.oneIn(4) ? payload : Buffer.concat([payload, new Uint8Array(4)]);
    return [request, padded, request === Ask.SET_INFLIGHT_FD ? [file(random)] : []];
  };
}

function config(request: number): Maker {
  return (random) => {
    const offset = random.oneIn(8) ? random.interesting() : random.below(CONFIG_BYTES);
    const length = random.oneIn(12) ? random.below(300) : random.below(CONFIG_BYTES + 4);
    const said = random.oneIn(20) ? random.interesting() : length;
    const head = new Uint8Array(Uint32Array.of(offset, said, 0).buffer);
    return [request, Buffer.concat([head, new Uint8Array(length)]), []];
  };
}

const withFd =
  (request: number, kind: string, payload: (random: Random) => Uint8Array = () => NOTHING): Maker =>
  (random) => [request, payload(random), [random.oneIn(10) ? random.pick(DESCRIPTORS) : kind]];

const log = (random: Random): Uint8Array =>
  new Uint8Array(
    BigUint64Array.of(
      BigInt(random.oneIn(6) ? random.interesting() : PAGE),
      BigInt(random.oneIn(6) ? page(random) : 0),
    ).buffer,
  );

/** All that there is, and some that there is not. */
const MAKERS: readonly Maker[] = [
  plain(Ask.GET_FEATURES),
  (random) => [Ask.SET_FEATURES, u64(features(random)), []],
  plain(Ask.SET_OWNER),
  plain(Ask.RESET_OWNER),
  memoryTable,
  memoryTable,
  withFd(Ask.SET_LOG_BASE, 'memory', log),
  withFd(Ask.SET_LOG_FD, 'event'),
  ring(Ask.SET_VRING_NUM, size),
  addresses,
  addresses,
  ring(Ask.SET_VRING_BASE, base),
  ring(Ask.GET_VRING_BASE, () => 0),
  ring(Ask.GET_VRING_BASE, () => 0),
  event(Ask.SET_VRING_KICK),
  event(Ask.SET_VRING_KICK),
  event(Ask.SET_VRING_CALL),
  event(Ask.SET_VRING_ERR),
  plain(Ask.GET_PROTOCOL_FEATURES),
  (random) => [Ask.SET_PROTOCOL_FEATURES, u64(protocolFeatures(random)), []],
  plain(Ask.GET_QUEUE_NUM),
  ring(Ask.SET_VRING_ENABLE, (random) => (random.oneIn(12) ? random.interesting() : random.below(2))),
  withFd(Ask.SET_BACKEND_REQ_FD, 'channel'),
  config(Ask.GET_CONFIG),
  config(Ask.SET_CONFIG),
  inflight(Ask.GET_INFLIGHT_FD),
  inflight(Ask.SET_INFLIGHT_FD),
  withFd(Ask.GPU_SET_SOCKET, 'channel'),
  plain(Ask.RESET_DEVICE),
  plain(Ask.GET_MAX_MEM_SLOTS),
  oneRegion(Ask.ADD_MEM_REG),
  oneRegion(Ask.REM_MEM_REG),
  (random) => [Ask.SET_STATUS, u64(BigInt(random.pick([0, 3, 11, 15]))), []],
  plain(Ask.GET_STATUS),
  plain(Ask.GET_SHMEM_CONFIG),
  (random) => [random.oneIn(2) ? random.below(60) : random.interesting(), u64(0n), []],
];

/** From the connection to rings that run. */
function setUp(random: Random): Maker[] {
  const wanted = features(random);
  const accepted = protocolFeatures(random);
  const packed = (wanted & bits(Feature.RING_PACKED)) !== 0n;
  const start = packed ? 0x8000_8000 : 0;
  const state = (request: number, index: number, num: number): Maker => {
    return () => [request, VringState.encode({ index, num }), []];
  };
  const fd = (request: number, index: number): Maker => {
    return () => [request, u64(BigInt(index)), ['event']];
  };
  const rings = [0, 1].flatMap((index) => [
    state(Ask.SET_VRING_NUM, index, packed && random.oneIn(2) ? 7 : 16),
    state(Ask.SET_VRING_BASE, index, start),
    () => addressesOf(index),
    fd(Ask.SET_VRING_CALL, index),
    fd(Ask.SET_VRING_KICK, index),
    state(Ask.SET_VRING_ENABLE, index, 1),
  ]);
  return [
    plain(Ask.GET_FEATURES),
    plain(Ask.GET_PROTOCOL_FEATURES),
    () => [Ask.SET_PROTOCOL_FEATURES, u64(accepted), []],
    plain(Ask.SET_OWNER),
    ...(random.oneIn(2) ? [withFd(Ask.SET_BACKEND_REQ_FD, 'channel')] : []),
    () => [Ask.SET_FEATURES, u64(wanted), []],
    memoryTable,
    ...(random.oneIn(4) ? [inflight(Ask.GET_INFLIGHT_FD), inflight(Ask.SET_INFLIGHT_FD)] : []),
    ...(random.oneIn(4) ? [withFd(Ask.SET_LOG_BASE, 'memory', log)] : []),
    ...rings,
  ];
}

function addressesOf(index: number): Said {
  const at = USER + index * RING_BYTES;
  const places = { descriptor: at, available: at + 2 * PAGE, used: at + 4 * PAGE };
  return [Ask.SET_VRING_ADDR, VringAddresses.encode({ index, flags: 0, log: 0, ...places }), []];
}

export function proposeStep(planned: Plan, begun: boolean, random: Random): Step {
  if (!begun) {
    if (!random.oneIn(8)) planned.push(...setUp(random));
    return step('open', [random.oneIn(2) ? 'shared' : 'slots']);
  }
  const next = planned.shift();
  if (next !== undefined && !random.oneIn(30)) return message(next(random), random, 60);
  if (random.oneIn(4)) return happen(random);
  return message((random.pick(MAKERS) ?? memoryTable)(random), random, 30);
}

/** One in `care` has a mistake. */
function message([request, payload, fds]: Said, random: Random, care: number): Step {
  const flags = VERSION | (random.oneIn(4) ? 0 : NEED_REPLY);
  const head = MessageHeader.encode({
    request,
    flags: random.oneIn(care * 8) ? random.below(16) : flags,
    size: random.oneIn(care * 8) ? random.interesting() : payload.length,
  });
  const sound = Buffer.concat([head, payload]);
  const bytes = random.oneIn(care) ? mutateBytes(sound, random) : sound;
  const other = Array.from({ length: random.oneIn(6) ? random.below(33) : random.below(3) }, () =>
    random.pick(DESCRIPTORS),
  );
  return step('message', random.oneIn(care) ? other : fds, Uint8Array.from(bytes));
}

/** Something that is no message. */
function happen(random: Random): Step {
  const choice = random.below(40);
  if (choice < 12) return makeChain(random);
  if (choice < 24) return step('kick', [String(random.below(8))]);
  if (choice < 33) return step('device', [random.pick(['hold', 'push', 'push', 'config', 'map', 'unmap'])]);
  if (choice < 36) return step('answer', [String(random.below(2))]);
  if (choice === 36) return step('truncate', [String(page(random))]);
  if (choice === 37) return random.oneIn(2) ? step('deaf') : step('listen');
  if (choice === 38) return step('channel-end');
  if (random.oneIn(12)) return step('hang-up');
  const bytes = Uint32Array.of(random.below(12), random.below(16), 8, random.below(2), 0);
  return step('channel', [], mutateBytes(new Uint8Array(bytes.buffer), random));
}

/** A chain that is available on a split ring, or as much of one as fits a step: its index, entry and descriptor. */
function makeChain(random: Random): Step {
  const ringAt = random.below(2) * RING_BYTES;
  const at = BigInt(GUEST + random.below(8) * 64 + 6 * PAGE);
  const flags = BigInt(random.below(4)) << 32n;
  const descriptor = BigUint64Array.of(at, flags | 64n);
  const [offset, bytes] = random.pick([
    [ringAt + random.below(4) * 16, new Uint8Array(descriptor.buffer)],
    [ringAt + 2 * PAGE, new Uint8Array(Uint16Array.of(0, random.below(6), 0, 1, 2, 3, 0).buffer)],
    [ringAt + random.below(RING_BYTES), new Uint8Array(Uint32Array.of(random.interesting()).buffer)],
  ] as const);
  return step('memory', [String(offset)], bytes);
}
