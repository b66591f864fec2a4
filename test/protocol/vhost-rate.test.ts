/** A limit of chains per second: who is over it waits, without an error; the other ring and the front-end do not. */
import t from 'tap';
import { ChainRate, FrontEndClient, FrontEndRequest as R } from 'vhost-user-ts';
import { EchoDevice, hex, scenarioWith, turn } from './vhost-support.js';

/** Time stands still until the test says otherwise. Timers go on, as nothing else wakes a ring that waits. */
let nowMs = 0;
const realNow = performance.now;
t.before(() => {
  performance.now = () => nowMs;
});
t.teardown(() => {
  performance.now = realNow;
});

t.test('the bucket', async (t) => {
  const rate = new ChainRate(200);
  t.equal(rate.allowance(5000), 200, "a second's worth at once");
  rate.spend(200);
  t.equal(rate.allowance(5000), 0);
  t.equal(rate.restMs, 10, 'worth two chains');
  t.equal(rate.allowance(5010), 2);
  rate.spend(7);
  t.equal(rate.allowance(5010), -5, 'a batch may take too many');
  t.equal(rate.restMs, 35, 'and waits for longer');
  t.equal(rate.allowance(60_000), 200, 'no more than it holds');
  const slow = new ChainRate(1);
  slow.spend(slow.allowance(60_000));
  t.equal(slow.restMs, 1000, 'one at least');
  const none = new ChainRate(0);
  none.spend(1e9);
  t.equal(none.allowance(0), Number.POSITIVE_INFINITY);
});

let rests = 0;
const LIMIT = { chainsPerSecond: 100, onRest: () => rests++ };

scenarioWith(
  'a ring over its limit',
  () => new EchoDevice(),
  async (t, bench) => {
    rests = 0;
    const front = FrontEndClient.connect({ path: bench.path });
    await front.negotiate();
    await front.shareMemory();
    const quick = await front.startQueue(0, { size: 512 });
    const other = await front.startQueue(1, { size: 64 });
    const answers: number[] = [];
    const all = Array.from({ length: 150 }, (_, i) =>
      quick.request(Uint8Array.of(i), 1).then(({ data }) => answers.push(data[0] ?? -1)),
    );
    while (rests < 3) await turn();
    t.equal(answers.length, 100, 'its second is over');
    for (let i = 0; i < 20; i++) {
      quick.kickFd.signal();
      t.equal(hex((await other.request(Uint8Array.of(1, i), 2)).data), hex(Uint8Array.of(i, 1)));
    }
    await front.getU64(R.GET_FEATURES);
    t.equal(answers.length, 100, 'others are served meanwhile');

    nowMs += 250;
    while (answers.length < 125) await turn();
    for (const looked = rests; rests < looked + 2; ) await turn();
    t.equal(answers.length, 125, 'a quarter of a second, a quarter of its limit');

    nowMs += 1000;
    await Promise.all(all);
    t.same(
      answers,
      Array.from({ length: 150 }, (_, i) => i),
      'nothing is lost, in order',
    );
    front.close();
    t.equal(await bench.ended(), null);
  },
  LIMIT,
);

scenarioWith(
  'what was taken is answered while the ring waits, and a ring that waits can be stopped',
  () => new EchoDevice(),
  async (t, bench) => {
    rests = 0;
    nowMs += 10_000;
    const { device } = bench;
    const front = FrontEndClient.connect({ path: bench.path });
    await front.negotiate();
    await front.shareMemory();
    const queue = await front.startQueue(0, { size: 512 });
    device.hold = true;
    let answered = 0;
    for (let i = 0; i < 120; i++) queue.submit(Uint8Array.of(i), 1, () => answered++);
    queue.kick();
    while (rests === 0) await turn();
    t.equal(device.held.length, 100);
    for (const { queue: held, chain } of device.held.splice(0)) device.answer(held, chain);
    while (answered < 100) await turn();
    t.equal(device.held.length, 0, 'no new ones for it');

    t.equal(await front.stopQueue(queue), 100);
    nowMs += 1000;
    device.hold = false;
    await front.resumeQueue(queue, 100);
    while (answered < 120) await turn();
    front.close();
    t.equal(await bench.ended(), null);
  },
  LIMIT,
);
