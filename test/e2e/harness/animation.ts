/** What a compositor shows while the guest plays an animation whose frame i is picture(seed + i). */
import type { Test } from 'tap';
import type { HostCompositor } from './compositor.js';
import { picture, pictureColor } from './pattern.js';
import { difference, type RgbPicture, savePicture } from './picture.js';

export interface Animation {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly seed: number;
}

/** Which frame a screenshot is; null when its first pixel is of none. */
function frameOf(shot: RgbPicture, { frames, seed }: Animation): number | null {
  const [r = 0, g = 0, b = 0] = shot.rgb;
  for (let frame = 0; frame < frames; frame++) {
    if (pictureColor(0, 0, seed + frame) === ((r << 16) | (g << 8) | b)) return frame;
  }
  return null;
}

/**
 * Takes screenshots while `playing`, then waits for the last frame. Each screenshot must be one frame of the
 * animation, whole, and none older than the one before. What was shown before it began must be its first frame.
 */
export async function checkAnimation(
  t: Test,
  compositor: HostCompositor,
  animation: Animation,
  playing: Promise<void>,
): Promise<void> {
  const { name, width, height, frames, seed } = animation;
  let over = false;
  const played = playing.finally(() => {
    over = true;
  });
  const seen = new Set<number>();
  let newest = 0;
  while (!over) {
    const shot = await compositor.screenshot();
    const frame = frameOf(shot, animation);
    const complaint =
      frame === null ? 'a picture of something else' : difference(shot, picture(width, height, seed + frame));
    if (complaint !== null) {
      await played;
      throw new Error(`${name}: ${complaint}; see ${savePicture(`${name}-mixed`, shot)}`);
    }
    seen.add(frame as number);
    t.ok((frame as number) >= newest, `frame ${frame} after frame ${newest}`);
    newest = Math.max(newest, frame as number);
  }
  await played;
  t.ok(seen.size > 1, `${seen.size} frames were seen on the screen`);
  await compositor.waitForScreen(`${name}-last`, picture(width, height, seed + frames - 1));
}
