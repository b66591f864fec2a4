/**
 * Fences: one timeline keeps the order of its requests, different ones know nothing of each other, and each chain goes
 * back exactly once, whatever is done when.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { silentLogger, viewOf } from 'vhost-user-ts';
import { bareCommand } from '../../src/virtio-gpu/command/command.js';
import { ControlQueue } from '../../src/virtio-gpu/command/control-queue.js';
import { GuestFaults } from '../../src/virtio-gpu/faults.js';
import { type GpuAnswer, NO_SUCH_RESOURCE, OK_NODATA, okWhen, okWith } from '../../src/virtio-gpu/result.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { CtrlHdr } from '../../src/virtio-gpu/wire/structs.js';
import * as c from './gpu-commands.js';
import { GpuHarness, TestChain, TestQueue } from './gpu-harness.js';

const FENCE = gpu.VIRTIO_GPU_FLAG_FENCE;
const RING = FENCE | gpu.VIRTIO_GPU_FLAG_INFO_RING_IDX;

/** Commands of this test: done at once, refused, with a body, done later, and one that stops the queue. */
const NOW = 1;
const REFUSED = 2;
const BODY = 3;
const LATER = 4;
const PAUSING = 5;

/** A queue that takes note of what goes back, in order. */
class NotingQueue extends TestQueue {
  readonly returned: TestChain[] = [];

  override push(chain: TestChain, used: number): void {
    if (!this.running) throw new Error('a push on a stopped queue');
    if (chain.used !== null) throw new Error('a chain went back twice');
    super.push(chain, used);
    this.returned.push(chain);
  }
}

class Bench {
  readonly harness = new GpuHarness();
  readonly queue = new NotingQueue(0);
  /** Of the LATER commands, in the order of their requests. */
  readonly done: (() => void)[] = [];
  readonly answers: ((answer: GpuAnswer) => void)[] = [];
  readonly control = new ControlQueue(new GuestFaults(silentLogger), [
    bareCommand(NOW, () => OK_NODATA),
    bareCommand(REFUSED, () => NO_SUCH_RESOURCE),
    bareCommand(BODY, () => okWith(gpu.VIRTIO_GPU_RESP_OK_CAPSET, Uint8Array.of(1, 2, 3, 4))),
    bareCommand(LATER, () => okWhen((done) => this.done.push(done))),
    bareCommand(PAUSING, (_vm, request) =>
      request.answerLater(
        (answer) => this.answers.push(answer),
        () => OK_NODATA,
      ),
    ),
  ]);
  private fenceId = 0n;

  submit(type: number, fence: c.Fence = {}): TestChain {
    this.fenceId += 1n;
    const chain = new TestChain(c.header(type, { fenceId: this.fenceId, ...fence }), 64);
    // VmState is made by the device; the commands here don't look at it.
    const vm = { metrics: { commands: 0 }, frontEnd: this.harness.frontEnd } as never;
    this.control.handle(vm, this.queue, chain);
    return chain;
  }

  close(): void {
    this.harness.device.close();
    this.harness.memory.mapping.close();
  }
}

function bench(name: string, run: (t: Test, b: Bench) => void): void {
  t.test(name, async (t) => {
    const b = new Bench();
    run(t, b);
    b.close();
  });
}

bench('a fence waits for its command, and older ones of its timeline for nothing else', (t, b) => {
  const first = b.submit(LATER, { flags: FENCE });
  const second = b.submit(LATER, { flags: FENCE });
  const other = b.submit(LATER, { flags: RING, ctxId: 1, ringIdx: 1 });
  t.equal(b.control.heldFences, 3);
  b.done[2]?.();
  t.strictSame(b.queue.returned, [other], 'another timeline');
  b.done[1]?.();
  t.strictSame(b.queue.returned, [other], 'an older one is not done');
  b.done[0]?.();
  t.strictSame(b.queue.returned, [other, first, second]);
  t.match(CtrlHdr.read(viewOf(other.response)), {
    type: gpu.VIRTIO_GPU_RESP_OK_NODATA,
    flags: RING,
    fenceId: 3n,
    ctxId: 1,
    ringIdx: 1,
  });
  t.match(CtrlHdr.read(viewOf(second.response)), { flags: FENCE, fenceId: 2n, ctxId: 0, ringIdx: 0 });
  for (const done of b.done) done();
  t.equal(b.queue.returned.length, 3, 'done twice is done once');
  t.equal(b.control.heldFences, 0);
  t.equal(b.queue.paused, false);
});

