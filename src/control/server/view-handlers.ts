/** What the routes about a picture do, whether it is an output's or a window's. */
import { createHash } from 'node:crypto';
import { decodePng, encodePngInPieces, type Picture, PngError, type View } from '../../capture/index.js';
import { ApiError } from '../api/errors.js';
import type { AnswerOf, RequestOf } from '../api/route.js';
import { REFERENCE_PIXELS_MAX, type Routes } from '../api/routes.js';
import { diffPicture } from '../screen/compare.js';
import { drawCursor } from '../screen/cursor.js';
import { type RegionQuery, regionInside } from '../screen/region.js';
import { type Look, type Reference, waitForChange, waitForMatch, waitUntilSettled } from '../screen/waits.js';

const TIMEOUT_MS_DEFAULT = 10_000;
const QUIET_MS_DEFAULT = 500;

type Asked<K extends keyof Routes> = Omit<RequestOf<Routes[K]>, 'params'>;

/** Refuses a view that has no picture although it shows something. */
export function checkVisible({ name, obstacle }: View): void {
  if (obstacle !== null) throw new ApiError('not-possible', `${name}: ${obstacle}`);
}

function takePicture(view: View, query: RegionQuery): Picture & { x: number; y: number } {
  checkVisible(view);
  const { name, size } = view;
  const part = size === null ? null : regionInside(query, size);
  const picture = part === null ? null : view.picture(part);
  if (part === null || picture === null) throw new ApiError('conflict', `${name} shows nothing`);
  return { ...picture, x: part.x, y: part.y };
}

async function referenceFrom({ body, query }: Asked<'waitForMatch'>): Promise<Reference> {
  const { x = 0, y = 0, tolerance = 0, differentMax = 0 } = query;
  try {
    const picture = await decodePng(body, REFERENCE_PIXELS_MAX);
    return { picture, x, y, tolerance, differentMax };
  } catch (error) {
    if (error instanceof PngError) throw new ApiError('bad-request', `the reference: ${error.message}`);
    throw error;
  }
}

/** The picture with what differs from the reference, as base64; null when there is nothing to show. */
async function diffOf({ matched, actual }: Look, { picture, tolerance }: Reference): Promise<string | null> {
  if (matched || actual === null) return null;
  const { width, height, rgba } = diffPicture(actual, picture, tolerance);
  return Buffer.from(await encodePngInPieces(width, height, rgba)).toString('base64');
}

/** A PNG, in pieces. */
export function screenshot(view: View, query: Asked<'getScreenshot'>['query']): Promise<Uint8Array> {
  const picture = takePicture(view, query);
  const cursor = query.cursor === true ? view.cursor : null;
  if (cursor !== null) drawCursor(picture, cursor, picture.x, picture.y);
  return encodePngInPieces(picture.width, picture.height, picture.rgba);
}

export function hash(view: View, query: RegionQuery): AnswerOf<Routes['getHash']> {
  const { width, height, rgba } = takePicture(view, query);
  const sha256 = createHash('sha256').update(rgba).digest('hex');
  return { sequence: view.sequence, width, height, sha256 };
}

export async function changed(
  view: View,
  { query, signal }: Asked<'waitForChange'>,
): Promise<AnswerOf<Routes['waitForChange']>> {
  const { since = view.sequence, timeoutMs = TIMEOUT_MS_DEFAULT } = query;
  const seen = await waitForChange(view, query, since, { timeoutMs, signal });
  return { changed: seen, sequence: view.sequence };
}

export async function settled(
  view: View,
  { query, signal }: Asked<'waitUntilSettled'>,
): Promise<AnswerOf<Routes['waitUntilSettled']>> {
  checkVisible(view);
  const { quietMs = QUIET_MS_DEFAULT, timeoutMs = TIMEOUT_MS_DEFAULT } = query;
  const quiet = await waitUntilSettled(view, query, quietMs, { timeoutMs, signal });
  return { settled: quiet, sequence: view.sequence };
}

export async function match(
  view: View,
  request: Asked<'waitForMatch'>,
): Promise<AnswerOf<Routes['waitForMatch']>> {
  checkVisible(view);
  const { query, signal } = request;
  const reference = await referenceFrom(request);
  const { timeoutMs = TIMEOUT_MS_DEFAULT } = query;
  const look = await waitForMatch(view, reference, { timeoutMs, signal });
  const all = reference.picture.width * reference.picture.height;
  const { differentPixels, differenceMax } = look.comparison ?? { differentPixels: all, differenceMax: 255 };
  const diff = await diffOf(look, reference);
  return { matched: look.matched, sequence: view.sequence, differentPixels, differenceMax, diff };
}
