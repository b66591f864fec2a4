/** Input for the guest's devices. */
import { object } from '../../../schema/index.js';
import { json, NONE, type Route } from '../route.js';
import { DIMENSION_MAX, output, timeoutMs } from './common.js';

export const TEXT_MAX = 4096;
const KEYS_MAX = 64;

const action = { type: 'string', enum: ['tap', 'press', 'release'], description: 'tap by default.' } as const;
const fraction = { type: 'number', minimum: -DIMENSION_MAX, maximum: DIMENSION_MAX } as const;

export const input = {
  waitForInput: {
    method: 'GET',
    path: '/v1/input/{device}/ready',
    summary: 'Waits until the guest uses an input device: before its driver does, input for it is refused.',
    params: { device: { type: 'string', enum: ['keyboard', 'tablet', 'mouse', 'touchscreen'] } },
    query: { output: { ...output, description: 'Of which output, where each has a tablet; 0.' }, timeoutMs },
    body: NONE,
    answer: json(object({ ready: { type: 'boolean' } }, ['ready'])),
  },
  sendKeys: {
    method: 'POST',
    path: '/v1/input/keys',
    summary: 'Presses keys one after the other and releases them in the opposite order.',
    params: {},
    query: {},
    body: json(
      object(
        {
          keys: {
            type: 'array',
            items: {
              type: 'string',
              maxLength: 32,
              description: 'As evdev calls them: KEY_A, KEY_LEFTCTRL.',
            },
            minItems: 1,
            maxItems: KEYS_MAX,
          },
          action,
        },
        ['keys'],
      ),
    ),
    answer: NONE,
  },
  sendText: {
    method: 'POST',
    path: '/v1/input/text',
    summary: 'Types text on a keyboard that the guest takes for a US one: ASCII, tabs and line ends.',
    params: {},
    query: {},
    body: json(object({ text: { type: 'string', maxLength: TEXT_MAX } }, ['text'])),
    answer: NONE,
  },
  sendPointer: {
    method: 'POST',
    path: '/v1/input/pointer',
    summary: 'Moves the pointer, to a place or by a distance, then uses a button or the wheel.',
    params: {},
    query: {},
    body: json(
      object(
        {
          output: { ...output, description: 'Where x and y are; 0.' },
          x: { ...fraction, description: 'In pixels of the output. Only together with y; needs a tablet.' },
          y: fraction,
          dx: { ...fraction, description: 'In mouse units. Needs a mouse.' },
          dy: fraction,
          button: { type: 'string', enum: ['left', 'right', 'middle', 'side', 'extra'] },
          action,
          scrollVertical: { ...fraction, description: 'Detents of the wheel, away from the user.' },
          scrollHorizontal: { ...fraction, description: 'Detents, to the right.' },
        },
        [],
      ),
    ),
    answer: NONE,
  },
  sendTouch: {
    method: 'POST',
    path: '/v1/input/touch',
    summary: 'Puts fingers down, moves them or lifts them, all at one time.',
    params: {},
    query: {},
    body: json(
      object(
        {
          output: { ...output, description: 'Where x and y are; 0.' },
          fingers: {
            type: 'array',
            items: object(
              {
                finger: { type: 'integer', minimum: 0, maximum: 15 },
                x: { ...fraction, description: 'In pixels; together with y. Without, the finger is lifted.' },
                y: fraction,
              },
              ['finger'],
            ),
            minItems: 1,
            maxItems: 16,
          },
        },
        ['fingers'],
      ),
    ),
    answer: NONE,
  },
  releaseInput: {
    method: 'POST',
    path: '/v1/input/release',
    summary: 'Releases every key and button, lifts every finger.',
    params: {},
    query: {},
    body: NONE,
    answer: NONE,
  },
} as const satisfies Record<string, Route>;
