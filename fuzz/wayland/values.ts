/** Made-up arguments, by the tables: mostly such as a program would send, some at the edge, few beyond it. */
import { type ArgTable, INTERFACES, type MessageTable, type WireValue } from '../../src/wayland/index.js';
import type { Random } from '../core/random.js';
import type { ModelObject, WireModel } from './wire-model.js';

const TEXTS = [
  '',
  'a',
  'text/plain',
  'text/plain;charset=utf-8',
  'image/png',
  'x-secret/type',
  'ünï çødé ‮evil',
  'x'.repeat(300),
] as const;
const FORMATS = [0, 1, 0x34325258, 0x34325241, 0x3231564e, 0x36314752] as const;

export interface ValueSource {
  readonly model: WireModel;
  readonly random: Random;
  /** An id for a new object of that side. */
  newId(): number;
  /** A number for an argument called `serial`. */
  serial(): number;
}

/** Null when it can't be sent now: an object is missing. */
export function makeValues(
  source: ValueSource,
  object: ModelObject,
  message: MessageTable,
): WireValue[] | null {
  const values: WireValue[] = [];
  for (const arg of message.args) {
    const value = makeValue(source, object, arg);
    if (value === undefined) return null;
    values.push(value);
  }
  return values;
}

function makeValue(source: ValueSource, object: ModelObject, arg: ArgTable): WireValue | undefined {
  const { random } = source;
  switch (arg.type) {
    case 'fd':
      return 0;
    case 'string':
      return arg.nullable === true && random.oneIn(4) ? null : random.pick(TEXTS);
    case 'array':
      return Uint8Array.from({ length: random.below(5) * 2 }, () => random.below(8));
    case 'fixed':
      return random.oneIn(8) ? -1 : random.below(64);
    case 'new_id':
      if (arg.interface === undefined) return undefined;
      return random.oneIn(300) ? random.interesting() || 1 : source.newId();
    case 'object':
      return makeObject(source, arg);
    case 'int':
    case 'uint':
      return makeNumber(source, object, arg);
  }
}

function makeObject({ model, random }: ValueSource, arg: ArgTable): number | undefined {
  if (arg.nullable === true && random.oneIn(5)) return 0;
  if (random.oneIn(300)) return random.below(80) + 1;
  // The latest are the most likely.
  const fitting = model.living(arg.interface);
  const chosen = random.oneIn(2) ? fitting.at(-1 - random.below(3)) : random.pick(fitting);
  if (chosen !== undefined) return chosen.id;
  return arg.nullable === true ? 0 : undefined;
}

function makeNumber(source: ValueSource, object: ModelObject, arg: ArgTable): number {
  const { random } = source;
  const signed = arg.type === 'int';
  if (random.oneIn(60)) return signed ? random.interesting() | 0 : random.interesting();
  if (arg.enum !== undefined && arg.enum !== 'wl_shm.format') return enumValue(random, object, arg.enum);
  if (arg.name === 'serial') return source.serial();
  if (arg.name.includes('format')) return random.pick(FORMATS);
  if (arg.name === 'stride') return random.pick([64, 128, 256]);
  if (arg.name === 'size') return random.pick([4096, 8192, 16384]);
  if (arg.name === 'offset') return random.pick([0, 64, 1024]);
  if (/modifier|plane|^x$|^y$/.test(arg.name)) return random.oneIn(8) ? 1 : 0;
  return random.between(1, 16);
}

function enumValue(random: Random, object: ModelObject, name: string): number {
  const [owner = '', enumName] = name.split('.');
  const table = INTERFACES.get(owner)?.enums.find((each) => each.name === enumName);
  const entries = table?.entries.filter(({ since }) => since <= object.version) ?? [];
  const value = random.pick(entries)?.value ?? 0;
  return table?.bitfield === true && random.oneIn(2) ? value | (random.pick(entries)?.value ?? 0) : value;
}
