/** Keys and buttons in the codes of the kernel (linux/input-event-codes.h), and text as keys of a US keyboard. */

export const BTN_LEFT = 0x110;
export const BTN_RIGHT = 0x111;
export const BTN_MIDDLE = 0x112;

export const KEY_ENTER = 28;
export const KEY_SPACE = 57;
const KEY_SLASH = 53;

/** Rows of a keyboard, from the code of their first key on. */
const ROWS: readonly (readonly [number, string])[] = [
  [16, 'qwertyuiop'],
  [30, 'asdfghjkl'],
  [44, 'zxcvbnm'],
  [KEY_SPACE, ' '],
  [KEY_SLASH, '/'],
  [KEY_ENTER, '\n'],
];

/** The keys to press for a text of small letters, spaces, slashes and ends of lines. */
export function keysOf(text: string): number[] {
  return [...text].map((letter) => {
    const found = ROWS.find(([, letters]) => letters.includes(letter));
    if (found === undefined) throw new Error(`no key for ${JSON.stringify(letter)}`);
    const [first, row] = found;
    return first + row.indexOf(letter);
  });
}
