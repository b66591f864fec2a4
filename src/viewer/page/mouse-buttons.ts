/** Buttons by what pointer events say of them: a second button that goes down is a move to them, with other `buttons`. */

export interface ButtonChange {
  /** A MouseEvent.button. */
  readonly button: number;
  readonly pressed: boolean;
}

/** MouseEvent.button of each bit of MouseEvent.buttons: left, right, middle, back, forward. */
const BUTTON_OF_BIT = [0, 2, 1, 3, 4];

/** What has changed between two values of MouseEvent.buttons. */
export function buttonChanges(before: number, after: number): ButtonChange[] {
  return BUTTON_OF_BIT.map((button, bit) => ({
    button,
    changed: ((before ^ after) >> bit) & 1,
    pressed: ((after >> bit) & 1) === 1,
  }))
    .filter(({ changed }) => changed === 1)
    .map(({ button, pressed }) => ({ button, pressed }));
}
