/** Steps for either side, made up from what lives there now. */
import {
  Encoder,
  GLOBAL_RULES,
  type MessageTable,
  type WireValue,
  wl_display,
} from '../../src/wayland/index.js';
import { mutateBytes } from '../core/mutate.js';
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import type { ModelCompositor } from './compositor.js';
import type { FileKind } from './files.js';
import { FILE_KINDS } from './files.js';
import type { ModelGuest } from './guest.js';
import { makeValues, type ValueSource } from './values.js';
import type { ModelObject } from './wire-model.js';

const encoder = new Encoder();
/** Where a program does not begin: with what ends things. */
const RELUCTANT = /destroy|release|finish/;
const TRIES = 12;
/** Globals from which most of what a program does begins. */
const BUSY = ['wl_compositor', 'xdg_wm_base', 'wl_shm', 'wl_seat', 'wl_data_device_manager'] as const;

/** A request of the guest's: its words are what is attached. */
export function proposeRequest(guest: ModelGuest, random: Random): Step {
  const { model } = guest;
  const source: ValueSource = {
    model,
    random,
    newId: () => model.freeClientId(),
    serial: () => (random.oneIn(12) ? random.interesting() : (guest.serials.at(-1 - random.below(4)) ?? 1)),
  };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (random.oneIn(6)) {
      const bytes = proposeBind(guest, random);
      if (bytes !== null) return step('guest', [], bytes);
    }
    const object = chooseObject(guest.model.living(), random, 'requests');
    const message = object && chooseMessage(object, object.table.requests, random);
    if (object === undefined || message === undefined) continue;
    const values = makeValues(source, object, message);
    if (values === null) continue;
    return step('guest', attachments(message, random), encode(object, message, values, random));
  }
  return step('guest', [], sync(model.freeClientId()));
}

/** An event of the compositor's: its word is the descriptor that goes with it. */
export function proposeEvent(compositor: ModelCompositor, random: Random): Step {
  const { model } = compositor;
  const source: ValueSource = {
    model,
    random,
    newId: () => model.freeServerId(),
    serial: () => compositor.serial++,
  };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const object = chooseObject(model.living(), random, 'events');
    if (object === undefined) continue;
    const { name } = object.table;
    // The display speaks for itself, and of what is the firewall's own there is nothing to say.
    if ((name === 'wl_display' || name === 'wl_registry' || name === 'wl_callback') && !random.oneIn(40))
      continue;
    if (name === 'xdg_toplevel' || name === 'xdg_popup') {
      if (random.oneIn(2)) return step('configure', [String(object.id)]);
    }
    if (name === 'xdg_surface') continue;
    const message = chooseMessage(object, object.table.events, random);
    const values = message && makeValues(source, object, message);
    if (message === undefined || values === undefined || values === null) continue;
    const file = message.args.some(({ type }) => type === 'fd') ? chooseFile(message, random) : null;
    if (file === 'keymap' || file === 'table') fitSize(compositor, message, values, file);
    return step('host', file === null ? [] : [file], encode(object, message, values, random));
  }
  return step('take');
}

function fitSize(
  compositor: ModelCompositor,
  message: MessageTable,
  values: WireValue[],
  file: FileKind,
): void {
  const size = message.args.findIndex(({ name }) => name === 'size');
  const { keymapBytes, tableBytes } = compositor.files;
  if (size >= 0) values[size] = file === 'keymap' ? keymapBytes : tableBytes;
}

function chooseFile(message: MessageTable, random: Random): FileKind {
  if (random.oneIn(10)) return random.pick(FILE_KINDS);
  if (message.name === 'keymap') return 'keymap';
  return message.name === 'format_table' ? 'table' : 'pipe';
}

function attachments(message: MessageTable, random: Random): string[] {
  if (random.oneIn(100)) return [random.pick(['pipe', 'blob:4096', 'blob:1'])];
  if (!message.args.some(({ type }) => type === 'fd') || random.oneIn(100)) return [];
  if (message.name === 'receive') return ['pipe'];
  return [random.pick(['blob:8192', 'blob:16384', 'blob:16384', 'blob:65536', 'unmapped:16384'])];
}

/** A kind first, then one of it: there are many callbacks, and one seat. */
function chooseObject(
  living: readonly ModelObject[],
  random: Random,
  side: 'requests' | 'events',
): ModelObject | undefined {
  const speaking = living.filter(({ table }) => table[side].length > 0);
  const kind = random.pick([...new Set(speaking.map(({ table }) => table.name))]);
  const ofKind = speaking.filter(({ table }) => table.name === kind);
  return random.oneIn(2) ? ofKind.at(-1) : random.pick(ofKind);
}

function chooseMessage(
  object: ModelObject,
  messages: readonly MessageTable[],
  random: Random,
): MessageTable | undefined {
  const known = messages.filter(({ since }) => since <= object.version);
  const message = random.oneIn(200) ? random.pick(messages) : random.pick(known);
  return message !== undefined && RELUCTANT.test(message.name) && !random.oneIn(4)
    ? random.pick(known)
    : message;
}

function proposeBind(guest: ModelGuest, random: Random): Uint8Array | null {
  const registry = guest.model.living('wl_registry')[0];
  const announced = [...guest.globals];
  const wished = random.oneIn(2) ? random.pick(BUSY) : null;
  const [name, global] = announced.find(([each]) => each === wished) ?? random.pick(announced) ?? [];
  if (registry === undefined || name === undefined || global === undefined) return null;
  const version = random.oneIn(100)
    ? random.interesting()
    : random.oneIn(3)
      ? random.between(1, global[1])
      : global[1];
  const hidden = random.oneIn(200) ? random.pick([...GLOBAL_RULES.keys()]) : name;
  const wanted = { interface: hidden ?? name, version, id: guest.model.freeClientId() };
  const bind = registry.table.requests[0];
  return bind === undefined ? null : encoder.encode(registry.id, bind, [global[0], wanted]).bytes.slice();
}

function encode(
  object: ModelObject,
  message: MessageTable,
  values: readonly WireValue[],
  random: Random,
): Uint8Array {
  const bytes = encoder.encode(object.id, message, values).bytes.slice();
  return random.oneIn(250) ? mutateBytes(bytes, random) : bytes;
}

/** wl_display.sync. */
export function sync(id: number): Uint8Array {
  const [message] = wl_display.requests;
  if (message === undefined) throw new Error('wl_display has no requests');
  return encoder.encode(1, message, [id]).bytes.slice();
}
