/** The Wayland wire format: literal bytes, round trips, and bytes that are no message. */
import fc from 'fast-check';
import t from 'tap';
import {
  type ArgTable,
  type ArgType,
  decodeArguments,
  Encoder,
  FdQueue,
  HEADER_BYTES,
  INTERFACES,
  type InterfaceTable,
  type MessageTable,
  readHeader,
  WaylandError,
  type WireValue,
  wl_keyboard,
  wl_pointer,
  wl_registry,
  wl_shm,
  wl_surface,
  xdg_toplevel,
  zwp_text_input_v3,
} from '../../src/wayland/index.js';
import { codeOf, eventOf, hex, requestOf, unhex } from './wayland-support.js';

interface Vector {
  readonly about: string;
  readonly objectId: number;
  readonly message: MessageTable;
  readonly values: WireValue[];
  readonly bytes: string;
  readonly fds?: number[];
}

const VECTORS: Vector[] = [
  {
    about: 'object, negative and positive int',
    objectId: 3,
    message: requestOf(wl_surface, 'attach'),
    values: [7, -1, 2],
    bytes: '03000000 01001400 07000000 ffffffff 02000000',
  },
  {
    about: 'null object',
    objectId: 3,
    message: requestOf(wl_surface, 'attach'),
    values: [0, 0, 0],
    bytes: '03000000 01001400 00000000 00000000 00000000',
  },
  {
    about: 'new id of any interface',
    objectId: 2,
    message: requestOf(wl_registry, 'bind'),
    values: [5, { interface: 'wl_shm', version: 1, id: 4 }],
    bytes: '02000000 00002000 05000000 07000000 776c5f73686d0000 01000000 04000000',
  },
  {
    about: 'string with a two-byte character that ends on a word',
    objectId: 9,
    message: requestOf(xdg_toplevel, 'set_title'),
    values: ['hé'],
    bytes: '09000000 02001000 04000000 68c3a900',
  },
  {
    about: 'empty string',
    objectId: 9,
    message: requestOf(xdg_toplevel, 'set_title'),
    values: [''],
    bytes: '09000000 02001000 01000000 00000000',
  },
  {
    about: 'null string',
    objectId: 9,
    message: eventOf(zwp_text_input_v3, 'preedit_string'),
    values: [null, 0, 3],
    bytes: '09000000 02001400 00000000 00000000 03000000',
  },
  {
    about: 'a descriptor takes no bytes',
    objectId: 5,
    message: requestOf(wl_shm, 'create_pool'),
    values: [6, 77, 4096],
    bytes: '05000000 00001000 06000000 00100000',
    fds: [77],
  },
  {
    about: 'fixed',
    objectId: 8,
    message: eventOf(wl_pointer, 'motion'),
    values: [10, 1.5, -0.25],
    bytes: '08000000 02001400 0a000000 80010000 c0ffffff',
  },
  {
    about: 'array of five bytes',
    objectId: 8,
    message: eventOf(wl_keyboard, 'enter'),
    values: [1, 3, unhex('1e00000001')],
    bytes: '08000000 01001c00 01000000 03000000 05000000 1e00000001000000',
  },
];

function queueOf(...fds: number[]): FdQueue {
  const queue = new FdQueue(1000);
  queue.push(fds);
  return queue;
}

function decode(message: MessageTable, text: string, ...fds: number[]): WireValue[] {
  return decodeArguments(message, unhex(text), queueOf(...fds));
}

t.test('literal bytes, both ways', async (t) => {
  const encoder = new Encoder();
  for (const { about, objectId, message, values, bytes, fds = [] } of VECTORS) {
    const encoded = encoder.encode(objectId, message, values);
    t.equal(hex(encoded.bytes), bytes.replaceAll(' ', ''), `${about}: encoded`);
    t.same(encoded.fds, fds, `${about}: descriptors`);
    const raw = unhex(bytes);
    const header = readHeader(new DataView(raw.buffer), 0, 4096);
    t.same(header, { objectId, opcode: message.opcode, size: raw.length }, `${about}: header`);
    t.same(
      decodeArguments(message, raw.subarray(HEADER_BYTES), queueOf(...fds)),
      values,
      `${about}: decoded`,
    );
  }
});

