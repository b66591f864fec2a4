/**
 * One scanout's cursor as the display socket sees it: the latest picture, the latest place, and which of them
 * QEMU does not know yet. Whatever came in between is not sent.
 */
import { viewOf } from 'vhost-user-ts';
import type { CursorImage } from '../display-sink.js';
import type { CursorPainter } from './cursor-image.js';
import {
  CURSOR_BYTES,
  CURSOR_POS_MESSAGE_BYTES,
  GpuCursorPos,
  GpuCursorUpdateHead,
  GpuMessageHeader,
  VHOST_USER_GPU_CURSOR_POS,
  VHOST_USER_GPU_CURSOR_POS_HIDE,
  VHOST_USER_GPU_CURSOR_UPDATE,
  writeHeader,
} from './gpu-socket-wire.js';

export class CursorState {
  private readonly scanoutId: number;
  private readonly painter: CursorPainter;
  private x = 0;
  private y = 0;
  /** The picture, 16 KiB, made on first use; it means something while `visible`. */
  private image: Uint8Array | null = null;
  private hotX = 0;
  private hotY = 0;
  private visible = false;
  /** The driver has set a cursor at least once: before that QEMU is told nothing. */
  private known = false;
  private imageDirty = false;
  private positionDirty = false;

  /** `painter` may be shared. */
  constructor(scanoutId: number, painter: CursorPainter) {
    this.scanoutId = scanoutId;
    this.painter = painter;
  }

  /** True when there is something to send. */
  get hasWork(): boolean {
    return this.imageDirty || this.positionDirty;
  }

  /**
   * Takes a copy of the picture; null hides the cursor. When the picture can't be read the cursor is hidden and
   * the error thrown.
   */
  set(x: number, y: number, image: CursorImage | null): void {
    this.x = x;
    this.y = y;
    this.known = true;
    this.imageDirty = true;
    this.positionDirty = false;
    this.visible = false;
    if (image === null) return;
    this.image ??= new Uint8Array(CURSOR_BYTES);
    const hotSpot = this.painter.draw(this.image, image);
    this.hotX = hotSpot.x;
    this.hotY = hotSpot.y;
    this.visible = true;
  }

  /** A hidden cursor only remembers the place: CURSOR_POS would show it. */
  move(x: number, y: number): void {
    this.x = x;
    this.y = y;
    if (this.visible && !this.imageDirty) this.positionDirty = true;
  }

  /** A new connection: everything is sent again. */
  restart(): void {
    this.imageDirty = this.known;
    this.positionDirty = false;
  }

  /**
   * Writes the next message into `target`, which holds CURSOR_UPDATE_MESSAGE_BYTES, and takes it as sent.
   * Returns its length in bytes.
   */
  take(target: Uint8Array): number {
    const view = viewOf(target);
    const pos = { scanoutId: this.scanoutId, x: this.x, y: this.y };
    const withImage = this.imageDirty && this.visible;
    this.imageDirty = false;
    this.positionDirty = false;
    if (withImage && this.image !== null) {
      const size = GpuCursorUpdateHead.size + CURSOR_BYTES;
      const at = writeHeader(view, 0, VHOST_USER_GPU_CURSOR_UPDATE, size);
      GpuCursorUpdateHead.write(view, at, { pos, hotX: this.hotX, hotY: this.hotY });
      target.set(this.image, at + GpuCursorUpdateHead.size);
      return GpuMessageHeader.size + size;
    }
    const request = this.visible ? VHOST_USER_GPU_CURSOR_POS : VHOST_USER_GPU_CURSOR_POS_HIDE;
    const at = writeHeader(view, 0, request, GpuCursorPos.size);
    GpuCursorPos.write(view, at, pos);
    return CURSOR_POS_MESSAGE_BYTES;
  }
}
