/** The benchmark itself: a few operations of each kind on the real command, every pixel compared. No times. */
import t from 'tap';
import { BackEndProcess } from '../../bench/back-end-process.js';
import { CASES } from '../../bench/cases.js';
import { Verify } from '../../bench/control-block.js';
import { Machine } from '../../bench/machine.js';
import { checkPixels } from '../../bench/measure.js';
import { subjectOf } from '../../bench/subjects.js';
import { measureCopies } from '../../bench/window/copies.js';
import { CountingCompositor } from '../../bench/window/counting-compositor.js';
import { measureDelay, measureFirewall } from '../../bench/window/forwarding.js';
import { BlobGuest } from '../../bench/window/presents.js';

const OPERATIONS = 5;
/** One for all machines, one after the other. */
const backEnd = new BackEndProcess(subjectOf('ours'));
t.teardown(() => backEnd.stop());

for (const bench of CASES) {
  // Larger pictures are the same code, and so are smaller ones of the churn.
  if (bench.name.endsWith('-4k') || bench.name === 'churn-64x64') continue;
  t.test(bench.title, async (t) => {
    const machine = await Machine.connect(backEnd);
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
      machine.disconnect();
    }
  });
}

t.test('window mode: pictures in the region, by page flips', async (t) => {
  const compositor = new CountingCompositor();
  const guest = await BlobGuest.start(subjectOf('ours'), compositor.env, '1080p');
  try {
    // It throws when something else than the guest's pictures arrives.
    const { frames } = await guest.flip({ durationMs: 60_000, operations: OPERATIONS }, compositor);
    t.ok(frames > 0 && frames <= OPERATIONS);
    t.equal(await guest.bytesCopied(), 0);
  } finally {
    await guest.close();
    compositor.close();
  }
});

t.test('forwarded commits and the guest proxy copy', async (t) => {
  const { commitsPerSecond, messagesPerCpuSecond } = await measureFirewall(3, 1, 1);
  t.ok(commitsPerSecond.median > 0 && messagesPerCpuSecond.median > 0);
  const delay = await measureDelay(OPERATIONS);
  t.ok(delay.directP50Us > 0 && delay.forwardedP50Us > 0);
  t.ok(measureCopies('1080p', false, 1, 1).ratio.median > 0);
});
