/** What the outputs show, for who looks at them from outside: pictures, and word of each change. */
import {
  type ChangeListener,
  type CursorState,
  FrameCapture,
  type Picture,
  type View,
} from '../../capture/index.js';
import type { DisplaySink, Rect } from '../../virtio-gpu/index.js';

interface Output {
  sequence: number;
  readonly listeners: Set<ChangeListener>;
  readonly cursorListeners: Set<() => void>;
}

class OutputView implements View {
  readonly name: string;
  /** Outputs are shown from memory that can be read. */
  readonly obstacle = null;
  private readonly screen: Screen;
  private readonly id: number;

  constructor(screen: Screen, id: number) {
    this.screen = screen;
    this.id = id;
    this.name = `output ${id}`;
  }

  get sequence(): number {
    return this.screen.sequence(this.id);
  }

  get size(): View['size'] {
    return this.screen.size(this.id);
  }

  get cursor(): CursorState | null {
    return this.screen.cursor(this.id);
  }

  picture(part?: Rect): Picture | null {
    return this.screen.picture(this.id, part);
  }

  follow(): () => void {
    return this.screen.follow(this.id);
  }

  listen(listener: ChangeListener): () => void {
    return this.screen.listen(this.id, listener);
  }
}

export class Screen {
  /** Shows the device's pictures to this object. */
  readonly sink: DisplaySink;
  private readonly capture: FrameCapture;
  private readonly outputs = new Map<number, Output>();

  constructor() {
    this.capture = new FrameCapture((event, id, rect) => {
      const output = this.output(id);
      if (event === 'cursor') {
        for (const listener of [...output.cursorListeners]) listener();
        return;
      }
      output.sequence += 1;
      for (const listener of [...output.listeners]) listener(rect);
    });
    this.sink = this.capture;
  }

  /** Outputs that show something. */
  get shown(): readonly number[] {
    return this.capture.shown;
  }

  /** How many changes the output's picture has seen. */
  sequence(id: number): number {
    return this.outputs.get(id)?.sequence ?? 0;
  }

  size(id: number): { readonly width: number; readonly height: number } | null {
    return this.capture.size(id);
  }

  cursor(id: number): CursorState | null {
    return this.capture.cursor(id);
  }

  /** A copy of the picture, or of a part that lies inside; null while the output is off. */
  picture(id: number, part?: Rect): Picture | null {
    return this.capture.snapshot(id, part);
  }

  /** See FrameCapture.follow. */
  follow(id: number): () => void {
    return this.capture.follow(id);
  }

  /** Calls back after each change, within the guest's command: the listener must be quick and not throw. */
  listen(id: number, listener: ChangeListener): () => void {
    const { listeners } = this.output(id);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Calls back after each change of the output's cursor, as `listen` does. */
  listenToCursor(id: number, listener: () => void): () => void {
    const { cursorListeners } = this.output(id);
    cursorListeners.add(listener);
    return () => cursorListeners.delete(listener);
  }

  /** One output, for those who do not care what it is that they look at. */
  view(id: number): View {
    return new OutputView(this, id);
  }

  private output(id: number): Output {
    let output = this.outputs.get(id);
    if (output === undefined) {
      output = { sequence: 0, listeners: new Set(), cursorListeners: new Set() };
      this.outputs.set(id, output);
    }
    return output;
  }
}
