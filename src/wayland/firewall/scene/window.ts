/**
 * A window or popup of the guest's, for who looks at it from outside: its picture, and word of each change. The picture
 * is made when it is asked for, of the buffers that are shown then; nothing is read or kept before.
 */
import type { Box } from '../border/geometry.js';
import type { Size } from './buffer.js';
import type { SurfaceContent, TreeOwner } from './content.js';
import { surfaceBoxOf } from './coordinates.js';
import { densityOf, frameOf, type Layer, layersOf, overlap } from './layers.js';
import { type PaintedPicture, paint, placeOf, type Scaling, unreadable } from './paint.js';

/** Of a picture each way, and in all. */
const DIMENSION_MAX = 16384;
const PIXELS_MAX = 7680 * 4320;
/** Pixels of all layers that are drawn for one picture: a guest can put a thousand large ones on each other. */
const WORK_MAX = 2 * PIXELS_MAX;

/** As the host sees it. */
export interface WindowNames {
  readonly title: string;
  readonly appId: string;
}

export interface WindowOptions {
  readonly kind: 'window' | 'popup';
  /** The connection that it belongs to, for people. */
  readonly client: string;
  readonly content: SurfaceContent;
  /** Of a popup. */
  readonly parent: ForwardedWindow | null;
  names(): WindowNames;
}

/** `rect`: what changed, in pixels of the picture; null = all of it, or its size. */
export type WindowListener = (rect: Box | null) => void;

/** What windows have in common. */
export interface WindowHost {
  /** How many windows are listened to; where it is 0, damage is not collected. */
  watchers: number;
  /** The shared region; null when there is nothing to be seen any more. */
  regionView(): DataView | null;
  /** One has another title or size. */
  changed(): void;
}

/** What a picture is made of. */
interface Plan extends Size {
  readonly frame: Box;
  readonly scaling: Scaling;
  readonly layers: readonly Layer[];
}

export class ForwardedWindow implements TreeOwner {
  /** From 1; never another window's. */
  readonly id: number;
  /** Windows have none: the compositor draws the pointer. */
  readonly cursor = null;
  readonly popups = new Set<ForwardedWindow>();
  /** How many changes its picture has seen. */
  sequence = 0;
  private readonly host: WindowHost;
  private readonly options: WindowOptions;
  private readonly listeners = new Set<WindowListener>();
  private closed = false;
  /** The compositor has closed the popup. */
  private dismissed = false;
  /** Of a popup: from its parent's geometry to its own; the second from its next commit on. */
  private place = { x: 0, y: 0 };
  private nextPlace: { readonly x: number; readonly y: number } | null = null;
  /** What the next `flush` tells. */
  private changed = false;
  private changedWhole = false;
  private readonly changedBoxes: Box[] = [];
  /** As it was when listeners were told last. */
  private lastPlan: Plan | null = null;

  constructor(host: WindowHost, id: number, options: WindowOptions) {
    this.host = host;
    this.id = id;
    this.options = options;
    options.content.owner = this;
    options.parent?.popups.add(this);
  }

  get name(): string {
    return `window ${this.id}`;
  }

  get kind(): 'window' | 'popup' {
    return this.options.kind;
  }

  /** Of a popup: its window's number. */
  get parent(): number | null {
    return this.options.parent?.id ?? null;
  }

  get client(): string {
    return this.options.client;
  }

  get title(): string {
    return this.options.names().title;
  }

  get appId(): string {
    return this.options.names().appId;
  }

  /** 0 while it shows nothing. */
  get logicalSize(): Size {
    const frame = this.plan()?.frame;
    return { width: Math.ceil(frame?.width ?? 0), height: Math.ceil(frame?.height ?? 0) };
  }

  /** Pixels of its picture; null while it shows nothing. */
  get size(): Size | null {
    const plan = this.plan();
    return plan === null ? null : { width: plan.width, height: plan.height };
  }

