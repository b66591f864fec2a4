/**
 * What a compositor that keeps to wl_subsurface's rules shows of the requests it gets: synchronized and desynchronized
 * commits, stacks, positions. It throws where such a compositor would report an error.
 */
import { asObject, isObject, type StubObject, type StubRequest } from './compositor.js';

export interface ModelSize {
  readonly width: number;
  readonly height: number;
}

export interface ModelPlace {
  readonly x: number;
  readonly y: number;
}

interface Child {
  readonly surface: ModelSurface;
  place: ModelPlace;
}

type Stack = readonly (Child | null)[];

interface Content {
  /** Undefined: the buffer of before. */
  readonly buffer: ModelSize | null | undefined;
  /** Null: the stack of before. */
  readonly stack: Stack | null;
}

export class ModelSurface {
  readonly object: StubObject;
  /** Its input region is empty. */
  deaf = false;
  parent: ModelSurface | null = null;
  sync = true;
  current: ModelSize | null = null;
  /** From the bottom; the surface itself is `null` in it. */
  stack: Stack = [null];
  pending: ModelSize | null | undefined;
  pendingStack: Stack | null = null;
  private cached: Content[] = [];

  constructor(object: StubObject) {
    this.object = object;
  }

  get nextStack(): Stack {
    const cached = this.cached.findLast(({ stack }) => stack !== null)?.stack;
    return this.living(this.pendingStack ?? cached ?? this.stack);
  }

  get synchronized(): boolean {
    return this.parent !== null && (this.sync || this.parent.synchronized);
  }

  commit(): void {
    const content = { buffer: this.pending, stack: this.pendingStack };
    this.pending = undefined;
    this.pendingStack = null;
    this.cached.push(content);
    if (!this.synchronized) this.applyCached();
  }

  applyCached(): void {
    for (const { buffer, stack } of this.cached.splice(0)) {
      if (buffer !== undefined) this.current = buffer;
      if (stack !== null) this.stack = this.living(stack);
    }
    for (const child of this.stack) if (child?.surface.synchronized) child.surface.applyCached();
  }

  private living(stack: Stack): Stack {
    return stack.filter((child) => child === null || child.surface.parent === this);
  }
}

/** A surface that is seen, with its place in the root's coordinates, from the bottom. */
export interface Shown extends ModelSize, ModelPlace {
  readonly surface: ModelSurface;
}

export class SurfaceModel {
  private readonly surfaces = new Map<StubObject, ModelSurface>();
  private readonly buffers = new Map<StubObject, ModelSize>();
  private readonly subsurfaces = new Map<StubObject, ModelSurface>();
  private readonly emptyRegions = new Set<StubObject>();

  of(object: StubObject): ModelSurface {
    const surface = this.surfaces.get(object);
    if (surface === undefined) throw new Error(`no surface ${object.id}`);
    return surface;
  }

  /** What is seen of a tree. */
  shown(root: ModelSurface, at: ModelPlace = { x: 0, y: 0 }): Shown[] {
    const { current } = root;
    if (current === null) return [];
    return root.stack.flatMap((child) => {
      if (child === null) return [{ surface: root, ...at, ...current }];
      return this.shown(child.surface, { x: at.x + child.place.x, y: at.y + child.place.y });
    });
  }

  handle({ object, name, values }: StubRequest): void {
    const kind = `${object.interface}.${name}`;
    const [first, second, third] = values;
    if (name === 'create_surface') {
      const made = asObject(first);
      this.surfaces.set(made, new ModelSurface(made));
    } else if (name === 'create_region') this.emptyRegions.add(asObject(first));
    else if (kind === 'wl_region.add') this.emptyRegions.delete(object);
    else if (name === 'create_buffer') {
      this.buffers.set(asObject(first), { width: Number(values[2]), height: Number(values[3]) });
    } else if (name === 'get_subsurface') {
      this.addSubsurface(asObject(first), this.of(asObject(second)), this.of(asObject(third)));
    } else if (object.interface === 'wl_subsurface') this.subsurface(object, name, values);
    else if (object.interface === 'wl_surface') this.surface(this.of(object), name, values);
  }

  private surface(surface: ModelSurface, name: string, [value]: StubRequest['values']): void {
    if (name === 'attach') {
      surface.pending = isObject(value) ? (this.buffers.get(value) ?? null) : null;
    } else if (name === 'commit') surface.commit();
    else if (name === 'set_input_region') surface.deaf = isObject(value) && this.emptyRegions.has(value);
    else if (name === 'destroy') {
      this.unlink(surface);
      for (const child of surface.nextStack) if (child !== null) child.surface.parent = null;
    }
  }

  private addSubsurface(made: StubObject, surface: ModelSurface, parent: ModelSurface): void {
    if (surface.parent !== null) throw new Error('a subsurface already');
    surface.parent = parent;
    surface.sync = true;
    parent.pendingStack = [...parent.nextStack, { surface, place: { x: 0, y: 0 } }];
    this.subsurfaces.set(made, surface);
  }

  private subsurface(object: StubObject, name: string, values: StubRequest['values']): void {
    const surface = this.subsurfaces.get(object);
    const parent = surface?.parent;
    if (surface === undefined || !parent) return;
    if (name === 'destroy') this.unlink(surface);
    else if (name === 'set_position') {
      const place = { x: Number(values[0]), y: Number(values[1]) };
      parent.pendingStack = parent.nextStack.map((each) =>
        each?.surface === surface ? { surface, place } : each,
      );
    } else if (name === 'place_above' || name === 'place_below') {
      const sibling = this.of(asObject(values[0]));
      const stack = parent.nextStack.filter((each) => each?.surface !== surface);
      const own = parent.nextStack.find((each) => each?.surface === surface) ?? null;
      const at = stack.findIndex((each) => (sibling === parent ? each === null : each?.surface === sibling));
      if (at < 0) throw new Error(`${name} of what is no sibling`);
      parent.pendingStack = stack.toSpliced(name === 'place_above' ? at + 1 : at, 0, own);
    } else if (name === 'set_sync') surface.sync = true;
    else if (name === 'set_desync') {
      surface.sync = false;
      if (!surface.synchronized) surface.applyCached();
    }
  }

  /** At once, not with a commit. */
  private unlink(surface: ModelSurface): void {
    const { parent } = surface;
    surface.parent = null;
    if (parent === null) return;
    parent.stack = parent.stack.filter((each) => each?.surface !== surface);
    parent.pendingStack = parent.pendingStack?.filter((each) => each?.surface !== surface) ?? null;
  }
}
