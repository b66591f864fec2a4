/** Borders as real compositors show them, pixel by pixel. */
import t, { type Test } from 'tap';
import { closeFd, createMemfd, mapFile } from 'vhost-user-native';
import { HostCompositor } from '../e2e/harness/compositor.js';
import type { RgbPicture } from '../e2e/harness/picture.js';
import { sway } from '../e2e/harness/sway.js';
import { VirtualSeat } from '../e2e/harness/virtual-seat.js';
import { weston } from '../e2e/harness/weston.js';
import { GuestClient, TestBlob } from '../stub/guest-client.js';

const OUTPUT = { width: 640, height: 480 };
const WIDTH = 5;
const BORDER = 0xf01040;
const BLUE = 0x2040e0;
const GREEN = 0x10c020;
/** Of the largest buffer. */
const SIDE_MAX = 512;

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function colorAt({ width, rgb }: RgbPicture, x: number, y: number): number {
  const [r = 0, g = 0, b = 0] = rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
  return (r << 16) | (g << 8) | b;
}

/** The smallest area with everything in these colors, null when there is nothing. */
function find(shot: RgbPicture, ...colors: readonly number[]): Area | null {
  let [left, top, right, bottom] = [shot.width, shot.height, -1, -1];
  for (let y = 0; y < shot.height; y++) {
    for (let x = 0; x < shot.width; x++) {
      if (!colors.includes(colorAt(shot, x, y))) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Null when the screen has one window of that size with a whole border; all in one color, unless that is null. */
function bordered(shot: RgbPicture, width: number, height: number, color: number | null): string | null {
  const area = find(shot, BORDER, BLUE, GREEN);
  if (area?.width !== width || area.height !== height)
    return `${JSON.stringify(area)}, not ${width}x${height}`;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const edge = x < WIDTH || y < WIDTH || x >= width - WIDTH || y >= height - WIDTH;
      if (!edge && color === null) continue;
      const found = colorAt(shot, area.x + x, area.y + y);
      if (found !== (edge ? BORDER : color))
        return `${found.toString(16)} at ${x},${y} of ${width}x${height}`;
    }
  }
  return null;
}

/** A guest's client with a window, in memory that it shares with the compositor. */
class Painter {
  readonly guest: GuestClient;
  readonly bytes = 3 * SIDE_MAX * SIDE_MAX * 4;
  registry = 0;
  compositor = 0;
  surface = 0;
  shell = 0;
  private pool = 0;
  private readonly fd: number;

  constructor(host: HostCompositor) {
    this.fd = createMemfd('region', { size: this.bytes });
    const memory = mapFile(this.fd, 0, this.bytes, { writable: true });
    const pixels = new Uint32Array(memory.window(0, this.bytes));
    pixels.fill(0xff000000 | BLUE, 0, SIDE_MAX * SIDE_MAX);
    pixels.fill(0xff000000 | GREEN, SIDE_MAX * SIDE_MAX);
    memory.close();
    this.guest = new GuestClient({
      socket: host.connect(),
      region: { fd: this.fd, bytes: this.bytes },
      policy: { border: { show: 'always', color: '#f01040', width: WIDTH } },
    });
  }

  async open(): Promise<void> {
    const { guest } = this;
    this.registry = await guest.start();
    const shm = guest.bind(this.registry, 'wl_shm');
    this.compositor = guest.bind(this.registry, 'wl_compositor');
    this.surface = guest.make(this.compositor, 'create_surface');
    this.shell = guest.make(guest.bind(this.registry, 'xdg_wm_base'), 'get_xdg_surface', [this.surface]);
    guest.make(this.shell, 'get_toplevel');
    guest.request(this.surface, 'commit');
    const configure = await guest.event(this.shell, 'configure');
    guest.request(this.shell, 'ack_configure', [Number(configure.values[0])]);
    this.pool = guest.make(shm, 'create_pool', [0, this.bytes], [new TestBlob(this.bytes, 0).item]);
  }

  show(surface: number, width: number, height: number, color: number): void {
    const { guest } = this;
    const offset = color === BLUE ? 0 : SIDE_MAX * SIDE_MAX * 4;
    const buffer = guest.make(this.pool, 'create_buffer', [offset, width, height, SIDE_MAX * 4, 1]);
    guest.request(surface, 'attach', [buffer, 0, 0]);
    guest.request(surface, 'damage', [0, 0, width, height]);
    guest.request(surface, 'commit');
  }

  /** Above all that is there. */
  cover(): { surface: number; subsurface: number } {
    const { guest } = this;
    const subcompositor = guest.bind(this.registry, 'wl_subcompositor');
    const surface = guest.make(this.compositor, 'create_surface');
    return { surface, subsurface: guest.make(subcompositor, 'get_subsurface', [surface, this.surface]) };
  }

  close(): void {
    this.guest.close();
    closeFd(this.fd);
  }
}

async function check(t: Test, host: HostCompositor, painter: Painter): Promise<void> {
  const { guest } = painter;
  const look = async (what: string, width: number, height: number, color: number | null): Promise<void> => {
    await host.waitForShot((shot) => bordered(shot, width, height, color));
    t.pass(what);
  };
  painter.show(painter.surface, 200, 160, BLUE);
  await look('a window', 200, 160, BLUE);
  painter.show(painter.surface, 120, 180, BLUE);
  await look('another size', 120, 180, BLUE);
  const { surface, subsurface } = painter.cover();
  guest.request(subsurface, 'place_above', [painter.surface]);
  painter.show(surface, 120, 180, GREEN);
  guest.request(painter.surface, 'commit');
  await look('a subsurface over all of it', 120, 180, GREEN);
  guest.request(subsurface, 'set_desync');
  painter.show(surface, 300, 260, GREEN);
  // (sway 1.7 cuts off what is outside. Of the others the window's own border is seen, too.)
  if (host.name === 'sway') await look('one that is larger than the window', 120, 180, GREEN);
  else await look('one that is larger than the window', 300, 260, null);
  guest.request(surface, 'attach', [0, 0, 0]);
  guest.request(surface, 'commit');
  // (sway 1.7 does not draw anew what is below a subsurface that goes.)
  painter.show(painter.surface, 120, 180, BLUE);
  await look('without it', 120, 180, BLUE);
  for (let size = 1; size <= 300; size++) painter.show(painter.surface, size, 301 - size, BLUE);
  painter.show(painter.surface, 150, 150, BLUE);
  await look('after many sizes', 150, 150, BLUE);
  guest.request(painter.shell, 'set_window_geometry', [20, 10, 100, 120]);
  painter.show(painter.surface, 150, 150, BLUE);
  await host.waitForShot((shot) => {
    const edge = find(shot, BORDER);
    return edge?.width === 100 && edge.height === 120 ? null : JSON.stringify(edge);
  });
  t.pass('inside of shadows');
}

/** The edge is not there for pointers. */
async function checkInput(t: Test, host: HostCompositor, painter: Painter): Promise<void> {
  const { guest } = painter;
  guest.request(painter.shell, 'set_window_geometry', [0, 0, 150, 150]);
  painter.show(painter.surface, 150, 150, BLUE);
  const shot = await host.waitForShot((each) => bordered(each, 150, 150, BLUE));
  const area = find(shot, BORDER) ?? { x: 0, y: 0 };
  const seat = await VirtualSeat.plugIn(host);
  await seat.moveTo(OUTPUT.width - 1, OUTPUT.height - 1, OUTPUT.width, OUTPUT.height);
  const seatId = guest.bind(painter.registry, 'wl_seat');
  await guest.event(seatId, 'capabilities');
  const pointer = guest.make(seatId, 'get_pointer');
  await guest.sync();
  await seat.moveTo(area.x + 2, area.y + 3, OUTPUT.width, OUTPUT.height);
  const [, surface, x, y] = (await guest.event(pointer, 'enter')).values;
  t.strictSame([surface, x, y], [painter.surface, 2, 3], 'the pointer goes through it');
  seat.unplug();
}

for (const program of [
  weston({ version: '10', ...OUTPUT, shell: 'desktop' }),
  weston({ version: 'current', ...OUTPUT, shell: 'desktop' }),
  sway(OUTPUT),
  sway({ version: 'current', ...OUTPUT }),
]) {
  t.test(program.name, async (t) => {
    const host = await HostCompositor.start(program);
    const painter = new Painter(host);
    try {
      await painter.open();
      await check(t, host, painter);
      if (program.name.startsWith('sway')) await checkInput(t, host, painter);
      t.strictSame(painter.guest.log, [], 'nothing was refused');
      t.equal(painter.guest.ended, false);
      t.notMatch(host.output, /error in client|protocol error|invalid/i);
    } finally {
      painter.close();
      await host.close();
    }
  });
}
