/**
 * One view, for all who watch it. What changed is kept for each of them, as a short list of rectangles; who can take a frame
 * gets what it lacks. A round copies the pixels of all that is asked for at one moment, and encodes each rectangle once;
 * what changes meanwhile is part of the next round. So there is one copy of a picture at most, and one of the rectangle that
 * is being encoded, however many watch.
 */
import type { CursorState, Picture } from '../../capture/index.js';
import { DamageList, type Rect } from '../../virtio-gpu/index.js';
import { viewId } from '../protocol/index.js';
import { type CursorPicture, cursorPicture } from './cursor-picture.js';
import { cutOut, type EncodedTile, encodeTiles } from './tiles.js';
import type { Size, ViewSource } from './view-source.js';

/** Between rounds: no browser shows more. */
const INTERVAL_MS = 16;
/** After a round that failed (for lack of memory). */
const RETRY_MS = 1000;

export interface WatchedFrame {
  /** Null when the view shows nothing. */
  readonly size: Size | null;
  readonly tiles: readonly EncodedTile[];
}

export interface WatchedCursor {
  readonly state: CursorState;
  readonly picture: CursorPicture | null;
}

/** Who watches. */
export interface Audience {
  /** It takes a frame now. */
  readonly ready: boolean;
  /** It takes other messages now. */
  readonly roomy: boolean;
  showFrame(frame: WatchedFrame): void;
  showCursor(cursor: WatchedCursor): void;
  /** A change goes into a later frame. */
  merged(): void;
}

/** What one of them has not seen yet. */
interface Backlog {
  whole: boolean;
  readonly damage: DamageList;
  cursor: boolean;
}

/** A frame that one of them will get. */
interface Order {
  readonly audience: Audience;
  readonly backlog: Backlog;
  readonly rects: readonly Rect[];
}

/** A frame is due. */
function lacksPicture({ ready }: Audience, { whole, damage }: Backlog): boolean {
  return ready && (whole || damage.length > 0);
}

function clip(rect: Rect, { width, height }: Size): Rect | null {
  const right = Math.min(rect.x + rect.width, width);
  const bottom = Math.min(rect.y + rect.height, height);
  if (right <= rect.x || bottom <= rect.y) return null;
  return { x: rect.x, y: rect.y, width: right - rect.x, height: bottom - rect.y };
}

/** The smallest rectangle that holds all; null for none. */
function boxAround(rects: readonly Rect[]): Rect | null {
  if (rects.length === 0) return null;
  const x = Math.min(...rects.map((rect) => rect.x));
  const y = Math.min(...rects.map((rect) => rect.y));
  const right = Math.max(...rects.map((rect) => rect.x + rect.width));
  const bottom = Math.max(...rects.map((rect) => rect.y + rect.height));
  return { x, y, width: right - x, height: bottom - y };
}

function keyOf({ x, y, width, height }: Rect): string {
  return `${x},${y},${width},${height}`;
}

function pixelsOf(rects: readonly Rect[]): number {
  return rects.reduce((sum, { width, height }) => sum + width * height, 0);
}

export class Feed {
  readonly id: string;
  /** Changes of the picture so far. */
  changes = 0;
  private readonly source: ViewSource;
  private readonly onError: (error: Error) => void;
  private readonly watchers = new Map<Audience, Backlog>();
  private stops: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;
  private working = false;
  /** Of performance.now(): not before. */
  private nextMs = 0;
  private cursor: WatchedCursor | null = null;

  constructor(source: ViewSource, onError: (error: Error) => void) {
    this.source = source;
    this.onError = onError;
    this.id = viewId(source.kind, source.number);
  }

  get watched(): boolean {
    return this.watchers.size > 0;
  }

  /** It gets the whole picture first. */
  join(audience: Audience): void {
    if (!this.watched) {
      this.stops = [
        this.source.follow(),
        this.source.listen(
          (rect) => this.changed(rect),
          () => this.cursorChanged(),
        ),
      ];
    }
    this.watchers.set(audience, { whole: true, damage: new DamageList(), cursor: true });
    this.schedule();
  }

