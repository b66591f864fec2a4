/** Events that wait for the guest: merged motion, ordered transitions, bounds. */
import * as fc from 'fast-check';
import t from 'tap';
import { PendingEvents, TRANSITIONS_MAX } from '../../src/input/pending-events.js';
import * as ev from '../../src/input/wire/event-codes.js';
import type { Event } from '../../src/input/wire/structs.js';

/** Takes up to `count` events. */
function take(pending: PendingEvents, count = Number.POSITIVE_INFINITY): Event[] {
  const events: Event[] = [];
  while (events.length < count) {
    const event = pending.peek();
    if (event === null) break;
    pending.taken();
    events.push(event);
  }
  return events;
}

const names = new Map([
  [ev.EV_KEY, 'key'],
  [ev.EV_REL, 'rel'],
  [ev.EV_ABS, 'abs'],
]);

function told(events: readonly Event[]): string[] {
  return events.map(({ type, code, value }) =>
    type === ev.EV_SYN ? 'syn' : `${names.get(type)} ${code} ${value}`,
  );
}

t.test('motion that waits is one frame: the latest position, the sum of distances', async (t) => {
  const pending = new PendingEvents();
  for (let i = 1; i <= 1000; i++) {
    pending.absolute(ev.ABS_X, i);
    pending.relative(ev.REL_WHEEL_HI_RES, 15);
    pending.frame();
  }
  t.equal(pending.waitingFrames, 1);
  t.strictSame(told(take(pending)), ['rel 11 15000', 'abs 0 1000', 'syn']);
});

t.test('motion is not merged across a click, and not into a frame on its way', async (t) => {
  const pending = new PendingEvents();
  const move = (x: number) => {
    pending.absolute(ev.ABS_X, x);
    pending.frame();
  };
  move(1);
  t.strictSame(told(take(pending, 1)), ['abs 0 1']);
  move(2);
  move(3);
  pending.key(ev.BTN_LEFT, true);
  pending.frame();
  move(4);
  move(5);
  pending.key(ev.BTN_LEFT, false);
  pending.frame();
  t.strictSame(told(take(pending)), [
    ...['syn', 'abs 0 3', 'syn', 'key 272 1', 'syn', 'abs 0 5', 'syn', 'key 272 0', 'syn'],
  ]);
});

t.test('nothing is told twice, and nothing of a frame before it is complete', async (t) => {
  const pending = new PendingEvents();
  pending.key(30, true);
  t.equal(pending.peek(), null);
  pending.frame();
  pending.key(30, true);
  pending.frame();
  pending.frame();
  t.strictSame(told(take(pending)), ['key 30 1', 'syn']);
  pending.key(31, false);
  pending.relative(ev.REL_X, 5);
  pending.frame();
  pending.relative(ev.REL_X, -5);
  pending.frame();
  t.strictSame(told(take(pending)), [], 'a way out and back');
});

t.test('a finger: down, moved, lifted; another one at the same time', async (t) => {
  const pending = new PendingEvents();
  pending.touch(0, 10, 20);
  pending.key(ev.BTN_TOUCH, true);
  pending.frame();
  pending.touch(0, 11, 20);
  pending.frame();
  pending.touch(0, 12, 20);
  pending.frame();
  pending.touch(3, 1, 2);
  pending.lift(0);
  pending.lift(0);
  pending.frame();
  t.strictSame(told(take(pending)), [
    ...['abs 47 0', 'abs 57 0', 'abs 53 10', 'abs 54 20', 'key 330 1', 'syn'],
    ...['abs 47 0', 'abs 53 12', 'abs 54 20', 'syn'],
    ...['abs 47 3', 'abs 57 1', 'abs 53 1', 'abs 54 2', 'abs 47 0', 'abs 57 -1', 'syn'],
  ]);
});

t.test('distances stay in range while nobody takes them', async (t) => {
  const pending = new PendingEvents();
  for (let i = 0; i < 5; i++) {
    pending.relative(ev.REL_X, 2 ** 30);
    pending.relative(ev.REL_Y, -(2 ** 30));
    pending.frame();
  }
  t.strictSame(told(take(pending)), [`rel 0 ${2 ** 31 - 1}`, `rel 1 ${1 - 2 ** 31}`, 'syn']);
});

