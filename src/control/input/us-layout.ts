/** Text as keys of a US keyboard (what "us" is to XKB, and the default of the Linux console). */

export interface Stroke {
  /** A KEY_* code. */
  readonly code: number;
  readonly shift: boolean;
}

export const KEY_LEFTSHIFT = 42;

/** Keys that are beside each other and have codes in that order: first code, without shift, with shift. */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [2, '1234567890-=', '!@#$%^&*()_+'],
  [15, '\tqwertyuiop[]\n', ' QWERTYUIOP{} '],
  [30, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [43, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [57, ' ', ' '],
];

const STROKES: ReadonlyMap<string, Stroke> = new Map<string, Stroke>(
  // A later row wins, so that a space is the space bar without shift.
  ROWS.flatMap(([first, plain, shifted]) => [
    ...[...shifted].map((letter, i) => [letter, { code: first + i, shift: true }] as const),
    ...[...plain].map((letter, i) => [letter, { code: first + i, shift: false }] as const),
  ]),
);

/** The keys for a text; a character that has none is returned instead. */
export function strokesOf(text: string): readonly Stroke[] | { readonly unknown: string } {
  const strokes: Stroke[] = [];
  for (const letter of text.replaceAll('\r\n', '\n')) {
    const stroke = STROKES.get(letter);
    if (stroke === undefined) return { unknown: letter };
    strokes.push(stroke);
  }
  return strokes;
}
