/** Input of several windows on the devices that they share. */
import t from 'tap';
import { FingerSlots } from '../../src/cli/input/finger-slots.js';
import { type FedDevice, OutputInput, type OutputPlace } from '../../src/cli/input/output-input.js';

const BTN_LEFT = 0x110;
const LEFT_HALF: OutputPlace = { x: 0, y: 0, width: 0.5, height: 1 };
const RIGHT_HALF: OutputPlace = { x: 0.5, y: 0, width: 0.5, height: 1 };

/** Devices that write down what they are told. */
function devices() {
  const told: string[] = [];
  const device = (name: string): FedDevice => {
    const tell =
      (what: string) =>
      (...values: unknown[]): void => {
        told.push([name, what, ...values].join(' '));
      };
    return {
      key: tell('key'),
      button: tell('button'),
      moveTo: tell('moveTo'),
      moveBy: tell('moveBy'),
      scroll: tell('scroll'),
      touch: tell('touch'),
      touchUp: tell('touchUp'),
      frame: () => undefined,
      releaseAll: tell('releaseAll'),
    };
  };
  const all = {
    keyboard: null,
    tablets: [device('tablet')],
    mouse: device('mouse'),
    touchscreen: device('touch'),
    fingers: new FingerSlots(),
    lockKeys: null,
  };
  return { all, take: () => told.splice(0) };
}

t.test('a button goes up in the device where it went down, whatever moves meanwhile', async (t) => {
  const { all, take } = devices();
  const input = new OutputInput(all, 0, () => LEFT_HALF, 'absolute');
  input.moveTo(0.5, 0.5);
  input.button(BTN_LEFT, true);
  // The user hands the pointer to the mouse while the button is held.
  input.moveBy(3, 4);
  input.button(BTN_LEFT, false);
  input.button(BTN_LEFT, true);
  input.moveTo(1, 1);
  input.button(BTN_LEFT, false);
  t.same(take(), [
    'tablet moveTo 0.25 0.5',
    `tablet button ${BTN_LEFT} true`,
    'mouse moveBy 3 4',
    `tablet button ${BTN_LEFT} false`,
    `mouse button ${BTN_LEFT} true`,
    'tablet moveTo 0.5 1',
    `mouse button ${BTN_LEFT} false`,
  ]);
  input.button(BTN_LEFT, true);
  input.releaseAll();
  input.moveBy(1, 1);
  take();
  input.button(BTN_LEFT, true);
  t.same(take(), [`mouse button ${BTN_LEFT} true`], 'what was released is not held');
});

t.test('fingers on two windows are different fingers of the one touchscreen', async (t) => {
  const { all, take } = devices();
  const left = new OutputInput(all, 0, () => LEFT_HALF, 'absolute');
  const right = new OutputInput(all, 1, () => RIGHT_HALF, 'absolute');
  left.touch(0, 0, 0);
  right.touch(0, 1, 1);
  left.touchUp(0);
  left.touchUp(0);
  right.touch(0, 0, 1);
  left.touch(5, 1, 0);
  right.touchUp(0);
  t.same(take(), [
    'touch touch 0 0 0',
    'touch touch 1 1 1',
    'touch touchUp 0',
    'touch touch 1 0.5 1',
    'touch touch 0 0.5 0',
    'touch touchUp 1',
  ]);
  for (let slot = 0; slot < 16; slot++) right.touch(slot, 0, 0);
  t.equal(take().length, 15, 'no more fingers than slots');
  right.releaseAll();
  take();
  right.touch(3, 0, 0);
  t.same(take(), ['touch touch 0 0.5 0']);
});
