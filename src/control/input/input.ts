/**
 * Input from clients of the API to the guest's devices. A guest that takes nothing is not run over: what is waiting in
 * a device is bounded, so keys are only given when there is room, and refused when there is none for long.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../api/errors.js';
import type { RequestOf } from '../api/route.js';
import type { Routes } from '../api/routes.js';
import type { Screen } from '../screen/screen.js';
import type { ControlledInput, ControlTarget, InputKind } from '../target.js';
import { keyCode } from './key-names.js';
import { KEY_LEFTSHIFT, type Stroke, strokesOf } from './us-layout.js';

/** Presses and releases that may wait in a device; it drops them at 256. */
const WAITING_MAX = 64;
/** How long a guest may take nothing before a request gives up. */
const PATIENCE_MS = 5000;
const POLL_MS = 2;
const LIVE_POLL_MS = 20;
/** One detent of a wheel in the units of `scroll`. */
const V120 = 120;

const BUTTONS = { left: 0x110, right: 0x111, middle: 0x112, side: 0x113, extra: 0x114 } as const;
const OPTIONS: Readonly<Record<InputKind, string>> = {
  keyboard: '--keyboard-socket',
  tablet: '--tablet-socket',
  mouse: '--mouse-socket',
  touchscreen: '--touch-socket',
};

type Body<K extends 'sendKeys' | 'sendText' | 'sendPointer' | 'sendTouch'> = RequestOf<Routes[K]>['body'];
type Action = 'tap' | 'press' | 'release';

export class Input {
  private readonly target: ControlTarget;
  private readonly screen: Screen;
  private readonly inputs = new Map<number, ControlledInput>();
  /** Requests are carried out one after the other, so that two texts do not mix. */
  private turn: Promise<void> = Promise.resolve();

  constructor(target: ControlTarget, screen: Screen) {
    this.target = target;
    this.screen = screen;
  }

