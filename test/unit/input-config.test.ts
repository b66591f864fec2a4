/** virtio-input's config space, layouts and profiles (virtio 1.3, 5.8.4 and 5.8.5), byte for byte. */
import t from 'tap';
import { ConfigSpace } from '../../src/input/config-space.js';
import {
  type InputProfile,
  keyboardProfile,
  mouseProfile,
  tabletProfile,
  touchscreenProfile,
} from '../../src/input/profile.js';
import * as c from '../../src/input/wire/constants.js';
import * as ev from '../../src/input/wire/event-codes.js';
import { AbsInfo, Config, DevIds, Event } from '../../src/input/wire/structs.js';

/** Selects as QEMU does it, with all of config space, and reads byte for byte as the driver does. */
function ask(config: ConfigSpace, select: number, subsel = 0): string {
  const written = new Uint8Array(136).fill(0xee);
  written.set([select, subsel]);
  config.write(written, 0);
  const all = new Uint8Array(136);
  for (let i = 0; i < all.length; i++) config.read(all.subarray(i, i + 1), i);
  const [selected, subselected, size = 0] = all;
  t.strictSame([selected, subselected], [select, subsel]);
  t.ok(
    all.subarray(3, 8).every((byte) => byte === 0),
    'reserved',
  );
  t.ok(
    all.subarray(8 + size).every((byte) => byte === 0),
    'nothing after the answer',
  );
  return Buffer.from(all.subarray(8, 8 + size)).toString('hex');
}

t.test('layouts are those of linux/virtio_input.h', async (t) => {
  t.equal(Config.size, 136);
  t.strictSame(Config.offsets, { select: 0, subsel: 1, size: 2, reserved: 3, data: 8 });
  t.equal(AbsInfo.size, 20);
  t.equal(DevIds.size, 8);
  t.equal(Event.size, 8);
  t.equal(Buffer.from(Event.encode({ type: 2, code: 8, value: -1 })).toString('hex'), '02000800ffffffff');
});

t.test('a keyboard: every key from 1 to 248, LEDs, no repeats unless asked for', async (t) => {
  const config = new ConfigSpace(keyboardProfile({ name: 'kbd', serial: 'S1' }));
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ID_NAME), Buffer.from('kbd').toString('hex'));
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ID_SERIAL), Buffer.from('S1').toString('hex'));
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ID_DEVIDS), '0600f41a01000100');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_KEY), `fe${'ff'.repeat(30)}01`);
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_LED), '1f');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_REP), '');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_REL), '');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_PROP_BITS), '');
  const repeating = new ConfigSpace(keyboardProfile({ repeat: true }));
  t.equal(ask(repeating, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_REP), '01');
});

t.test('a tablet: absolute position, buttons, wheels', async (t) => {
  const config = new ConfigSpace(tabletProfile());
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_KEY), `${'00'.repeat(34)}1f`);
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_REL), '4019');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_ABS), '03');
  for (const axis of [ev.ABS_X, ev.ABS_Y])
    t.equal(ask(config, c.VIRTIO_INPUT_CFG_ABS_INFO, axis), `00000000ff7f0000${'00'.repeat(12)}`);
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ABS_INFO, 2), '');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ID_SERIAL), '');
});

t.test('a mouse: relative motion, buttons, wheels', async (t) => {
  const config = new ConfigSpace(mouseProfile());
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_KEY), `${'00'.repeat(34)}1f`);
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_REL), '4319');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_ABS), '');
});

t.test('a touchscreen: 16 slots, on the screen itself', async (t) => {
  const config = new ConfigSpace(touchscreenProfile());
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_PROP_BITS), '02');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_KEY), `${'00'.repeat(41)}04`);
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_EV_BITS, ev.EV_ABS), '0000000000806002');
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ABS_INFO, ev.ABS_MT_SLOT), `000000000f000000${'00'.repeat(12)}`);
  t.equal(
    ask(config, c.VIRTIO_INPUT_CFG_ABS_INFO, ev.ABS_MT_TRACKING_ID),
    `00000000ffff0000${'00'.repeat(12)}`,
  );
});

t.test('whatever is asked, only what exists has a size', async (t) => {
  const config = new ConfigSpace(touchscreenProfile({ serial: 'T' }));
  const answered: string[] = [];
  const [bytes, size] = [new Uint8Array(2), new Uint8Array(1)];
  for (let select = 0; select < 256; select++) {
    for (let subsel = 0; subsel < 256; subsel++) {
      bytes.set([select, subsel]);
      config.write(bytes, 0);
      config.read(size, 2);
      if (size[0] !== 0) answered.push(`${select.toString(16)}/${subsel.toString(16)}`);
    }
  }
  t.strictSame(answered, ['1/0', '2/0', '3/0', '10/0', '11/1', '11/3', '12/2f', '12/35', '12/36', '12/39']);
});

t.test('writes of any place and length change nothing but the selection', async (t) => {
  const config = new ConfigSpace(keyboardProfile({ name: 'n' }));
  config.write(Uint8Array.of(c.VIRTIO_INPUT_CFG_ID_NAME), 0);
  config.write(new Uint8Array(134).fill(0xff), 2);
  config.write(new Uint8Array(10).fill(0xff), 200);
  config.write(new Uint8Array(0), 0);
  const all = new Uint8Array(300).fill(9);
  config.read(all, 0);
  t.strictSame(all.slice(0, 10), Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0x6e, 0));
  t.ok(
    all.subarray(9).every((byte) => byte === 0),
    'past the end is 0',
  );
  config.write(Uint8Array.of(7), 1);
  config.read(all, 0);
  t.strictSame(all.slice(0, 4), Uint8Array.of(1, 7, 0, 0), 'the second byte alone');
  config.reset();
  config.read(all, 0);
  t.ok(all.every((byte) => byte === 0));
});

t.test('a name as long as config space, and one byte more', async (t) => {
  const profile = (name: string): InputProfile => keyboardProfile({ name });
  const config = new ConfigSpace(profile('é'.repeat(64)));
  t.equal(ask(config, c.VIRTIO_INPUT_CFG_ID_NAME), 'c3a9'.repeat(64));
  t.throws(() => new ConfigSpace(profile(`${'é'.repeat(64)}x`)), RangeError);
});