  /** Why there is no picture although it shows something; null where nothing is in the way. */
  get obstacle(): string | null {
    const plan = this.plan();
    return plan === null ? null : obstacleOf(plan);
  }

  /** Null when it shows nothing, when there is an obstacle, and for a part that does not lie inside. */
  picture(part?: Box): PaintedPicture | null {
    const plan = this.plan();
    if (plan === null || obstacleOf(plan) !== null) return null;
    const whole = { x: 0, y: 0, width: plan.width, height: plan.height };
    const wanted = part ?? whole;
    const seen = overlap(wanted, whole);
    if (seen === null || seen.width !== wanted.width || seen.height !== wanted.height) return null;
    const region = this.host.regionView();
    return region === null ? null : paint(plan.layers, plan.scaling, wanted, region);
  }

  /** Calls back after each change, within the guest's request: the listener must be quick and not throw. */
  listen(listener: WindowListener): () => void {
    if (this.listeners.size === 0) {
      this.lastPlan = this.plan();
      this.host.watchers++;
    }
    this.listeners.add(listener);
    return () => {
      if (this.listeners.delete(listener) && this.listeners.size === 0) this.host.watchers--;
    };
  }

  /** Pictures are made of what is there anyway. */
  follow(): () => void {
    return () => undefined;
  }

  /** xdg_popup.configure: valid with its next commit. */
  moveNext(x: number, y: number): void {
    this.nextPlace = { x, y };
  }

  /** xdg_popup.popup_done. */
  dismiss(): void {
    this.dismissed = true;
    this.changedAll();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const popup of [...this.popups]) popup.close();
    const { content, parent } = this.options;
    content.owner = null;
    parent?.popups.delete(this);
    this.changedAll();
  }

  /** All of it has changed. */
  changedAll(): void {
    this.damageAll();
    this.flush();
  }

  /** What it shows will be different all over, or its size, once `flush` is called. */
  damageAll(): void {
    this.changed = true;
    this.changedWhole = true;
  }

  damageSurface(content: SurfaceContent): void {
    this.changed = true;
    const { buffer } = content.current;
    if (buffer === null || !this.isWatched) return;
    const { width, height } = buffer;
    this.damageBoxes(content, [], [{ x: 0, y: 0, width, height }]);
  }

  /** In the coordinates of the surface, and of its buffer. */
  damageBoxes(content: SurfaceContent, ofSurface: readonly Box[], ofBuffer: readonly Box[]): void {
    this.changed = true;
    const { buffer } = content.current;
    if (buffer === null || !this.isWatched) return;
    let [left, top] = [0, 0];
    for (let each = content; each.parent !== null; each = each.parent) {
      left += each.x;
      top += each.y;
    }
    const seen = ofBuffer.map((box) => surfaceBoxOf(content.current, buffer, box));
    for (const box of [...ofSurface, ...seen]) {
      this.changedBoxes.push({ ...box, x: box.x + left, y: box.y + top });
    }
  }

  /** Tells what has changed since the last time, once. */
  flush(): void {
    if (this.nextPlace !== null) {
      this.place = this.nextPlace;
      this.nextPlace = null;
      this.damageAll();
    }
    if (!this.changed) return;
    const boxes = this.changedBoxes.splice(0);
    const whole = this.changedWhole;
    this.changed = false;
    this.changedWhole = false;
    this.tellParent(whole ? null : boxes);
    this.sequence++;
    if (whole) this.host.changed();
    if (this.listeners.size === 0) return;
    const before = this.lastPlan;
    const plan = this.plan();
    this.lastPlan = plan;
    if (whole || plan === null || before === null || !isSameFrame(before, plan)) this.tell(null);
    else for (const rect of rectsOf(plan, boxes)) this.tell(rect);
  }

  private get isWatched(): boolean {
    return this.host.watchers > 0;
  }

  private tell(rect: Box | null): void {
    for (const listener of [...this.listeners]) listener(rect);
  }

  /** A popup is seen in its parent's picture. */
  private tellParent(boxes: readonly Box[] | null): void {
    const { parent } = this.options;
    if (parent === null || parent.closed) return;
    if (boxes === null) parent.damageAll();
    else {
      parent.changed = true;
      const { x, y } = this.offsetIn(parent);
      for (const box of boxes) parent.changedBoxes.push({ ...box, x: box.x + x, y: box.y + y });
    }
    parent.flush();
  }

  /** From the parent's surface to this one's. */
  private offsetIn(parent: ForwardedWindow): { readonly x: number; readonly y: number } {
    const of = parent.options.content.current.geometry;
    const own = this.options.content.current.geometry;
    return {
      x: (of?.x ?? 0) + this.place.x - (own?.x ?? 0),
      y: (of?.y ?? 0) + this.place.y - (own?.y ?? 0),
    };
  }

  /** Null while nothing is shown. */
  private plan(): Plan | null {
    const { content } = this.options;
    if (this.closed || this.dismissed) return null;
    const own = layersOf(content);
    const frame = frameOf(content, own);
    if (frame === null) return null;
    const exact = scaled(frame, densityOf(content));
    const { width, height, scaling } = fits(exact) ? exact : scaled(frame, 1);
    const layers = this.withPopups(own, 0, 0);
    return { frame, width, height, scaling, layers };
  }

  private withPopups(layers: Layer[], left: number, top: number): Layer[] {
    for (const popup of this.popups) {
      if (popup.dismissed) continue;
      const { x, y } = popup.offsetIn(this);
      layersOf(popup.options.content, left + x, top + y, layers);
      popup.withPopups(layers, left + x, top + y);
    }
    return layers;
  }
}

