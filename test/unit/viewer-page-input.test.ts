/** The viewer's page: what persons do, as the guest is told of it. */
import * as fc from 'fast-check';
import t from 'tap';
import { FingerPointer } from '../../src/viewer/page/finger-pointer.js';
import { fractionOf, place, SCALE_MODES } from '../../src/viewer/page/geometry.js';
import { KeyState } from '../../src/viewer/page/key-state.js';
import { buttonChanges } from '../../src/viewer/page/mouse-buttons.js';
import { textChange } from '../../src/viewer/page/text-change.js';
import { TouchSlots } from '../../src/viewer/page/touch-slots.js';
import { WheelSteps } from '../../src/viewer/page/wheel-steps.js';

const down = (code: string) => ({ code, pressed: true });
const up = (code: string) => ({ code, pressed: false });

t.test('keys: once down, once up', async (t) => {
  const keys = new KeyState();
  t.strictSame(keys.press('KeyA'), [down('KeyA')]);
  t.strictSame(keys.press('KeyA'), [], 'it repeats');
  t.strictSame(keys.release('KeyB'), [], 'went down elsewhere');
  t.strictSame(keys.press('ShiftLeft'), [down('ShiftLeft')]);
  t.strictSame(keys.releaseAll(), [up('KeyA'), up('ShiftLeft')]);
  t.strictSame(keys.release('KeyA'), []);
});

t.test('keys: what systems do not tell', async (t) => {
  const windows = new KeyState();
  windows.press('ControlLeft');
  t.strictSame(
    windows.press('AltRight', true),
    [up('ControlLeft'), down('AltRight')],
    "AltGr's Ctrl is none",
  );
  t.strictSame(windows.release('ControlLeft'), []);
  const mac = new KeyState();
  mac.press('MetaLeft');
  mac.press('KeyC');
  t.strictSame(mac.release('MetaLeft'), [up('KeyC'), up('MetaLeft')], 'C goes up with it');
  const lock = new KeyState(true);
  t.strictSame(lock.press('CapsLock'), [down('CapsLock'), up('CapsLock')], 'in force');
  t.strictSame(lock.release('CapsLock'), [down('CapsLock'), up('CapsLock')], 'not any more');
});

t.test('keys: whatever happens, what is down at the end goes up', async (t) => {
  t.plan(0);
  const code = fc.constantFrom('KeyA', 'AltRight', 'ControlLeft', 'MetaLeft', 'Enter');
  fc.assert(
    fc.property(fc.array(fc.tuple(code, fc.boolean(), fc.boolean())), (events) => {
      const keys = new KeyState();
      const told = events.flatMap(([code, pressed, altGraph]) =>
        pressed ? keys.press(code, altGraph) : keys.release(code),
      );
      const held = new Set<string>();
      for (const { code, pressed } of [...told, ...keys.releaseAll()]) {
        if (pressed === held.has(code)) throw new Error(`${code} twice`);
        if (pressed) held.add(code);
        else held.delete(code);
      }
      return held.size === 0;
    }),
  );
});

t.test('buttons, by the bits of pointer events', async (t) => {
  t.strictSame(buttonChanges(0, 1), [{ button: 0, pressed: true }]);
  t.strictSame(
    buttonChanges(1, 3),
    [{ button: 2, pressed: true }],
    'the right one, while the left one is down',
  );
  t.strictSame(buttonChanges(4, 0), [{ button: 1, pressed: false }], 'the middle one');
  t.strictSame(buttonChanges(1, 2), [
    { button: 0, pressed: false },
    { button: 2, pressed: true },
  ]);
  t.strictSame(buttonChanges(5, 5), []);
  t.strictSame(buttonChanges(0, 32), [], 'an eraser is no button of a mouse');
});

t.test('wheels: nothing of a slow touchpad is lost', async (t) => {
  const wheel = new WheelSteps();
  t.strictSame(wheel.add({ deltaX: 0, deltaY: 100, deltaMode: 0 }), { dx: 0, dy: 120 }, 'a notch');
  t.strictSame(wheel.add({ deltaX: 0, deltaY: -3, deltaMode: 1 }), { dx: 0, dy: -120 }, 'three lines');
  t.strictSame(wheel.add({ deltaX: 1, deltaY: 0, deltaMode: 2 }), { dx: 960, dy: 0 }, 'a page');
  t.strictSame(wheel.add({ deltaX: 0, deltaY: 1e9, deltaMode: 0 }), { dx: 0, dy: 12_000 });
  const slow = new WheelSteps();
  let sum = 0;
  for (let i = 0; i < 1000; i++) sum += slow.add({ deltaX: 0, deltaY: 0.25, deltaMode: 0 })?.dy ?? 0;
  t.ok(Math.abs(sum - 300) <= 1, `${sum} steps`);
});

t.test('fingers have the lowest free slots', async (t) => {
  const slots = new TouchSlots();
  t.strictSame([slots.down(70), slots.down(71), slots.down(70)], [0, 1, 0]);
  t.equal(slots.up(70), 0);
  t.equal(slots.slot(70), null);
  t.equal(slots.up(70), null);
  t.strictSame([slots.down(80), slots.slot(71)], [0, 1]);
  for (let id = 100; id < 114; id++) slots.down(id);
  t.equal(slots.down(200), null, 'sixteen are enough');
  slots.clear();
  t.equal(slots.down(201), 0);
});

