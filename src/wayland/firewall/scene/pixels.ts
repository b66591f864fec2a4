/** Reads pixels of wl_shm's formats as 8-bit red, green, blue and alpha. Formats of half floats are not read. */
import { fourcc, shmFourcc } from '../formats.js';

/** Reads pixels into `target`: the i-th lies `columns[i]` bytes behind `row`. Premultiplied as they are. */
type ReadRow = (region: DataView, row: number, columns: Int32Array, target: Uint32Array) => void;

/** To pixels of red, green, blue and alpha from the lowest byte on. */
export interface PixelFormat {
  readonly bytes: number;
  readonly opaque: boolean;
  readonly read: ReadRow;
}

/** Where a channel lies in a pixel, as a little-endian number. */
interface Channel {
  readonly shift: number;
  readonly bits: number;
}

interface Layout {
  readonly bytes: number;
  readonly red: Channel;
  readonly green: Channel;
  readonly blue: Channel;
  /** Null: opaque. */
  readonly alpha: Channel | null;
}

/** Channels by the letters of a format's name, from the highest bit down. */
const ORDERS: Readonly<Record<string, string>> = {
  AR: 'ARGB',
  XR: 'XRGB',
  AB: 'ABGR',
  XB: 'XBGR',
  RA: 'RGBA',
  RX: 'RGBX',
  BA: 'BGRA',
  BX: 'BGRX',
  RG: 'RGB',
  BG: 'BGR',
};

/** Bits of red and blue, green, and alpha by the digits of a format's name. */
const WIDTHS: Readonly<Record<string, readonly [colors: number, green: number, alpha: number]>> = {
  12: [4, 4, 4],
  15: [5, 5, 1],
  16: [5, 6, 0],
  24: [8, 8, 8],
  30: [10, 10, 2],
  48: [16, 16, 16],
};

function layoutOf(name: string): Layout | null {
  const order = ORDERS[name.slice(0, 2)];
  const widths = WIDTHS[name.slice(2)];
  if (order === undefined || widths === undefined) return null;
  const [colors, green, alpha] = widths;
  const channels = new Map<string, Channel>();
  let shift = 0;
  for (const letter of [...order].reverse()) {
    const bits = letter === 'G' ? green : letter === 'A' || letter === 'X' ? alpha : colors;
    channels.set(letter, { shift, bits });
    shift += bits;
  }
  const channel = (letter: string): Channel => channels.get(letter) ?? { shift: 0, bits: 0 };
  return {
    bytes: shift / 8,
    red: channel('R'),
    green: channel('G'),
    blue: channel('B'),
    alpha: channels.get('A') ?? null,
  };
}

const OPAQUE = 0xff000000;

/** Four channels of 8 bits: the usual ones, and the fast ones. */
function readerOfBytes({ red, green, blue, alpha }: Layout): ReadRow {
  const [r, g, b, a] = [red.shift, green.shift, blue.shift, alpha?.shift ?? 0];
  const opaque = alpha === null ? OPAQUE : 0;
  return (region, row, columns, target) => {
    for (let i = 0; i < columns.length; i++) {
      const pixel = region.getUint32(row + (columns[i] as number), true);
      target[i] =
        ((pixel >>> r) & 0xff) |
        (((pixel >>> g) & 0xff) << 8) |
        (((pixel >>> b) & 0xff) << 16) |
        (((pixel >>> a) & 0xff) << 24) |
        opaque;
    }
  };
}

/** A channel's value in 8 bits, rounded; of a pixel's low or high word. */
function channelReader({ shift, bits }: Channel): (low: number, high: number) => number {
  const [isHigh, at, most] = [shift >= 32, shift % 32, 2 ** bits - 1];
  return (low, high) => Math.round(((((isHigh ? high : low) >>> at) & most) * 255) / most);
}

function readerOfBits({ bytes, red, green, blue, alpha }: Layout): ReadRow {
  const [r, g, b] = [channelReader(red), channelReader(green), channelReader(blue)];
  const a = alpha === null ? () => 255 : channelReader(alpha);
  return (region, row, columns, target) => {
    for (let i = 0; i < columns.length; i++) {
      const at = row + (columns[i] as number);
      let low = region.getUint16(at, true);
      if (bytes === 3) low |= region.getUint8(at + 2) << 16;
      else if (bytes >= 4) low |= region.getUint16(at + 2, true) << 16;
      const high = bytes === 8 ? region.getUint32(at + 4, true) : 0;
      target[i] = r(low, high) | (g(low, high) << 8) | (b(low, high) << 16) | (a(low, high) << 24);
    }
  };
}

function makeFormat(name: string): PixelFormat | null {
  const layout = layoutOf(name);
  if (layout === null) return null;
  const { bytes, red, alpha } = layout;
  const read = bytes === 4 && red.bits === 8 ? readerOfBytes(layout) : readerOfBits(layout);
  return { bytes, opaque: alpha === null, read };
}

const NAMES = [
  ...['AR24', 'XR24', 'AB24', 'XB24', 'RA24', 'RX24', 'BA24', 'BX24'],
  ...['AR30', 'XR30', 'AB30', 'XB30', 'RA30', 'RX30', 'BA30', 'BX30'],
  ...['RG16', 'BG16', 'AR15', 'XR15', 'AB15', 'XB15', 'RA15', 'RX15', 'BA15', 'BX15'],
  ...['AR12', 'XR12', 'AB12', 'XB12', 'RA12', 'RX12', 'BA12', 'BX12'],
  ...['RG24', 'BG24', 'AB48', 'XB48', 'AR48', 'XR48'],
];
const FORMATS = new Map(NAMES.map((name) => [fourcc(name), makeFormat(name)]));

/** A format of wl_shm; null when it can't be read. */
export function pixelFormat(format: number): PixelFormat | null {
  return FORMATS.get(shmFourcc(format)) ?? null;
}
