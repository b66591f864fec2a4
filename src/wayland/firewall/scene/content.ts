/**
 * What a surface shows, followed as the protocol has it: what was set becomes valid with a commit, of a synchronized
 * subsurface with its parent's (wl_surface.commit, wl_subsurface). Followed for every surface, since nobody knows whose
 * picture will be asked for: a commit writes fields and allocates nothing. Damage is collected while somebody listens.
 *
 * A buffer that is shown is held, whether the guest has destroyed it or not; its pixels are the guest's to change.
 */
import type { Box } from '../border/geometry.js';
import { type BufferContent, dropBuffer, holdBuffer, type Size } from './buffer.js';

/** A child and its place in the coordinates of its parent, or (null) the parent itself. */
export type StackEntry = { readonly content: SurfaceContent; readonly x: number; readonly y: number } | null;

/** From the bottom. */
type Stack = readonly StackEntry[];

/** Whoever shows a tree, and is told what changes in it. */
export interface TreeOwner {
  /** What `flush` tells: all of it, what the surface covers, or boxes in its coordinates and those of its buffer. */
  damageAll(): void;
  damageSurface(content: SurfaceContent): void;
  damageBoxes(content: SurfaceContent, ofSurface: readonly Box[], ofBuffer: readonly Box[]): void;
  flush(): void;
}

const ALONE: Stack = [null];
/** Rectangles of one commit that are told apart; more are joined. */
const DAMAGE_MAX = 16;

/** Of wp_viewport, as set. */
export interface Crop extends Size {
  readonly x: number;
  readonly y: number;
}

/** What requests outside of this file keep until the next commit. */
export interface SetValues {
  readonly scale: number;
  readonly transform: number;
  readonly source: Crop | null;
  readonly destination: Size | null;
}

export class ContentState {
  buffer: BufferContent | null = null;
  scale = 1;
  transform = 0;
  source: Crop | null = null;
  destination: Size | null = null;
  /** 0 to 1. */
  opacity = 1;
  /** xdg_surface.set_window_geometry. */
  geometry: Box | null = null;

  /** Whether a picture made of the two may differ, besides by the buffers' pixels. */
  looksLike(other: ContentState): boolean {
    return (
      this.scale === other.scale &&
      this.transform === other.transform &&
      this.source === other.source &&
      this.destination === other.destination &&
      this.opacity === other.opacity &&
      this.geometry === other.geometry
    );
  }

  copyFrom(other: ContentState): void {
    this.scale = other.scale;
    this.transform = other.transform;
    this.source = other.source;
    this.destination = other.destination;
    this.opacity = other.opacity;
    this.geometry = other.geometry;
  }
}

/** A state on its way to be shown, with what is said once. */
class NextState extends ContentState {
  /** `buffer` replaces the one that is shown. */
  attached = false;
  /** Null: the stack of before. */
  stack: Stack | null = null;
  /** Something was drawn; where, is not known. */
  damaged = false;
  readonly surfaceDamage: Box[] = [];
  readonly bufferDamage: Box[] = [];

  clear(): void {
    this.buffer = null;
    this.attached = false;
    this.stack = null;
    this.damaged = false;
    // (Setting the length of an empty array is a call all the same.)
    if (this.surfaceDamage.length > 0) this.surfaceDamage.length = 0;
    if (this.bufferDamage.length > 0) this.bufferDamage.length = 0;
  }
}

export class SurfaceContent {
  readonly current = new ContentState();
  /** As the compositor shows it, children included. */
  stack: Stack = ALONE;
  parent: SurfaceContent | null = null;
  /** In the parent's coordinates. */
  x = 0;
  y = 0;
  /** Of the root of a tree, while that is a window or popup. */
  owner: TreeOwner | null = null;
  private sync = true;
  /** Set since the last commit. */
  private readonly pending = new NextState();
  /** Committed, and not yet shown. */
  private readonly queued = new NextState();
  private waiting = false;

  get root(): SurfaceContent {
    let root: SurfaceContent = this;
    while (root.parent !== null) root = root.parent;
    return root;
  }

  attach(buffer: BufferContent | null): void {
    this.pending.buffer = buffer;
    this.pending.attached = true;
  }

  setOpacity(opacity: number): void {
    this.pending.opacity = opacity;
  }

  setGeometry(geometry: Box | null): void {
    this.pending.geometry = geometry;
  }

  /** Somewhere; for when nobody listens. */
  damage(): void {
    this.pending.damaged = true;
  }

  /** wl_surface.damage, or damage_buffer. */
  damageBox(of: 'surface' | 'buffer', box: Box): void {
    addBox(of === 'surface' ? this.pending.surfaceDamage : this.pending.bufferDamage, box);
  }

  commit(values: SetValues): void {
    const { pending } = this;
    pending.scale = values.scale;
    pending.transform = values.transform;
    pending.source = values.source;
    pending.destination = values.destination;
    this.queue();
    if (!this.synchronized) this.show();
  }

  /** wl_subcompositor.get_subsurface: on top of its siblings with the parent's next commit. */
  addTo(parent: SurfaceContent): void {
    this.parent = parent;
    this.sync = true;
    this.x = 0;
    this.y = 0;
    parent.pending.stack = [...parent.nextStack, { content: this, x: 0, y: 0 }];
  }

