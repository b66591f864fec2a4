/** The benchmark itself: a few operations of each kind on the real command, every pixel compared. No times. */
import t from 'tap';
import { CASES } from '../../bench/cases.js';
import { Verify } from '../../bench/control-block.js';
import { Machine } from '../../bench/machine.js';
import { checkPixels } from '../../bench/measure.js';
import { subjectOf } from '../../bench/subjects.js';

const OPERATIONS = 5;

for (const bench of CASES) {
  // Larger pictures are the same code.
  if (bench.name.endsWith('-4k')) continue;
  t.test(bench.title, async (t) => {
    const machine = await Machine.start(subjectOf('ours'));
    try {
      const { load, check } = await bench.prepare(machine);
      const { oneCpu } = bench;
      const options = { durationMs: 60_000, operations: OPERATIONS, oneCpu, verify: Verify.PIXELS };
      const run = await machine.run(load, options);
      t.equal(run.operations, OPERATIONS);
      t.equal(run.latenciesNs.length, OPERATIONS);
      const arrived = await checkPixels(machine, check);
      if (check !== null) t.ok(arrived > 0, 'pictures arrived, and all their pixels were right');
    } finally {
      await machine.close();
    }
  });
}
