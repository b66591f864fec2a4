/** What the person has chosen, kept by the browser for the next time. */
import { SCALE_MODES, type ScaleMode } from './geometry.js';
import type { Kept } from './storage.js';

export interface Settings {
  readonly scale: ScaleMode;
  readonly statistics: boolean;
  /** The machine's screen gets the size of the page. */
  readonly follow: boolean;
  /** Two fingers are the machine's. */
  readonly pinch: boolean;
  /** The key bar; null: by whether the pointer is a finger. */
  readonly keys: boolean | null;
}

const KEY = 'viewer';
const DEFAULTS: Settings = { scale: 'fit', statistics: false, follow: false, pinch: false, keys: null };

/** What was kept, as far as it makes sense; defaults for the rest. */
export function parseSettings(text: string | null): Settings {
  const kept = parseObject(text);
  const flag = (name: 'statistics' | 'follow' | 'pinch'): boolean => {
    const value = kept[name];
    return typeof value === 'boolean' ? value : DEFAULTS[name];
  };
  return {
    scale: SCALE_MODES.find((mode) => mode === kept.scale) ?? DEFAULTS.scale,
    statistics: flag('statistics'),
    follow: flag('follow'),
    pinch: flag('pinch'),
    keys: typeof kept.keys === 'boolean' ? kept.keys : DEFAULTS.keys,
  };
}

function parseObject(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export class SettingsStore {
  value: Settings;
  private readonly storage: Kept;

  constructor(storage: Kept) {
    this.storage = storage;
    this.value = parseSettings(storage.getItem(KEY));
  }

  change(change: Partial<Settings>): void {
    this.value = { ...this.value, ...change };
    this.storage.setItem(KEY, JSON.stringify(this.value));
  }
}