  /** The subsurface is gone, at once. */
  removeFromParent(): void {
    const { parent } = this;
    if (parent === null) return;
    this.parent = null;
    const others = (stack: Stack): Stack => stack.filter((entry) => entry?.content !== this);
    const { pending, queued } = parent;
    if (pending.stack !== null) pending.stack = others(pending.stack);
    if (queued.stack !== null) queued.stack = others(queued.stack);
    parent.stack = others(parent.stack);
    const { owner } = parent.root;
    owner?.damageAll();
    owner?.flush();
  }

  /** wl_subsurface.set_position. */
  move(x: number, y: number): void {
    const { parent } = this;
    if (parent === null) return;
    parent.pending.stack = parent.nextStack.map((entry) =>
      entry?.content === this ? { content: this, x, y } : entry,
    );
  }

  /** wl_subsurface.place_above and place_below, of a sibling or the parent. */
  restack(sibling: SurfaceContent, where: 'above' | 'below'): void {
    const { parent } = this;
    if (parent === null) return;
    const own = parent.nextStack.find((entry) => entry?.content === this);
    const others = parent.nextStack.filter((entry) => entry?.content !== this);
    const at = others.findIndex((entry) =>
      sibling === parent ? entry === null : entry?.content === sibling,
    );
    if (own === undefined || at < 0) return;
    parent.pending.stack = others.toSpliced(where === 'above' ? at + 1 : at, 0, own);
  }

  /** wl_subsurface.set_sync and set_desync: what waited for the parent is shown when that is waited for no more. */
  setSync(sync: boolean): void {
    this.sync = sync;
    if (!this.synchronized) this.show();
  }

  /** The surface is gone, or the connection is: it shows nothing, and holds nothing. Idempotent. */
  release(): void {
    this.removeFromParent();
    for (const entry of this.stack) if (entry !== null) entry.content.parent = null;
    for (const entry of this.nextStack) if (entry !== null) entry.content.parent = null;
    this.stack = ALONE;
    this.pending.clear();
    dropBuffer(this.queued.buffer);
    this.queued.clear();
    dropBuffer(this.current.buffer);
    this.current.buffer = null;
  }

  private get synchronized(): boolean {
    for (let each: SurfaceContent = this; each.parent !== null; each = each.parent)
      if (each.sync) return true;
    return false;
  }

  private get nextStack(): Stack {
    return this.living(this.pending.stack ?? this.queued.stack ?? this.stack);
  }

  private living(stack: Stack): Stack {
    return stack.filter((entry) => entry === null || entry.content.parent === this);
  }

  private queue(): void {
    const { pending, queued } = this;
    queued.copyFrom(pending);
    if (pending.attached) {
      dropBuffer(queued.buffer);
      const { buffer } = pending;
      // Destroyed since it was attached: what such a commit shows is not defined.
      queued.buffer = buffer !== null && holdBuffer(buffer) ? buffer : null;
      queued.attached = true;
    }
    if (pending.stack !== null) queued.stack = pending.stack;
    queued.damaged ||= pending.damaged;
    for (const box of pending.surfaceDamage) addBox(queued.surfaceDamage, box);
    for (const box of pending.bufferDamage) addBox(queued.bufferDamage, box);
    pending.clear();
    this.waiting = true;
  }

  /** What waits is shown from now on. */
  private show(): void {
    const { owner } = this.root;
    this.showTree(owner);
    owner?.flush();
  }

  private showTree(owner: TreeOwner | null): void {
    if (this.waiting) this.take(owner);
    for (const entry of this.stack) {
      if (entry?.content.waiting && entry.content.synchronized) entry.content.showTree(owner);
    }
  }

  private take(owner: TreeOwner | null): void {
    const { queued, current } = this;
    this.waiting = false;
    let same = current.looksLike(queued) && queued.stack === null;
    current.copyFrom(queued);
    if (queued.attached) {
      same &&= isAlike(current.buffer, queued.buffer);
      dropBuffer(current.buffer);
      current.buffer = queued.buffer;
    }
    if (queued.stack !== null) this.takeStack(queued.stack);
    if (!same) owner?.damageAll();
    else if (queued.damaged) owner?.damageSurface(this);
    else if (queued.surfaceDamage.length > 0 || queued.bufferDamage.length > 0) {
      owner?.damageBoxes(this, queued.surfaceDamage, queued.bufferDamage);
    } else if (queued.attached) owner?.damageSurface(this);
    queued.clear();
  }

  private takeStack(stack: Stack): void {
    this.stack = this.living(stack);
    for (const entry of this.stack) {
      if (entry === null) continue;
      entry.content.x = entry.x;
      entry.content.y = entry.y;
    }
  }
}

/** Whether one can take the other's place without anything else changing. */
function isAlike(a: BufferContent | null, b: BufferContent | null): boolean {
  return a === b || (a !== null && b !== null && a.width === b.width && a.height === b.height);
}

function addBox(boxes: Box[], box: Box): void {
  if (box.width <= 0 || box.height <= 0) return;
  const last = boxes.at(-1);
  if (boxes.length < DAMAGE_MAX || last === undefined) boxes.push(box);
  else boxes[boxes.length - 1] = joined(last, box);
}

function joined(a: Box, b: Box): Box {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  const width = Math.max(a.x + a.width, b.x + b.width) - x;
  return { x, y, width, height: Math.max(a.y + a.height, b.y + b.height) - y };
}