bench('without a fence nobody waits', (t, b) => {
  b.submit(LATER, { flags: FENCE });
  const unfenced = [b.submit(LATER), b.submit(NOW), b.submit(REFUSED), b.submit(BODY)];
  t.strictSame(b.queue.returned, unfenced);
  t.equal(b.done.length, 1, 'the work that only a fence asks for was not started');
  t.strictSame(
    unfenced.map((chain) => c.typeOf(chain.response)),
    [0x1100, 0x1100, 0x1203, 0x1103],
  );
});

bench('what is done at once waits for older fences too, with its answer', (t, b) => {
  const later = b.submit(LATER, { flags: FENCE });
  const refused = b.submit(REFUSED, { flags: FENCE });
  const body = b.submit(BODY, { flags: FENCE });
  const ring = b.submit(NOW, { flags: RING, ctxId: 1, ringIdx: 0 });
  t.strictSame(b.queue.returned, [ring]);
  b.done[0]?.();
  t.strictSame(b.queue.returned, [ring, later, refused, body]);
  t.equal(c.typeOf(refused.response), gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
  t.equal(body.used, 28);
  t.strictSame(body.response.subarray(24, 28), Uint8Array.of(1, 2, 3, 4));
  t.equal(viewOf(refused.response).getBigUint64(8, true), 2n);
});

bench('rings and contexts have timelines of their own', (t, b) => {
  const chains = [
    b.submit(LATER, { flags: RING, ctxId: 1, ringIdx: 0 }),
    b.submit(LATER, { flags: RING, ctxId: 1, ringIdx: 255 }),
    b.submit(LATER, { flags: RING, ctxId: 2, ringIdx: 0 }),
    b.submit(LATER, { flags: RING, ctxId: 0xffff_ffff, ringIdx: 255 }),
    b.submit(LATER, { flags: FENCE, ctxId: 1 }),
  ];
  for (const [i, chain] of [...chains.entries()].reverse()) {
    b.done[i]?.();
    t.equal(chain.used, 24);
  }
});

bench('done before the command returns', (t, b) => {
  const control = new ControlQueue(new GuestFaults(silentLogger), [
    bareCommand(LATER, () => okWhen((done) => done())),
  ]);
  const chain = new TestChain(c.header(LATER, { flags: FENCE, fenceId: 9n }), 24);
  control.handle({ metrics: { commands: 0 } } as never, b.queue, chain);
  t.equal(chain.used, 24);
  t.equal(control.heldFences, 0);
});

bench('an answer that the queue waited for keeps its place among the fences', (t, b) => {
  const later = b.submit(LATER, { flags: FENCE });
  const pausing = b.submit(PAUSING, { flags: FENCE });
  t.equal(b.queue.paused, true);
  b.answers[0]?.(NO_SUCH_RESOURCE);
  t.equal(b.queue.paused, false);
  t.strictSame(b.queue.returned, []);
  b.done[0]?.();
  t.strictSame(b.queue.returned, [later, pausing]);
  t.equal(c.typeOf(pausing.response), gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
});

bench('a queue that stops keeps its fences; another one is left alone', (t, b) => {
  const chains = [
    b.submit(LATER, { flags: FENCE }),
    b.submit(REFUSED, { flags: FENCE }),
    b.submit(LATER, { flags: FENCE }),
  ];
  const pausing = b.submit(PAUSING, { flags: FENCE });
  b.control.stop(new TestQueue(0));
  t.equal(b.queue.paused, true);
  b.control.stop(b.queue);
  t.equal(b.queue.paused, false, 'what the queue waited for is answered, in its place');
  b.queue.running = false;
  b.done[0]?.();
  b.answers[0]?.(NO_SUCH_RESOURCE);
  t.strictSame(b.queue.returned, []);
  b.queue.running = true;
  b.control.start(b.queue);
  t.strictSame(b.queue.returned, chains.slice(0, 2), 'it goes on');
  b.done[1]?.();
  t.strictSame(b.queue.returned, [...chains, pausing]);
  t.strictSame(
    b.queue.returned.map((chain) => c.typeOf(chain.response)),
    [0x1100, 0x1203, 0x1100, 0x1100],
  );
});

bench('a reset ends all fences, and so does the end of the front-end', (t, b) => {
  for (const end of [() => b.control.reset(), () => b.control.clear()]) {
    b.submit(LATER, { flags: FENCE });
    b.submit(NOW, { flags: FENCE });
    b.control.stop(b.queue);
    end();
    t.equal(b.control.heldFences, 0);
    b.control.start(b.queue);
    for (const done of b.done) done();
    t.strictSame(b.queue.returned, []);
    const next = b.submit(NOW, { flags: FENCE });
    t.strictSame(b.queue.returned.splice(0), [next]);
  }
});

type Step =
  | { readonly kind: 'submit'; readonly type: number; readonly timeline: number }
  | { readonly kind: 'done'; readonly which: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'start' };

/** No fence, the global timeline, and three others. */
const TIMELINES: readonly c.Fence[] = [
  {},
  { flags: FENCE },
  { flags: RING, ctxId: 1, ringIdx: 0 },
  { flags: RING, ctxId: 1, ringIdx: 1 },
  { flags: RING, ctxId: 2, ringIdx: 1 },
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      type: fc.constantFrom(NOW, REFUSED, BODY, LATER, LATER, LATER),
      timeline: fc.nat(TIMELINES.length - 1),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('done' as const), which: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'stop' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'start' as const }) },
);

