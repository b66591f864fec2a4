/** Input devices over a real connection, driven by our own front-end as Linux's virtio_input would: byte for byte. */
import t from 'tap';
import {
  bits,
  Feature,
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  FrontEndClient,
  type FrontEndQueue,
  ProtocolFeature,
} from 'vhost-user-ts';
import {
  InputDevice,
  type InputProfile,
  keyboardProfile,
  mouseProfile,
  tabletProfile,
  touchscreenProfile,
} from '../../src/input/index.js';
import { TRANSITIONS_MAX } from '../../src/input/pending-events.js';
import * as c from '../../src/input/wire/constants.js';
import * as ev from '../../src/input/wire/event-codes.js';
import { Event } from '../../src/input/wire/structs.js';
import { type Bench, hex, scenarioWith, type Test, turn } from './vhost-support.js';

/** What QEMU's virtio-input devices have. */
const QUEUE_SIZE = 4;
const SYN = '0000 0000 00000000';

const formats = [
  ['split', FRONT_END_FEATURES],
  ['packed', FRONT_END_FEATURES | bits(Feature.RING_PACKED)],
] as const;

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('what was waited for does not come');
    await turn();
  }
}

/** Enough turns for whatever is ready to happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

/** One event as it lies in memory: type, code, value. */
function line(data: Uint8Array): string {
  const text = hex(data);
  return `${text.slice(0, 4)} ${text.slice(4, 8)} ${text.slice(8)}`;
}

/** The driver. */
class Driver {
  readonly client: FrontEndClient;
  readonly events: string[] = [];
  /** Gives each buffer back to the device once it was used. */
  refill = true;
  private queue: FrontEndQueue | null = null;

  constructor(client: FrontEndClient) {
    this.client = client;
  }

  static async connect(bench: Bench<InputDevice>, features: bigint = FRONT_END_FEATURES): Promise<Driver> {
    // RESET_DEVICE and STATUS are what QEMU's device does not use.
    const protocolFeatures = FRONT_END_PROTOCOL_FEATURES & ~bits(ProtocolFeature.STATUS);
    const client = FrontEndClient.connect({ path: bench.path, features, protocolFeatures });
    await client.negotiate();
    await client.shareMemory();
    return new Driver(client);
  }

  /** Starts both queues; the event queue has `buffers` buffers. */
  async start(buffers = QUEUE_SIZE): Promise<void> {
    this.queue = await this.client.startQueue(c.EVENT_QUEUE, { size: QUEUE_SIZE });
    await this.client.startQueue(c.STATUS_QUEUE, { size: QUEUE_SIZE });
    this.give(buffers);
  }

  get eventQueue(): FrontEndQueue {
    if (this.queue === null) throw new Error('not started');
    return this.queue;
  }

  /** Puts buffers into the event queue. */
  give(count: number, bytes: number = Event.size): void {
    for (let i = 0; i < count; i++) {
      const id = this.eventQueue.submit(new Uint8Array(0), bytes, (used, data) => {
        this.events.push(used === Event.size ? line(data) : `used ${used}`);
        if (this.refill) this.give(1);
      });
      if (id < 0) throw new Error('the ring is full');
    }
    this.eventQueue.kick();
  }

  /** Sends a buffer on the status queue; resolves with the bytes that the device says it wrote. */
  async tell(data: Uint8Array): Promise<number> {
    return (await (this.client.queues.get(c.STATUS_QUEUE) as FrontEndQueue).request(data, 0)).used;
  }

  /** The events that came since the last time, when there are `count`. */
  async take(count: number): Promise<string[]> {
    await until(() => this.events.length >= count);
    await settle();
    return this.events.splice(0);
  }
}

function scenario(
  name: string,
  profile: InputProfile,
  run: (t: Test, bench: Bench<InputDevice>, leds: string[]) => Promise<void>,
): void {
  const leds: string[] = [];
  const onLed = (code: number, on: boolean) => leds.push(`${code} ${on}`);
  scenarioWith(
    name,
    () => new InputDevice({ profile, onLed }),
    async (t, bench) => run(t, bench, leds),
  );
}

