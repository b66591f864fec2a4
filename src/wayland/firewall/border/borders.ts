/**
 * Borders around what a guest shows, drawn by us with objects that the guest can't refer to: around each window and
 * popup, and around each subsurface that reaches far beyond its window.
 *
 * A border changes with the commit of the surface that it lies on. So a subsurface gets or loses its own when it
 * commits. One without that comes to lie outside of its window by other means (it is moved, the window shrinks) is taken
 * from the compositor until it commits, or lies inside again.
 */
import type { ForwardedObject } from '../objects.js';
import { surfaceSize, surfaceState } from '../rules/surface-state.js';
import type { Size } from '../scene/buffer.js';
import type { Session } from '../session.js';
import { EdgeKit, Edges } from './edges.js';
import { type Box, contains, windowBox } from './geometry.js';
import type { BorderPixels } from './pixels.js';

/** A place relative to the parent. */
interface Place {
  readonly x: number;
  readonly y: number;
}

interface Framed {
  readonly surface: ForwardedObject;
  /** Of what was committed last; null: nothing. */
  size: Size | null;
  edges: Edges | null;
  /** The edges are around it. */
  bordered: boolean;
  /** Of a window or popup, as set last. */
  geometry: Box | null;
  /** Of the root of a tree: what its border goes around. */
  box: Box | null;
  readonly children: Set<Framed>;
  /** Null: no subsurface. */
  parent: Framed | null;
  subsurface: ForwardedObject | null;
  /** As set last, and as it was at the parent's last commit. */
  position: Place;
  applied: Place;
  desync: boolean;
  /** The compositor does not know that it is a subsurface. */
  hidden: boolean;
}

/** Where a surface can be, in the coordinates of its tree's root. */
interface Reach {
  readonly least: Place;
  readonly most: Place;
}

const ORIGIN: Place = { x: 0, y: 0 };
const AT_ORIGIN: Reach = { least: ORIGIN, most: ORIGIN };

export class Borders {
  private readonly session: Session;
  private readonly kit: EdgeKit;
  private readonly all = new WeakMap<ForwardedObject, Framed>();

  /** The globals are known. Throws a WaylandError when the compositor lacks what borders are made of. */
  constructor(session: Session, pixels: BorderPixels) {
    this.session = session;
    this.kit = new EdgeKit(session, pixels);
  }

  /** xdg_surface.set_window_geometry. */
  setGeometry(surface: ForwardedObject, geometry: Box | null): void {
    this.framed(surface).geometry = geometry;
  }

  /** The guest has made a subsurface, which the compositor knows. */
  addSubsurface(subsurface: ForwardedObject, surface: ForwardedObject, parent: ForwardedObject): void {
    const child = this.framed(surface);
    child.parent = this.framed(parent);
    child.parent.children.add(child);
    child.subsurface = subsurface;
    child.position = ORIGIN;
    child.applied = ORIGIN;
    child.desync = false;
    child.parent.edges?.raiseAbove(subsurface);
  }

  /** wl_subsurface.set_position. */
  move(surface: ForwardedObject, position: Place): void {
    this.framed(surface).position = position;
  }

  /** wl_subsurface.set_sync and set_desync. */
  setDesync(surface: ForwardedObject, desync: boolean): void {
    this.framed(surface).desync = desync;
  }

  /** The guest has destroyed the subsurface; what the surface shows stays what it is. */
  removeSubsurface(surface: ForwardedObject): void {
    const child = this.framed(surface);
    child.parent?.children.delete(child);
    child.parent = null;
    child.subsurface = null;
    child.hidden = false;
  }

  /** Whether the compositor was not told that it is a subsurface. */
  isHidden(surface: ForwardedObject): boolean {
    return this.all.get(surface)?.hidden === true;
  }

  /** Before a commit that is passed on; the surface's state is that of after the commit. */
  beforeCommit(surface: ForwardedObject): void {
    const framed = this.framed(surface);
    const state = surfaceState(surface);
    framed.size = state.hasBuffer ? surfaceSize(state) : null;
    for (const child of framed.children) child.applied = child.position;
    if (framed.parent === null) this.commitRoot(framed, state.role);
    else this.commitChild(framed);
  }

