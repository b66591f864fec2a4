/** Mouse, pen, wheel and fingers on the picture. */
import type { ClientMessage, ViewInput } from '../protocol/index.js';
import { timer } from './element.js';
import { FingerPointer } from './finger-pointer.js';
import type { Point } from './geometry.js';
import { buttonChanges } from './mouse-buttons.js';
import type { Stage } from './stage.js';
import { TouchSlots } from './touch-slots.js';
import { WheelSteps } from './wheel-steps.js';

export interface PointerOptions {
  readonly send: (message: ClientMessage) => void;
  /** What of it the guest takes of this viewer now. */
  readonly input: () => ViewInput;
  /** The pointer is there, in fractions of the picture; null: elsewhere, or not the guest's. */
  readonly moved: (place: Point | null) => void;
  /** Somebody pressed on the picture. */
  readonly pressed: (event: PointerEvent) => void;
}

export class Pointer {
  private readonly stage: Stage;
  private readonly options: PointerOptions;
  private readonly slots = new TouchSlots();
  private readonly wheel = new WheelSteps();
  private readonly finger: FingerPointer;
  private buttons = 0;
  private place: Point | null = null;

  constructor(stage: Stage, options: PointerOptions) {
    this.stage = stage;
    this.options = options;
    this.finger = new FingerPointer(
      {
        move: (place) => this.move(place),
        button: (button, pressed) => options.send({ type: 'button', button, pressed }),
      },
      timer,
    );
    const { canvas } = stage;
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.motion(event));
    canvas.addEventListener('pointerup', (event) => this.up(event));
    canvas.addEventListener('pointercancel', (event) => this.cancelled(event));
    canvas.addEventListener('pointerleave', () => options.moved(null));
    canvas.addEventListener('wheel', (event) => this.wheeled(event), { passive: false });
    canvas.addEventListener('contextmenu', (event) => {
      if (options.input().pointer || options.input().touch) event.preventDefault();
    });
  }

  /** The guest has been told that nothing is pressed any more. */
  forget(): void {
    this.buttons = 0;
    this.slots.clear();
  }

  private down(event: PointerEvent): void {
    this.options.pressed(event);
    if (event.pointerType === 'touch') this.touchDown(event);
    else if (this.options.input().pointer) {
      // The browser would select, drag, or scroll on the middle button; the focus is dealt with.
      event.preventDefault();
      this.stage.canvas.setPointerCapture(event.pointerId);
      this.mouse(event);
    }
  }

  private motion(event: PointerEvent): void {
    if (event.pointerType === 'touch') this.touchMoved(event);
    else this.mouse(event);
  }

  private up(event: PointerEvent): void {
    if (event.pointerType === 'touch') this.touchUp(event);
    else this.mouse(event);
  }

  /** Place first, then what has happened there. */
  private mouse(event: PointerEvent): void {
    if (!this.options.input().pointer) return;
    this.move(this.stage.fraction(event));
    for (const change of buttonChanges(this.buttons, event.buttons)) {
      this.options.send({ type: 'button', ...change });
    }
    this.buttons = event.buttons;
  }

  private move(place: Point): void {
    this.options.moved(place);
    if (place.x === this.place?.x && place.y === this.place.y) return;
    this.place = place;
    this.options.send({ type: 'pointer', ...place });
  }

  private wheeled(event: WheelEvent): void {
    // (With Ctrl, browsers zoom the page, and touchpads that pinch say that it is held.)
    if (!this.options.input().pointer || event.ctrlKey) return;
    event.preventDefault();
    const steps = this.wheel.add(event);
    if (steps !== null) this.options.send({ type: 'wheel', ...steps });
  }

  private touchDown(event: PointerEvent): void {
    const { touch, pointer } = this.options.input();
    const place = this.stage.fraction(event);
    if (touch) {
      const slot = this.slots.down(event.pointerId);
      if (slot !== null) this.options.send({ type: 'touch', slot, ...place });
    } else if (pointer) {
      this.finger.down(event.pointerId, { x: event.clientX, y: event.clientY }, place);
    }
  }

  private touchMoved(event: PointerEvent): void {
    const { touch, pointer } = this.options.input();
    const place = this.stage.fraction(event);
    if (touch) {
      const slot = this.slots.slot(event.pointerId);
      if (slot !== null) this.options.send({ type: 'touch', slot, ...place });
    } else if (pointer) {
      this.finger.moved(event.pointerId, { x: event.clientX, y: event.clientY }, place);
    }
  }

  private touchUp({ pointerId }: PointerEvent): void {
    const slot = this.slots.up(pointerId);
    if (slot !== null) this.options.send({ type: 'touchUp', slot });
    this.finger.up(pointerId);
  }

  private cancelled(event: PointerEvent): void {
    const { pointerId } = event;
    const slot = this.slots.up(pointerId);
    if (slot !== null) this.options.send({ type: 'touchUp', slot });
    this.finger.cancel(pointerId);
    if (event.pointerType === 'touch') return;
    for (const change of buttonChanges(this.buttons, 0)) this.options.send({ type: 'button', ...change });
    this.buttons = 0;
  }
}
