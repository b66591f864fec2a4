/**
 * Surfaces: what is attached waits for the commit; then the changed part of a buffer in the client's memory is copied
 * into one that the host sees, and the client gets its buffer back at once.
 */
import type { ClientBuffer, Shape } from '../memory/client-memory.js';
import { clip, Damage } from '../memory/damage.js';
import { type HostBuffer, wholeOf } from '../memory/host-buffer.js';
import { Swapchain } from '../memory/swapchain.js';
import type { WindowBlobs } from '../memory/window-blobs.js';
import type { Message } from './message.js';
import type { GuestMetrics } from './metrics.js';
import type { ProxyObject } from './objects.js';
import type { Session } from './session.js';
import type { Shm } from './shm.js';

/** Rectangles between two commits; more are the whole picture. */
const DAMAGES_MAX = 64;

interface Attached {
  /** In the client's memory; null for any other buffer, and for none. */
  readonly memory: ClientBuffer | null;
  readonly object: ProxyObject | null;
  readonly x: number;
  readonly y: number;
}

interface DamageRequest {
  /** In pixels of the buffer; else in the surface's coordinates. */
  readonly inBuffer: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

class Surface {
  readonly chain: Swapchain;
  attached: Attached | null = null;
  damage: DamageRequest[] = [];
  scale = 1;
  transform = 0;
  /** A viewport changes what the surface's coordinates mean. */
  hasViewport = false;
  /** What the next picture changes can't be told. */
  unsure = false;

  constructor(chain: Swapchain) {
    this.chain = chain;
  }

  attach(attached: Attached | null): void {
    this.attached?.memory?.release();
    attached?.memory?.retain();
    this.attached = attached;
  }

  addDamage(request: DamageRequest): void {
    if (this.damage.length < DAMAGES_MAX) this.damage.push(request);
    else this.unsure = true;
  }

  /** Where a picture differs from the one before; used up. */
  takeDamage(shape: Shape): Damage {
    const damage = new Damage();
    const guess = this.unsure || this.damage.length === 0;
    if (guess || this.damage.some(({ inBuffer }) => !inBuffer && !this.mapsSimply)) {
      damage.add(wholeOf(shape));
    } else {
      for (const request of this.damage) {
        const scale = request.inBuffer ? 1 : this.scale;
        const { x, y, width, height } = request;
        damage.add(clip(x * scale, y * scale, width * scale, height * scale, shape));
      }
    }
    this.dropDamage();
    return damage;
  }

  dropDamage(): void {
    this.damage = [];
    this.unsure = false;
  }

  private get mapsSimply(): boolean {
    return this.transform === 0 && !this.hasViewport;
  }
}

export class Surfaces {
  private readonly session: Session;
  private readonly shm: Shm;
  private readonly blobs: WindowBlobs;
  private readonly metrics: GuestMetrics;
  private readonly surfaces = new Map<ProxyObject, Surface>();

  constructor(session: Session, shm: Shm, blobs: WindowBlobs, metrics: GuestMetrics) {
    this.session = session;
    this.shm = shm;
    this.blobs = blobs;
    this.metrics = metrics;
    const { requests } = session;
    requests.set('wl_compositor.create_surface', (message) => this.create(message));
    requests.set('wl_surface.destroy', (message) => this.destroy(message));
    requests.set('wl_surface.attach', (message) => this.attach(message));
    requests.set('wl_surface.damage', (message) => this.addDamage(message, false));
    requests.set('wl_surface.damage_buffer', (message) => this.addDamage(message, true));
    requests.set('wl_surface.set_buffer_scale', (message) => this.setScale(message));
    requests.set('wl_surface.set_buffer_transform', (message) => this.setTransform(message));
    requests.set('wl_surface.offset', (message) => this.move(message));
    requests.set('wl_surface.commit', (message) => this.commit(message));
    requests.set('wl_buffer.destroy', (message) => this.session.forward(message));
    requests.set('wp_viewporter.get_viewport', (message) => this.addViewport(message));
  }

