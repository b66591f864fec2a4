/**
 * Keys that phones do not have, as buttons. Ctrl, Alt, Shift and Super stay down until another key was used, so that one
 * finger can press combinations.
 */
import type { ClientMessage } from '../protocol/index.js';

interface BarKey {
  readonly label: string;
  /** The label is a sign: how it is called. */
  readonly name?: string;
  /** Pressed in this order, released in the other one. */
  readonly codes: readonly [string, ...string[]];
  readonly stays?: true;
}

const KEYS: readonly BarKey[] = [
  { label: 'Esc', codes: ['Escape'] },
  { label: 'Tab', codes: ['Tab'] },
  { label: 'Ctrl', codes: ['ControlLeft'], stays: true },
  { label: 'Alt', codes: ['AltLeft'], stays: true },
  { label: 'Shift', codes: ['ShiftLeft'], stays: true },
  { label: 'Super', codes: ['MetaLeft'], stays: true },
  { label: '←', name: 'Left', codes: ['ArrowLeft'] },
  { label: '↓', name: 'Down', codes: ['ArrowDown'] },
  { label: '↑', name: 'Up', codes: ['ArrowUp'] },
  { label: '→', name: 'Right', codes: ['ArrowRight'] },
  { label: 'Del', name: 'Delete', codes: ['Delete'] },
  { label: 'Ctrl Alt Del', name: 'Ctrl, Alt and Delete', codes: ['ControlLeft', 'AltLeft', 'Delete'] },
];

/** The last of the first row, where there are two. */
const TYPING_AT = 6;

export interface KeyBarOptions {
  readonly send: (message: ClientMessage) => void;
  /** The button for the on-screen keyboard was pressed. */
  readonly typing: () => void;
}

export class KeyBar {
  private readonly options: KeyBarOptions;
  /** Buttons of keys that are down, by their codes. */
  private readonly held = new Map<string, HTMLButtonElement>();

  constructor(bar: HTMLElement, options: KeyBarOptions) {
    this.options = options;
    const buttons = KEYS.map((key) => this.button(key));
    buttons.splice(TYPING_AT, 0, this.typingButton());
    bar.append(...buttons);
    // The focus stays where it is: on the picture, or in the field of the on-screen keyboard.
    bar.addEventListener('mousedown', (event) => event.preventDefault());
  }

  /** Another key was used: what stayed down for it goes up. */
  used(): void {
    for (const code of this.held.keys()) this.key(code, false);
    this.forget();
  }

  /** The guest has been told that nothing is down any more. */
  forget(): void {
    for (const button of this.held.values()) button.setAttribute('aria-pressed', 'false');
    this.held.clear();
  }

  private button(key: BarKey): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = key.label;
    if (key.name !== undefined) button.setAttribute('aria-label', key.name);
    if (key.stays) button.setAttribute('aria-pressed', 'false');
    if (key.codes.length > 1) button.className = 'wide';
    button.addEventListener('click', () => {
      if (key.stays) this.toggle(key.codes[0], button);
      else this.tap(key.codes);
    });
    return button;
  }

  private typingButton(): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'abc';
    button.setAttribute('aria-label', 'On-screen keyboard');
    button.addEventListener('click', () => this.options.typing());
    return button;
  }

  private toggle(code: string, button: HTMLButtonElement): void {
    const pressed = !this.held.delete(code);
    if (pressed) this.held.set(code, button);
    button.setAttribute('aria-pressed', String(pressed));
    this.key(code, pressed);
  }

  private tap(codes: readonly string[]): void {
    const pressed = codes.filter((code) => !this.held.has(code));
    for (const code of pressed) this.key(code, true);
    for (const code of [...pressed].reverse()) this.key(code, false);
    this.used();
  }

  private key(code: string, pressed: boolean): void {
    this.options.send({ type: 'key', code, pressed });
  }
}