  /** Resolves with whether the guest uses the device, as soon as it does. (A device tells nobody of its driver.) */
  async whenLive(kind: InputKind, output: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const readiness = this.target.readiness(kind, output);
      if (readiness === null)
        throw new ApiError('conflict', `there is no ${kind}: start with ${OPTIONS[kind]}`);
      if (readiness.live) return true;
      if (signal.aborted || performance.now() >= deadline) return false;
      await pause(LIVE_POLL_MS);
    }
  }

  keys({ keys, action = 'tap' }: Body<'sendKeys'>, signal: AbortSignal): Promise<void> {
    const codes = keys.map((name) => {
      const code = keyCode(name);
      if (code === null)
        throw new ApiError('bad-request', `body.keys: there is no key ${JSON.stringify(name)}`);
      return code;
    });
    this.check('keyboard', 0);
    return this.inTurn(async () => {
      if (action !== 'release') for (const code of codes) await this.key(code, true, signal);
      if (action !== 'press') for (const code of codes.toReversed()) await this.key(code, false, signal);
    });
  }

  text({ text }: Body<'sendText'>, signal: AbortSignal): Promise<void> {
    const strokes = strokesOf(text);
    if ('unknown' in strokes) {
      const letter = JSON.stringify(strokes.unknown);
      throw new ApiError('bad-request', `body.text: a US keyboard has no key for ${letter}`);
    }
    this.check('keyboard', 0);
    return this.inTurn(async () => {
      for (const stroke of strokes) await this.stroke(stroke, signal);
    });
  }

  pointer(body: Body<'sendPointer'>, signal: AbortSignal): Promise<void> {
    const { output = 0, x, y, dx, dy, button, action = 'tap', scrollVertical, scrollHorizontal } = body;
    if ((x === undefined) !== (y === undefined))
      throw new ApiError('bad-request', 'body: x and y go together');
    const relative = dx !== undefined || dy !== undefined;
    if (x !== undefined && relative)
      throw new ApiError('bad-request', 'body: a place or a distance, not both');
    if (x !== undefined) this.check('tablet', output);
    if (relative) this.check('mouse', output);
    if (x === undefined && !relative) this.checkPointer(output);
    const place = x === undefined || y === undefined ? null : this.fractions(output, x, y);
    return this.inTurn(async () => {
      const input = this.input(output);
      if (place !== null) input.moveTo(place.x, place.y);
      if (relative) input.moveBy(dx ?? 0, dy ?? 0);
      if (scrollVertical !== undefined) input.scroll('vertical', scrollVertical * V120);
      if (scrollHorizontal !== undefined) input.scroll('horizontal', scrollHorizontal * V120);
      input.frame();
      if (button !== undefined) await this.click(input, output, BUTTONS[button], action, signal);
    });
  }

  touch({ output = 0, fingers }: Body<'sendTouch'>, signal: AbortSignal): Promise<void> {
    this.check('touchscreen', output);
    const steps = fingers.map(({ finger, x, y }) => {
      if ((x === undefined) !== (y === undefined)) {
        throw new ApiError('bad-request', 'body.fingers: x and y go together');
      }
      return { finger, place: x === undefined || y === undefined ? null : this.fractions(output, x, y) };
    });
    return this.inTurn(async () => {
      await this.room('touchscreen', output, signal);
      const input = this.input(output);
      for (const { finger, place } of steps) {
        if (place === null) input.touchUp(finger);
        else input.touch(finger, place.x, place.y);
      }
      input.frame();
    });
  }

  /** Whatever clients hold pressed is released. */
  release(): Promise<void> {
    return this.inTurn(async () => {
      for (const input of [this.input(0), ...this.inputs.values()]) input.releaseAll();
    });
  }

  private inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.turn.then(act);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private input(output: number): ControlledInput {
    let input = this.inputs.get(output);
    if (input === undefined) {
      input = this.target.input(output);
      this.inputs.set(output, input);
    }
    return input;
  }

  private async key(code: number, pressed: boolean, signal: AbortSignal): Promise<void> {
    await this.room('keyboard', 0, signal);
    this.input(0).key(code, pressed);
    this.input(0).frame();
  }

  private async stroke({ code, shift }: Stroke, signal: AbortSignal): Promise<void> {
    if (shift) await this.key(KEY_LEFTSHIFT, true, signal);
    await this.key(code, true, signal);
    await this.key(code, false, signal);
    if (shift) await this.key(KEY_LEFTSHIFT, false, signal);
  }

  private async click(
    input: ControlledInput,
    output: number,
    code: number,
    action: Action,
    signal: AbortSignal,
  ): Promise<void> {
    const kind = this.target.readiness('tablet', output) === null ? 'mouse' : 'tablet';
    for (const pressed of [true, false]) {
      if (action === (pressed ? 'release' : 'press')) continue;
      await this.room(kind, output, signal);
      input.button(code, pressed);
      input.frame();
    }
  }

  /** Pixels of an output as fractions of it. */
  private fractions(output: number, x: number, y: number): { readonly x: number; readonly y: number } {
    const size = this.screen.size(output);
    if (size === null) throw new ApiError('conflict', `output ${output} shows nothing`);
    const { width, height } = size;
    if (x < 0 || y < 0 || x > width || y > height) {
      throw new ApiError(
        'not-possible',
        `(${x}, ${y}) is not inside the ${width} x ${height} pixels that are shown`,
      );
    }
    return { x: x / width, y: y / height };
  }

  private check(kind: InputKind, output: number): void {
    const readiness = this.target.readiness(kind, output);
    if (readiness === null)
      throw new ApiError('conflict', `there is no ${kind}: start with ${OPTIONS[kind]}`);
    if (!readiness.live) throw new ApiError('conflict', `the guest does not use its ${kind} (yet)`);
  }

  private checkPointer(output: number): void {
    const { target } = this;
    this.check(target.readiness('tablet', output) === null ? 'mouse' : 'tablet', output);
  }

  /** Resolves when the device has room for more. */
  private async room(kind: InputKind, output: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const waiting = this.target.readiness(kind, output)?.waitingTransitions ?? 0;
      if (waiting < WAITING_MAX) return;
      if (signal.aborted) throw new ApiError('ended', 'nobody waits for it any more');
      if (performance.now() > deadline)
        throw new ApiError('guest-busy', `the guest takes nothing from its ${kind}`);
      await pause(POLL_MS);
    }
  }
}