function scaled(frame: Box, density: number): Size & { readonly scaling: Scaling } {
  const { x, y, width, height } = placeOf(frame, { density, x: 0, y: 0 });
  return { width: Math.max(1, width), height: Math.max(1, height), scaling: { density, x, y } };
}

function fits({ width, height }: Size): boolean {
  return width <= DIMENSION_MAX && height <= DIMENSION_MAX && width * height <= PIXELS_MAX;
}

function obstacleOf(plan: Plan): string | null {
  const { width, height, layers, scaling } = plan;
  if (!fits(plan)) return `it is larger than pictures can be (${width} x ${height} pixels)`;
  let work = 0;
  for (const layer of layers) {
    const reason = unreadable(layer.buffer);
    const seen = overlap(placeOf(layer, scaling), { x: 0, y: 0, width, height });
    if (seen === null) continue;
    if (reason !== null) return reason;
    work += seen.width * seen.height;
  }
  return work <= WORK_MAX ? null : 'too many large surfaces lie on each other';
}

function isSameFrame(a: Plan, b: Plan): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.scaling.x === b.scaling.x &&
    a.scaling.y === b.scaling.y &&
    a.scaling.density === b.scaling.density
  );
}

/** The parts of the picture that boxes in logical pixels touch. */
function rectsOf({ width, height, scaling }: Plan, boxes: readonly Box[]): Box[] {
  const { density } = scaling;
  const rects: Box[] = [];
  for (const box of boxes) {
    // A pixel more each way: layers begin at whole pixels, which may be next to where the box says.
    const spread = Number.isInteger(density) ? 0 : 1;
    const x = Math.floor(box.x * density) - scaling.x - spread;
    const y = Math.floor(box.y * density) - scaling.y - spread;
    const right = Math.ceil((box.x + box.width) * density) - scaling.x + spread;
    const bottom = Math.ceil((box.y + box.height) * density) - scaling.y + spread;
    const rect = overlap({ x, y, width: right - x, height: bottom - y }, { x: 0, y: 0, width, height });
    if (rect !== null) rects.push(rect);
  }
  return rects;
}