t.test('a guest that takes nothing: bounded, then everything released, then the state anew', async (t) => {
  const pending = new PendingEvents();
  pending.key(42, true);
  pending.touch(1, 5, 6);
  pending.frame();
  take(pending);
  for (let i = 0; i < 100_000; i++) {
    pending.key(30, i % 2 === 0);
    pending.relative(ev.REL_X, 1);
    pending.absolute(ev.ABS_Y, i);
    pending.frame();
    if (pending.waitingTransitions > TRANSITIONS_MAX || pending.waitingFrames > TRANSITIONS_MAX * 2 + 1)
      t.fail(`${pending.waitingTransitions} transitions, ${pending.waitingFrames} frames`);
  }
  pending.key(31, true);
  t.equal(pending.overflows, 1);
  t.strictSame(told(take(pending)), ['abs 47 1', 'abs 57 -1', 'key 42 0', 'syn'], 'released');
  pending.frame();
  t.strictSame(
    told(take(pending)),
    [
      ...['rel 0 100000', 'abs 1 99999', 'abs 47 1', 'abs 57 1', 'abs 53 5', 'abs 54 6'],
      ...['key 42 1', 'key 31 1', 'syn'],
    ],
    'and the state when the frame was complete',
  );
  pending.key(31, false);
  pending.frame();
  t.strictSame(told(take(pending)), ['key 31 0', 'syn'], 'then as ever');
});

t.test('reset forgets everything', async (t) => {
  const pending = new PendingEvents();
  pending.key(30, true);
  pending.touch(0, 1, 1);
  pending.frame();
  take(pending, 2);
  pending.key(31, true);
  pending.reset();
  pending.frame();
  t.equal(pending.peek(), null);
  t.equal(pending.pressed.size, 0);
  t.equal(pending.touchCount, 0);
  pending.key(30, true);
  pending.frame();
  t.strictSame(told(take(pending)), ['key 30 1', 'syn']);
});

/** What evdev makes of the events: state changes at SYN_REPORT only. */
class Guest {
  readonly keys = new Set<number>();
  readonly absolute = new Map<number, number>();
  readonly relative = new Map<number, number>();
  readonly touches = new Map<number, { id: number; x?: number; y?: number }>();
  /** The key transitions, with the position and distance that each had. */
  readonly log: string[] = [];
  private frame: Event[] = [];
  private slot = 0;

  feed(events: readonly Event[]): void {
    for (const event of events) {
      if (event.type !== ev.EV_SYN) this.frame.push(event);
      else {
        if (this.frame.length === 0) throw new Error('an empty frame');
        for (const change of this.frame.splice(0)) this.apply(change);
      }
    }
  }

  private apply({ type, code, value }: Event): void {
    if (type === ev.EV_KEY) {
      if (this.keys.has(code) === (value === 1)) throw new Error(`key ${code} is ${value} already`);
      if (value === 1) this.keys.add(code);
      else this.keys.delete(code);
      this.log.push(logEntry(code, value === 1, this.absolute, this.relative));
    } else if (type === ev.EV_REL) {
      this.relative.set(code, (this.relative.get(code) ?? 0) + value);
    } else if (code === ev.ABS_MT_SLOT) {
      this.slot = value;
    } else if (code === ev.ABS_MT_TRACKING_ID) {
      if (this.touches.has(this.slot) !== (value === -1)) throw new Error(`slot ${this.slot}: id ${value}`);
      if (value === -1) this.touches.delete(this.slot);
      else this.touches.set(this.slot, { id: value });
    } else if (code === ev.ABS_MT_POSITION_X || code === ev.ABS_MT_POSITION_Y) {
      const touch = this.touches.get(this.slot);
      if (touch === undefined) throw new Error('a position without a finger');
      touch[code === ev.ABS_MT_POSITION_X ? 'x' : 'y'] = value;
    } else {
      this.absolute.set(code, value);
    }
  }
}

function logEntry(
  code: number,
  pressed: boolean,
  absolute: ReadonlyMap<number, number>,
  relative: ReadonlyMap<number, number>,
): string {
  return `${code} ${pressed} at ${absolute.get(0) ?? 0} ${absolute.get(1) ?? 0}, ${relative.get(0) ?? 0}`;
}

