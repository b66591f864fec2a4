/**
 * The token: it comes in the address behind `#`, which browsers send to nobody. It is taken out of the address at once, so
 * that it is in no bookmark and no screenshot, and kept by the tab for when the page is loaded again.
 */
import type { Kept } from './storage.js';

const KEY = 'token';

export interface TokenPlaces {
  /** location.hash */
  readonly hash: string;
  /** Takes the fragment out of the address. */
  clearHash(): void;
  readonly storage: Kept;
}

/** Null when there is none. */
export function takeToken({ hash, clearHash, storage }: TokenPlaces): string | null {
  const given = new URLSearchParams(hash.replace(/^#/, '')).get(KEY);
  if (given === null || given === '') return storage.getItem(KEY);
  clearHash();
  keepToken(given, storage);
  return given;
}

export function keepToken(token: string, storage: Kept): void {
  storage.setItem(KEY, token);
}

/** The token in what a person pasted: the token itself, or the address that was printed. */
export function tokenIn(text: string): string | null {
  const trimmed = text.trim();
  const inAddress = /#(?:.*&)?token=([^&\s]+)/.exec(trimmed)?.[1];
  const token = inAddress === undefined ? trimmed : decodeURIComponent(inAddress);
  return token === '' ? null : token;
}
