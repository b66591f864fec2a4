/**
 * The guest's text console as a picture, drawn by us from the guest's own font and screen contents: what the
 * framebuffer console must have drawn, pixel for pixel (with its cursor hidden).
 */
import type { GuestChannel } from './guest-channel.js';
import { computed, type RgbPicture } from './picture.js';

/** What `drm-test console` prints. */
interface ConsoleDump {
  /** Pixels of a glyph. */
  readonly width: number;
  readonly height: number;
  /** Glyphs in the font: 256 or 512. */
  readonly count: number;
  /** Hexadecimal: for each glyph its rows, most significant bit left, padded to whole bytes. */
  readonly glyphs: string;
  readonly rows: number;
  readonly columns: number;
  /** Hexadecimal: character and attribute of each cell. */
  readonly cells: string;
}

/** The console's colors by ANSI number (Linux, drivers/tty/vt/vt.c, default_red and so on). */
const ANSI_COLORS = [
  0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa, 0x555555, 0xff5555,
  0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
];
/** Attributes count colors as VGA does: red and blue change places (vt.c, color_table). */
const ANSI_FROM_VGA = [0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15];

function color(vga: number): number {
  return ANSI_COLORS[ANSI_FROM_VGA[vga] as number] as number;
}

function draw(dump: ConsoleDump, width: number, height: number): RgbPicture {
  const glyphs = Buffer.from(dump.glyphs, 'hex');
  const cells = Buffer.from(dump.cells, 'hex');
  const rowBytes = Math.ceil(dump.width / 8);
  // With 512 glyphs an attribute bit selects the upper half, and the foreground has three bits left.
  const manyGlyphs = dump.count > 256;
  return computed(width, height, (x, y) => {
    const [column, row] = [Math.floor(x / dump.width), Math.floor(y / dump.height)];
    if (column >= dump.columns || row >= dump.rows) return 0;
    const cell = (row * dump.columns + column) * 2;
    const attribute = cells[cell + 1] as number;
    const glyph = (cells[cell] as number) + (manyGlyphs && attribute & 8 ? 256 : 0);
    const [glyphX, glyphY] = [x % dump.width, y % dump.height];
    const bits = glyphs[(glyph * dump.height + glyphY) * rowBytes + (glyphX >> 3)] as number;
    const set = (bits >> (7 - (glyphX & 7))) & 1;
    return color(set ? attribute & (manyGlyphs ? 7 : 15) : (attribute >> 4) & 15);
  });
}

/** The picture that the guest's console must show on a screen of this size. */
export async function consolePicture(
  guest: GuestChannel,
  width: number,
  height: number,
): Promise<RgbPicture> {
  return draw(JSON.parse(await guest.run('drm-test console')) as ConsoleDump, width, height);
}

/** Stops whatever would draw on the console by itself, and writes `text` to a cleared screen. */
export async function writeConsole(guest: GuestChannel, text: string): Promise<void> {
  const quoted = text.replaceAll("'", "'\\''");
  await guest.run(`dmesg -n 1; printf '%s' '\x1b[?25l\x1b[0m\x1b[2J\x1b[H${quoted}' >/dev/tty1`);
}
