/** Folders of recorded cases: seeds to start from, and past findings. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatSteps, parseSteps, type Step } from './step.js';

export interface NamedCase {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Where those of a target are kept; this file is in dist/fuzz/core. */
export function caseFolder(kind: 'corpus' | 'findings', target: string): string {
  return fileURLToPath(new URL(`../../../fuzz/${kind}/${target}`, import.meta.url));
}

/** Sorted by name; empty when there is no such folder. */
export function readCases(folder: string): NamedCase[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return names.sort().map((name) => {
    const path = join(folder, name);
    return { name, steps: parseSteps(readFileSync(path, 'utf8'), path) };
  });
}

/** Named by its content. Returns the path. */
export function writeCase(folder: string, steps: readonly Step[], comment: string): string {
  mkdirSync(folder, { recursive: true });
  const text = formatSteps(steps);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const path = join(folder, `${digest}.txt`);
  const heading = comment
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('');
  writeFileSync(path, heading + text);
  return path;
}
