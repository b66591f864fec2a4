/** What can be asked of whatever has a picture: outputs, and windows of forwarded applications. */
import { nullable, object } from '../../../schema/index.js';
import { bytes, json, NONE } from '../route.js';
import { PIXEL, SIZE, sequence, timeoutMs } from './common.js';

/** Pixels of a reference picture; its file can't be larger than these without compression. */
export const REFERENCE_PIXELS_MAX = 16 << 20;
const REFERENCE_BYTES_MAX = 64 << 20;

/** A part of the picture; all of it when nothing is given. Either none of the four or width and height. */
const region = {
  x: { ...PIXEL, description: 'Left edge of the part that matters; 0.' },
  y: { ...PIXEL, description: 'Its top edge; 0.' },
  width: { ...SIZE, description: 'Its width; to the right edge.' },
  height: { ...SIZE, description: 'Its height; to the lower edge.' },
} as const;

export const SCREENSHOT = {
  method: 'GET',
  query: region,
  body: NONE,
  answer: bytes('image/png'),
} as const;

export const HASH = {
  method: 'GET',
  query: region,
  body: NONE,
  answer: json(
    object(
      {
        sequence,
        width: { type: 'integer' },
        height: { type: 'integer' },
        sha256: {
          type: 'string',
          description: 'Of the bytes R, G, B, 255 of all pixels, row by row; hexadecimal.',
        },
      },
      ['sequence', 'width', 'height', 'sha256'],
    ),
  ),
} as const;

export const CHANGED = {
  method: 'GET',
  query: { ...region, since: sequence, timeoutMs },
  body: NONE,
  answer: json(object({ changed: { type: 'boolean' }, sequence }, ['changed', 'sequence'])),
} as const;

export const SETTLED = {
  method: 'GET',
  query: {
    ...region,
    quietMs: {
      type: 'integer',
      minimum: 1,
      maximum: 10_000,
      default: 500,
      description: 'How long nothing must happen.',
    },
    timeoutMs,
  },
  body: NONE,
  answer: json(object({ settled: { type: 'boolean' }, sequence }, ['settled', 'sequence'])),
} as const;

export const MATCH = {
  method: 'POST',
  query: {
    x: { ...PIXEL, description: "Where the PNG's left edge is to be; 0." },
    y: { ...PIXEL, description: 'Where its top edge is to be; 0.' },
    tolerance: {
      type: 'integer',
      minimum: 0,
      maximum: 255,
      default: 0,
      description: 'How far red, green and blue of a pixel may each be off.',
    },
    differentMax: {
      type: 'integer',
      minimum: 0,
      maximum: REFERENCE_PIXELS_MAX,
      default: 0,
      description: 'How many pixels may be off further than that.',
    },
    timeoutMs,
  },
  body: bytes('image/png', REFERENCE_BYTES_MAX),
  answer: json(
    object(
      {
        matched: { type: 'boolean' },
        sequence,
        differentPixels: { type: 'integer', minimum: 0 },
        differenceMax: { type: 'integer', minimum: 0, maximum: 255 },
        diff: nullable({
          type: 'string',
          format: 'byte',
          description:
            'A PNG: the picture, pale, and what differs in red. Null when it matched, or nothing was shown.',
        }),
      },
      ['matched', 'sequence', 'differentPixels', 'differenceMax', 'diff'],
    ),
  ),
} as const;
