/** Draws a cursor into a picture. */
import type { CursorState, Picture } from '../../capture/index.js';

const BYTES_PER_PIXEL = 4;

/** `left`, `top`: where the picture lies in its output. The cursor's colors are premultiplied, as Linux's are. */
export function drawCursor(picture: Picture, cursor: CursorState, left: number, top: number): void {
  const { image } = cursor;
  if (image === null) return;
  const { width, height, rgba } = picture;
  const [x0, y0] = [cursor.x - left, cursor.y - top];
  for (let row = Math.max(0, -y0); row < Math.min(image.height, height - y0); row++) {
    for (let column = Math.max(0, -x0); column < Math.min(image.width, width - x0); column++) {
      const from = (row * image.width + column) * BYTES_PER_PIXEL;
      const to = ((y0 + row) * width + x0 + column) * BYTES_PER_PIXEL;
      const under = 255 - (image.rgba[from + 3] as number);
      for (let i = 0; i < 3; i++) {
        const color = (image.rgba[from + i] as number) + Math.round(((rgba[to + i] as number) * under) / 255);
        rgba[to + i] = Math.min(255, color);
      }
    }
  }
}
