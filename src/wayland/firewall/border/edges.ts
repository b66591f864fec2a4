/**
 * The four edges around one surface: subsurfaces of ours on it. They are in synchronized mode, so that what is set here
 * is seen together with the surface's next commit, which has to follow. They take no input, and the guest has no ids
 * for them.
 */
import { WaylandError } from '../../errors.js';
import {
  wl_buffer,
  wl_compositor,
  wl_region,
  wl_shm,
  wl_shm_pool,
  wl_subcompositor,
  wl_subsurface,
  wl_surface,
} from '../../protocol/generated/wayland.js';
import type { InterfaceTable } from '../../wire/table.js';
import { XRGB8888 } from '../formats.js';
import type { ForwardedObject } from '../objects.js';
import type { Session } from '../session.js';
import { type Box, edgesOf, sameSize } from './geometry.js';
import type { BorderPixels } from './pixels.js';

/** What all edges of a client are made with. */
export class EdgeKit {
  readonly session: Session;
  readonly pixels: BorderPixels;
  readonly subcompositor: ForwardedObject;
  private readonly compositor: ForwardedObject;
  private readonly pool: ForwardedObject;

  /** The globals are known. Throws a WaylandError when the compositor lacks one. */
  constructor(session: Session, pixels: BorderPixels) {
    this.session = session;
    this.pixels = pixels;
    this.compositor = this.bind(wl_compositor);
    this.subcompositor = this.bind(wl_subcompositor);
    const shm = this.bind(wl_shm);
    this.pool = session.own(wl_shm_pool, 1, ignore);
    session.ask(shm, 'create_pool', [this.pool.hostId, 0, pixels.bytes], [pixels.fd]);
  }

  /** A surface that takes no input. */
  createSurface(): ForwardedObject {
    const { session } = this;
    const surface = this.create(this.compositor, 'create_surface', wl_surface);
    const nothing = this.create(this.compositor, 'create_region', wl_region);
    session.ask(surface, 'set_input_region', [nothing.hostId]);
    session.destroyOnHost(nothing);
    return surface;
  }

  createSubsurface(surface: ForwardedObject, parent: ForwardedObject): ForwardedObject {
    return this.create(this.subcompositor, 'get_subsurface', wl_subsurface, surface.hostId, parent.hostId);
  }

  /** To be attached once: it goes as soon as the compositor has no more use for it. */
  createBuffer(width: number, height: number): ForwardedObject {
    const { session, pool } = this;
    const buffer = session.own(wl_buffer, 1, ({ name }) => {
      if (name === 'release' && buffer.alive) session.destroyOnHost(buffer);
    });
    session.ask(pool, 'create_buffer', [buffer.hostId, 0, width, height, width * 4, XRGB8888]);
    return buffer;
  }

  private bind(table: InterfaceTable): ForwardedObject {
    const object = this.session.globals.bindOwn(table, ignore);
    if (object !== null) return object;
    throw new WaylandError('WL_ERR_NO_GLOBAL', `no ${table.name}, of which the policy's border is made`);
  }

  private create(
    factory: ForwardedObject,
    request: string,
    table: InterfaceTable,
    ...rest: readonly number[]
  ): ForwardedObject {
    const made = this.session.own(table, 1, ignore);
    this.session.ask(factory, request, [made.hostId, ...rest]);
    return made;
  }
}

interface Edge {
  readonly surface: ForwardedObject;
  readonly subsurface: ForwardedObject;
  /** Null: it is not shown. */
  box: Box | null;
}

export class Edges {
  private readonly kit: EdgeKit;
  private readonly edges: readonly Edge[];

  constructor(kit: EdgeKit, surface: ForwardedObject) {
    this.kit = kit;
    this.edges = Array.from({ length: 4 }, () => {
      const own = kit.createSurface();
      return { surface: own, subsurface: kit.createSubsurface(own, surface), box: null };
    });
  }

  /** A subsurface of the guest's that is new is on top: this brings it below the edges. */
  raiseAbove(subsurface: ForwardedObject): void {
    const [lowest] = this.edges;
    if (lowest !== undefined) this.kit.session.ask(subsurface, 'place_below', [lowest.surface.hostId]);
  }

  /** Inside of the box, in the surface's coordinates; null hides them. */
  show(box: Box | null): void {
    const places = box === null ? [] : edgesOf(box, this.kit.pixels.width);
    for (const [index, edge] of this.edges.entries()) this.place(edge, places[index] ?? null);
  }

  destroy(): void {
    for (const { surface, subsurface } of this.edges) {
      this.kit.session.destroyOnHost(subsurface);
      this.kit.session.destroyOnHost(surface);
    }
  }

  private place(edge: Edge, box: Box | null): void {
    const { session } = this.kit;
    const before = edge.box;
    edge.box = box;
    if (box !== null && (box.x !== before?.x || box.y !== before.y)) {
      session.ask(edge.subsurface, 'set_position', [box.x, box.y]);
    }
    if (sameSize(before, box)) return;
    const buffer = box === null ? 0 : this.kit.createBuffer(box.width, box.height).hostId;
    session.ask(edge.surface, 'attach', [buffer, 0, 0]);
    if (box !== null) session.ask(edge.surface, 'damage', [0, 0, box.width, box.height]);
    session.ask(edge.surface, 'commit', []);
  }
}

function ignore(): void {}
