/** Requests as a driver makes them, with numbers as it does not. */
import type { Random } from '../core/random.js';
import { MEMORY_BASE, MEMORY_BYTES } from './machine.js';

const PAGE = 4096;
const HEADER_WORDS = 6;
const RESOURCES = 12;
export const CONTEXTS = 3;
const FLAG_FENCE = 1;
const FLAG_RING_IDX = 2;
const FORMATS = [1, 2, 3, 4, 67, 68, 121, 134] as const;
const FOURCC = [0x20203852, 0x34325258, 0x34325241, 0x3231564e, 0x36314752] as const;

/** Fields after the header, as words. */
type Body = (random: Random) => number[];

const resource = (random: Random): number =>
  random.oneIn(40) ? random.interesting() : random.between(1, RESOURCES);
const size = (random: Random): number =>
  random.oneIn(12) ? random.interesting() : random.pick([1, 8, 16, 64]);
const place = (random: Random): number =>
  random.oneIn(12) ? random.interesting() : random.pick([0, 0, 1, 5]);
const rect: Body = (random) => [place(random), place(random), size(random), size(random)];
const scanout = (random: Random): number => (random.oneIn(20) ? random.interesting() : random.below(2));
const bytes = (random: Random): number =>
  random.oneIn(20) ? random.interesting() : random.between(1, 4) * PAGE;

function entries(random: Random): number[] {
  const count = random.oneIn(30) ? random.below(6) : random.between(1, 3);
  const words: number[] = [];
  for (let index = 0; index < count; index++) {
    const at = MEMORY_BASE + random.below(MEMORY_BYTES / PAGE) * PAGE;
    const wild = random.oneIn(40);
    words.push(wild ? random.interesting() : at % 0x100000000, wild ? random.below(3) : 1, bytes(random), 0);
  }
  return [random.oneIn(40) ? random.interesting() : count, ...words];
}

function createBlob(random: Random): number[] {
  const mem = random.oneIn(20) ? random.below(5) : random.pick([1, 1, 2, 2, 2, 3]);
  const [count = 0, ...pages] = mem === 2 ? [0] : entries(random);
  const blobId = random.oneIn(20) ? random.interesting() : random.between(1, 6);
  const flags = random.oneIn(20) ? random.below(16) : random.pick([1, 3]);
  return [resource(random), mem, flags, count, blobId, random.oneIn(60) ? 1 : 0, bytes(random), 0, ...pages];
}

function submit(random: Random): number[] {
  const words: number[] = [];
  for (let count = random.oneIn(10) ? 2 : 1; count > 0; count--) words.push(...crossDomain(random));
  const length = random.oneIn(40) ? random.interesting() : words.length * 4;
  return [length, 0, ...words];
}

/** One cross-domain command: header with its size, and the rest. */
function crossDomain(random: Random): number[] {
  const command = random.oneIn(40) ? random.below(16) : random.pick([1, 2, 2, 3, 4, 4, 4, 7, 7]);
  const body = (COMMANDS.get(command) ?? (() => [0, 0]))(random);
  const length = random.oneIn(30) ? random.interesting() & 0xffff : (body.length + 2) * 4;
  return [((length << 16) | command) >>> 0, 0, ...body];
}

function init(random: Random): number[] {
  const type = random.oneIn(20) ? random.below(20) : 1;
  if (random.oneIn(8)) return [resource(random), type];
  const rings = [resource(random), resource(random), type];
  return random.pick([rings, rings, [...rings, 1], [...rings, 0, 0, 0, 0]]);
}

function send(random: Random): number[] {
  const count = random.oneIn(20) ? random.interesting() : random.below(4);
  const identifiers = new Array<number>(3 * 28).fill(0);
  for (let index = 0; index < Math.min(count, 28); index++) {
    const pipe = random.oneIn(3);
    identifiers[index] = pipe ? 0x80000001 + random.below(6) : resource(random);
    identifiers[28 + index] = random.oneIn(20) ? random.below(8) : pipe ? 3 : 1;
  }
  const data = new Array<number>(random.below(8)).fill(7);
  return [count, random.oneIn(30) ? random.interesting() : data.length * 4, ...identifiers, ...data];
}

function write(random: Random): number[] {
  const data = new Array<number>(random.oneIn(8) ? 1000 : random.below(8)).fill(7);
  const length = random.oneIn(30) ? random.interesting() : data.length * 4;
  return [random.between(1, 8), random.below(3), length, 0, ...data];
}

const COMMANDS: ReadonlyMap<number, Body> = new Map<number, Body>([
  [1, init],
  [2, (random) => [bytes(random), random.oneIn(2) ? 1 : size(random), random.pick(FOURCC), 0x11]],
  [3, () => [0, 0]],
  [4, send],
  [7, write],
]);

