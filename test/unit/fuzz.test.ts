/**
 * Every fuzzer for a moment: the same few thousand inputs each time, then its recorded cases, among them what was found
 * before. (Long runs: scripts/fuzz.)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { caseFolder, readCases, writeCase } from '../../fuzz/core/corpus.js';
import { fuzz } from '../../fuzz/core/fuzz.js';
import { play } from '../../fuzz/core/play.js';
import { formatSteps, parseSteps, type Step, step } from '../../fuzz/core/step.js';
import type { FuzzTarget } from '../../fuzz/core/target.js';
import { TARGETS, targetByName } from '../../fuzz/targets.js';

/** Inputs of each, enough for some seconds. */
const INPUTS = 8000;

for (const name of TARGETS) {
  t.test(name, async (t) => {
    const target = targetByName(name);
    t.teardown(() => target.close?.());
    const cases = [...readCases(caseFolder('corpus', name)), ...readCases(caseFolder('findings', name))];
    t.ok(cases.length > 0, 'there is something to start from');
    for (const { name: file, steps } of cases) {
      const { failure } = await play(target, steps);
      t.equal(failure, null, file);
    }
    const corpus = cases.map(({ steps }) => steps);
    const { finding, features } = await fuzz(target, { seed: 1, inputs: INPUTS, corpus });
    t.equal(finding, null, finding?.error.stack ?? '');
    t.ok(features > 20, `${features} behaviours`);
  });
}

/** Fails once a step of 7 came after one of 3. */
function brokenTarget(): FuzzTarget {
  return {
    name: 'broken',
    input: 'a step',
    steps: 50,
    open: () => {
      const features = new Set<string>();
      return {
        over: false,
        features,
        propose: (random): Step => step('say', [String(random.below(10))]),
        apply({ words }) {
          const [word = ''] = words;
          if (word === '7' && features.has('3')) throw new Error('7 after 3');
          features.add(word);
        },
        close: () => undefined,
      };
    },
  };
}

t.test('a finding is minimised, kept, and found again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const target = brokenTarget();
  const { finding } = await fuzz(target, { seed: 5, inputs: 10_000, corpus: [] });
  t.equal(finding?.error.message, '7 after 3');
  t.equal(formatSteps(finding?.steps ?? []), 'say 3\nsay 7\n');
  writeCase(folder, finding?.steps ?? [], 'a comment');
  const [kept] = readCases(folder);
  const { failure } = await play(target, kept?.steps ?? []);
  t.equal(failure?.message, '7 after 3');
});

t.test('the same seed gives the same cases', async (t) => {
  const played: string[] = [];
  for (const _ of [1, 2]) {
    const target = brokenTarget();
    const { open } = target;
    let text = '';
    const watched: FuzzTarget = {
      ...target,
      open: async () => {
        const subject = await open();
        const { propose } = subject;
        subject.apply = () => undefined;
        subject.propose = (random) => {
          const made = propose(random);
          text += made.words[0];
          return made;
        };
        return subject;
      },
    };
    await fuzz(watched, { seed: 9, inputs: 500, corpus: [] });
    played.push(text);
  }
  t.equal(played[0]?.length, 500);
  t.equal(played[0], played[1]);
});

t.test('steps as text', (t) => {
  const text = 'open small # a comment\n\nguest blob:4096 pipe =0102ff\nstall\n';
  const steps = parseSteps(text, 'here');
  t.same(steps, [
    step('open', ['small']),
    step('guest', ['blob:4096', 'pipe'], Uint8Array.of(1, 2, 255)),
    step('stall'),
  ]);
  t.same(parseSteps(formatSteps(steps), 'there'), steps);
  t.throws(() => parseSteps('a\nb =012', 'here'), { message: 'here:2: bytes that are no hexadecimal' });
  t.end();
});
