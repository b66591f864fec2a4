/** What a program that knows what it does sends until it has a window with a picture: from there it gets interesting. */
import { Encoder, type WireValue } from '../../src/wayland/index.js';
import { type Step, step } from '../core/step.js';
import type { ModelGuest } from './guest.js';
import { sync } from './propose.js';
import type { ModelObject } from './wire-model.js';

const encoder = new Encoder();
const SIDE = 64;
const PICTURE_BYTES = SIDE * SIDE * 4;
const XRGB8888 = 1;

/** The newest living object of an interface. */
function newest(guest: ModelGuest, name: string): ModelObject | undefined {
  return guest.model.living(name).at(-1);
}

/** A request of the newest object of an interface; null when there is none, or none that can do that. */
function request(
  guest: ModelGuest,
  of: string,
  name: string,
  values: (newId: number) => readonly (WireValue | null | undefined)[],
  attached: readonly string[] = [],
): Step | null {
  const object = newest(guest, of);
  const message = object?.table.requests.find((each) => each.name === name);
  const given = values(guest.model.freeClientId());
  if (object === undefined || message === undefined) return null;
  const known = given.filter((value) => value !== null && value !== undefined);
  if (known.length < given.length) return null;
  return step('guest', attached, encoder.encode(object.id, message, known).bytes.slice());
}

function bind(guest: ModelGuest, name: string): Step | null {
  const global = guest.globals.get(name);
  return global === undefined
    ? null
    : request(guest, 'wl_registry', 'bind', (id) => [global[0], { interface: name, version: global[1], id }]);
}

/** Each is asked when it is its turn; null = it does not apply, and the next one does. */
const PLAN: readonly ((guest: ModelGuest) => Step | null)[] = [
  (guest) => bind(guest, 'wl_compositor'),
  (guest) => bind(guest, 'wl_shm'),
  (guest) => bind(guest, 'xdg_wm_base'),
  (guest) => request(guest, 'wl_compositor', 'create_surface', (id) => [id]),
  (guest) => request(guest, 'xdg_wm_base', 'get_xdg_surface', (id) => [id, newest(guest, 'wl_surface')?.id]),
  (guest) => request(guest, 'xdg_surface', 'get_toplevel', (id) => [id]),
  (guest) => request(guest, 'wl_surface', 'commit', () => []),
  // The first configure comes when the compositor has nothing else to do.
  (guest) => step('guest', [], sync(guest.model.freeClientId())),
  (guest) => step('guest', [], sync(guest.model.freeClientId())),
  // The serial is known when it is played.
  (guest) => step('ack', [String(newest(guest, 'xdg_surface')?.id ?? 0)]),
  (guest) =>
    request(guest, 'wl_shm', 'create_pool', (id) => [id, 0, PICTURE_BYTES], [`blob:${PICTURE_BYTES}`]),
  (guest) => request(guest, 'wl_shm_pool', 'create_buffer', (id) => [id, 0, SIDE, SIDE, SIDE * 4, XRGB8888]),
  (guest) => request(guest, 'wl_surface', 'attach', () => [newest(guest, 'wl_buffer')?.id, 0, 0]),
  (guest) => request(guest, 'wl_surface', 'damage_buffer', () => [0, 0, SIDE, SIDE]),
  (guest) => request(guest, 'wl_surface', 'frame', (id) => [id]),
  (guest) => request(guest, 'wl_surface', 'commit', () => []),
];

/** xdg_surface.ack_configure of the newest serial. */
export function ackConfigure(guest: ModelGuest, id: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(id, (12 << 16) | 4, guest.serials.at(-1) ?? 0).buffer);
}

export class WindowPlan {
  private next = 0;

  /** The next step that applies; null at the end. */
  step(guest: ModelGuest): Step | null {
    while (this.next < PLAN.length) {
      const planned = PLAN[this.next++]?.(guest) ?? null;
      if (planned !== null) return planned;
    }
    return null;
  }
}
