/**
 * Frames of one window on one connection: when one may be committed, what becomes of those that were. The pace is
 * the compositor's: one commit for each frame callback, and no more than two frames in its hands.
 */
import type { WlSurface, WpPresentation, WpPresentationFeedback } from '../../protocol/generated/index.js';
import type { Buffers, TrackedBuffer } from './buffers.js';
import { frameRefusal } from './frame-check.js';
import type { FrameCounters } from './frame-counters.js';
import {
  DAMAGE_RECTS_MAX,
  FEEDBACKS_MAX,
  FRAMES_HELD_MAX,
  HIDDEN_AFTER_MS,
  UNPRESENTED_MAX,
} from './limits.js';
import type { Rect, ShownInfo, WindowContent, WindowFrame } from './types.js';

export interface PumpOptions {
  readonly surface: WlSurface;
  readonly content: WindowContent;
  readonly buffers: Buffers;
  readonly presentation: WpPresentation | null;
  readonly poolBytes: number;
  readonly counters: FrameCounters;
  supportsFormat(format: number): boolean;
  /** A frame was refused. */
  refused(why: string): void;
  /** It may be possible to go on. */
  wake(): void;
  visible(visible: boolean): void;
}

/** A committed frame whose owner waits to hear whether it was shown. */
interface Unseen {
  readonly frame: WindowFrame;
  readonly committedMs: number;
  readonly feedback: WpPresentationFeedback | null;
  /** The compositor called back for it. */
  called: ShownInfo | null;
}

export class FramePump {
  private readonly options: PumpOptions;
  /** Taken, and not attached yet. */
  private taken: WindowFrame | null = null;
  private damaged = true;
  private callbackDue = false;
  private closed = false;
  private last: { readonly width: number; readonly height: number } | null = null;
  private readonly held = new Map<WindowFrame, TrackedBuffer>();
  private readonly unseen = new Set<Unseen>();
  /** Frames in a row that were called back for, but neither presented nor superseded before that. */
  private unpresented = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(options: PumpOptions) {
    this.options = options;
  }

  get attached(): boolean {
    return this.last !== null;
  }

  /** A callback is due: what can wait, waits for it. */
  get paced(): boolean {
    return this.callbackDue;
  }

  /** A commit without a frame comes, and is to count for the pace. */
  pace(): void {
    this.options.surface.frame().listen({ done: (timeMs) => this.called(timeMs) });
    this.callbackDue = true;
  }

  damage(): void {
    this.damaged = true;
  }

  /** A frame may be asked for and committed. */
  get ready(): boolean {
    return !this.closed && this.damaged && !this.callbackDue && this.held.size < FRAMES_HELD_MAX;
  }

  /** Asks for a frame that can be committed, if `ready`. */
  take(): WindowFrame | null {
    if (!this.ready) return null;
    this.damaged = false;
    const frame = this.options.content.takeFrame(this.last === null);
    if (frame === null) return null;
    const why = this.closed
      ? 'the window is gone'
      : frameRefusal(frame, this.options.poolBytes, (format) => this.options.supportsFormat(format));
    if (why === null) {
      this.taken = frame;
      return frame;
    }
    this.options.counters.refused++;
    if (!this.closed) this.options.refused(why);
    dismiss(frame);
    return null;
  }

  /** Attaches a frame that was taken; the caller commits at once. */
  attach(frame: WindowFrame): void {
    const { surface, counters, presentation } = this.options;
    const tracked = this.bufferOf(frame);
    surface.attach(tracked.buffer, 0, 0);
    this.sendDamage(frame);
    this.pace();
    this.last = { width: frame.width, height: frame.height };
    let feedback: WpPresentationFeedback | null = null;
    const useful = this.unpresented < UNPRESENTED_MAX && this.unseen.size < FEEDBACKS_MAX;
    if (presentation !== null && useful) feedback = presentation.feedback(surface);
    const unseen: Unseen = { frame, committedMs: performance.now(), feedback, called: null };
    this.unseen.add(unseen);
    feedback?.listen({
      presented: (hi, lo, nsec, refresh, _seqHi, _seqLo, flags) => {
        this.unpresented = 0;
        const seconds = (BigInt(hi) << 32n) | BigInt(lo);
        this.seen(unseen, { timeNs: seconds * 1_000_000_000n + BigInt(nsec), refreshNs: refresh, flags });
      },
      discarded: () => this.seen(unseen, null),
    });
    counters.frames++;
    this.held.set(frame, tracked);
    counters.held(this.held.size);
    this.taken = null;
    tracked.hold(this, () => this.letGo(frame));
    this.watch();
  }