t.test('every truncation and every extension of a message is refused', async (t) => {
  for (const { about, message, bytes, fds = [] } of VECTORS) {
    const body = unhex(bytes).subarray(HEADER_BYTES);
    for (let length = 0; length < body.length; length++) {
      const queue = queueOf(...fds);
      const code = codeOf(() => decodeArguments(message, body.subarray(0, length), queue));
      t.equal(code, 'WL_ERR_TRUNCATED', `${about}: ${length} bytes`);
      t.equal(queue.length, fds.length, 'no descriptor was taken');
    }
    const longer = new Uint8Array([...body, 0, 0, 0, 0]);
    t.equal(
      codeOf(() => decodeArguments(message, longer, queueOf(...fds))),
      'WL_ERR_TRAILING',
      about,
    );
  }
});

t.test('headers that no message can have', async (t) => {
  const code = (text: string, max = 4096): string | null =>
    codeOf(() => readHeader(new DataView(unhex(text).buffer), 0, max));
  for (const size of ['0000', '0400', '0700', '0900', '0a00', '0410', 'ffff', 'fcff']) {
    t.equal(code(`01000000 0000${size}`), 'WL_ERR_BAD_SIZE', size);
  }
  t.equal(code('01000000 00000010'), null, '4096 bytes are a message');
  t.equal(code('01000000 0000fcff', 0xfffc), null, 'the limit is an option');
});

t.test('bad strings, arrays and nulls', async (t) => {
  const title = requestOf(xdg_toplevel, 'set_title');
  const enter = eventOf(wl_keyboard, 'enter');
  const cases: [MessageTable, string, string][] = [
    [title, '00000000', 'WL_ERR_NULL_ARGUMENT'],
    [title, '04000000 61626364', 'WL_ERR_BAD_STRING'],
    [title, '04000000 61006300', 'WL_ERR_BAD_STRING'],
    [title, '04000000 61626300 00000000', 'WL_ERR_TRAILING'],
    [title, '03000000 c3280000', 'WL_ERR_BAD_STRING'],
    [title, '04000000 eda08000', 'WL_ERR_BAD_STRING'],
    [title, '05000000 61626300', 'WL_ERR_TRUNCATED'],
    [title, 'ffffffff 61626300', 'WL_ERR_TRUNCATED'],
    [title, 'fdffffff 61626300', 'WL_ERR_TRUNCATED'],
    [title, '00000080 61626300', 'WL_ERR_TRUNCATED'],
    [enter, '01000000 03000000 ffffffff', 'WL_ERR_TRUNCATED'],
    [enter, '01000000 03000000 05000000 00000000', 'WL_ERR_TRUNCATED'],
    [enter, '01000000 00000000 00000000', 'WL_ERR_NULL_ARGUMENT'],
    [requestOf(wl_registry, 'bind'), '05000000 02000000 61000000 01000000 00000000', 'WL_ERR_NULL_ARGUMENT'],
  ];
  for (const [message, bytes, code] of cases)
    t.equal(
      codeOf(() => decode(message, bytes)),
      code,
      bytes,
    );
  const [replaced] = decodeArguments(title, unhex('03000000 c3280000'), queueOf(), {
    invalidUtf8: 'replace',
  });
  t.equal(replaced, '\ufffd(', 'a client can live with bad UTF-8');
  t.same(decode(title, '03000000 6162006f'), ['ab'], 'what padding contains does not matter');
});

t.test('descriptors: missing, and too many', async (t) => {
  const pool = requestOf(wl_shm, 'create_pool');
  t.equal(
    codeOf(() => decode(pool, '06000000 00100000')),
    'WL_ERR_BAD_FDS',
  );
  const queue = queueOf(5, 6);
  t.same(decodeArguments(pool, unhex('06000000 00100000'), queue), [6, 5, 4096], 'the first that came');
  t.equal(queue.length, 1);
  const small = new FdQueue(2);
  t.equal(
    codeOf(() => small.push([3, 4, 5])),
    'WL_ERR_BAD_FDS',
  );
  t.equal(small.length, 3, 'owned all the same, so that close() closes them');
});

t.test('a decoded array is a copy', async (t) => {
  const body = unhex('01000000 03000000 04000000 1e000000');
  const [, , keys] = decodeArguments(eventOf(wl_keyboard, 'enter'), body, queueOf());
  body.fill(255);
  t.equal(keys instanceof Uint8Array && hex(keys), '1e000000');
});

