/** What `doctor` finds, on the host and in a guest, and how it is told. */
import { userInfo } from 'node:os';

export interface Finding {
  /** What was looked at: a word, stable for programs. */
  readonly check: string;
  /** ok; limited: it works, but not all of it; broken: the command does not work without it. */
  readonly state: 'ok' | 'limited' | 'broken';
  /** What is there, or what is missing. */
  readonly found: string;
  /** What does not work, or is slower, for it; null where it is ok. */
  readonly cost: string | null;
  /** One command that changes it; null where there is none. */
  readonly fix: string | null;
}

export type Check = () => Promise<Finding> | Finding;

export function ok(check: string, found: string): Finding {
  return { check, state: 'ok', found, cost: null, fix: null };
}

export function limited(check: string, found: string, cost: string, fix: string | null): Finding {
  return { check, state: 'limited', found, cost, fix };
}

export function broken(check: string, found: string, cost: string, fix: string | null): Finding {
  return { check, state: 'broken', found, cost, fix };
}

/** Runs them all. A check that fails by itself is a finding, too. */
export function findAll(checks: Readonly<Record<string, Check>>): Promise<Finding[]> {
  return Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        return await check();
      } catch (error) {
        return broken(name, `could not be checked: ${(error as Error).message}`, 'not known', null);
      }
    }),
  );
}

const MARKS = { ok: 'ok', limited: 'limited', broken: 'BROKEN' } as const;

function textOf({ check, state, found, cost, fix }: Finding): string {
  const lines = [`${MARKS[state].padEnd(8)} ${check}: ${found}`];
  if (cost !== null) lines.push(`         without it: ${cost}`);
  if (fix !== null) lines.push(`         fix: ${fix}`);
  return lines.join('\n');
}

/** For people, or for programs: an object with `findings`. */
export function report(findings: readonly Finding[], json: boolean): string {
  return json ? `${JSON.stringify({ findings }, null, 2)}\n` : `${findings.map(textOf).join('\n')}\n`;
}

/** 1 when something is broken. */
export function exitCode(findings: readonly Finding[]): number {
  return findings.some(({ state }) => state === 'broken') ? 1 : 0;
}

/** Whom a fix is for. (A container or a small guest may have no names for its users.) */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'root');
  }
}
