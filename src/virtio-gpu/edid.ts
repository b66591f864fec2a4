/**
 * EDID for an output: VESA E-EDID Standard, release A revision 2 (EDID 1.4), one base block of 128 bytes; modes
 * that its 12-bit sizes or 16-bit pixel clock can't say go to a DisplayID 1.3 extension block of 128 more.
 * Timings follow VESA CVT 1.2, reduced blanking (version 1).
 */

/** What the output is to look like. */
export interface EdidRequest {
  /** Pixels, 1..16384. */
  readonly width: number;
  readonly height: number;
  /** Hz, 1..480. */
  readonly refreshHz: number;
  /** 0..15; becomes the serial number, so that desktops tell outputs apart. */
  readonly scanoutId: number;
  /** Physical size in millimetres; by default that of a 96 dpi screen. */
  readonly widthMm?: number;
  readonly heightMm?: number;
}

const BLOCK_BYTES = 128;
const DESCRIPTOR_BYTES = 18;
const DESCRIPTORS_AT = 54;
const DPI_DEFAULT = 96;
const MM_PER_INCH = 25.4;
const YEAR = 2026;
const MANUFACTURER = 'VUG';
const PRODUCT_CODE = 0x10;

/** Largest values that a detailed timing descriptor can carry. */
const DTD_PIXELS_MAX = 4095;
const DTD_CLOCK_10KHZ_MAX = 65535;
/** Parsers take a clock below 10 MHz for a descriptor that is not a timing. */
const DTD_CLOCK_10KHZ_MIN = 1000;
/** What the base block's size in centimetres can say. */
const SIZE_MM_MAX = 2550;

/** A complete timing; sizes in pixels and lines. */
interface Timing {
  readonly clock10kHz: number;
  readonly width: number;
  readonly height: number;
  readonly hBlank: number;
  readonly hFront: number;
  readonly hSync: number;
  readonly vBlank: number;
  readonly vFront: number;
  readonly vSync: number;
}

/** Lines of vertical sync by aspect ratio (CVT 1.2, table 3-2): it tells monitors the aspect of a mode. */
const SYNC_LINES: readonly (readonly [horizontal: number, vertical: number, lines: number])[] = [
  [4, 3, 4],
  [16, 9, 5],
  [16, 10, 6],
  [5, 4, 7],
  [15, 9, 7],
];
const SYNC_LINES_OTHER = 10;

/** CVT 1.2, 3.4.3: reduced blanking. */
function reducedBlankingTiming(width: number, height: number, refreshHz: number): Timing {
  const hBlank = 160;
  const minBlankUs = 460;
  const vFront = 3;
  const minBackPorch = 6;
  const exact = SYNC_LINES.find(([horizontal, vertical]) => width * vertical === height * horizontal);
  const vSync = exact?.[2] ?? SYNC_LINES_OTHER;
  const linePeriodUs = (1_000_000 / refreshHz - minBlankUs) / height;
  const vBlank = Math.max(Math.floor(minBlankUs / linePeriodUs) + 1, vFront + vSync + minBackPorch);
  // The pixel clock is a multiple of 0.25 MHz, rounded down, as the standard asks; never 0.
  const clockHz = refreshHz * (height + vBlank) * (width + hBlank);
  const clock10kHz = Math.max(1, Math.floor(clockHz / 250_000)) * 25;
  return { clock10kHz, width, height, hBlank, hFront: 48, hSync: 32, vBlank, vFront, vSync };
}

function fitsDetailedTiming(timing: Timing): boolean {
  return (
    timing.width <= DTD_PIXELS_MAX &&
    timing.height <= DTD_PIXELS_MAX &&
    timing.vBlank <= DTD_PIXELS_MAX &&
    timing.clock10kHz >= DTD_CLOCK_10KHZ_MIN &&
    timing.clock10kHz <= DTD_CLOCK_10KHZ_MAX
  );
}

function setChecksum(data: Uint8Array, from: number, to: number): void {
  let sum = 0;
  for (let i = from; i < to; i++) sum += data[i] as number;
  data[to] = -sum & 0xff;
}

