/**
 * The grab of one seat: the pointer is locked to a window, its movement arrives as it is, and the compositor leaves
 * its shortcuts alone. What the compositor has no protocol for is left out.
 */
import {
  type WlPointer,
  type WlSeat,
  type ZwpKeyboardShortcutsInhibitorV1,
  type ZwpLockedPointerV1,
  ZwpPointerConstraintsV1Lifetime,
  type ZwpRelativePointerV1,
} from '../../../protocol/generated/index.js';
import type { Globals } from '../globals.js';
import type { WindowView } from '../window-view.js';

export interface GrabHandlers {
  /** The mouse moved by that, not accelerated, while the pointer is locked. */
  moved(view: WindowView, dx: number, dy: number): void;
  /** The pointer was locked or unlocked, or the grab began or ended. */
  changed(): void;
}

interface Parts {
  readonly view: WindowView;
  readonly inhibitor: ZwpKeyboardShortcutsInhibitorV1 | null;
  readonly lock: ZwpLockedPointerV1 | null;
  readonly relative: ZwpRelativePointerV1 | null;
}

export class Grab {
  private readonly seat: WlSeat;
  private readonly globals: Globals;
  private readonly handlers: GrabHandlers;
  private parts: Parts | null = null;
  private isLocked = false;

  constructor(seat: WlSeat, globals: Globals, handlers: GrabHandlers) {
    this.seat = seat;
    this.globals = globals;
    this.handlers = handlers;
  }

  /** The window that has the grab. */
  get view(): WindowView | null {
    return this.parts?.view ?? null;
  }

  /** The pointer is locked to this window now. */
  locks(view: WindowView): boolean {
    return this.isLocked && this.parts?.view === view;
  }

  begin(view: WindowView, pointer: WlPointer | null): void {
    this.end();
    const { constraints, relativePointers, shortcutInhibitors } = this.globals;
    const inhibitor = shortcutInhibitors?.inhibitShortcuts(view.surface, this.seat) ?? null;
    let lock: ZwpLockedPointerV1 | null = null;
    let relative: ZwpRelativePointerV1 | null = null;
    if (pointer !== null && constraints !== null && relativePointers !== null) {
      lock = constraints.lockPointer(view.surface, pointer, null, ZwpPointerConstraintsV1Lifetime.oneshot);
      lock.listen({ locked: () => this.locked(), unlocked: () => this.end() });
      relative = relativePointers.getRelativePointer(pointer);
      relative.listen({
        relativeMotion: (_hi, _lo, _dx, _dy, dx, dy) => {
          if (this.isLocked) this.handlers.moved(view, dx, dy);
        },
      });
    }
    this.parts = { view, inhibitor, lock, relative };
    this.handlers.changed();
  }

  /** Idempotent. */
  end(): void {
    const { parts } = this;
    if (parts === null) return;
    this.parts = null;
    this.isLocked = false;
    for (const part of [parts.relative, parts.lock, parts.inhibitor])
      if (part?.alive === true) part.destroy();
    this.handlers.changed();
  }

  private locked(): void {
    if (this.parts === null) return;
    this.isLocked = true;
    this.handlers.changed();
  }
}