/** A finger whose timer runs out when told. */
function fingerPointer(): { finger: FingerPointer; told: string[]; rest: () => void } {
  const told: string[] = [];
  let running: (() => void) | null = null;
  const finger = new FingerPointer(
    {
      move: ({ x, y }) => told.push(`${x},${y}`),
      button: (button, pressed) => told.push(`${button} ${pressed ? 'down' : 'up'}`),
    },
    (_ms, done) => {
      running = done;
      return () => {
        running = null;
      };
    },
  );
  return { finger, told, rest: () => running?.() };
}

t.test('a finger as a mouse', async (t) => {
  const at = (x: number, y = 0) =>
    [
      { x, y },
      { x: x / 100, y: y / 100 },
    ] as const;
  const tap = fingerPointer();
  tap.finger.down(1, ...at(10));
  tap.finger.moved(1, ...at(14));
  tap.finger.up(1);
  tap.rest();
  t.strictSame(tap.told, ['0.1,0', '0 down', '0 up'], 'a tap, though it trembled');

  const drag = fingerPointer();
  drag.finger.down(1, ...at(10));
  drag.finger.down(2, ...at(50));
  drag.finger.moved(2, ...at(90));
  drag.finger.moved(1, ...at(40));
  drag.rest();
  drag.finger.up(1);
  drag.finger.up(2);
  t.strictSame(drag.told, ['0.1,0', '0 down', '0.4,0', '0 up'], 'the second finger does nothing');

  const rest = fingerPointer();
  rest.finger.down(1, ...at(10));
  rest.rest();
  rest.finger.moved(1, ...at(80));
  rest.finger.up(1);
  t.strictSame(rest.told, ['0.1,0', '2 down', '2 up'], 'the right button');

  const pinch = fingerPointer();
  pinch.finger.down(1, ...at(10));
  pinch.finger.cancel(1);
  pinch.rest();
  t.strictSame(pinch.told, ['0.1,0'], 'the browser zooms: no click');
});

t.test('text of on-screen keyboards', async (t) => {
  t.strictSame(textChange('  ', '  a'), { erased: 0, typed: 'a' });
  t.strictSame(textChange('  ', ' '), { erased: 1, typed: '' });
  t.strictSame(textChange('  helo', '  hello '), { erased: 1, typed: 'lo ' }, 'corrected');
  t.strictSame(textChange('a😀', 'a😁'), { erased: 1, typed: '😁' }, 'characters, not halves of them');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (before, after) => {
      const { erased, typed } = textChange(before, after);
      const kept = [...before].slice(0, [...before].length - erased).join('');
      return kept + typed === after;
    }),
  );
});

t.test('places: whole pixels of the display, in the middle', async (t) => {
  const picture = { width: 800, height: 600 };
  t.strictSame(place('fit', picture, { width: 1601, height: 700 }, 1), {
    left: 334,
    top: 0,
    width: 933,
    height: 700,
    scale: 700 / 600,
    crisp: false,
  });
  const whole = { left: 0, top: 50, width: 1600, height: 1200, scale: 2, crisp: true };
  t.strictSame(place('whole', picture, { width: 1600, height: 1300 }, 1), whole);
  t.equal(place('whole', picture, { width: 400, height: 400 }, 1).scale, 0.5, 'smaller ones just fit');
  const exact = { left: 100, top: 50, width: 400, height: 300, scale: 1, crisp: true };
  t.strictSame(
    place('pixels', picture, { width: 600, height: 400 }, 2),
    exact,
    'CSS pixels are twice as large',
  );
  const large = place('pixels', picture, { width: 300, height: 300 }, 1);
  t.strictSame([large.left, large.top, large.width], [0, 0, 800], 'what is too large begins at the corner');
  const size = fc.integer({ min: 1, max: 5000 });
  const ratio = fc.constantFrom(1, 1.25, 1.5, 2, 2.625, 3);
  fc.assert(
    fc.property(
      fc.constantFrom(...SCALE_MODES),
      size,
      size,
      size,
      size,
      ratio,
      (mode, w, h, sw, sh, ratio) => {
        const box = place(mode, { width: w, height: h }, { width: sw, height: sh }, ratio);
        const onGrid = [box.left, box.top, box.width, box.height].every(
          (edge) => Math.abs(edge * ratio - Math.round(edge * ratio)) < 1e-6 && edge >= 0,
        );
        const inside =
          mode === 'pixels' || (box.left + box.width <= sw + 1 && box.top + box.height <= sh + 1);
        return onGrid && inside && box.width > 0 && box.height > 0;
      },
    ),
  );
});

t.test('pointers are on pixels of the picture', async (t) => {
  const box = { left: 10, top: 20, width: 200, height: 100 };
  const picture = { width: 400, height: 200 };
  t.strictSame(fractionOf({ x: 60, y: 45 }, box, picture), { x: 100.5 / 400, y: 50.5 / 200 });
  t.strictSame(
    fractionOf({ x: -5, y: 500 }, box, picture),
    { x: 0.5 / 400, y: 199.5 / 200 },
    'dragged out of it',
  );
  const sizes = fc.integer({ min: 1, max: 8192 });
  fc.assert(
    fc.property(sizes, fc.nat(8191), (pixels, seed) => {
      const pixel = seed % pixels;
      const size = { width: pixels, height: pixels };
      const { x } = fractionOf({ x: pixel, y: 0 }, { left: 0, top: 0, ...size }, size);
      // A tablet has 32768 places, of which a guest makes pixels again.
      return Math.floor((Math.round(x * 32_767) * pixels) / 32_768) === pixel;
    }),
  );
});
