/**
 * A finger as a mouse, for guests without a touchscreen: a tap is a click, a finger that moves drags, one that rests is the
 * right button.
 */
import type { Point } from './geometry.js';

export interface FingerOutput {
  move(place: Point): void;
  /** 0 left, 2 right. */
  button(button: number, pressed: boolean): void;
}

/** Starts a timer; returns what stops it. */
export type Timer = (ms: number, done: () => void) => () => void;

/** CSS pixels that a finger which rests may move. */
const SLOP = 10;
const REST_MS = 500;
const LEFT = 0;
const RIGHT = 2;

interface Finger {
  readonly id: number;
  readonly start: Point;
  readonly place: Point;
  readonly stopTimer: () => void;
  phase: 'waiting' | 'dragging' | 'done';
}

/** Follows the first finger; others are left to the browser's pinch. */
export class FingerPointer {
  private readonly output: FingerOutput;
  private readonly timer: Timer;
  private finger: Finger | null = null;

  constructor(output: FingerOutput, timer: Timer) {
    this.output = output;
    this.timer = timer;
  }

  /** `at` in CSS pixels, `place` in fractions of the view. */
  down(id: number, at: Point, place: Point): void {
    if (this.finger !== null) return;
    this.output.move(place);
    const stopTimer = this.timer(REST_MS, () => this.rested());
    this.finger = { id, start: at, place, stopTimer, phase: 'waiting' };
  }

  moved(id: number, at: Point, place: Point): void {
    const { finger } = this;
    if (finger?.id !== id || finger.phase === 'done') return;
    if (finger.phase === 'waiting') {
      if (Math.hypot(at.x - finger.start.x, at.y - finger.start.y) <= SLOP) return;
      finger.stopTimer();
      finger.phase = 'dragging';
      this.output.button(LEFT, true);
    }
    this.output.move(place);
  }

  up(id: number): void {
    const { finger } = this;
    if (finger?.id !== id) return;
    this.end();
    if (finger.phase === 'waiting') this.output.button(LEFT, true);
    if (finger.phase !== 'done') this.output.button(LEFT, false);
  }

  /** The browser has taken the finger for itself: nothing is clicked. */
  cancel(id: number): void {
    const { finger } = this;
    if (finger?.id !== id) return;
    this.end();
    if (finger.phase === 'dragging') this.output.button(LEFT, false);
  }

  private rested(): void {
    if (this.finger === null) return;
    this.finger.phase = 'done';
    this.output.button(RIGHT, true);
    this.output.button(RIGHT, false);
  }

  private end(): void {
    this.finger?.stopTimer();
    this.finger = null;
  }
}