/** Detailed timing descriptor (3.10.2): 18 bytes. */
function detailedTiming(timing: Timing, widthMm: number, heightMm: number): Uint8Array {
  const { clock10kHz, width, height, hBlank, hFront, hSync, vBlank, vFront, vSync } = timing;
  const digitalSeparateSync = 0x18;
  const hSyncPositive = 0x02; // with negative vertical sync: the mark of reduced blanking
  return Uint8Array.of(
    clock10kHz & 0xff,
    clock10kHz >> 8,
    width & 0xff,
    hBlank & 0xff,
    ((width >> 8) << 4) | (hBlank >> 8),
    height & 0xff,
    vBlank & 0xff,
    ((height >> 8) << 4) | (vBlank >> 8),
    hFront & 0xff,
    hSync & 0xff,
    ((vFront & 0xf) << 4) | (vSync & 0xf),
    ((hFront >> 8) << 6) | ((hSync >> 8) << 4) | ((vFront >> 4) << 2) | (vSync >> 4),
    widthMm & 0xff,
    heightMm & 0xff,
    ((widthMm >> 8) << 4) | (heightMm >> 8),
    0,
    0,
    digitalSeparateSync | hSyncPositive,
  );
}

/** Display descriptor with a text of up to 13 characters (3.10.3). */
function textDescriptor(tag: number, text: string): Uint8Array {
  const out = new Uint8Array(DESCRIPTOR_BYTES).fill(0x20);
  out.set([0, 0, 0, tag, 0]);
  const ended = text.length < 13 ? `${text}\n` : text;
  for (let i = 0; i < ended.length; i++) out[5 + i] = ended.charCodeAt(i);
  return out;
}

/**
 * Display range limits (3.10.3.3), without a timing formula; wide enough for every mode in the EDID. A mode
 * beyond what the descriptor can say leaves it out: a dummy descriptor (3.10.3.11) takes its place.
 */
function rangeLimits(timing: Timing): Uint8Array {
  const hTotal = timing.width + timing.hBlank;
  const lineKHz = (timing.clock10kHz * 10) / hTotal;
  const frameHz = (lineKHz * 1000) / (timing.height + timing.vBlank);
  const minV = Math.min(50, Math.floor(frameHz));
  const maxV = Math.max(75, Math.ceil(frameHz));
  const minH = Math.min(30, Math.floor(lineKHz));
  const maxH = Math.max(90, Math.ceil(lineKHz));
  const maxClock10MHz = Math.max(20, Math.ceil(timing.clock10kHz / 1000));
  if (minV < 1 || minH < 1 || maxV > 510 || maxH > 510 || maxClock10MHz > 255) {
    const dummy = new Uint8Array(DESCRIPTOR_BYTES);
    dummy[3] = 0x10;
    return dummy;
  }
  // Values above 255 are told as an offset of 255 in the flags.
  const flags = (maxV > 255 ? 0x02 : 0) | (maxH > 255 ? 0x08 : 0);
  const low = (value: number): number => (value > 255 ? value - 255 : value);
  const limitsOnly = 0x01;
  const out = new Uint8Array(DESCRIPTOR_BYTES).fill(0x20);
  out.set([0, 0, 0, 0xfd, flags, minV, low(maxV), minH, low(maxH), maxClock10MHz, limitsOnly, 0x0a]);
  return out;
}

/** Standard timings (3.9): width, aspect code (0 = 16:10, 1 = 4:3, 2 = 5:4, 3 = 16:9); all at 60 Hz. */
const STANDARD_TIMINGS: readonly (readonly [width: number, aspect: number])[] = [
  [1920, 0],
  [1920, 3],
  [1680, 0],
  [1600, 3],
  [1440, 0],
  [1280, 2],
  [1280, 0],
  [1280, 3],
];

function manufacturerId(letters: string): number {
  return [...letters].reduce((id, letter) => (id << 5) | (letter.charCodeAt(0) - 64), 0);
}

/** The fixed part of the base block (3.3 to 3.9). */
function writeHeader(block: Uint8Array, scanoutId: number, widthMm: number, heightMm: number): void {
  const id = manufacturerId(MANUFACTURER);
  block.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
  block.set([id >> 8, id & 0xff, PRODUCT_CODE, 0, scanoutId + 1, 0, 0, 0, 0, YEAR - 1990, 1, 4], 8);
  const digitalEightBit = 0xa5; // over DisplayPort, as QEMU's displays say
  const gamma22 = 120;
  const srgbAndNativePreferred = 0x06;
  const cm = (mm: number): number => Math.max(1, Math.min(255, Math.round(mm / 10)));
  block.set([digitalEightBit, cm(widthMm), cm(heightMm), gamma22, srgbAndNativePreferred], 20);
  block.set([0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54], 25); // the sRGB primaries
  block.set([0x21, 0x08, 0x00], 35); // 640x480, 800x600 and 1024x768 at 60 Hz
  STANDARD_TIMINGS.forEach(([width, aspect], i) => {
    block.set([width / 8 - 31, aspect << 6], 38 + 2 * i);
  });
}

