/** What option values may look like. Each throws commander's InvalidArgumentError with what was expected. */
import { InvalidArgumentError } from 'commander';

const DIMENSION_MAX = 16384;
const TITLE_MAX = 256;

/** One output as asked for: pixels and Hz. */
export interface OutputMode {
  readonly width: number;
  readonly height: number;
  readonly refreshHz: number;
}

/** A whole number of at most 15 digits. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** WIDTHxHEIGHT[@HZ]. */
function parseMode(text: string): OutputMode {
  const match = /^(\d{1,5})x(\d{1,5})(?:@(\d{1,3}))?$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  const refreshHz = Number(match?.[3] ?? 60);
  const fits = (value: number): boolean => value >= 64 && value <= DIMENSION_MAX;
  if (!(fits(width) && fits(height) && refreshHz >= 1 && refreshHz <= 480)) {
    throw new InvalidArgumentError(
      `Expected WIDTHxHEIGHT[@HZ] with sizes from 64 to ${DIMENSION_MAX}, such as 1920x1080 or 2560x1440@75.`,
    );
  }
  return { width, height, refreshHz };
}

/** Modes, separated by commas. */
export function parseModes(text: string): OutputMode[] {
  return text.split(',').map(parseMode);
}

/** 0, or a power of two that both QEMU (a PCI BAR) and a compositor (a pool) take. */
export function parseRegionSize(text: string): number {
  const value = wholeNumber(0, 1024)(text);
  if (value !== 0 && (value & (value - 1)) !== 0) throw new InvalidArgumentError('Expected a power of two.');
  return value;
}

/** Something to call windows by: a compositor must be able to show it, and to carry it in one message. */
export function parseName(text: string): string {
  if (text === '' || text.length > TITLE_MAX || /\p{Cc}/u.test(text)) {
    throw new InvalidArgumentError(`Expected 1 to ${TITLE_MAX} characters that can be shown.`);
  }
  return text;
}

/** #rrggbb. */
export function parseColor(text: string): string {
  if (!/^#[0-9a-fA-F]{6}$/.test(text)) throw new InvalidArgumentError('Expected a color like #e08000.');
  return text;
}

/** The first of these options that was given; null when none was. */
export function firstGiven(options: Readonly<Record<string, unknown>>): string | null {
  return Object.keys(options).find((name) => options[name] !== undefined) ?? null;
}
