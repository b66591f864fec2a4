/** Caps Lock and Num Lock of host and guest in step. */
import t from 'tap';
import { LockKeys } from '../../src/cli/input/lock-keys.js';

const CAPS = 58;
const NUM = 69;
const LED_NUML = 0;
const LED_CAPSL = 1;

/** A guest that toggles its LEDs at each press of a lock key. */
function guest(locks: () => LockKeys, lit: number[] = []) {
  const leds = new Set(lit);
  const pressed: [number, boolean][] = [];
  return {
    leds,
    pressed,
    frames: 0,
    key(code: number, down: boolean): void {
      pressed.push([code, down]);
      const led = code === CAPS ? LED_CAPSL : LED_NUML;
      if (!down) return;
      if (!leds.delete(led)) leds.add(led);
      locks().ledSet(led);
    },
    frame(): void {
      this.frames += 1;
    },
  };
}

t.test('a guest that never set an LED is left alone', async (t) => {
  const keyboard = guest(() => locks);
  const locks: LockKeys = new LockKeys(keyboard);
  locks.hostHas(true, true);
  t.same(keyboard.pressed, []);
});

t.test('what parted while the keyboard was elsewhere is put right at once', async (t) => {
  const keyboard = guest(() => locks, [LED_CAPSL]);
  const locks: LockKeys = new LockKeys(keyboard);
  locks.ledSet(LED_CAPSL);
  locks.ledSet(LED_NUML);
  locks.hostHas(false, true);
  t.same(keyboard.pressed, [
    [CAPS, true],
    [CAPS, false],
    [NUM, true],
    [NUM, false],
  ]);
  t.equal(keyboard.frames, 4, 'each on its own: a press and a release in one frame are nothing');
  t.same([...keyboard.leds], [LED_NUML]);
});

t.test('presses that both see change nothing', async (t) => {
  const keyboard = guest(() => locks, [LED_NUML]);
  const locks: LockKeys = new LockKeys(keyboard);
  locks.ledSet(LED_NUML);
  locks.hostHas(false, true);
  // The compositor tells of the toggle before the guest's LED came.
  locks.hostHas(false, false);
  t.same(keyboard.pressed, []);
  locks.focusLost();
  locks.hostHas(false, false);
  t.same(keyboard.pressed, [
    [NUM, true],
    [NUM, false],
  ]);
});

t.test('the next guest is another: it is left alone until it sets an LED itself', async (t) => {
  const keyboard = guest(() => locks);
  const locks: LockKeys = new LockKeys(keyboard);
  locks.ledSet(LED_CAPSL);
  locks.guestLeft();
  locks.hostHas(true, true);
  t.same(keyboard.pressed, []);
});