t.test('values that an argument cannot carry', async (t) => {
  const encoder = new Encoder();
  const one = (type: ArgType, value: WireValue, more: Partial<ArgTable> = {}): string | null => {
    const message: MessageTable = { name: 'm', opcode: 0, since: 1, args: [{ name: 'a', type, ...more }] };
    return codeOf(() => encoder.encode(1, message, [value]));
  };
  const bad: [ArgType, WireValue[]][] = [
    ['int', [0.5, 2 ** 31, -(2 ** 31) - 1, Number.NaN, null, '1']],
    ['uint', [-1, 2 ** 32, 0.5, Number.POSITIVE_INFINITY, null]],
    ['fixed', [2 ** 23, -(2 ** 23) - 1, Number.NaN, null]],
    ['string', [null, 'a\0b', 5, 'x'.repeat(4088), 'é'.repeat(2044)]],
    ['array', [null, 'abc', new Uint8Array(4088)]],
    ['object', [null, 0, -1, 2 ** 32]],
    ['new_id', [null, 4, { interface: 'a', version: -1, id: 1 }, { interface: 'a', version: 1, id: 0 }]],
    ['fd', [-1, null, 0.5]],
  ];
  for (const [type, values] of bad) {
    for (const value of values)
      t.equal(one(type, value), 'WL_ERR_BAD_VALUE', `${type} ${String(value).slice(0, 20)}`);
  }
  t.equal(one('string', 'x'.repeat(4083)), null, 'a message of 4096 bytes');
  t.equal(one('array', new Uint8Array(4084)), null, 'another');
  t.equal(one('string', null, { nullable: true }), null);
  t.equal(
    codeOf(() => encoder.encode(1, requestOf(wl_surface, 'attach'), [1])),
    'WL_ERR_BAD_VALUE',
    'too few',
  );
  t.throws(() => new Encoder(0x10000), RangeError);
});

const argument: fc.Arbitrary<[ArgTable, WireValue]> = fc.oneof(
  typed('int', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  typed('uint', fc.nat({ max: 0xffffffff })),
  typed(
    'fixed',
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((units) => units / 256),
  ),
  typed('string', fc.string({ unit: 'grapheme', maxLength: 40 }).filter(isPlain)),
  typed('string', fc.constant(null), { nullable: true }),
  typed('array', fc.uint8Array({ maxLength: 40 })),
  typed('object', fc.integer({ min: 1, max: 0xffffffff })),
  typed('object', fc.constant(0), { nullable: true }),
  typed('new_id', fc.integer({ min: 1, max: 0xffffffff }), { interface: 'wl_surface' }),
  typed(
    'new_id',
    fc.record({
      interface: fc.string({ maxLength: 20 }).filter(isPlain),
      version: fc.nat(),
      id: fc.integer({ min: 1, max: 0xffffffff }),
    }),
  ),
  typed('fd', fc.integer({ min: 0, max: 1023 })),
);

function typed(
  type: ArgType,
  values: fc.Arbitrary<WireValue>,
  more: Partial<ArgTable> = {},
): fc.Arbitrary<[ArgTable, WireValue]> {
  return values.map((value) => [{ name: 'a', type, ...more }, value]);
}

function isPlain(text: string): boolean {
  return !text.includes('\0');
}

t.test('property: what is encoded is decoded alike', async (t) => {
  const encoder = new Encoder();
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat({ max: 0xffff }),
        fc.array(argument, { maxLength: 12 }),
        (objectId, opcode, list) => {
          const message: MessageTable = { name: 'm', opcode, since: 1, args: list.map(([arg]) => arg) };
          const values = list.map(([, value]) => value);
          const { bytes, fds } = encoder.encode(objectId, message, values);
          const header = readHeader(new DataView(bytes.buffer, bytes.byteOffset), 0, 4096);
          const decoded = decodeArguments(message, bytes.subarray(HEADER_BYTES), queueOf(...fds));
          return (
            header.objectId === objectId &&
            header.opcode === opcode &&
            header.size === bytes.length &&
            Buffer.from(JSON.stringify(decoded)).equals(Buffer.from(JSON.stringify(values)))
          );
        },
      ),
    ),
  );
});

t.test('property: any bytes either decode or are refused with a code', async (t) => {
  const messages = [...INTERFACES.values()].flatMap((table: InterfaceTable) => [
    ...table.requests,
    ...table.events,
  ]);
  const word = fc.oneof(fc.integer({ min: 0, max: 24 }), fc.nat({ max: 0xffffffff }));
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.constantFrom(...messages),
        fc.array(word, { maxLength: 12 }),
        fc.nat({ max: 3 }),
        (message, words, cut) => {
          const raw = new Uint8Array(Uint32Array.from(words).buffer);
          const queue = queueOf(100, 101, 102);
          try {
            decodeArguments(message, raw.subarray(0, Math.max(0, raw.length - cut)), queue);
          } catch (error) {
            return error instanceof WaylandError && queue.length === 3;
          }
          return true;
        },
      ),
      { numRuns: 3000 },
    ),
  );
});
