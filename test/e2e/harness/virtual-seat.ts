/**
 * A keyboard and a pointer for a test, given to a wlroots-based compositor as if they were plugged in: whatever has the
 * focus there is typed at and clicked on. The two protocols (virtual-keyboard-unstable-v1,
 * wlr-virtual-pointer-unstable-v1) are described here as far as they are used; they are nothing that a program of ours
 * would speak.
 */
import { writeSync } from 'node:fs';
import { closeFd, createMemfd } from 'vhost-user-native';
import { type AnyWaylandObject, Display, type InterfaceTable, wl_seat } from '../../../src/wayland/index.js';
import type { HostCompositor } from './compositor.js';
import { message, table } from './protocol-table.js';

interface VirtualKeyboardManager extends AnyWaylandObject {
  createVirtualKeyboard(seat: AnyWaylandObject): VirtualKeyboard;
}

interface VirtualKeyboard extends AnyWaylandObject {
  keymap(format: number, fd: number, size: number): void;
  key(timeMs: number, code: number, state: number): void;
  modifiers(depressed: number, latched: number, locked: number, group: number): void;
}

interface VirtualPointerManager extends AnyWaylandObject {
  createVirtualPointer(seat: AnyWaylandObject | null): VirtualPointer;
}

interface VirtualPointer extends AnyWaylandObject {
  motion(timeMs: number, dx: number, dy: number): void;
  motionAbsolute(timeMs: number, x: number, y: number, width: number, height: number): void;
  button(timeMs: number, code: number, state: number): void;
  axis(timeMs: number, axis: number, value: number): void;
  frame(): void;
  axisSource(source: number): void;
  axisStop(timeMs: number, axis: number): void;
  axisDiscrete(timeMs: number, axis: number, value: number, discrete: number): void;
}

const keyboardManager = table<VirtualKeyboardManager>('zwp_virtual_keyboard_manager_v1', [
  message(0, 'create_virtual_keyboard', 'seat:object/wl_seat id:new_id/zwp_virtual_keyboard_v1'),
]);
const keyboard = table<VirtualKeyboard>('zwp_virtual_keyboard_v1', [
  message(0, 'keymap', 'format:uint fd:fd size:uint'),
  message(1, 'key', 'time:uint key:uint state:uint'),
  message(2, 'modifiers', 'mods_depressed:uint mods_latched:uint mods_locked:uint group:uint'),
]);
const pointerManager = table<VirtualPointerManager>('zwlr_virtual_pointer_manager_v1', [
  message(0, 'create_virtual_pointer', 'seat:object/wl_seat? id:new_id/zwlr_virtual_pointer_v1'),
]);
const pointer = table<VirtualPointer>('zwlr_virtual_pointer_v1', [
  message(0, 'motion', 'time:uint dx:fixed dy:fixed'),
  message(1, 'motion_absolute', 'time:uint x:uint y:uint x_extent:uint y_extent:uint'),
  message(2, 'button', 'time:uint button:uint state:uint'),
  message(3, 'axis', 'time:uint axis:uint value:fixed'),
  message(4, 'frame'),
  message(5, 'axis_source', 'axis_source:uint'),
  message(6, 'axis_stop', 'time:uint axis:uint'),
  message(7, 'axis_discrete', 'time:uint axis:uint value:fixed discrete:int'),
]);
const INTERFACES = new Map<string, InterfaceTable>(
  [keyboardManager, keyboard, pointerManager, pointer].map((each) => [each.name, each]),
);

const KEYMAP = `xkb_keymap {
  xkb_keycodes { include "evdev+aliases(qwerty)" };
  xkb_types { include "complete" };
  xkb_compat { include "complete" };
  xkb_symbols { include "pc+us+inet(evdev)" };
};
`;
const KEYMAP_FORMAT_XKB_V1 = 1;
const AXIS_SOURCE_WHEEL = 0;
/** What a notch of a wheel scrolls, in logical pixels, by custom. */
const NOTCH = 15;

export type ScrollAxis = 'vertical' | 'horizontal';

/** Methods return when the compositor has handled the input. Codes are evdev's. */
export class VirtualSeat {
  private readonly display: Display;
  private readonly keyboard: VirtualKeyboard;
  private readonly pointer: VirtualPointer;
  private timeMs = 1000;

  private constructor(display: Display) {
    this.display = display;
    const seat = display.registry.bind(wl_seat);
    this.keyboard = display.registry.bind(keyboardManager).createVirtualKeyboard(seat);
    this.pointer = display.registry.bind(pointerManager).createVirtualPointer(seat);
    this.sendKeymap();
  }

  static async plugIn(compositor: HostCompositor): Promise<VirtualSeat> {
    const display = new Display(compositor.connect(), {}, { interfaces: INTERFACES });
    await display.sync();
    const seat = new VirtualSeat(display);
    await display.sync();
    return seat;
  }

  async key(code: number, pressed: boolean): Promise<void> {
    this.keyboard.key(this.now(), code, pressed ? 1 : 0);
    await this.display.sync();
  }

  /** Presses and releases the keys, one after the other. */
  async type(...codes: readonly number[]): Promise<void> {
    for (const code of codes) {
      await this.key(code, true);
      await this.key(code, false);
    }
  }

  /** Modifiers as bit masks of xkb: 1 shift, 2 caps lock, 4 control, 16 num lock. */
  async modifiers(depressed: number, locked: number): Promise<void> {
    this.keyboard.modifiers(depressed, 0, locked, 0);
    await this.display.sync();
  }

  /** To pixel (x, y) of an output of that size. */
  async moveTo(x: number, y: number, width: number, height: number): Promise<void> {
    this.pointer.motionAbsolute(this.now(), x, y, width, height);
    await this.pointerFrame();
  }

  async moveBy(dx: number, dy: number): Promise<void> {
    this.pointer.motion(this.now(), dx, dy);
    await this.pointerFrame();
  }

  async button(code: number, pressed: boolean): Promise<void> {
    this.pointer.button(this.now(), code, pressed ? 1 : 0);
    await this.pointerFrame();
  }

  async click(code: number): Promise<void> {
    await this.button(code, true);
    await this.button(code, false);
  }

  /** Notches of a wheel: down and right are positive. */
  async scroll(axis: ScrollAxis, notches: number): Promise<void> {
    this.pointer.axisSource(AXIS_SOURCE_WHEEL);
    this.pointer.axisDiscrete(this.now(), axis === 'vertical' ? 0 : 1, notches * NOTCH, notches);
    await this.pointerFrame();
  }

  unplug(): void {
    this.display.close();
  }

  private async pointerFrame(): Promise<void> {
    this.pointer.frame();
    await this.display.sync();
  }

  private sendKeymap(): void {
    const text = Buffer.from(`${KEYMAP}\0`);
    const fd = createMemfd('keymap', { size: text.length });
    writeSync(fd, text, 0, text.length, 0);
    this.keyboard.keymap(KEYMAP_FORMAT_XKB_V1, fd, text.length);
    this.display.flush();
    closeFd(fd);
  }

  private now(): number {
    return this.timeMs++;
  }
}