/** What a timeline looks like from outside: its requests in order, and whether each is done. */
interface Expected {
  readonly chain: TestChain;
  done: boolean;
}

function play(b: Bench, steps: readonly Step[]): string | null {
  const lines: Expected[][] = TIMELINES.map(() => []);
  const deferred: Expected[] = [];
  const all: TestChain[] = [];
  for (const step of steps) {
    if (step.kind === 'submit') {
      // A stopped queue gives out no requests.
      if (!b.queue.running) continue;
      const before = b.done.length;
      const chain = b.submit(step.type, TIMELINES[step.timeline]);
      all.push(chain);
      const expected = { chain, done: b.done.length === before };
      if (!expected.done) deferred.push(expected);
      if (step.timeline > 0) lines[step.timeline]?.push(expected);
      else if (chain.used === null) return 'an unfenced request waits';
    } else if (step.kind === 'done') {
      const expected = deferred[step.which];
      if (expected !== undefined) expected.done = true;
      b.done[step.which]?.();
    } else {
      if (step.kind === 'stop') b.control.stop(b.queue);
      b.queue.running = step.kind === 'start';
      if (step.kind === 'start') b.control.start(b.queue);
    }
    if (!b.queue.running) continue;
    for (const line of lines) {
      const undone = line.findIndex(({ done }) => !done);
      const due = undone === -1 ? line.length : undone;
      if (line.some(({ chain }, i) => (chain.used !== null) !== i < due)) return 'the wrong chains are held';
    }
  }
  for (const line of lines) {
    const order = line.map(({ chain }) => b.queue.returned.indexOf(chain)).filter((at) => at >= 0);
    if (order.some((at, i) => i > 0 && at < (order[i - 1] as number))) return 'out of order';
  }
  b.queue.running = true;
  b.control.start(b.queue);
  for (const done of b.done) done();
  if (b.control.heldFences !== 0 || all.some((chain) => chain.used === null)) return 'something was left';
  return null;
}

t.test('any requests, completions and stops', async (t) => {
  const ran = fc.check(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const b = new Bench();
      const wrong = play(b, steps);
      b.close();
      if (wrong !== null) throw new Error(wrong);
    }),
    { numRuns: 300 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
});
