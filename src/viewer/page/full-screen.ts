/** Full screen, where the keyboard is the machine's as far as the browser allows: also Esc, Alt+Tab and Super. */

/** Chromium has it. */
interface LockableKeyboard {
  lock(): Promise<void>;
  unlock(): void;
}

export interface FullScreenOptions {
  /** It was entered or left. */
  readonly changed: (on: boolean) => void;
  readonly failed: () => void;
}

export class FullScreen {
  /** Not on all phones. */
  readonly offered = document.fullscreenEnabled;
  private readonly options: FullScreenOptions;

  constructor(options: FullScreenOptions) {
    this.options = options;
    document.addEventListener('fullscreenchange', () => this.changed());
  }

  get on(): boolean {
    return document.fullscreenElement !== null;
  }

  async enter(): Promise<void> {
    try {
      await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
    } catch {
      this.options.failed();
    }
  }

  async leave(): Promise<void> {
    if (this.on) await document.exitFullscreen();
  }

  private changed(): void {
    const { on } = this;
    const { keyboard } = navigator as Navigator & { readonly keyboard?: LockableKeyboard };
    // (Refused, for example in a frame: then some keys stay the browser's.)
    if (on) keyboard?.lock().catch(() => undefined);
    else keyboard?.unlock();
    this.options.changed(on);
  }
}