scenario(
  'config space: selected with SET_CONFIG, read byte by byte',
  keyboardProfile({ name: 'proto-kbd' }),
  async (t, bench) => {
    const driver = await Driver.connect(bench);
    const ask = async (select: number, subsel: number): Promise<string> => {
      const whole = new Uint8Array(136);
      whole.set([select, subsel]);
      await driver.client.setConfig(0, whole);
      const [size = 0] = await driver.client.getConfig(2, 1);
      let answer = '';
      for (let i = 0; i < size; i++) answer += hex(await driver.client.getConfig(8 + i, 1));
      return answer;
    };
    t.equal(await ask(c.VIRTIO_INPUT_CFG_ID_NAME, 0), Buffer.from('proto-kbd').toString('hex'));
    t.equal(await ask(c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_LED), '1f');
    t.equal(await ask(c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_KEY), `fe${'ff'.repeat(30)}01`);
    t.equal(await ask(c.VIRTIO_INPUT_CFG_ABS_INFO, 0), '');
    t.equal(await ask(0x77, 3), '');
    t.equal(driver.client.queueCount, 2);
    const whole = await driver.client.getConfig(0, 136);
    t.equal(hex(whole), `7703${'00'.repeat(134)}`);
    driver.client.close();
    await bench.ended();
  },
);

