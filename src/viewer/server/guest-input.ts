/**
 * One viewer's input to the output that it watches. What it holds pressed is known here, so that nothing stays pressed when
 * it goes, and so that others' keys are left alone.
 */
import {
  type ControlledInput,
  type ControlTarget,
  type Input,
  type InputKind,
  strokesOf,
} from '../../control/index.js';
import { TEXT_LENGTH_MAX } from '../protocol/index.js';
import { evdevKey } from './key-codes.js';

/** Presses that may wait in a device: a guest that takes nothing gets no more. */
const WAITING_MAX = 64;
/** Characters of one viewer that may wait to be typed. */
const TYPING_MAX = 2 * TEXT_LENGTH_MAX;
/** BTN_* by MouseEvent.button: left, middle, right, back, forward. */
const BUTTONS = [0x110, 0x112, 0x111, 0x113, 0x114] as const;

const KIND_WORDS: Readonly<Record<InputKind, string>> = {
  keyboard: 'keyboard',
  tablet: 'pointer',
  mouse: 'pointer',
  touchscreen: 'touchscreen',
};

/** What became of input: null when it was taken, otherwise what the person should know. */
type Outcome = string | null;

export class GuestInput {
  private readonly target: ControlTarget;
  private readonly typist: Input;
  private readonly output: number;
  private readonly input: ControlledInput;
  private readonly keys = new Set<number>();
  private readonly buttons = new Set<number>();
  private readonly fingers = new Set<number>();
  private typing = 0;

  constructor(target: ControlTarget, typist: Input, output: number) {
    this.target = target;
    this.typist = typist;
    this.output = output;
    this.input = target.input(output);
  }

  /** `code`: a KeyboardEvent.code. */
  key(code: string, pressed: boolean): Outcome {
    const key = evdevKey(code);
    if (key === null) return pressed ? `the guest's keyboard has no key ${code}` : null;
    return this.press('keyboard', this.keys, key, pressed, () => this.input.key(key, pressed));
  }

  /** `button`: a MouseEvent.button, 0 to 4. */
  button(button: number, pressed: boolean): Outcome {
    const code = BUTTONS[button];
    if (code === undefined) return null;
    return this.press('tablet', this.buttons, code, pressed, () => this.input.button(code, pressed));
  }

  /** x and y: 0 to 1 of the output. */
  pointer(x: number, y: number): Outcome {
    return this.act('tablet', () => this.input.moveTo(x, y));
  }

  /** In 1/120 of a notch, right and down. */
  wheel(dx: number, dy: number): Outcome {
    return this.act('tablet', () => {
      if (dy !== 0) this.input.scroll('vertical', -dy);
      if (dx !== 0) this.input.scroll('horizontal', dx);
    });
  }

  touch(slot: number, x: number, y: number): Outcome {
    if (!this.fingers.has(slot) && this.waiting('touchscreen') >= WAITING_MAX) return null;
    const outcome = this.act('touchscreen', () => this.input.touch(slot, x, y));
    if (outcome === null) this.fingers.add(slot);
    return outcome;
  }

  touchUp(slot: number): Outcome {
    if (!this.fingers.delete(slot)) return null;
    return this.act('touchscreen', () => this.input.touchUp(slot));
  }

  /** Resolves when it was typed, as far as a US keyboard has keys for it. */
  async text(text: string): Promise<Outcome> {
    const absent = this.missing('keyboard');
    if (absent !== null) return absent;
    const letters = [...text.replaceAll('\r\n', '\n')];
    const typeable = letters.filter((letter) => !('unknown' in strokesOf(letter))).join('');
    if (this.typing + typeable.length > TYPING_MAX)
      return 'the guest is still being typed to: that was not taken';
    this.typing += typeable.length;
    try {
      await this.typist.text({ text: typeable }, new AbortController().signal);
    } catch (error) {
      return (error as Error).message;
    } finally {
      this.typing -= typeable.length;
    }
    const lost = letters.length - typeable.length;
    return lost === 0 ? null : `characters that a US keyboard has no key for were left out: ${lost}`;
  }

  /** Whatever is held is released. */
  release(): void {
    for (const key of this.keys) this.input.key(key, false);
    for (const button of this.buttons) this.input.button(button, false);
    for (const finger of this.fingers) this.input.touchUp(finger);
    for (const held of [this.keys, this.buttons, this.fingers]) held.clear();
    this.input.frame();
  }

  private press(
    kind: InputKind,
    held: Set<number>,
    code: number,
    pressed: boolean,
    act: () => void,
  ): Outcome {
    if (pressed === held.has(code)) return null;
    if (pressed && this.waiting(kind) >= WAITING_MAX) return null;
    const outcome = this.act(kind, act);
    if (pressed && outcome === null) held.add(code);
    else held.delete(code);
    return outcome;
  }

  private act(kind: InputKind, act: () => void): Outcome {
    const absent = this.missing(kind);
    if (absent !== null) return absent;
    act();
    this.input.frame();
    return null;
  }

  private waiting(kind: InputKind): number {
    return this.target.readiness(kind, this.output)?.waitingTransitions ?? 0;
  }

  private missing(kind: InputKind): string | null {
    const readiness = this.target.readiness(kind, this.output);
    if (readiness === null) return `the machine has no ${KIND_WORDS[kind]} for viewers`;
    return readiness.live ? null : `the guest does not use its ${KIND_WORDS[kind]} (yet)`;
  }
}
