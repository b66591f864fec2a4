/**
 * Caps Lock and Num Lock of host and guest in step. Both toggle at each press that the guest sees; they part when a
 * lock key is pressed while another window has the keyboard. The guest's side is known from the LEDs that it sets, so
 * that a guest which never set one is left alone.
 */

/** What is needed of the keyboard. */
export interface LockKeyboard {
  /** LEDs (LED_* code) that the guest has on. */
  readonly leds: ReadonlySet<number>;
  key(code: number, pressed: boolean): void;
  frame(): void;
}

const KEY_CAPSLOCK = 58;
const KEY_NUMLOCK = 69;
const LED_NUML = 0;
const LED_CAPSL = 1;

export class LockKeys {
  private readonly keyboard: LockKeyboard;
  /** The keyboard came to the window just now: the next word of the compositor's says what the host has. */
  private entered = true;
  /** LEDs that the guest takes care of: it set them at some time. */
  private readonly kept = new Set<number>();

  constructor(keyboard: LockKeyboard) {
    this.keyboard = keyboard;
  }

  /** The guest set this LED. */
  ledSet(code: number): void {
    this.kept.add(code);
  }

  /** The guest's driver is gone, and so is what was known of the guest. */
  guestLeft(): void {
    this.kept.clear();
  }

  /** The keyboard went elsewhere. */
  focusLost(): void {
    this.entered = true;
  }

  /** What the host's lock keys are. Only the first word after the keyboard came counts: later presses reach both. */
  hostHas(caps: boolean, num: boolean): void {
    if (!this.entered) return;
    this.entered = false;
    this.match(LED_CAPSL, KEY_CAPSLOCK, caps);
    this.match(LED_NUML, KEY_NUMLOCK, num);
  }

  private match(led: number, key: number, wanted: boolean): void {
    if (!this.kept.has(led) || this.keyboard.leds.has(led) === wanted) return;
    for (const pressed of [true, false]) {
      this.keyboard.key(key, pressed);
      this.keyboard.frame();
    }
  }
}
