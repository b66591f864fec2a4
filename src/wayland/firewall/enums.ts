/** Numbers that belong to an enum of the protocol. */
import { INTERFACES } from '../protocol/generated/index.js';
import type { ArgTable, EnumTable, MessageTable } from '../wire/table.js';
import type { ForwardedObject } from './objects.js';
import { Violation } from './violation.js';

/** These grow without a new version: the compositor announces what it has, and rules of their own check that. */
const OPEN: ReadonlySet<string> = new Set(['wl_shm.format']);

const known = new Map<string, EnumTable | null>();

/** Throws a Violation unless the number has a meaning in the object's version. */
export function checkEnum(
  object: ForwardedObject,
  message: MessageTable,
  arg: ArgTable,
  value: number,
): void {
  const name = arg.enum ?? '';
  if (OPEN.has(name)) return;
  const table = find(name);
  if (table === null) return;
  const entries = table.entries.filter(({ since }) => since <= object.version);
  const valid = table.bitfield
    ? (value & ~entries.reduce((bits, entry) => bits | entry.value, 0)) === 0
    : entries.some((entry) => entry.value === value);
  if (!valid) throw new Violation('enum', `${object}.${message.name}: ${value} is no ${name}`);
}

function find(name: string): EnumTable | null {
  const before = known.get(name);
  if (before !== undefined) return before;
  const dot = name.indexOf('.');
  const found = INTERFACES.get(name.slice(0, dot))?.enums.find((each) => each.name === name.slice(dot + 1));
  known.set(name, found ?? null);
  return found ?? null;
}