  private create(message: Message): void {
    this.session.forward(message);
    const made = message.created;
    if (made === null) return;
    const surface = new Surface(new Swapchain(this.session, this.blobs));
    this.surfaces.set(made, surface);
    made.gone = () => {
      this.surfaces.delete(made);
      surface.attach(null);
    };
  }

  private destroy(message: Message): void {
    this.session.forward(message);
    const surface = this.surfaces.get(message.object);
    surface?.attach(null);
    surface?.chain.retire();
  }

  private attach(message: Message): void {
    const object = message.refs[0] ?? null;
    const memory = object === null ? null : this.shm.bufferOf(object);
    this.of(message).attach({ memory, object, x: message.int(1), y: message.int(2) });
  }

  private addDamage(message: Message, inBuffer: boolean): void {
    const [x, y, width, height] = [message.int(0), message.int(1), message.int(2), message.int(3)];
    this.of(message).addDamage({ inBuffer, x, y, width, height });
    this.session.forward(message);
  }

  private setScale(message: Message): void {
    const surface = this.of(message);
    const scale = message.int(0);
    if (scale !== surface.scale) surface.unsure = true;
    surface.scale = scale;
    this.session.forward(message);
  }

  private setTransform(message: Message): void {
    const surface = this.of(message);
    const transform = message.int(0);
    if (transform !== surface.transform) surface.unsure = true;
    surface.transform = transform;
    this.session.forward(message);
  }

  private move(message: Message): void {
    this.of(message).unsure = true;
    this.session.forward(message);
  }

  private addViewport(message: Message): void {
    const surface = message.refs[1] ?? null;
    const known = surface === null ? undefined : this.surfaces.get(surface);
    if (known !== undefined) known.hasViewport = true;
    this.session.forward(message);
  }

  private commit(message: Message): void {
    const surface = this.of(message);
    const { attached } = surface;
    if (attached === null) {
      surface.damage = [];
      this.session.forward(message);
    } else if (attached.memory === null) {
      this.commitOther(message, surface, attached);
    } else {
      this.commitCopy(message, surface, attached, attached.memory);
    }
  }

  /** A buffer that the host knows, or none. */
  private commitOther(message: Message, surface: Surface, attached: Attached): void {
    surface.attach(null);
    surface.dropDamage();
    if (attached.object === null) surface.chain.retire();
    else {
      surface.chain.changedAll();
      this.metrics.directFrames++;
    }
    // It may have been destroyed since.
    const id = attached.object?.alive === true ? attached.object.hostId : 0;
    this.session.call(message.object, 'attach', [id, attached.x, attached.y]);
    this.session.forward(message);
  }

  private commitCopy(message: Message, surface: Surface, attached: Attached, buffer: ClientBuffer): void {
    const ready = surface.chain.ready(buffer);
    if (ready !== null) {
      this.finish(message, surface, attached, buffer, ready);
      return;
    }
    this.metrics.waits++;
    const work = surface.chain
      .next(buffer)
      .then((copy) => this.finish(message, surface, attached, buffer, copy));
    this.session.suspend(work);
  }

  private finish(
    message: Message,
    surface: Surface,
    { x, y }: Attached,
    buffer: ClientBuffer,
    copy: HostBuffer,
  ): void {
    if (this.session.closed) return;
    if (x !== 0 || y !== 0) surface.unsure = true;
    surface.chain.changed(surface.takeDamage(buffer.shape));
    this.metrics.copiedBytes += copy.update(buffer);
    this.metrics.copiedFrames++;
    this.session.call(message.object, 'attach', [copy.object.hostId, x, y]);
    copy.hold();
    this.session.forward(message);
    if (buffer.object.alive) this.session.emit(buffer.object, 'release', []);
    surface.attach(null);
  }

  private of(message: Message): Surface {
    const surface = this.surfaces.get(message.object);
    if (surface === undefined) throw new Error(`${message.object} is no surface`);
    return surface;
  }
}
