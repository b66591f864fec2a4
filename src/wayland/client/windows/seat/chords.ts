/**
 * Key combinations that are the window's, not the guest's: left Ctrl and left Alt with F (fullscreen) or G (grab).
 * Keys are known by their place (evdev codes), whatever the layout.
 */

const KEY_LEFTCTRL = 29;
const KEY_LEFTALT = 56;
const KEY_F = 33;
const KEY_G = 34;

/** Both Ctrl and Alt keys, shifts, meta keys. */
const MODIFIERS: ReadonlySet<number> = new Set([29, 97, 56, 100, 42, 54, 125, 126]);

export type Chord = 'fullscreen' | 'grab';

export function isModifier(code: number): boolean {
  return MODIFIERS.has(code);
}

/** With these keys down, keys and buttons may be a chord. */
export function isChordHeld(held: ReadonlySet<number>): boolean {
  return held.has(KEY_LEFTCTRL) && held.has(KEY_LEFTALT);
}

export function chordOf(code: number, held: ReadonlySet<number>): Chord | null {
  if (!isChordHeld(held)) return null;
  if (code === KEY_F) return 'fullscreen';
  return code === KEY_G ? 'grab' : null;
}
