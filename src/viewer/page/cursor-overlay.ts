/**
 * The guest's cursor. It is not part of the picture; where this viewer moves it, it is drawn at once where it will be,
 * instead of when the guest has answered.
 */
import type { ServerMessageOf } from '../protocol/index.js';
import type { Point } from './geometry.js';
import type { Stage } from './stage.js';

type CursorMessage = ServerMessageOf<'cursor'>;

export class CursorOverlay {
  private readonly canvas: HTMLCanvasElement;
  private readonly stage: Stage;
  private readonly box: HTMLElement;
  private state: CursorMessage | null = null;
  /** Pixels of the picture, while the pointer is on it. */
  private own: Point | null = null;
  private images = 0;

  constructor(canvas: HTMLCanvasElement, stage: Stage, box: HTMLElement) {
    this.canvas = canvas;
    this.stage = stage;
    this.box = box;
  }

  update(message: CursorMessage): void {
    this.state = message;
    this.layOut();
  }

  /** Of another view nothing is known. */
  clear(): void {
    this.state = null;
    this.images += 1;
    this.layOut();
  }

  /** Where this viewer's pointer is, in fractions of the picture; null while it is elsewhere, or not the guest's. */
  follow(place: Point | null): void {
    const { width, height } = this.stage.canvas;
    this.own = place === null ? null : { x: Math.floor(place.x * width), y: Math.floor(place.y * height) };
    this.layOut();
  }

  async image({ png }: ServerMessageOf<'cursorImage'>): Promise<void> {
    this.images += 1;
    const number = this.images;
    const bytes = Uint8Array.from(atob(png), (unit) => unit.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    if (number === this.images) {
      this.canvas.width = bitmap.width;
      this.canvas.height = bitmap.height;
      this.canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
      this.layOut();
    }
    bitmap.close();
  }

  /** To be called when the picture has another place or size. */
  layOut(): void {
    const { canvas, state, own } = this;
    const { left, top, width, crisp } = this.stage.placement;
    const visible = state?.visible === true;
    canvas.hidden = !visible;
    // The system's cursor helps nobody beside the guest's, unless the guest has none.
    this.box.classList.toggle('own-cursor', visible && own !== null);
    if (!visible) return;
    const scale = width / this.stage.canvas.width;
    const x = own === null ? state.x : own.x - state.hotX;
    const y = own === null ? state.y : own.y - state.hotY;
    canvas.style.left = `${left + x * scale}px`;
    canvas.style.top = `${top + y * scale}px`;
    canvas.style.width = `${canvas.width * scale}px`;
    canvas.style.height = `${canvas.height * scale}px`;
    canvas.classList.toggle('crisp', crisp);
  }
}
