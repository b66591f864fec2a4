/** Workflows of GitHub Actions: read by a YAML parser, and their steps run as a runner does. */
import { execFileSync } from 'node:child_process';
import { TestProcess } from './processes.js';

export interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

export interface Job {
  readonly 'runs-on': string;
  readonly 'timeout-minutes'?: number;
  readonly container?: { readonly image: string; readonly options?: string };
  readonly env?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const TO_JSON = 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)';

/** A YAML document as a value. Throws when it is none. (Debian's own Python, which has Debian's parser.) */
export function parseYaml(text: string): unknown {
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', TO_JSON], { input: text, encoding: 'utf8' }));
}

/** The fenced blocks of a language in a Markdown file. */
export function fencedBlocks(markdown: string, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...markdown.matchAll(pattern)].map(([, text = '']) => text);
}

/** Runs the commands of a step (bash -e, as runners do without `shell:`); resolves with the exit code and the output. */
export async function runStep(
  { name = 'step', run = '' }: Step,
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<{ code: number | null; output: string }> {
  const process = new TestProcess(name, 'bash', ['-e', '-c', run], env, folder);
  const { code } = await process.exited;
  return { code, output: process.output };
}