type Step =
  | { readonly do: 'key'; readonly code: number; readonly pressed: boolean }
  | { readonly do: 'abs' | 'rel'; readonly code: number; readonly value: number }
  | { readonly do: 'touch'; readonly slot: number; readonly x: number; readonly y: number }
  | { readonly do: 'lift'; readonly slot: number }
  | { readonly do: 'take'; readonly count: number };

const small = (max: number) => fc.nat({ max });
const key = fc.record({ do: fc.constant('key' as const), code: small(3), pressed: fc.boolean() });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: key, weight: 6 },
  fc.record({ do: fc.constant('abs' as const), code: small(1), value: small(9) }),
  fc.record({
    do: fc.constant('rel' as const),
    code: fc.constant(0),
    value: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({ do: fc.constant('touch' as const), slot: small(2), x: small(9), y: small(9) }),
  fc.record({ do: fc.constant('lift' as const), slot: small(2) }),
  fc.record({ do: fc.constant('take' as const), count: small(6) }),
);

/** Runs the steps, each a frame of its own, on the queue and on a guest that misses nothing. */
function run(steps: readonly Step[]): { pending: PendingEvents; guest: Guest; model: Guest } {
  const pending = new PendingEvents();
  const [guest, model] = [new Guest(), new Guest()];
  for (const step of steps) {
    if (step.do === 'take') {
      guest.feed(take(pending, step.count));
      continue;
    }
    if (step.do === 'key' && model.keys.has(step.code) !== step.pressed) {
      if (step.pressed) model.keys.add(step.code);
      else model.keys.delete(step.code);
      model.log.push(logEntry(step.code, step.pressed, model.absolute, model.relative));
    }
    if (step.do === 'key') pending.key(step.code, step.pressed);
    if (step.do === 'abs') {
      pending.absolute(step.code, step.value);
      model.absolute.set(step.code, step.value);
    }
    if (step.do === 'rel') {
      pending.relative(step.code, step.value);
      model.relative.set(step.code, (model.relative.get(step.code) ?? 0) + step.value);
    }
    if (step.do === 'touch') {
      pending.touch(step.slot, step.x, step.y);
      model.touches.set(step.slot, { id: 0, x: step.x, y: step.y });
    }
    if (step.do === 'lift') {
      pending.lift(step.slot);
      model.touches.delete(step.slot);
    }
    pending.frame();
  }
  return { pending, guest, model };
}

function sameState(guest: Guest, model: Guest): boolean {
  const positions = ({ touches }: Guest) =>
    JSON.stringify([...touches].map(([slot, { x, y }]) => [slot, x, y]).sort());
  const entries = (map: ReadonlyMap<number, number>) =>
    JSON.stringify([...map].filter(([, value]) => value !== 0).sort());
  const keys = ({ keys }: Guest) => JSON.stringify([...keys].sort());
  const axes = ({ absolute }: Guest) => JSON.stringify([...absolute].sort());
  return (
    keys(guest) === keys(model) &&
    axes(guest) === axes(model) &&
    entries(guest.relative) === entries(model.relative) &&
    positions(guest) === positions(model)
  );
}

t.test('however slowly the guest takes events, it ends in the state that is', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { pending, guest, model } = run(steps);
      guest.feed(take(pending));
      return (
        pending.overflows === 0 &&
        sameState(guest, model) &&
        // Each press and release arrived, in order and where it happened.
        JSON.stringify(guest.log) === JSON.stringify(model.log)
      );
    }),
    { numRuns: 500 },
  );
});

t.test('also when transitions had to be dropped, any number of times', async (t) => {
  let overflows = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 900, maxLength: 1500, size: 'max' }), small(9), (steps, rest) => {
      const { pending, guest, model } = run(steps.filter((step) => step.do !== 'take' || rest > 8));
      const bounded = pending.waitingTransitions <= TRANSITIONS_MAX + 16;
      guest.feed(take(pending, rest));
      guest.feed(take(pending));
      overflows += pending.overflows;
      return bounded && sameState(guest, model);
    }),
    { numRuns: 40 },
  );
  t.ok(overflows > 0, `${overflows} overflows`);
});
