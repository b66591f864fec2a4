/** A guest's client that draws into its region, and the pictures that others get of its windows. */
import { closeFd, createMemfd, type Mapping, mapFile, Seal } from 'vhost-user-native';
import type { ForwardedWindow } from '../../src/wayland/index.js';
import { configure, GLOBALS, GuestClient, type GuestOptions, TestBlob, until } from '../stub/guest-client.js';

const REGION_BYTES = 16 << 20;
const XRGB8888 = 1;

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** The bytes red, green, blue, 255 of pixels 0xRRGGBB. */
export function pictureOf(width: number, height: number, color: (x: number, y: number) => number): Picture {
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const value = color(i % width, Math.floor(i / width));
    rgba.set([value >> 16, (value >> 8) & 255, value & 255, 255], i * 4);
  }
  return { width, height, rgba };
}

/** A color for each place, different for each seed. */
export function pattern(seed: number): (x: number, y: number) => number {
  return (x, y) => ((x * 37 + seed * 11) & 255) | (((y * 53 + seed * 7) & 255) << 8) | ((seed * 29) << 16);
}

export interface Surface {
  readonly surface: number;
  readonly shell: number;
  readonly toplevel: number;
}

export class SceneGuest {
  readonly guest: GuestClient;
  readonly mapping: Mapping;
  readonly bytes: DataView;
  readonly blob = new TestBlob(REGION_BYTES, 0);
  compositor = 0;
  subcompositor = 0;
  base = 0;
  viewporter = 0;
  pixels = 0;
  pool = 0;
  private readonly fd: number;
  /** The compositor is one that configures windows by itself. */
  private readonly real: boolean;
  private next = 0;
  private serial = 100;

  private constructor(options: GuestOptions) {
    this.fd = createMemfd('region', { size: REGION_BYTES, seals: Seal.SHRINK | Seal.GROW });
    this.mapping = mapFile(this.fd, 0, REGION_BYTES, { writable: true });
    this.bytes = new DataView(this.mapping.window(0, REGION_BYTES));
    this.real = options.socket !== undefined;
    const region = { fd: this.fd, bytes: REGION_BYTES };
    const globals = [...GLOBALS, ['wp_alpha_modifier_v1', 1] as const];
    this.guest = new GuestClient({ globals, region, ...options });
  }

  static async start(options: GuestOptions = {}): Promise<SceneGuest> {
    const made = new SceneGuest(options);
    const { guest } = made;
    const registry = await guest.start();
    made.compositor = guest.bind(registry, 'wl_compositor');
    made.subcompositor = guest.bind(registry, 'wl_subcompositor');
    made.base = guest.bind(registry, 'xdg_wm_base');
    made.viewporter = guest.bind(registry, 'wp_viewporter');
    made.pixels = guest.bind(registry, 'wp_single_pixel_buffer_manager_v1');
    const shm = guest.bind(registry, 'wl_shm');
    made.pool = guest.make(shm, 'create_pool', [0, REGION_BYTES], [made.blob.item]);
    await guest.sync();
    return made;
  }

  get windows(): ForwardedWindow[] {
    return this.guest.windows.all;
  }

  surface(): number {
    return this.guest.make(this.compositor, 'create_surface');
  }

  /** A window, configured and without a buffer. */
  async window(): Promise<Surface> {
    const surface = this.surface();
    const shell = this.guest.make(this.base, 'get_xdg_surface', [surface]);
    const toplevel = this.guest.make(shell, 'get_toplevel');
    this.guest.request(surface, 'commit');
    await this.guest.sync();
    if (this.real) {
      const { values } = await this.guest.event(shell, 'configure');
      this.guest.request(shell, 'ack_configure', values);
    } else await configure(this.guest, shell, this.serial++);
    await this.guest.sync();
    return { surface, shell, toplevel };
  }

  /** On top of the surface's others with its next commit. */
  subsurface(parent: number): { surface: number; role: number } {
    const surface = this.surface();
    const role = this.guest.make(this.subcompositor, 'get_subsurface', [surface, parent]);
    return { surface, role };
  }

  /** A range of the region that nobody else has. */
  allocate(bytes: number): number {
    const offset = this.next;
    this.next += bytes;
    if (this.next > REGION_BYTES) throw new Error('the region is full');
    return offset;
  }

  /** A buffer with these pixels, by default XRGB8888 with something where the X is. */
  buffer(width: number, height: number, color: (x: number, y: number) => number, format = XRGB8888): number {
    const stride = width * 4 + 8;
    const offset = this.allocate(stride * height);
    this.draw(offset, stride, width, height, color);
    return this.guest.make(this.pool, 'create_buffer', [offset, width, height, stride, format]);
  }

  draw(
    offset: number,
    stride: number,
    width: number,
    height: number,
    color: (x: number, y: number) => number,
  ): void {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) this.bytes.setUint32(offset + y * stride + x * 4, color(x, y), true);
    }
  }

  /** Attaches and commits. */
  show(surface: number, buffer: number): void {
    this.guest.request(surface, 'attach', [buffer, 0, 0]);
    this.guest.request(surface, 'commit');
  }

  /** Says where the compositor wants a popup. */
  async placePopup(shell: number, popup: number, x: number, y: number): Promise<void> {
    const { guest } = this;
    const serial = this.serial++;
    await guest.sync();
    const object = guest.compositor.living('xdg_popup').at(-1);
    const base = guest.compositor.living('xdg_surface').at(-1);
    if (object === undefined || base === undefined) throw new Error('there is no popup');
    guest.compositor.send(object, 'configure', [x, y, 10, 10]);
    guest.compositor.send(base, 'configure', [serial]);
    await guest.event(popup, 'configure');
    await until(() => guest.events.some(({ name, values }) => name === 'configure' && values[0] === serial));
    guest.request(shell, 'ack_configure', [serial]);
  }

  close(): void {
    this.guest.close();
    this.mapping.close();
    closeFd(this.fd);
  }
}
