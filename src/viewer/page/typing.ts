/**
 * The on-screen keyboard of phones and tablets: it appears for a field of text, which nobody sees; what it does to the
 * text there is done in the guest, too.
 */
import { type ClientMessage, TEXT_LENGTH_MAX } from '../protocol/index.js';
import { textChange } from './text-change.js';

export interface TypingOptions {
  readonly send: (message: ClientMessage) => void;
  readonly enabled: () => boolean;
  /** Something was typed. */
  readonly used: () => void;
}

/** Such keyboards only erase where there is something: it is put back when the field is not in use. */
const FILLING = '        ';
const ERASED_MAX = 64;

export class Typing {
  private readonly field: HTMLTextAreaElement;
  private readonly options: TypingOptions;
  private known = FILLING;

  constructor(field: HTMLTextAreaElement, options: TypingOptions) {
    this.field = field;
    this.options = options;
    field.addEventListener('input', (event) => this.changed(event));
    field.addEventListener('compositionend', () => this.refill());
    field.addEventListener('focus', () => this.refill());
  }

  get open(): boolean {
    return document.activeElement === this.field;
  }

  /** To be called while a touch is handled, or phones show no keyboard. */
  toggle(): void {
    if (this.open) this.field.blur();
    else this.field.focus({ preventScroll: true });
  }

  private changed(event: Event): void {
    const { erased, typed } = textChange(this.known, this.field.value);
    this.known = this.field.value;
    if (this.options.enabled()) this.pass(erased, typed);
    if (!(event instanceof InputEvent && event.isComposing)) this.refill();
  }

  private pass(erased: number, typed: string): void {
    const { send } = this.options;
    for (let i = 0; i < Math.min(erased, ERASED_MAX); i++) {
      send({ type: 'key', code: 'Backspace', pressed: true });
      send({ type: 'key', code: 'Backspace', pressed: false });
    }
    for (let from = 0; from < typed.length; from += TEXT_LENGTH_MAX) {
      send({ type: 'text', text: typed.slice(from, from + TEXT_LENGTH_MAX) });
    }
    if (erased > 0 || typed !== '') this.options.used();
  }

  private refill(): void {
    this.field.value = FILLING;
    this.field.setSelectionRange(FILLING.length, FILLING.length);
    this.known = FILLING;
  }
}