for (const [name, features] of formats) {
  scenario(`${name}: keys arrive in order, each frame closed`, keyboardProfile(), async (t, bench) => {
    const driver = await Driver.connect(bench, features);
    await driver.start();
    await until(() => bench.device.status.buffers === QUEUE_SIZE);
    for (const pressed of [true, true, false]) {
      bench.device.key(30, pressed);
      bench.device.frame();
    }
    bench.device.key(999, true);
    bench.device.moveTo(0.5, 0.5);
    bench.device.scroll('vertical', 120);
    bench.device.frame();
    t.strictSame(await driver.take(4), ['0100 1e00 01000000', SYN, '0100 1e00 00000000', SYN]);
    for (let key = 1; key <= 248; key++) {
      bench.device.key(key, true);
      bench.device.key(key, false);
      bench.device.frame();
      if (key % 50 === 0) await until(() => driver.events.length === key * 3);
    }
    const all = await driver.take(248 * 3);
    t.equal(all.length, 248 * 3);
    t.strictSame(all.slice(-3), ['0100 f800 01000000', '0100 f800 00000000', SYN]);
    driver.client.close();
    await bench.ended();
  });

  scenario(`${name}: tablet position, buttons, wheels`, tabletProfile(), async (t, bench) => {
    const driver = await Driver.connect(bench, features);
    await driver.start();
    const { device } = bench;
    device.moveTo(1, 0.5);
    device.button(ev.BTN_LEFT, true);
    device.frame();
    t.strictSame(await driver.take(4), [
      ...['0300 0000 ff7f0000', '0300 0100 00400000', '0100 1001 01000000', SYN],
    ]);
    device.moveTo(-3, 0.5);
    device.scroll('vertical', -80);
    device.scroll('horizontal', 30.5);
    device.frame();
    t.strictSame(await driver.take(4), [
      ...['0200 0b00 b0ffffff', '0200 0c00 1e000000', '0300 0000 00000000', SYN],
    ]);
    device.scroll('vertical', -40);
    device.scroll('horizontal', 0.5);
    device.frame();
    t.strictSame(await driver.take(4), [
      ...['0200 0800 ffffffff', '0200 0b00 d8ffffff', '0200 0c00 01000000', SYN],
    ]);
    driver.client.close();
    await bench.ended();
  });

  scenario(`${name}: a finger, in frames longer than the ring`, touchscreenProfile(), async (t, bench) => {
    const driver = await Driver.connect(bench, features);
    await driver.start();
    const { device } = bench;
    device.touch(2, 0, 1);
    device.frame();
    t.strictSame(await driver.take(6), [
      ...['0300 2f00 02000000', '0300 3900 00000000', '0300 3500 00000000', '0300 3600 ff7f0000'],
      ...['0100 4a01 01000000', SYN],
    ]);
    device.touch(2, 1, 1);
    device.touch(0, 1, 1);
    device.frame();
    device.touchUp(2);
    device.frame();
    device.touchUp(0);
    device.touchUp(0);
    device.frame();
    t.strictSame((await driver.take(15)).slice(7), [
      ...[SYN, '0300 2f00 02000000', '0300 3900 ffffffff', SYN],
      ...['0300 2f00 00000000', '0300 3900 ffffffff', '0100 4a01 00000000', SYN],
    ]);
    for (const slot of [-1, 16, 0.5]) t.throws(() => device.touch(slot, 0, 0), RangeError);
    t.throws(() => device.moveTo(Number.NaN, 0), RangeError);
    driver.client.close();
    await bench.ended();
  });

  scenario(
    `${name}: a guest that gives one buffer at a time gets it all`,
    mouseProfile(),
    async (t, bench) => {
      const driver = await Driver.connect(bench, features);
      driver.refill = false;
      await driver.start(0);
      const { device } = bench;
      for (let i = 0; i < 100; i++) {
        device.moveBy(1.25, -0.5);
        device.frame();
      }
      device.button(ev.BTN_RIGHT, true);
      device.frame();
      const seen: string[] = [];
      for (let i = 0; i < 5; i++) {
        driver.give(1);
        seen.push(...(await driver.take(1)));
      }
      t.strictSame(seen, ['0200 0000 7d000000', '0200 0100 ceffffff', SYN, '0100 1101 01000000', SYN]);
      driver.client.close();
      await bench.ended();
    },
  );

  scenario(
    `${name}: paused in the middle of a frame, it goes on there`,
    tabletProfile(),
    async (t, bench) => {
      const driver = await Driver.connect(bench, features);
      driver.refill = false;
      await driver.start(2);
      const { device } = bench;
      device.moveTo(0, 1);
      device.button(ev.BTN_LEFT, true);
      device.frame();
      t.strictSame(await driver.take(2), ['0300 0000 00000000', '0300 0100 ff7f0000']);
      const queue = driver.eventQueue;
      const base = await driver.client.stopQueue(queue);
      device.button(ev.BTN_LEFT, false);
      device.frame();
      t.equal(device.status.live, true);
      await driver.client.resumeQueue(queue, base);
      driver.give(4);
      t.strictSame(await driver.take(4), ['0100 1001 01000000', SYN, '0100 1001 00000000', SYN]);
      driver.client.close();
      await bench.ended();
    },
  );

  scenario(
    `${name}: paused with all its buffers at the device, it goes on with them`,
    tabletProfile(),
    async (t, bench) => {
      const driver = await Driver.connect(bench, features);
      driver.refill = false;
      await driver.start(3);
      const queue = driver.eventQueue;
      for (let round = 0; round < 3; round++) {
        const base = await driver.client.stopQueue(queue);
        await driver.client.resumeQueue(queue, base);
      }
      t.equal(bench.device.status.buffers, 3);
      bench.device.moveTo(0, 1);
      bench.device.frame();
      t.strictSame(await driver.take(3), ['0300 0000 00000000', '0300 0100 ff7f0000', SYN]);
      driver.client.close();
      await bench.ended();
    },
  );

  scenario(
    `${name}: status events light the LEDs, garbage does not`,
    keyboardProfile(),
    async (t, bench, leds) => {
      const driver = await Driver.connect(bench, features);
      await driver.start();
      const led = (code: number, value: number) => Event.encode({ type: ev.EV_LED, code, value });
      t.equal(await driver.tell(led(ev.LED_CAPSL, 1)), 0);
      await driver.tell(led(ev.LED_CAPSL, 1));
      await driver.tell(led(ev.LED_NUML, -5));
      await driver.tell(led(ev.LED_CAPSL, 0));
      await driver.tell(Event.encode({ type: 0, code: 0, value: 0 }));
      t.strictSame(leds, ['1 true', '0 true', '1 false']);
      t.equal(bench.device.status.ignoredStatus, 0);
      await driver.tell(led(99, 1));
      await driver.tell(Event.encode({ type: 0xffff, code: 0xffff, value: -1 }));
      await driver.tell(new Uint8Array(5).fill(0xff));
      await driver.tell(new Uint8Array(4096).fill(0x11));
      await driver.tell(Uint8Array.from([...led(ev.LED_CAPSL, 1), 1, 2, 3]));
      t.equal(leds.length, 4, 'a whole event counts, whatever follows it');
      t.strictSame([...bench.device.leds], [0, 1]);
      t.ok(bench.device.status.ignoredStatus > 4);
      driver.client.close();
      t.equal(await bench.ended(), null);
      t.strictSame(leds.slice(4), ['0 false', '1 false'], 'they go out with the guest');
    },
  );
}

