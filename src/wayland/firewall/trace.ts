/** Messages as WAYLAND_DEBUG prints them, with strings escaped: they are the guest's. */
import type { WireValue } from '../wire/decode.js';
import type { ArgTable, MessageTable } from '../wire/table.js';

/** Characters of a string that are shown. */
const TEXT_MAX = 80;

/**
 * `-> ` is a request of the guest, none an event for it; `note` says what became of it when it was not passed on.
 * Ids are the guest's.
 */
export function formatMessage(
  direction: 'request' | 'event',
  object: { readonly guestId: number; readonly table: { readonly name: string } },
  message: MessageTable,
  values: readonly WireValue[],
  note = '',
): string {
  const args = message.args.map((arg, index) => formatArgument(arg, values[index] ?? null)).join(', ');
  const arrow = direction === 'request' ? ' -> ' : '';
  const tail = note === '' ? '' : ` [${note}]`;
  return `${arrow}${object.table.name}@${object.guestId}.${message.name}(${args})${tail}`;
}

function formatArgument(arg: ArgTable, value: WireValue): string {
  if (arg.type === 'fd') return 'fd';
  if (value instanceof Uint8Array) return `array[${value.length}]`;
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object' && value !== null) {
    return `${quote(value.interface)}, ${value.version}, new id ${printable(value.interface)}@${value.id}`;
  }
  if (arg.type === 'object') return value === 0 || value === null ? 'nil' : `${arg.interface ?? ''}@${value}`;
  if (arg.type === 'new_id') return `new id ${arg.interface ?? ''}@${value}`;
  return value === null ? 'nil' : String(value);
}

function quote(text: string): string {
  const shown = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
  return `"${printable(shown)}"`;
}

/** ASCII only, so that nothing in a log can pass for something else. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/gu, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