  /** The guest destroys the surface. */
  destroySurface(surface: ForwardedObject): void {
    const framed = this.all.get(surface);
    if (framed === undefined) return;
    this.removeSubsurface(surface);
    for (const child of framed.children) child.parent = null;
    framed.children.clear();
    framed.edges?.destroy();
    framed.edges = null;
  }

  private framed(surface: ForwardedObject): Framed {
    let framed = this.all.get(surface);
    if (framed === undefined) {
      framed = {
        surface,
        size: null,
        edges: null,
        bordered: false,
        geometry: null,
        box: null,
        children: new Set(),
        parent: null,
        subsurface: null,
        position: ORIGIN,
        applied: ORIGIN,
        desync: false,
        hidden: false,
      };
      this.all.set(surface, framed);
    }
    return framed;
  }

  private commitRoot(root: Framed, role: string | null): void {
    const whole = root.size === null ? null : { ...ORIGIN, ...root.size };
    root.box = whole === null ? null : windowBox(whole, root.geometry);
    if (root.box === null) return;
    // Cursors and drag icons have none: they are small, and follow the pointer.
    if (role === 'xdg_toplevel' || role === 'xdg_popup') this.setBorder(root, root.box);
    this.checkDescendants(root, AT_ORIGIN, root.box);
  }

  private commitChild(child: Framed): void {
    if (child.size === null) return;
    const { root, reach } = this.find(child);
    const inside = root.box === null || isInside(root.box, reach, child.size);
    this.setBorder(child, inside ? null : { ...ORIGIN, ...child.size });
    if (child.hidden) this.restore(child);
    if (root.box !== null) this.checkDescendants(child, reach, root.box);
  }

  /** Those that have no border of their own must lie inside. */
  private checkDescendants(framed: Framed, reach: Reach, box: Box): void {
    const open = [{ framed, reach }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const child of next.framed.children) {
        const reach = further(next.reach, child);
        open.push({ framed: child, reach });
        if (child.size === null || child.bordered) continue;
        const inside = isInside(box, reach, child.size);
        if (inside && child.hidden) this.restore(child);
        else if (!inside && !child.hidden) this.hide(child);
      }
    }
  }

  private find(child: Framed): { root: Framed; reach: Reach } {
    let reach = AT_ORIGIN;
    let root = child;
    for (; root.parent !== null; root = root.parent) reach = further(reach, root);
    return { root, reach };
  }

  private setBorder(framed: Framed, box: Box | null): void {
    framed.bordered = box !== null;
    if (framed.surface.hostId === 0 || (box === null && framed.edges === null)) return;
    framed.edges ??= new Edges(this.kit, framed.surface);
    framed.edges.show(box);
  }

  private hide(child: Framed): void {
    if (child.subsurface === null) return;
    child.hidden = true;
    this.session.sever(child.subsurface);
  }

  /** Seen with the parent's next commit. Where the guest had put it among its siblings is lost. */
  private restore(child: Framed): void {
    const { session, kit } = this;
    const { surface, subsurface, parent } = child;
    if (subsurface?.alive !== true || parent === null) return;
    child.hidden = false;
    session.objects.addHost(subsurface);
    session.ask(kit.subcompositor, 'get_subsurface', [
      subsurface.hostId,
      surface.hostId,
      parent.surface.hostId,
    ]);
    session.ask(subsurface, 'set_position', [child.position.x, child.position.y]);
    if (child.desync) session.ask(subsurface, 'set_desync', []);
    parent.edges?.raiseAbove(subsurface);
  }
}

function further({ least, most }: Reach, { position, applied }: Framed): Reach {
  return {
    least: { x: least.x + Math.min(position.x, applied.x), y: least.y + Math.min(position.y, applied.y) },
    most: { x: most.x + Math.max(position.x, applied.x), y: most.y + Math.max(position.y, applied.y) },
  };
}

function isInside(box: Box, { least, most }: Reach, size: Size): boolean {
  const width = most.x - least.x + size.width;
  return contains(box, { ...least, width, height: most.y - least.y + size.height });
}
