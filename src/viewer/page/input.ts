/** All that a person does to the guest: keyboard, pointer, fingers, the key bar and the on-screen keyboard. */
import type { ClientMessage, ViewInput } from '../protocol/index.js';
import type { CursorOverlay } from './cursor-overlay.js';
import { element } from './element.js';
import { KeyBar } from './key-bar.js';
import { Keyboard } from './keyboard.js';
import { Pointer } from './pointer.js';
import type { Stage } from './stage.js';
import { Typing } from './typing.js';

export interface InputOptions {
  readonly stage: Stage;
  readonly cursor: CursorOverlay;
  /** What the guest takes of this viewer now. */
  readonly input: () => ViewInput;
  readonly send: (message: ClientMessage) => void;
  /** The person wants to have the keyboard back. */
  readonly leave: () => void;
}

export class Input {
  private readonly options: InputOptions;
  private readonly keyboard: Keyboard;
  private readonly pointer: Pointer;
  private readonly keyBar: KeyBar;
  private readonly typing: Typing;

  constructor(options: InputOptions) {
    this.options = options;
    const { stage, cursor, input, send } = options;
    const enabled = (): boolean => input().keyboard;
    const used = (): void => this.keyBar.used();
    const field = element('typing', HTMLTextAreaElement);
    this.typing = new Typing(field, { send, enabled, used });
    this.keyBar = new KeyBar(element('keys', HTMLElement), { send, typing: () => this.typing.toggle() });
    this.keyboard = new Keyboard({ send, enabled, used, leave: options.leave });
    this.keyboard.listen(stage.canvas);
    this.keyboard.listen(field, true);
    this.pointer = new Pointer(stage, {
      send,
      input,
      moved: (place) => cursor.follow(place),
      pressed: () => this.focus(),
    });
    // The focus is set when something is pressed; browsers would take it from the on-screen keyboard.
    stage.canvas.addEventListener('mousedown', (event) => event.preventDefault());
    stage.canvas.addEventListener('blur', () => stage.canvas.classList.remove('pressed'));
    addEventListener('blur', () => this.release());
  }

  /** Whatever this viewer holds goes up in the guest. */
  release(): void {
    this.options.send({ type: 'release' });
    this.keyboard.forget();
    this.pointer.forget();
    this.keyBar.forget();
  }

  private focus(): void {
    if (this.typing.open) return;
    const { canvas } = this.options.stage;
    canvas.classList.add('pressed');
    canvas.focus({ preventScroll: true });
  }
}