const one: Body = (random) => [resource(random), 0];
const REQUESTS: ReadonlyMap<number, Body> = new Map<number, Body>([
  [0x100, () => []],
  [0x101, (random) => [resource(random), random.pick(FORMATS), size(random), size(random)]],
  [0x102, one],
  [0x103, (random) => [...rect(random), scanout(random), random.oneIn(4) ? 0 : resource(random)]],
  [0x104, (random) => [...rect(random), resource(random), 0]],
  [0x105, (random) => [...rect(random), size(random) * 4, random.oneIn(60) ? 1 : 0, resource(random), 0]],
  [0x106, (random) => [resource(random), ...entries(random)]],
  [0x107, one],
  [0x108, (random) => [random.below(3), 0]],
  [0x109, (random) => [random.oneIn(3) ? random.interesting() : 5, random.below(2)]],
  [0x10a, (random) => [scanout(random), 0]],
  [0x10b, one],
  [0x10c, createBlob],
  [
    0x10d,
    (random) => [
      ...rect(random),
      scanout(random),
      resource(random),
      size(random),
      size(random),
      random.pick(FORMATS),
      0,
      random.oneIn(10) ? random.interesting() : random.pick([64, 256]),
      ...[0, 0, 0],
      random.oneIn(6) ? random.interesting() : 0,
      ...[0, 0, 0],
    ],
  ],
  [
    0x200,
    (random) => [
      random.below(70),
      random.oneIn(8) ? random.below(8) : 5,
      ...new Array<number>(16).fill(0x41),
    ],
  ],
  [0x201, () => []],
  [0x202, one],
  [0x203, one],
  [0x207, submit],
  [
    0x208,
    (random) => [resource(random), 0, random.oneIn(20) ? random.interesting() : random.below(16) * PAGE, 0],
  ],
  [0x209, one],
]);

const CURSOR: Body = (random) => [
  ...[scanout(random), place(random), place(random), 0],
  ...[random.oneIn(4) ? 0 : resource(random), place(random), place(random), 0],
];

const COMMON = [...REQUESTS.keys()];

function encode(
  type: number,
  flags: number,
  fenceId: number,
  ctxId: number,
  ring: number,
  body: number[],
): Uint8Array {
  const words = Uint32Array.from([type, flags, fenceId, 0, ctxId, ring, ...body].map((word) => word >>> 0));
  if (words.length < HEADER_WORDS) throw new Error('no header');
  return new Uint8Array(words.buffer);
}

/** A request of the control queue; `share` of them (1 in that many) about contexts. */
export function makeRequest(random: Random, contexts: boolean): Uint8Array {
  const context = contexts ? !random.oneIn(3) : random.oneIn(4);
  const type = context ? random.pick([0x200, 0x202, 0x207, 0x207, 0x207, 0x10c]) : random.pick(COMMON);
  const body = type === undefined ? undefined : REQUESTS.get(type);
  if (type === undefined || body === undefined) throw new Error('no such request');
  const words = body(random);
  const poll = type === 0x207 && (words[2] ?? 0) % 0x10000 === 3;
  const fenced = poll || random.oneIn(5);
  const ring = poll || random.oneIn(8);
  const flags = (fenced ? FLAG_FENCE : 0) | (ring ? FLAG_RING_IDX : 0);
  const known = type === 0x10c && words[1] !== 2 ? 0 : random.between(1, CONTEXTS);
  const ctxId = random.oneIn(40) ? random.interesting() : known;
  return encode(
    type,
    random.oneIn(60) ? random.below(16) : flags,
    random.below(1000),
    ctxId,
    poll ? 1 : 0,
    words,
  );
}

export function makeCursorRequest(random: Random): Uint8Array {
  return encode(
    random.oneIn(20) ? random.interesting() : random.pick([0x300, 0x301]),
    0,
    0,
    0,
    0,
    CURSOR(random),
  );
}

const words = (...given: number[]): number[] => given;

/** What connects a context: two rings of guest memory, attached, and INIT. */
export function connectRequests(random: Random, ctxId: number): Uint8Array[] {
  const rings = [random.between(1, 3), random.between(3, 6)];
  const ask = (type: number, body: number[], owner = ctxId): Uint8Array => encode(type, 0, 0, owner, 0, body);
  const ring = (id: number): Uint8Array[] => {
    const at = (MEMORY_BASE % 0x100000000) + random.below(8) * PAGE;
    return [ask(0x10c, words(id, 1, 1, 1, 0, 0, PAGE, 0, at, 1, PAGE, 0), 0), ask(0x202, words(id, 0))];
  };
  const init = words(0x00140001, 0, ...rings, 1);
  return [
    ask(0x200, words(0, 5, ...new Array<number>(16).fill(0))),
    ...rings.flatMap(ring),
    ask(0x207, words(init.length * 4, 0, ...init)),
    encode(
      0x207,
      FLAG_FENCE | FLAG_RING_IDX,
      random.below(1000),
      ctxId,
      1,
      words(16, 0, 0x00100003, 0, 0, 0),
    ),
  ];
}

/** What makes a blob of the host's, puts it into the window, and sends it. */
export function blobRequests(random: Random, ctxId: number): Uint8Array[] {
  const [id, length] = [random.between(7, RESOURCES), random.between(1, 3) * PAGE];
  const ask = (type: number, body: number[]): Uint8Array => encode(type, 0, 0, ctxId, 0, body);
  const query = words(0x00180002, 0, length, 1, FOURCC[0], 0x11);
  const blobId = random.between(2, 4);
  const identifiers = new Array<number>(3 * 28).fill(0);
  identifiers[0] = id;
  identifiers[28] = 1;
  const command = words((356 << 16) | 4, 0, 1, 4, ...identifiers, 7);
  return [
    ask(0x207, words(query.length * 4, 0, ...query)),
    ask(0x10c, words(id, 2, 3, 0, blobId, 0, length, 0)),
    ask(0x208, words(id, 0, random.below(16) * PAGE, 0)),
    ask(0x202, words(id, 0)),
    ask(0x207, words(command.length * 4, 0, ...command)),
    encode(0x10d, 0, 0, 0, 0, words(0, 0, 8, 8, random.below(2), id, 8, 8, 2, 0, 64, 0, 0, 0, 0, 0, 0, 0)),
  ];
}
