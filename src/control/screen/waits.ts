/** Waiting for a view: until it changes, until it stands still, until it looks right. */
import type { Picture, View } from '../../capture/index.js';
import type { Rect } from '../../virtio-gpu/index.js';
import { type Comparison, compare } from './compare.js';
import { type RegionQuery, regionIn, touches } from './region.js';

/** How a wait ends besides by what it waits for. */
export interface WaitEnd {
  readonly timeoutMs: number;
  /** Whoever waits is gone. */
  readonly signal: AbortSignal;
}

/** Milliseconds from one comparison to the next at least: a view that always moves is not to keep the process busy. */
const COMPARE_INTERVAL_MS = 30;

/**
 * Resolves with true when `ready` says so, which is asked at each change of the view that touches the region;
 * with false after the time, or when the client is gone.
 */
function whenChanged(
  view: View,
  region: RegionQuery,
  { timeoutMs, signal }: WaitEnd,
  arm: (finish: () => void) => { changed(): void; close(): void },
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (met: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
      unlisten();
      waiter.close();
      resolve(met);
    };
    const gone = (): void => end(false);
    const timer = setTimeout(gone, timeoutMs);
    signal.addEventListener('abort', gone);
    const unlisten = view.listen((rect: Rect | null) => {
      if (touches(region, rect)) waiter.changed();
    });
    const waiter = arm(() => end(true));
  });
}

/** Resolves with whether something changed; at once when something has since that sequence (anywhere in the picture). */
export function waitForChange(
  view: View,
  region: RegionQuery,
  since: number,
  end: WaitEnd,
): Promise<boolean> {
  if (view.sequence > since) return Promise.resolve(true);
  return whenChanged(view, region, end, (finish) => ({ changed: finish, close: () => undefined }));
}

/** The region of what is shown now; null where it is not. */
function regionNow(view: View, region: RegionQuery): Picture | null {
  const size = view.size;
  const part = size === null ? null : regionIn(region, size);
  return part === null ? null : view.picture(part);
}

function samePixels(a: Picture | null, b: Picture | null): boolean {
  if (a === null || b === null) return a === b;
  return a.width === b.width && a.height === b.height && Buffer.compare(a.rgba, b.rgba) === 0;
}

/**
 * Resolves with whether something is shown and the picture has been the same for `quietMs`. What is drawn again as it was
 * does not count: text consoles do that with a cursor that can't be seen.
 */
export function waitUntilSettled(
  view: View,
  region: RegionQuery,
  quietMs: number,
  end: WaitEnd,
): Promise<boolean> {
  return whenChanged(view, region, end, (finish) => {
    let last = regionNow(view, region);
    let drawn = false;
    let quiet: NodeJS.Timeout | null = null;
    let looking: NodeJS.Timeout | null = null;
    const close = (): void => {
      if (quiet !== null) clearTimeout(quiet);
      if (looking !== null) clearTimeout(looking);
      looking = null;
    };
    const restart = (): void => {
      if (quiet !== null) clearTimeout(quiet);
      quiet = last === null ? null : setTimeout(isQuiet, quietMs);
    };
    /** Whether the picture is another one than at the last look. */
    const look = (): boolean => {
      drawn = false;
      const now = regionNow(view, region);
      const same = samePixels(now, last);
      last = now;
      if (!same) restart();
      return !same;
    };
    const isQuiet = (): void => {
      if (drawn && look()) return;
      finish();
    };
    restart();
    return {
      changed: () => {
        drawn = true;
        looking ??= setTimeout(() => {
          looking = null;
          if (drawn) look();
        }, COMPARE_INTERVAL_MS);
      },
      close,
    };
  });
}

/** What the picture has to look like. */
export interface Reference {
  readonly picture: Picture;
  readonly x: number;
  readonly y: number;
  readonly tolerance: number;
  readonly differentMax: number;
}

/** The last look at the view; null when it showed nothing at the reference's place. */
export interface Look {
  readonly matched: boolean;
  readonly comparison: Comparison | null;
  readonly actual: Picture | null;
}

function look(view: View, { picture, x, y, tolerance, differentMax }: Reference): Look {
  const size = view.size;
  const { width, height } = picture;
  const part = size === null ? null : regionIn({ x, y, width, height }, size);
  const actual = part === null ? null : view.picture(part);
  if (actual === null) return { matched: false, comparison: null, actual };
  const comparison = compare(actual, picture, tolerance);
  return { matched: comparison.differentPixels <= differentMax, comparison, actual };
}

/** Resolves with the first look that matches, or the last one in time. */
export async function waitForMatch(view: View, reference: Reference, end: WaitEnd): Promise<Look> {
  let last = look(view, reference);
  if (last.matched) return last;
  const { width, height } = reference.picture;
  const region = { x: reference.x, y: reference.y, width, height };
  let stale = false;
  await whenChanged(view, region, end, (finish) => {
    let timer: NodeJS.Timeout | null = null;
    const lookAgain = (): void => {
      timer = null;
      stale = false;
      last = look(view, reference);
      if (last.matched) finish();
    };
    return {
      changed: () => {
        stale = true;
        timer ??= setTimeout(lookAgain, COMPARE_INTERVAL_MS);
      },
      close: () => {
        if (timer !== null) clearTimeout(timer);
      },
    };
  });
  return stale ? look(view, reference) : last;
}
