/** The viewer's messages, tiles, keys and feeds, by themselves. */
import * as fc from 'fast-check';
import t from 'tap';
import type { ChangeListener } from '../../src/capture/index.js';
import { decodePng, type Picture } from '../../src/capture/index.js';
import {
  decodeTile,
  encodeTileHeader,
  parseClientMessage,
  parseViewId,
  TILE_HEADER_BYTES,
  viewId,
} from '../../src/viewer/protocol/index.js';
import { type Audience, Feed, type WatchedFrame } from '../../src/viewer/server/feed.js';
import type { ViewSource } from '../../src/viewer/server/index.js';
import { BROWSER_KEYS, evdevKey } from '../../src/viewer/server/key-codes.js';
import { MessageRate } from '../../src/viewer/server/message-rate.js';
import type { Rect } from '../../src/virtio-gpu/index.js';

t.test('names of views', async (t) => {
  t.same(parseViewId('output-0'), { kind: 'output', number: 0 });
  t.same(parseViewId(viewId('window', 123_456_789_012_345)), { kind: 'window', number: 123_456_789_012_345 });
  for (const id of ['', 'output-', 'output-00', 'output-1 ', 'outputs-1', 'window-1e3', 'window--1']) {
    t.equal(parseViewId(id), null, id);
  }
});

t.test('tiles', async (t) => {
  const u16 = fc.integer({ min: 1, max: 0xffff });
  const header = fc.record({
    x: u16,
    y: u16,
    width: u16,
    height: u16,
    frame: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  });
  fc.assert(
    fc.property(header, fc.uint8Array({ minLength: 1, maxLength: 50 }), (head, png) => {
      const message = Uint8Array.from([...encodeTileHeader(head), ...png]);
      t.same(decodeTile(message.buffer), { ...head, png });
    }),
    { numRuns: 50 },
  );
  const one = encodeTileHeader({ x: 0, y: 0, width: 1, height: 1, frame: 1 });
  t.same([...one], [0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  t.equal(decodeTile(one.buffer), null, 'no picture');
  t.equal(decodeTile(new ArrayBuffer(TILE_HEADER_BYTES - 1)), null);
  t.equal(decodeTile(new ArrayBuffer(100)), null, 'no pixels');
});

t.test('whatever is sent is a message or has a mistake', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => `{"type":"pointer","x":${json},"y":0}`),
      ),
      (text) => {
        const message = parseClientMessage(text);
        return 'mistake' in message || message.type.length > 0;
      },
    ),
  );
  t.same(parseClientMessage('{"type":"touch","slot":15,"x":1,"y":0.5}'), {
    type: 'touch',
    slot: 15,
    x: 1,
    y: 0.5,
  });
});

t.test('keys', async (t) => {
  for (const code of BROWSER_KEYS) t.type(evdevKey(code), 'number', code);
  t.same(
    ['KeyA', 'Digit0', 'Digit1', 'Numpad7', 'F12', 'F13', 'IntlBackslash', 'ContextMenu'].map(evdevKey),
    [...[30, 11, 2, 71, 88, 183, 86, 127]],
  );
  for (const code of ['', 'A', 'Unidentified', '__proto__', 'constructor', 'Fn'])
    t.equal(evdevKey(code), null, code);
});

t.test('the rate of messages', async (t) => {
  const rate = new MessageRate();
  const taken = (nowMs: number): number => {
    let count = 0;
    while (rate.take(nowMs)) count++;
    return count;
  };
  t.equal(taken(0), 4000);
  t.equal(taken(0), 0);
  t.ok(taken(1000) >= 1990, 'a second later as many as in a second');
  t.equal(taken(1e9), 4000, 'and never more than the bucket holds');
});

/** A screen that is drawn on at random. */
class FakeScreen implements ViewSource {
  readonly kind = 'output';
  readonly number = 0;
  readonly title = '';
  current: Picture | null = null;
  /** Parts of which a picture was asked for. */
  readonly asked: (Rect | undefined)[] = [];
  private changed: ChangeListener = () => undefined;

  size(): Picture | null {
    return this.current;
  }

  picture(part?: Rect): Picture | null {
    this.asked.push(part);
    if (this.current === null) return null;
    const { width, rgba } = this.current;
    const { x, y, width: columns, height } = part ?? { x: 0, y: 0, ...this.current };
    const copy = new Uint8Array(columns * height * 4);
    for (let row = 0; row < height; row++) {
      const from = ((y + row) * width + x) * 4;
      copy.set(rgba.subarray(from, from + columns * 4), row * columns * 4);
    }
    return { width: columns, height, rgba: copy };
  }

  cursor(): null {
    return null;
  }

  follow(): () => void {
    return () => undefined;
  }

