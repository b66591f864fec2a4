/**
 * Screenshots of weston 10 by its own protocol (weston-screenshooter). Its program for that makes PNG files with the
 * fourth byte of each pixel as alpha, which spoils windows without alpha; what weston gives it is right.
 */
import { closeFd, createMemfd, mapFile, type UnixSocket } from 'vhost-user-native';
import {
  type AnyWaylandObject,
  Display,
  type InterfaceTable,
  type WaylandObject,
  wl_output,
  wl_shm,
} from '../../../src/wayland/index.js';
import type { RgbPicture } from './picture.js';
import { message, table } from './protocol-table.js';

interface Screenshooter extends WaylandObject<'weston_screenshooter', { done(): void }> {
  shoot(output: AnyWaylandObject, buffer: AnyWaylandObject): void;
}

const screenshooter = table<Screenshooter>(
  'weston_screenshooter',
  [message(0, 'shoot', 'output:object/wl_output buffer:object/wl_buffer')],
  [message(0, 'done')],
);
const INTERFACES = new Map<string, InterfaceTable>([[screenshooter.name, screenshooter]]);

const SHM_XRGB8888 = 1;
const MODE_CURRENT = 1;

/** One picture of the compositor's only output. It has to be started with --debug. */
export async function shootWeston(socket: UnixSocket): Promise<RgbPicture> {
  const display = new Display(socket, {}, { interfaces: INTERFACES });
  try {
    await display.sync();
    const output = display.registry.bind(wl_output);
    let [width, height] = [0, 0];
    output.listen({
      mode: (flags, modeWidth, modeHeight) => {
        if ((flags & MODE_CURRENT) !== 0) [width, height] = [modeWidth, modeHeight];
      },
    });
    await display.sync();
    return await shoot(display, output, width, height);
  } finally {
    display.close();
  }
}

async function shoot(
  display: Display,
  output: AnyWaylandObject,
  width: number,
  height: number,
): Promise<RgbPicture> {
  const bytes = width * height * 4;
  const fd = createMemfd('weston-shot', { size: bytes });
  const mapping = mapFile(fd, 0, bytes, { writable: true });
  try {
    const pool = display.registry.bind(wl_shm).createPool(fd, bytes);
    const buffer = pool.createBuffer(0, width, height, width * 4, SHM_XRGB8888);
    const shooter = display.registry.bind(screenshooter);
    await new Promise<void>((resolve, reject) => {
      shooter.listen({ done: resolve });
      shooter.shoot(output, buffer);
      // The connection's end is the end of the wait, too.
      display.watchEnd(() => reject(new Error('weston ended the connection')));
    });
    return picture(new Uint8Array(mapping.window(0, bytes)), width, height);
  } finally {
    mapping.close();
    closeFd(fd);
  }
}

/** Bytes B, G, R, X without the X. */
function picture(pixels: Uint8Array, width: number, height: number): RgbPicture {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    rgb[to++] = pixels[from + 2] as number;
    rgb[to++] = pixels[from + 1] as number;
    rgb[to++] = pixels[from] as number;
  }
  return { width, height, rgb };
}
