/** The keyboard: what happens on the focused picture goes to the guest, up to the chord that leaves it. */
import type { ClientMessage } from '../protocol/index.js';
import { type KeyChange, KeyState } from './key-state.js';

export interface KeyboardOptions {
  readonly send: (message: ClientMessage) => void;
  /** The guest takes keys of this viewer now. */
  readonly enabled: () => boolean;
  /** The chord was pressed: the focus should go elsewhere. */
  readonly leave: () => void;
  /** A key, other than those of the key bar, went down and up. */
  readonly used: () => void;
}

/** Names that this browser has for keys that it does not know, or that an on-screen keyboard has. */
const UNKNOWN = new Set(['', 'Unidentified']);
const MODIFIER = /^(Shift|Control|Alt|Meta|CapsLock)/;

function isLeaveChord({ code, ctrlKey, altKey, key }: KeyboardEvent): boolean {
  return code === 'KeyG' && ctrlKey && altKey && key !== 'AltGraph';
}

/** A field of text gets what is text by itself. */
function isText({ key, ctrlKey, altKey, metaKey }: KeyboardEvent): boolean {
  return [...key].length === 1 && !ctrlKey && !altKey && !metaKey;
}

export class Keyboard {
  private readonly options: KeyboardOptions;
  private readonly state = new KeyState(/^Mac/.test(navigator.platform));

  constructor(options: KeyboardOptions) {
    this.options = options;
  }

  /** Keys on this element are the guest's; `field`: except for text, which it has a use for itself. */
  listen(target: HTMLElement, field = false): void {
    target.addEventListener('keydown', (event) => this.pressed(event, field));
    target.addEventListener('keyup', (event) => this.released(event));
    target.addEventListener('blur', () => this.releaseAll());
  }

  /** The guest has been told that nothing is down any more. */
  forget(): void {
    this.state.releaseAll();
  }

  /** Whatever is down goes up: nobody would tell us when it does. */
  private releaseAll(): void {
    this.send(this.state.releaseAll());
  }

  private pressed(event: KeyboardEvent, field: boolean): void {
    if (event.isComposing || UNKNOWN.has(event.code) || !this.options.enabled()) return;
    if (field && isText(event)) return;
    event.preventDefault();
    if (isLeaveChord(event)) this.options.leave();
    else this.send(this.state.press(event.code, event.key === 'AltGraph'));
  }

  private released(event: KeyboardEvent): void {
    const changes = this.state.release(event.code);
    if (changes.length === 0 || !this.options.enabled()) return;
    event.preventDefault();
    this.send(changes);
    if (!MODIFIER.test(event.code)) this.options.used();
  }

  private send(changes: readonly KeyChange[]): void {
    for (const change of changes) this.options.send({ type: 'key', ...change });
  }
}
