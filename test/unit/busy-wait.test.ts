/** Waiting awake for the next chain: only for a driver that came back soon, and not for longer than it is told. */
import t from 'tap';
import { BusyWait } from 'vhost-user-ts';

/** A ring that has something after it was looked at `looks` times. */
class Ring {
  looked = 0;
  private readonly looks: number;

  constructor(looks: number) {
    this.looks = looks;
  }

  get pendingWork(): boolean {
    return ++this.looked > this.looks;
  }
}

const NEVER = Number.POSITIVE_INFINITY;
const LONG_US = 60_000_000;

t.test('it is off', async (t) => {
  const wait = new BusyWait(0);
  const ring = new Ring(0);
  wait.wait(ring);
  wait.woken();
  t.notOk(wait.wait(ring));
  t.equal(ring.looked, 0);
});

t.test('a driver that comes back soon', async (t) => {
  const wait = new BusyWait(LONG_US);
  const first = new Ring(0);
  wait.woken();
  t.notOk(wait.wait(first), 'nobody knows yet how soon it comes back');
  t.equal(first.looked, 0);
  wait.woken();
  const ring = new Ring(100);
  t.ok(wait.wait(ring));
  t.equal(ring.looked, 101);
  t.ok(wait.wait(new Ring(3)), 'and again, without a kick');
});

t.test('a driver that does not', async (t) => {
  const wait = new BusyWait(1);
  wait.wait(new Ring(NEVER));
  // More than a microsecond goes by.
  const end = performance.now() + 1;
  while (performance.now() < end);
  wait.woken();
  const ring = new Ring(0);
  t.notOk(wait.wait(ring));
  t.equal(ring.looked, 0, 'the processor is for others');
});

t.test('a driver that stops', async (t) => {
  const wait = new BusyWait(1000);
  wait.wait(new Ring(NEVER));
  wait.woken();
  const ring = new Ring(NEVER);
  t.notOk(wait.wait(ring));
  t.ok(ring.looked > 0, 'it was waited for');
  const next = new Ring(0);
  t.notOk(wait.wait(next));
  t.equal(next.looked, 0, 'once');
});