  /** The compositor says that nobody can see the window: what it has not shown it won't show soon. */
  hide(): void {
    for (const unseen of [...this.unseen]) this.seen(unseen, null);
  }

  /** The surface is gone, or the compositor. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.hide();
    // (The connection may have failed in between.)
    if (this.taken !== null) dismiss(this.taken);
    for (const tracked of [...this.held.values()]) tracked.drop(this);
  }

  private bufferOf(frame: WindowFrame): TrackedBuffer {
    const { source, width, height } = frame;
    if (source.kind === 'dmabuf') return this.options.buffers.track(source.buffer.buffer);
    const { poolOffset, strideBytes, format } = source;
    return this.options.buffers.at({ offset: poolOffset, width, height, strideBytes, format });
  }

  private sendDamage(frame: WindowFrame): void {
    const { surface, counters } = this.options;
    const { width, height, damage } = frame;
    const sameSize = this.last !== null && this.last.width === width && this.last.height === height;
    const inside = damage.map((rect) => clip(rect, width, height)).filter((rect) => rect !== null);
    const whole = !sameSize || inside.length === 0 || inside.length > DAMAGE_RECTS_MAX;
    for (const rect of whole ? [{ x: 0, y: 0, width, height }] : inside) {
      surface.damageBuffer(rect.x, rect.y, rect.width, rect.height);
      counters.damagedPixels += rect.width * rect.height;
    }
  }

  private called(timeMs: number): void {
    if (this.closed) return;
    this.callbackDue = false;
    const info = { timeNs: BigInt(timeMs) * 1_000_000n, refreshNs: 0, flags: 0 };
    for (const unseen of [...this.unseen]) {
      if (unseen.feedback === null) this.seen(unseen, info);
      else unseen.called = info;
    }
    this.options.visible(true);
    this.options.wake();
  }

  private letGo(frame: WindowFrame): void {
    if (!this.held.delete(frame)) return;
    this.options.counters.held(this.held.size);
    frame.released();
    if (!this.closed) this.options.wake();
  }

  private seen(unseen: Unseen, info: ShownInfo | null): void {
    if (!this.unseen.delete(unseen)) return;
    // Headless wlroots calls back, and says of every frame that it was discarded.
    const known = info ?? unseen.called;
    if (info === null && unseen.called !== null) this.unpresented++;
    if (known === null) this.options.counters.discarded++;
    else this.options.counters.shown++;
    unseen.frame.shown?.(known);
  }

  /** One timer, whatever the number of frames: looks now and then for one that nobody will ever see. */
  private watch(): void {
    if (this.timer !== null || this.closed) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.dropOld();
      if (this.unseen.size > 0) this.watch();
    }, HIDDEN_AFTER_MS);
  }

  private dropOld(): void {
    const limit = performance.now() - HIDDEN_AFTER_MS / 2;
    for (const unseen of [...this.unseen]) {
      if (unseen.committedMs > limit) continue;
      if (this.callbackDue) this.options.visible(false);
      this.seen(unseen, null);
    }
  }
}

/** It was never committed. */
function dismiss(frame: WindowFrame): void {
  frame.shown?.(null);
  frame.released();
}

function clip(rect: Rect, width: number, height: number): Rect | null {
  const x = Math.max(0, Math.floor(rect.x));
  const y = Math.max(0, Math.floor(rect.y));
  const right = Math.min(width, Math.ceil(rect.x + rect.width));
  const bottom = Math.min(height, Math.ceil(rect.y + rect.height));
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}
