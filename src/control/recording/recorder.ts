/**
 * Records one view: at each change, but not more often than asked for, the part that changed, until it is stopped or
 * at a limit. What changes while a frame is compressed is part of the next one.
 */
import { deflatePicture, type View } from '../../capture/index.js';
import { DamageList, type Rect } from '../../virtio-gpu/index.js';
import { Animation } from './apng.js';

export interface RecorderOptions {
  readonly framesPerSecondMax: number;
  readonly bytesMax: number;
  /** Frames at most, and milliseconds. */
  readonly framesMax: number;
  readonly durationMsMax: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const OPAQUE_BLACK = [0, 0, 0, 255] as const;

function blackPixels({ width, height }: Size): Uint8Array {
  const rgba = new Uint8Array(width * height * 4);
  for (let at = 0; at < rgba.length; at += 4) rgba.set(OPAQUE_BLACK, at);
  return rgba;
}

export class Recorder {
  /** It ended at one of its limits. */
  truncated = false;
  private readonly view: View;
  private readonly options: RecorderOptions;
  private readonly animation = new Animation();
  private readonly damage = new DamageList();
  private readonly startMs = performance.now();
  private endMs: number | null = null;
  /** How far the pictures reached so far: what is beyond a smaller one is black. */
  private reach: Size = { width: 0, height: 0 };
  /** All of the picture is to be recorded. */
  private whole = true;
  private timer: NodeJS.Timeout | null = null;
  /** The frame that is being compressed. */
  private working: Promise<void> | null = null;
  private readonly stops: (() => void)[];

  constructor(view: View, options: RecorderOptions) {
    this.view = view;
    this.options = options;
    const limit = setTimeout(() => this.endAtLimit(), options.durationMsMax);
    this.stops = [view.follow(), view.listen((rect) => this.changed(rect)), () => clearTimeout(limit)];
    this.schedule();
  }

  get running(): boolean {
    return this.endMs === null;
  }

  get frames(): number {
    return this.animation.length;
  }

  get bytes(): number {
    return this.animation.bytes;
  }

  get durationMs(): number {
    return Math.round((this.endMs ?? performance.now()) - this.startMs);
  }

  /** Ends it; resolves when the frame that was in work is in. What changed since is recorded, too. */
  async stop(): Promise<void> {
    if (this.running) {
      await this.working;
      if (this.timer !== null) await this.takeFrame();
    }
    this.end();
    await this.working;
  }

  /** Ends it at once. Idempotent. */
  end(): void {
    this.endMs ??= performance.now();
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    for (const stop of this.stops.splice(0)) stop();
  }

  /** The file, in pieces, after `stop`. */
  async file(): Promise<Uint8Array[]> {
    const { width, height } = this.animation.extent;
    const poster = await deflatePicture(width, height, blackPixels({ width, height }));
    return this.animation.file(poster, this.durationMs);
  }

  private endAtLimit(): void {
    this.truncated = true;
    this.end();
  }

  private changed(rect: Rect | null): void {
    if (rect === null) this.whole = true;
    else this.damage.add(rect);
    this.schedule();
  }

  private schedule(): void {
    if (!this.running || this.timer !== null || this.working !== null) return;
    this.timer = setTimeout(() => void this.takeFrame(), this.frames === 0 ? 0 : this.intervalMs);
  }

  private get intervalMs(): number {
    return 1000 / this.options.framesPerSecondMax;
  }

  private takeFrame(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.working = this.encode()
      .catch(() => this.endAtLimit())
      .finally(() => {
        this.working = null;
        if (this.whole || this.damage.length > 0) this.schedule();
      });
    return this.working;
  }

  private async encode(): Promise<void> {
    const atMs = Math.round(performance.now() - this.startMs);
    const part = this.whole ? null : this.damage.takeAll();
    if (!this.whole && part === null) return;
    const frame = part === null ? this.wholePicture() : this.partOf(part);
    this.whole = false;
    this.damage.clear();
    if (frame === null) return;
    const data = await deflatePicture(frame.rect.width, frame.rect.height, frame.rgba);
    if (!this.fits(data.length)) this.endAtLimit();
    else this.animation.add(frame.rect, data, atMs);
  }

  private fits(bytes: number): boolean {
    return this.bytes + bytes <= this.options.bytesMax && this.frames < this.options.framesMax;
  }

  private partOf(rect: Rect): { rect: Rect; rgba: Uint8Array } | null {
    const picture = this.view.picture(rect);
    return picture === null ? null : { rect, rgba: picture.rgba };
  }

  /** The picture, and black where others reached that were larger, or where nothing is shown. Null before anything was. */
  private wholePicture(): { rect: Rect; rgba: Uint8Array } | null {
    const picture = this.view.picture();
    const { width = 0, height = 0 } = picture ?? {};
    this.reach = { width: Math.max(this.reach.width, width), height: Math.max(this.reach.height, height) };
    if (this.reach.width === 0) return null;
    const rect = { x: 0, y: 0, ...this.reach };
    if (picture?.width === rect.width && picture.height === rect.height) return { rect, rgba: picture.rgba };
    const rgba = blackPixels(rect);
    for (let y = 0; y < height; y++) {
      rgba.set(picture?.rgba.subarray(y * width * 4, (y + 1) * width * 4) ?? [], y * rect.width * 4);
    }
    return { rect, rgba };
  }
}