scenario(
  'chains that hold no event go back unused, the others are filled',
  keyboardProfile(),
  async (t, bench) => {
    const driver = await Driver.connect(bench);
    driver.refill = false;
    await driver.start(0);
    bench.device.key(30, true);
    bench.device.frame();
    driver.give(1, 7);
    driver.give(1, 4096);
    const queue = driver.eventQueue;
    const readable = queue.request(new Uint8Array(64), 0);
    driver.give(1);
    t.strictSame(await driver.take(3), ['used 0', '0100 1e00 01000000', SYN]);
    t.equal((await readable).used, 0);
    t.equal(bench.device.status.shortBuffers, 2);
    // In pieces of one byte, and behind a readable part.
    bench.device.key(30, false);
    bench.device.frame();
    const cut = await queue.request(new Uint8Array(3), 8, { pieces: 8, indirect: true });
    t.equal(line(cut.data), '0100 1e00 00000000');
    driver.client.close();
    t.equal(await bench.ended(), null);
  },
);

scenario(
  'an event queue that is never filled: bounded, and right when it is',
  keyboardProfile(),
  async (t, bench) => {
    const driver = await Driver.connect(bench);
    await driver.start(0);
    const { device } = bench;
    device.key(42, true);
    device.frame();
    driver.refill = false;
    driver.give(2);
    t.strictSame(await driver.take(2), ['0100 2a00 01000000', SYN]);
    for (let i = 0; i < 10_000; i++) {
      device.key(1 + (i % 200), (i / 200) % 2 < 1);
      device.frame();
    }
    device.key(77, true);
    device.frame();
    t.ok(device.status.waitingTransitions <= TRANSITIONS_MAX);
    t.ok(device.status.waitingFrames <= 2 * TRANSITIONS_MAX + 1);
    t.equal(device.status.overflows, 1);
    driver.refill = true;
    driver.give(QUEUE_SIZE);
    t.strictSame(await driver.take(4), ['0100 2a00 00000000', SYN, '0100 4d00 01000000', SYN]);
    device.releaseAll();
    t.strictSame(await driver.take(2), ['0100 4d00 00000000', SYN]);
    driver.client.close();
    await bench.ended();
  },
);

scenario('nothing is kept for a driver that is not there', keyboardProfile(), async (t, bench) => {
  const { device } = bench;
  device.key(30, true);
  device.frame();
  const first = await Driver.connect(bench);
  device.key(31, true);
  device.frame();
  await first.start();
  device.key(32, true);
  device.frame();
  t.strictSame(await first.take(2), ['0100 2000 01000000', SYN]);
  // A reset, then the driver comes back.
  await first.client.resetDevice();
  t.equal(device.status.live, false);
  device.key(33, true);
  device.frame();
  await first.start();
  device.key(32, true);
  device.frame();
  t.strictSame(await first.take(2), ['0100 2000 01000000', SYN]);
  // Without a reset: the rings stop, and start from the beginning. Only then is it known.
  await first.client.stopQueue(first.eventQueue);
  await first.client.stopQueue(first.client.queues.get(c.STATUS_QUEUE) as FrontEndQueue);
  device.key(33, true);
  device.frame();
  await first.start();
  device.key(32, true);
  device.frame();
  t.strictSame(await first.take(2), ['0100 2000 01000000', SYN]);
  device.key(34, true);
  first.client.close();
  t.equal(await bench.ended(), null);
  const second = await Driver.connect(bench);
  await second.start();
  await settle();
  t.strictSame(second.events, []);
  device.key(34, true);
  device.frame();
  t.strictSame(await second.take(2), ['0100 2200 01000000', SYN]);
  second.client.close();
  await bench.ended();
});

t.equal(c.VIRTIO_ID_INPUT, 18);

t.test('who feeds the device hears that the driver starts anew, or is gone', async (t) => {
  let resets = 0;
  const device = new InputDevice({ profile: mouseProfile(), onReset: () => resets++ });
  device.reset();
  device.detach();
  t.equal(resets, 2);
});
