/** Windows and a compositor that has gone mad: any event, on any object, with any arguments of the right types. */
import fc from 'fast-check';
import t from 'tap';
import { closeFd, createMemfd } from 'vhost-user-native';
import { INTERFACES } from '../../src/wayland/index.js';
import type { StubCompositor, StubObject, StubValue } from '../stub/compositor.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';
import { WindowScene } from './windows-support.js';

interface MadEvent {
  /** Which object, and which of its events; both modulo what there is. */
  readonly object: number;
  readonly event: number;
  readonly numbers: readonly number[];
}

const NUMBER = fc.oneof(
  fc.nat({ max: 12 }),
  fc.nat({ max: 2000 }),
  fc.constantFrom(0x110, 0x111, 0x7fffffff, 0xffffffff),
);

const EVENTS = fc.array(
  fc.record<MadEvent>({
    object: fc.nat({ max: 200 }),
    event: fc.nat({ max: 20 }),
    numbers: fc.array(NUMBER, { minLength: 9, maxLength: 9 }),
  }),
  { minLength: 20, maxLength: 60 },
);

/** Objects whose events are about windows; the display's own are for other tests. */
function targets(stub: StubCompositor): StubObject[] {
  return [...stub.objects.values()].filter(
    ({ alive, interface: name }) =>
      alive && !['wl_display', 'wl_callback', 'wl_registry'].includes(name) && eventsOf(name).length > 0,
  );
}

function eventsOf(name: string) {
  return INTERFACES.get(name)?.events ?? [];
}

/** Sends it; false when there is nothing of the kind. */
function send(stub: StubCompositor, mad: MadEvent, fd: number): boolean {
  const objects = targets(stub);
  const object = objects[mad.object % Math.max(1, objects.length)];
  if (object === undefined) return false;
  const events = eventsOf(object.interface).filter(({ since }) => since <= object.version);
  const event = events[mad.event % events.length];
  if (event === undefined) return false;
  const surfaces = stub.living('wl_surface');
  const values = event.args.map((arg, index): StubValue => {
    const number = mad.numbers[index] ?? 0;
    if (arg.type === 'fd') return fd;
    if (arg.type === 'string') return 'x'.repeat(number % 100);
    if (arg.type === 'array')
      return new Uint8Array(Uint32Array.from(mad.numbers.slice(0, number % 9)).buffer);
    if (arg.type === 'int') return number | 0;
    if (arg.type === 'fixed') return (number | 0) / 256;
    if (arg.type !== 'object') return number;
    const fitting = arg.interface === 'wl_surface' ? surfaces : stub.living(arg.interface ?? '');
    return fitting[number % Math.max(1, fitting.length)] ?? null;
  });
  if (values.some((value, index) => value === null && event.args[index]?.nullable !== true)) return false;
  stub.send(object, event.name, values);
  return true;
}

t.test('whatever a compositor says, the windows stay in order', async (t) => {
  const fd = createMemfd('keymap', { size: 4096 });
  const fds = openFds();
  let sent = 0;
  const property = fc.asyncProperty(EVENTS, fc.boolean(), async (events, relative) => {
    const scene = new WindowScene();
    if (relative) scene.input.pointer = 'relative';
    await scene.open();
    const { content, window } = scene;
    const { stub } = scene.desktop;
    const [seat] = stub.living('wl_seat');
    if (seat !== undefined) stub.send(seat, 'capabilities', [7]);
    await scene.settle();
    window.setCursor({ width: 2, height: 2, pixels: new Uint8Array(16), hotX: 1, hotY: 1 });
    let frames = 1;
    for (const event of events) {
      if (send(stub, event, fd)) sent++;
      if (event.object % 3 === 0) {
        content.next = content.frame(`f${frames++}`, { poolOffset: (frames % 4) * 16384 });
        window.damaged();
      }
      if (event.object % 4 === 0) await scene.settle();
      if (event.object % 5 === 0) for (const surface of scene.desktop.surfaces.values()) surface.done();
    }
    if (scene.system.display !== null) await scene.settle();
    const held = window.metrics.held;
    scene.close();
    const taken = content.events.filter((event) => event.startsWith('take')).length;
    const released = content.events.filter((event) => event.startsWith('released'));
    const told = content.events.filter((event) => /^(shown|dropped)/.test(event));
    return (
      stub.ended === null &&
      held <= 2 &&
      released.length === taken &&
      new Set(released).size === taken &&
      told.length === taken &&
      new Set(told.map((event) => event.split(' ')[1])).size === taken
    );
  });
  await fc.assert(property, { numRuns: 150 });
  t.ok(sent > 2000, `${sent} events`);
  await until(() => openFds() === fds, 'all descriptors to be closed');
  closeFd(fd);
});
