/**
 * Text of the guest that people get to see on the host. The label in front of a title has to stay in front, and one
 * line has to stay one line.
 */

/**
 * Controls, line and paragraph separators, everything that changes the direction of text, invisible joiners and
 * fillers, tags, private characters, unpaired surrogates.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** More combining marks than a letter of any language has; stacked, they paint over what is above and below. */
const STACKED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** At most `max` characters (code points). */
export function cleanText(text: string, max: number): string {
  const clean = text.normalize('NFC').replace(UNSEEN, '').replace(STACKED_MARKS, '$1').trimStart();
  const points = [...clean];
  if (points.length <= max) return clean;
  return max < 1 ? '' : `${points.slice(0, max - 1).join('')}…`;
}

/** What may stand in an application id: a part of file names and D-Bus names. */
export function cleanAppId(text: string, max: number): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, max);
}

/** Replaces {name}s; unknown ones stay. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([A-Za-z]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The longest start that fits `max` bytes of UTF-8 without breaking a character. */
export function truncateUtf8(text: string, max: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= max) return text;
  let end = max;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8');
}
