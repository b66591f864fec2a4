/**
 * How QEMU writes options: `driver,key=value,flag`, a comma in a value doubled; or the same as JSON; and sizes. Only what
 * a line says is read here, never whether QEMU would take it.
 */

/** An option's keys. What stands first without a key has the option's own (`driver` of -device), a flag is `on`. */
export type Settings = ReadonlyMap<string, string>;

/** An argument that is JSON and can't be read. */
export class SyntaxMistake extends Error {}

/** Values of JSON as the other form writes them; what is nested is left out, as nothing here asks for it. */
function fromJson(text: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxMistake(`not JSON: ${text}`);
  }
  const settings = new Map<string, string>();
  for (const [key, item] of Object.entries(value as object)) {
    if (typeof item === 'boolean') settings.set(key, item ? 'on' : 'off');
    else if (typeof item === 'string' || typeof item === 'number') settings.set(key, String(item));
  }
  return settings;
}

/** `text` cut at commas that are not doubled; doubled ones become one. */
function splitAtCommas(text: string): string[] {
  return (text.match(/(?:[^,]|,,)+|,/g) ?? [])
    .filter((part) => part !== ',')
    .map((part) => part.replaceAll(',,', ','));
}

/**
 * Reads an option's argument. `implied` is the key of its first word, where that has none. A key that is there twice has
 * its last value. Throws a SyntaxMistake.
 */
export function parseSettings(text: string, implied: string): Settings {
  if (text.startsWith('{')) return fromJson(text);
  const settings = new Map<string, string>();
  for (const [index, part] of splitAtCommas(text).entries()) {
    const equals = part.indexOf('=');
    if (equals >= 0) settings.set(part.slice(0, equals), part.slice(equals + 1));
    else if (index === 0) settings.set(implied, part);
    else if (part.startsWith('no') && part.length > 2) settings.set(part.slice(2), 'off');
    else settings.set(part, 'on');
  }
  return settings;
}

/** A value as it stands in an option. */
export function escapeValue(value: string): string {
  return value.replaceAll(',', ',,');
}

/** Whether a switch is on. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && ['on', 'yes', 'true', 'y'].includes(value);
}

const UNITS = 'bkmgtpe';

/** A size in bytes; a number without a unit has `unit`. Null for what is none (QEMU says what is wrong with it). */
export function parseSize(text: string, unit: 'b' | 'm'): number | null {
  const match = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)([bkmgtpe])?$/i.exec(text);
  if (match === null) return null;
  const [, number = '', suffix = unit] = match;
  const bytes = Number(number) * 1024 ** UNITS.indexOf(suffix.toLowerCase());
  return Number.isSafeInteger(Math.floor(bytes)) ? Math.floor(bytes) : null;
}

/** Words as a shell reads them. */
export function shellQuote(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
