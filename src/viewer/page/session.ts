/**
 * What the server has told: which views there are, which of them is watched, what is drawn next. Without a browser: the
 * page draws what it says.
 */
import type {
  ClientMessage,
  ServerMessage,
  ServerMessageOf,
  Stats,
  View,
  ViewInput,
} from '../protocol/index.js';
import { type Frame, FrameAssembly } from './frame-assembly.js';
import type { LinkState } from './link.js';

export interface SessionOutput {
  send(message: ClientMessage): void;
  /** `state`, `machine`, `views` or `current` are different from before. */
  changed(): void;
  /** Of the view that is watched; `shown` wants to be called when it was drawn. */
  frame(frame: Frame): void;
  cursor(message: ServerMessageOf<'cursor'>): void;
  cursorImage(message: ServerMessageOf<'cursorImage'>): void;
  stats(stats: Stats): void;
  notice(notice: ServerMessageOf<'notice'>): void;
}

const NO_INPUT: ViewInput = { keyboard: false, pointer: false, touch: false };

export class Session {
  state: LinkState = { kind: 'connecting' };
  /** A machine is connected to the device. */
  machine = false;
  views: readonly View[] = [];
  /** The view that is watched; null when there is none. */
  current: View | null = null;
  /** The name that the server has for the machine; empty before it was said. */
  name = '';
  private readonly output: SessionOutput;
  private readonly frames = new FrameAssembly();
  /** The view that the person chose: it is watched again when it comes back. */
  private chosen: string | null = null;
  private watched: string | null = null;
  private hidden = false;
  private statsOn = false;

  constructor(output: SessionOutput) {
    this.output = output;
  }

  get live(): boolean {
    return this.state.kind === 'live';
  }

  /** The server takes input of this viewer. */
  get control(): boolean {
    return this.state.kind === 'live' && this.state.control;
  }

  /** What this viewer's input reaches now. */
  get input(): ViewInput {
    return this.control ? (this.current?.input ?? NO_INPUT) : NO_INPUT;
  }

  linkChanged(state: LinkState): void {
    this.state = state;
    if (state.kind === 'live') {
      this.name = state.name;
      if (this.statsOn) this.output.send({ type: 'stats', on: true });
    } else {
      this.frames.clear();
      this.watched = null;
    }
    this.output.changed();
  }

  /** Throws when the connection makes no sense any more. */
  message(message: ServerMessage): void {
    switch (message.type) {
      case 'views':
        this.listed(message);
        break;
      case 'frame':
        this.framed(this.frames.begin(message));
        break;
      case 'cursor':
        if (message.view === this.watched) this.output.cursor(message);
        break;
      case 'cursorImage':
        if (message.view === this.watched) this.output.cursorImage(message);
        break;
      case 'stats':
        this.output.stats(message);
        break;
      case 'notice':
        this.output.notice(message);
        break;
    }
  }

  tile(data: ArrayBuffer): void {
    this.framed(this.frames.tile(data));
  }

  /** The frame is on the canvas, or nobody wants to see it. */
  shown(frame: number): void {
    this.output.send({ type: 'shown', frame });
  }

  choose(id: string): void {
    this.chosen = id;
    this.select();
    this.output.changed();
  }

  /** A page that nobody sees watches nothing. */
  setHidden(hidden: boolean): void {
    this.hidden = hidden;
    this.watch();
  }

  setStats(on: boolean): void {
    this.statsOn = on;
    this.output.send({ type: 'stats', on });
  }

  private listed({ machine, views }: ServerMessageOf<'views'>): void {
    this.machine = machine;
    this.views = views;
    // The server watches nothing that is not there any more.
    if (!views.some(({ id }) => id === this.watched)) this.watched = null;
    this.select();
    this.output.changed();
  }

  private select(): void {
    const find = (id: string | null): View | undefined => this.views.find((view) => view.id === id);
    this.current = find(this.chosen) ?? find(this.current?.id ?? null) ?? this.views[0] ?? null;
    this.watch();
  }

  private watch(): void {
    const wanted = this.hidden ? null : (this.current?.id ?? null);
    if (!this.live || wanted === this.watched) return;
    this.watched = wanted;
    this.output.send({ type: 'watch', view: wanted });
  }

  private framed(frame: Frame | null): void {
    if (frame === null) return;
    // (One that was under way when another view was chosen.)
    if (frame.view !== this.watched) {
      this.shown(frame.frame);
      return;
    }
    this.output.frame(frame);
  }
}