  listen(changed: ChangeListener): () => void {
    this.changed = changed;
    return () => {
      this.changed = () => undefined;
    };
  }

  show(size: { width: number; height: number } | null, color: number): void {
    this.current =
      size === null ? null : { ...size, rgba: new Uint8Array(size.width * size.height * 4).fill(color) };
    this.changed(null);
  }

  /** Fills what of the rectangle is inside; all of it is told. */
  draw(rect: Rect, color: number): void {
    const { current } = this;
    if (current === null) return;
    for (let y = rect.y; y < Math.min(current.height, rect.y + rect.height); y++) {
      const end = Math.min(current.width, rect.x + rect.width);
      if (end > rect.x)
        current.rgba.fill(color, (y * current.width + rect.x) * 4, (y * current.width + end) * 4);
    }
    this.changed(rect);
  }
}

/** Draws what it is shown, as far as it is ready. */
class FakeViewer implements Audience {
  ready = true;
  roomy = true;
  canvas: Picture | null = null;
  private drawn: Promise<void> = Promise.resolve();
  private readonly feed: Feed;
  private onFrame: () => void = () => undefined;

  constructor(feed: Feed) {
    this.feed = feed;
    feed.join(this);
  }

  showFrame(frame: WatchedFrame): void {
    this.ready = false;
    this.drawn = this.draw(frame).then(() => this.onFrame());
  }

  showCursor(): void {}
  merged(): void {}

  /** Takes frames until it shows that. */
  async untilShows(picture: Picture | null): Promise<void> {
    for (;;) {
      await this.drawn;
      const same =
        this.canvas === null || picture === null
          ? this.canvas === picture
          : Buffer.compare(this.canvas.rgba, picture.rgba) === 0 && this.canvas.width === picture.width;
      if (same) return;
      const next = new Promise<void>((resolve) => {
        this.onFrame = resolve;
      });
      this.renew();
      await next;
    }
  }

  renew(): void {
    this.ready = true;
    this.feed.renew();
  }

  private async draw({ size, tiles }: WatchedFrame): Promise<void> {
    if (size === null) {
      this.canvas = null;
      return;
    }
    if (this.canvas?.width !== size.width || this.canvas.height !== size.height) {
      this.canvas = {
        width: size.width,
        height: size.height,
        rgba: new Uint8Array(size.width * size.height * 4),
      };
    }
    for (const { rect, png } of tiles) {
      const { rgba } = await decodePng(Buffer.from(png), 1 << 20);
      for (let row = 0; row < rect.height; row++) {
        const pixels = rgba.subarray(row * rect.width * 4, (row + 1) * rect.width * 4);
        this.canvas.rgba.set(pixels, ((rect.y + row) * size.width + rect.x) * 4);
      }
    }
  }
}

t.test('whatever is drawn, and whoever is slow: in the end all show the picture', async () => {
  const length = fc.integer({ min: 1, max: 90 });
  const size = fc.record({ width: length, height: length });
  const at = fc.integer({ min: 0, max: 80 });
  const color = fc.integer({ min: 0, max: 255 });
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ draw: fc.record({ x: at, y: at, width: length, height: length }), color }),
    },
    { weight: 1, arbitrary: fc.record({ show: fc.option(size), color }) },
    { weight: 3, arbitrary: fc.record({ ready: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.constant({ pause: true }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const screen = new FakeScreen();
      const feed = new Feed(screen, (error) => {
        throw error;
      });
      const viewers = [new FakeViewer(feed), new FakeViewer(feed), new FakeViewer(feed)];
      for (const each of steps) {
        if ('draw' in each) screen.draw(each.draw, each.color);
        else if ('show' in each) screen.show(each.show, each.color);
        else if ('ready' in each) viewers[each.ready]?.renew();
        else await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(viewers.map((viewer) => viewer.untilShows(screen.current)));
      for (const viewer of viewers) feed.leave(viewer);
    }),
    { numRuns: 40 },
  );
});

t.test('what several lack is copied once, however it overlaps', async (t) => {
  const screen = new FakeScreen();
  screen.show({ width: 100, height: 100 }, 1);
  const feed = new Feed(screen, (error) => {
    throw error;
  });
  const [quick, slow] = [new FakeViewer(feed), new FakeViewer(feed)];
  for (const viewer of [quick, slow]) await viewer.untilShows(screen.current);
  screen.draw({ x: 0, y: 0, width: 80, height: 80 }, 2);
  await quick.untilShows(screen.current);
  screen.draw({ x: 10, y: 10, width: 90, height: 90 }, 3);
  screen.asked.length = 0;
  await Promise.all([quick, slow].map((viewer) => viewer.untilShows(screen.current)));
  t.same(screen.asked, [{ x: 0, y: 0, width: 100, height: 100 }]);
  for (const viewer of [quick, slow]) feed.leave(viewer);
});
