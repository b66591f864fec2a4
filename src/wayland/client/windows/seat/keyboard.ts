/**
 * Keys from the host's keyboard to the guest's. What the guest holds is a part of what the user holds: keys that
 * went down elsewhere, and keys of chords, stay with the host.
 */
import { type WlKeyboard, WlKeyboardKeyState } from '../../../protocol/generated/wayland.js';
import { words } from '../toplevel.js';
import type { WindowView } from '../window-view.js';
import { type Chord, chordOf, isChordHeld, isModifier } from './chords.js';
import { DEVICE_RELEASE_SINCE, type SeatHost } from './seat-host.js';

/** KEY_MAX of evdev. */
const KEY_MAX = 0x2ff;
/** Bits of wl_keyboard.modifiers, as xkb has them in every keymap that evdev keyboards use. */
const LOCK = 1 << 1;
const NUM_LOCK = 1 << 4;

export interface KeyboardHandlers {
  chord(chord: Chord, view: WindowView): void;
  /** The keyboard's focus has left the window. */
  left(view: WindowView): void;
}

export class Keyboard {
  private readonly object: WlKeyboard;
  private readonly handlers: KeyboardHandlers;
  private focus: WindowView | null = null;
  /** Keys that the user holds. */
  private readonly held = new Set<number>();
  /** Those of them that the guest knows of. */
  private readonly told = new Set<number>();
  /** Modifiers that the guest hears of when the next key or button needs them: Alt of Alt+Tab does not, say. */
  private readonly latent = new Set<number>();
  private locked = -1;

  constructor(object: WlKeyboard, host: SeatHost, handlers: KeyboardHandlers) {
    this.object = object;
    this.handlers = handlers;
    object.listen({
      enter: (_serial, surface, keys) => this.enter(host.viewOf(surface), words(keys)),
      leave: () => this.leave(),
      key: (_serial, _time, code, state) => this.key(code, state),
      modifiers: (_serial, _depressed, _latched, locked) => this.modifiers(locked),
    });
  }

  /** Ctrl and Alt are held in this window. */
  isChordHeld(view: WindowView): boolean {
    return this.focus === view && isChordHeld(this.held);
  }

  /** A button or key is about to go to the guest: the modifiers that are held go before it. */
  tellModifiers(view: WindowView): void {
    if (this.focus !== view) return;
    for (const code of this.latent) this.press(view, code);
    this.latent.clear();
  }

  /** Everything goes up in the guest; modifiers that are still held come back with the next key. */
  releaseTold(): void {
    const { focus } = this;
    if (focus === null) return;
    for (const code of this.told) focus.model.input.key(code, false);
    if (this.told.size > 0) focus.model.input.frame();
    this.told.clear();
    for (const code of this.held) if (isModifier(code)) this.latent.add(code);
  }

  forget(view: WindowView): void {
    if (this.focus === view) this.leave();
  }

  destroy(): void {
    this.leave();
    if (this.object.alive && this.object.version >= DEVICE_RELEASE_SINCE) this.object.release();
  }

  private enter(view: WindowView | null, keys: readonly number[]): void {
    this.leave();
    if (view === null) return;
    this.focus = view;
    view.keyboards.add(this);
    this.locked = -1;
    for (const code of keys) {
      if (code > KEY_MAX) continue;
      this.held.add(code);
      if (isModifier(code)) this.latent.add(code);
    }
  }

  private leave(): void {
    const { focus } = this;
    if (focus === null) return;
    this.releaseTold();
    this.focus = null;
    this.held.clear();
    this.latent.clear();
    focus.keyboards.delete(this);
    // Another seat's user may go on.
    if (focus.keyboards.size === 0) focus.model.input.releaseAll();
    this.handlers.left(focus);
  }

  private key(code: number, state: number): void {
    const { focus } = this;
    if (focus === null || code > KEY_MAX) return;
    if (state === WlKeyboardKeyState.released) {
      this.held.delete(code);
      this.latent.delete(code);
      if (!this.told.delete(code)) return;
      focus.model.input.key(code, false);
      focus.model.input.frame();
      return;
    }
    // Anything else is a repeat, which the guest does by itself.
    if (state !== WlKeyboardKeyState.pressed) return;
    const chord = chordOf(code, this.held);
    this.held.add(code);
    if (chord !== null) {
      this.releaseTold();
      this.handlers.chord(chord, focus);
      return;
    }
    this.tellModifiers(focus);
    this.press(focus, code);
    focus.model.input.frame();
  }

  private press(view: WindowView, code: number): void {
    this.told.add(code);
    view.model.input.key(code, true);
  }

  private modifiers(locked: number): void {
    const { focus } = this;
    const relevant = locked & (LOCK | NUM_LOCK);
    if (focus === null || relevant === this.locked) return;
    this.locked = relevant;
    focus.model.input.lockedModifiers?.((locked & LOCK) !== 0, (locked & NUM_LOCK) !== 0);
  }
}