/** One DisplayID data block: tag, revision, number of payload bytes, payload. */
function dataBlock(tag: number, payload: readonly number[]): number[] {
  return [tag, 0, payload.length, ...payload];
}

function u16Bytes(values: readonly number[]): number[] {
  return values.flatMap((value) => [value & 0xff, value >> 8]);
}

/** Type I detailed timing (DisplayID 1.3, 4.4.1), preferred. */
function displayIdTiming(timing: Timing): number[] {
  const clock = timing.clock10kHz - 1;
  const preferred = 0x80;
  const aspectUndefined = 0x08;
  const hSyncPositive = 0x8000;
  return [
    clock & 0xff,
    (clock >> 8) & 0xff,
    clock >> 16,
    preferred | aspectUndefined,
    ...u16Bytes([timing.width - 1, timing.hBlank - 1, (timing.hFront - 1) | hSyncPositive, timing.hSync - 1]),
    ...u16Bytes([timing.height - 1, timing.vBlank - 1, timing.vFront - 1, timing.vSync - 1]),
  ];
}

/** DisplayID 1.3 extension: who made it, what it is, how it is connected, and the one timing. */
function displayIdExtension(
  timing: Timing,
  scanoutId: number,
  widthMm: number,
  heightMm: number,
): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const payloadBytes = 121;
  const standaloneDisplay = 3;
  const letters = [...MANUFACTURER].map((letter) => letter.charCodeAt(0));
  const sizes = u16Bytes([widthMm * 10, heightMm * 10, timing.width, timing.height]);
  const gamma22 = 120;
  const aspect = Math.max(0, Math.min(255, Math.round((timing.width / timing.height - 1) * 100)));
  const eightBits = 0x77;
  const displayPort = 0xa0;
  block.set([0x70, 0x13, payloadBytes, standaloneDisplay, 0]);
  block.set(
    [
      ...dataBlock(0x00, [...letters, PRODUCT_CODE, 0, scanoutId + 1, 0, 0, 0, 0, YEAR - 2000, 0]),
      ...dataBlock(0x01, [...sizes, 0, gamma22, aspect, eightBits]),
      ...dataBlock(0x03, displayIdTiming(timing)),
      ...dataBlock(0x0f, [displayPort | 1, 0x10, 0x02, 0, 0, 0, 0, 0, 0, 0]),
    ],
    5,
  );
  setChecksum(block, 1, 5 + payloadBytes);
  setChecksum(block, 0, BLOCK_BYTES - 1);
  return block;
}

/** The EDID of an output: 128 bytes, or 256 when the mode needs the extension. */
export function edidFor(request: EdidRequest): Uint8Array {
  const { width, height, refreshHz, scanoutId } = request;
  const defaultMm = (pixels: number): number => Math.round((pixels * MM_PER_INCH) / DPI_DEFAULT);
  const widthMm = Math.min(SIZE_MM_MAX, request.widthMm ?? defaultMm(width));
  const heightMm = Math.min(SIZE_MM_MAX, request.heightMm ?? defaultMm(height));
  const timing = reducedBlankingTiming(width, height, refreshHz);
  const fits = fitsDetailedTiming(timing);
  const base = new Uint8Array(BLOCK_BYTES);
  writeHeader(base, scanoutId, widthMm, heightMm);
  const descriptors = [
    // The first descriptor must be a timing; a mode that does not fit stands in the extension.
    detailedTiming(fits ? timing : reducedBlankingTiming(1920, 1080, 60), widthMm, heightMm),
    rangeLimits(timing),
    textDescriptor(0xfc, 'vhost-user-ts'),
    textDescriptor(0xff, `output-${scanoutId + 1}`),
  ];
  descriptors.forEach((descriptor, i) => {
    base.set(descriptor, DESCRIPTORS_AT + DESCRIPTOR_BYTES * i);
  });
  base[126] = fits ? 0 : 1;
  setChecksum(base, 0, BLOCK_BYTES - 1);
  return fits ? base : Uint8Array.of(...base, ...displayIdExtension(timing, scanoutId, widthMm, heightMm));
}
