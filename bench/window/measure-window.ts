/** Everything that is measured of window mode. */
import type { Subject } from '../back-end-process.js';
import { type CopyResult, measureCopies } from './copies.js';
import { CountingCompositor } from './counting-compositor.js';
import { type DelayResult, type FirewallResult, measureDelay, measureFirewall } from './forwarding.js';
import {
  BlobGuest,
  measurePresents,
  type PresentOptions,
  type PresentResult,
  WINDOW_SIZES,
  type WindowSize,
} from './presents.js';
import { copyTable, delayTable, firewallTable, presentTable } from './report.js';
import { Weston } from './weston.js';

export interface WindowResults {
  readonly presents: readonly PresentResult[];
  readonly firewall: readonly FirewallResult[];
  readonly delay: DelayResult;
  readonly copies: readonly CopyResult[];
}

const SURFACES = [1, 10, 100];
const DELAYED_COMMITS = 4000;

/** Presents to the counting compositor and to weston. */
async function measureAllPresents(subject: Subject, options: PresentOptions): Promise<PresentResult[]> {
  const results: PresentResult[] = [];
  for (const size of Object.keys(WINDOW_SIZES) as WindowSize[]) {
    const counting = new CountingCompositor();
    try {
      results.push(await presentTo(counting.env, subject, size, 'counting', counting, options));
    } finally {
      counting.close();
    }
    const weston = await Weston.start(1920, 1080);
    try {
      results.push(await presentTo(weston.env, subject, size, 'weston', null, options));
    } finally {
      await weston.close();
    }
  }
  return results;
}

async function presentTo(
  env: NodeJS.ProcessEnv,
  subject: Subject,
  size: WindowSize,
  name: string,
  counting: CountingCompositor | null,
  options: PresentOptions,
): Promise<PresentResult> {
  const guest = await BlobGuest.start(subject, env, size);
  try {
    return await measurePresents(guest, name, counting, options);
  } finally {
    await guest.close();
  }
}

export async function measureWindow(subject: Subject, options: PresentOptions): Promise<WindowResults> {
  const { turns, turnMs } = options;
  const presents = await measureAllPresents(subject, options);
  const firewall: FirewallResult[] = [];
  for (const surfaces of SURFACES) firewall.push(await measureFirewall(surfaces, turns, turnMs));
  const delay = await measureDelay(DELAYED_COMMITS);
  const copies = (['1080p', '4k'] as const).flatMap((size) =>
    [true, false].map((whole) => measureCopies(size, whole, turns, turnMs / 4)),
  );
  return { presents, firewall, delay, copies };
}

export function windowTables({ presents, firewall, delay, copies }: WindowResults): string[] {
  return [presentTable(presents), firewallTable(firewall), delayTable(delay), copyTable(copies)];
}