  /** Idempotent. */
  leave(audience: Audience): void {
    this.watchers.delete(audience);
    if (this.watched) return;
    for (const stop of this.stops.splice(0)) stop();
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** Somebody can take more than before. */
  renew(): void {
    this.schedule();
  }

  private changed(rect: Rect | null): void {
    this.changes++;
    for (const [audience, backlog] of this.watchers) {
      if (!audience.ready) audience.merged();
      if (rect === null) {
        backlog.whole = true;
        backlog.damage.clear();
      } else if (!backlog.whole) backlog.damage.add(rect);
    }
    this.schedule();
  }

  private cursorChanged(): void {
    for (const backlog of this.watchers.values()) backlog.cursor = true;
    this.schedule();
  }

  private due(audience: Audience, backlog: Backlog): boolean {
    return (backlog.cursor && audience.roomy) || lacksPicture(audience, backlog);
  }

  private schedule(): void {
    if (this.working || this.timer !== null) return;
    if (![...this.watchers].some(([audience, backlog]) => this.due(audience, backlog))) return;
    const delay = Math.max(0, this.nextMs - performance.now());
    this.timer = setTimeout(() => void this.round(), delay);
  }

  private async round(): Promise<void> {
    this.timer = null;
    this.working = true;
    this.nextMs = performance.now() + INTERVAL_MS;
    try {
      await this.showCursor();
      await this.showFrames();
    } catch (error) {
      this.nextMs = performance.now() + RETRY_MS;
      this.onError(error as Error);
    }
    this.working = false;
    this.schedule();
  }

  private async showCursor(): Promise<void> {
    const state = this.source.cursor();
    const due = [...this.watchers].filter(([audience, backlog]) => backlog.cursor && audience.roomy);
    for (const [, backlog] of due) backlog.cursor = false;
    if (state === null) return;
    const known = this.cursor;
    const picture =
      known?.state.image === state.image ? known.picture : state.image && (await cursorPicture(state.image));
    this.cursor = { state, picture };
    for (const [audience, backlog] of due) {
      if (this.watchers.get(audience) === backlog) audience.showCursor(this.cursor);
    }
  }

  private async showFrames(): Promise<void> {
    const size = this.source.size();
    const orders = this.takeOrders(size);
    try {
      const encoded = this.copyPixels(orders);
      // (Who lacks little does not wait for who lacks much.)
      for (const order of orders) {
        const pieces: (readonly EncodedTile[])[] = [];
        for (const rect of order.rects) pieces.push((await encoded.get(keyOf(rect))?.()) ?? []);
        if (this.watchers.get(order.audience) !== order.backlog) continue;
        order.audience.showFrame({ size, tiles: pieces.flat() });
      }
    } catch (error) {
      for (const { backlog } of orders) backlog.whole = true;
      throw error;
    }
  }

  /** What each who can take a frame lacks; it is taken off their lists. */
  private takeOrders(size: Size | null): Order[] {
    const orders: Order[] = [];
    for (const [audience, backlog] of this.watchers) {
      if (!lacksPicture(audience, backlog)) continue;
      const wanted = backlog.whole
        ? [{ x: 0, y: 0, ...(size ?? { width: 0, height: 0 }) }]
        : backlog.damage.toArray();
      const rects = size === null ? [] : wanted.flatMap((rect) => clip(rect, size) ?? []);
      // A picture that is gone is told, too.
      if (rects.length > 0 || backlog.whole) orders.push({ audience, backlog, rects });
      backlog.whole = false;
      backlog.damage.clear();
    }
    return orders.sort((a, b) => pixelsOf(a.rects) - pixelsOf(b.rects));
  }

  /** Copies the pixels of all orders at once; they are encoded when they are asked for the first time. */
  private copyPixels(orders: readonly Order[]): Map<string, () => Promise<readonly EncodedTile[]>> {
    const rects = new Map(orders.flatMap(({ rects }) => rects.map((rect) => [keyOf(rect), rect])));
    const pictureOf = this.copies([...rects.values()]);
    return new Map(
      [...rects].map(([key, rect]) => {
        let tiles: Promise<readonly EncodedTile[]> | null = null;
        return [
          key,
          () => {
            tiles ??= encodeTiles(rect, pictureOf(rect));
            return tiles;
          },
        ];
      }),
    );
  }

  /** Copies of these rectangles; of all around them, where they overlap so much that this is less. */
  private copies(rects: readonly Rect[]): (rect: Rect) => Picture | null {
    const box = boxAround(rects);
    if (box !== null && pixelsOf(rects) > pixelsOf([box])) {
      const whole = this.source.picture(box);
      return (rect) => whole && cutOut(whole, { ...rect, x: rect.x - box.x, y: rect.y - box.y });
    }
    const pictures = new Map(rects.map((rect) => [rect, this.source.picture(rect)]));
    return (rect) => pictures.get(rect) ?? null;
  }
}
