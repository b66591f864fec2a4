/** What weston's example programs draw on a screen that they have to themselves: null, or what is wrong with it. */
import { computed, cut, difference, type Place, pixelAt, placeOf, type RgbPicture } from './picture.js';

/** Whether all of it has one color. */
export function isEmpty(picture: RgbPicture): boolean {
  const first = pixelAt(picture, 0, 0);
  return (
    placeOf(
      picture,
      computed(picture.width, picture.height, () => first),
    ) !== null
  );
}

/**
 * weston-simple-shm, wherever it is: a white frame, and in it colors that change by a step with each column (in the
 * corners) or row (in the ring).
 */
export function simpleShm(shot: RgbPicture): string | null {
  const frame = placeOf(
    computed(250, 20, () => 0xffffff),
    shot,
  );
  if (frame === null) return 'no frame';
  const colorAt = (x: number, y: number): number => pixelAt(shot, frame.x + x, frame.y + y);
  const isStep = (from: number, to: number): boolean => ((to - from) & 0xffffff) === 0x080401;
  const steps = Array.from({ length: 16 }, (_, i) => i + 21);
  if (!steps.every((x) => isStep(colorAt(x, 22), colorAt(x + 1, 22)))) return 'a corner has other colors';
  return steps.every((y) => isStep(colorAt(125, y), colorAt(125, y + 1)))
    ? null
    : 'the ring has other colors';
}

/** weston-eventdemo: a red rectangle. */
export function eventDemo(shot: RgbPicture): string | null {
  const red = (x: number, y: number): boolean => x >= 125 && x < 375 && y >= 100 && y < 300;
  const wanted = computed(shot.width, shot.height, (x, y) => (red(x, y) ? 0xff0000 : 0));
  return difference(shot, wanted);
}

/** weston-dnd: a flower, of whatever color and form, in every other one of 16 places. */
export function flowers(shot: RgbPicture): string | null {
  const places = Array.from({ length: 16 }, (_, i): readonly [number, number] => [i % 4, Math.floor(i / 4)]);
  const place = ([x, y]: readonly [number, number]): Place => ({
    x: 16 + x * 80,
    y: 16 + y * 80,
    width: 64,
    height: 64,
  });
  const taken = places.filter(([x, y]) => (x + y) % 2 === 1);
  const missing = taken.find((at) => isEmpty(cut(shot, place(at))));
  if (missing !== undefined) return `no flower at ${missing}`;
  return onlyIn(shot, taken.map(place));
}

/** A line of text in weston-terminal, in the tree's font, and the cursor below. */
export function terminalText(text: string): (shot: RgbPicture) => string | null {
  const [width, height, left, top] = [9, 17, 8, 10];
  const cells = [...text].map((_, i): Place => ({ x: left + i * width, y: top, width, height }));
  const written = cells.filter((_, i) => text[i] !== ' ');
  return (shot) => {
    const missing = written.findIndex((cell) => isEmpty(cut(shot, cell)));
    if (missing >= 0) return `letter ${missing} is missing`;
    return onlyIn(shot, [...written, { x: left, y: top + height, width, height }]);
  };
}

/** Null when all is black outside of these places. */
function onlyIn(shot: RgbPicture, places: readonly Place[]): string | null {
  const masked = computed(shot.width, shot.height, (x, y) =>
    places.some((at) => x >= at.x && x < at.x + at.width && y >= at.y && y < at.y + at.height)
      ? 0
      : pixelAt(shot, x, y),
  );
  return difference(
    masked,
    computed(shot.width, shot.height, () => 0),
  );
}
