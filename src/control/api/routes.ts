/** The routes of the control API, version 1. `docs/openapi.json` is made of them (npm run generate:openapi). */

import { nullable, object } from '../../schema/index.js';
import { bytes, json, NONE, type Route } from './route.js';

export const OUTPUTS_MAX = 16;
export const DIMENSION_MAX = 16384;
/** Milliseconds that a request waits for something at most; clients ask again. */
export const WAIT_MS_MAX = 60_000;
const WAIT_MS_DEFAULT = 10_000;
/** Pixels of a reference picture; its file can't be larger than these without compression. */
export const REFERENCE_PIXELS_MAX = 16 << 20;
const REFERENCE_BYTES_MAX = 64 << 20;
export const JSON_BYTES_MAX = 256 << 10;
export const TEXT_MAX = 4096;
const KEYS_MAX = 64;

const PIXEL = { type: 'integer', minimum: 0, maximum: DIMENSION_MAX } as const;
const SIZE = { type: 'integer', minimum: 1, maximum: DIMENSION_MAX } as const;
const output = {
  type: 'integer',
  minimum: 0,
  maximum: OUTPUTS_MAX - 1,
  description: 'Number of the output, from 0.',
} as const;
const recording = { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1 } as const;
const sequence = {
  type: 'integer',
  minimum: 0,
  description: "Counts the changes of the output's picture, from the start of the back-end on.",
} as const;

/** A part of the output; all of it when nothing is given. Either none of the four or width and height. */
const region = {
  x: { ...PIXEL, description: 'Left edge of the part that matters; 0.' },
  y: { ...PIXEL, description: 'Its top edge; 0.' },
  width: { ...SIZE, description: 'Its width; to the right edge.' },
  height: { ...SIZE, description: 'Its height; to the lower edge.' },
} as const;

const timeoutMs = {
  type: 'integer',
  minimum: 0,
  maximum: WAIT_MS_MAX,
  default: WAIT_MS_DEFAULT,
  description: 'How long to wait at most.',
} as const;

export const OutputSchema = object(
  {
    id: output,
    enabled: { type: 'boolean', description: 'A monitor is plugged in.' },
    x: { type: 'integer', description: 'Where it stands among the others.' },
    y: { type: 'integer' },
    width: { type: 'integer', description: 'The size that the guest is told to prefer.' },
    height: { type: 'integer' },
    shown: nullable(
      object(
        { width: { type: 'integer' }, height: { type: 'integer' } },
        ['width', 'height'],
        'What the guest shows.',
      ),
    ),
    cursor: nullable(
      object({ x: { type: 'integer' }, y: { type: 'integer' }, visible: { type: 'boolean' } }, [
        'x',
        'y',
        'visible',
      ]),
    ),
    sequence,
  },
  ['id', 'enabled', 'x', 'y', 'width', 'height', 'shown', 'cursor', 'sequence'],
);

export const RecordingSchema = object(
  {
    id: recording,
    output,
    state: { type: 'string', enum: ['running', 'stopped'] },
    frames: { type: 'integer', minimum: 0 },
    durationMs: { type: 'integer', minimum: 0 },
    bytes: { type: 'integer', minimum: 0 },
    truncated: { type: 'boolean', description: 'It ended by itself, at one of its limits.' },
  },
  ['id', 'output', 'state', 'frames', 'durationMs', 'bytes', 'truncated'],
);

const system = {
  getHealth: {
    method: 'GET',
    path: '/v1/health',
    summary: 'What runs, and whether a machine is there.',
    params: {},
    query: {},
    body: NONE,
    answer: json(
      object(
        {
          version: { type: 'string' },
          apiVersion: { type: 'integer' },
          machine: { type: 'boolean', description: 'A front-end is connected.' },
          outputsDecidedBy: { type: 'string', enum: ['back-end', 'qemu'] },
          uptimeSeconds: { type: 'number' },
        },
        ['version', 'apiVersion', 'machine', 'outputsDecidedBy', 'uptimeSeconds'],
      ),
    ),
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'All counters, in the text format of Prometheus.',
    params: {},
    query: {},
    body: NONE,
    answer: bytes('text/plain; version=0.0.4; charset=utf-8'),
  },
  getOpenApi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This description.',
    params: {},
    query: {},
    body: NONE,
    answer: json({ type: 'object', properties: {}, required: [], additionalProperties: true }),
  },
  putPolicy: {
    method: 'PUT',
    path: '/v1/policy',
    summary:
      'Replaces the policy of forwarded applications, for those that connect from now on. What is fixed at the start ' +
      '(ask, securityContext, border) must stay as it is.',
    params: {},
    query: {},
    body: json({ type: 'object', properties: {}, required: [], additionalProperties: true }),
    answer: NONE,
  },
  getWindows: {
    method: 'GET',
    path: '/v1/windows',
    summary: 'Windows of forwarded applications, as they call themselves. They have no screenshots.',
    params: {},
    query: {},
    body: NONE,
    answer: json(
      object(
        {
          windows: {
            type: 'array',
            items: object(
              {
                client: { type: 'string', description: "The application's connection." },
                title: { type: 'string' },
                appId: { type: 'string' },
                width: {
                  type: 'integer',
                  minimum: 0,
                  description: 'Logical pixels; 0 before it shows anything.',
                },
                height: { type: 'integer', minimum: 0 },
              },
              ['client', 'title', 'appId', 'width', 'height'],
            ),
          },
        },
        ['windows'],
      ),
    ),
  },
} as const satisfies Record<string, Route>;

const outputs = {
  getOutputs: {
    method: 'GET',
    path: '/v1/outputs',
    summary: 'The outputs: how they are plugged in, and what they show.',
    params: {},
    query: {},
    body: NONE,
    answer: json(object({ outputs: { type: 'array', items: OutputSchema } }, ['outputs'])),
  },
  patchOutput: {
    method: 'PATCH',
    path: '/v1/outputs/{output}',
    summary: 'Changes the mode of an output, plugs it in or unplugs it, as if it was a monitor.',
    params: { output },
    query: {},
    body: json(
      object(
        {
          width: SIZE,
          height: SIZE,
          refreshHz: { type: 'integer', minimum: 1, maximum: 480 },
          enabled: { type: 'boolean' },
        },
        [],
      ),
    ),
    answer: json(
      object({ told: { type: 'boolean', description: 'The guest was told: something is different.' } }, [
        'told',
      ]),
    ),
  },
  getScreenshot: {
    method: 'GET',
    path: '/v1/outputs/{output}/screenshot',
    summary: 'The picture of an output, or a part of it, as it is now.',
    params: { output },
    query: { ...region, cursor: { type: 'boolean', default: false, description: 'Draw the cursor, too.' } },
    body: NONE,
    answer: bytes('image/png'),
  },
  getHash: {
    method: 'GET',
    path: '/v1/outputs/{output}/hash',
    summary: 'A hash of the picture: equal for equal pixels, whatever their format in the guest.',
    params: { output },
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
  },
  waitForChange: {
    method: 'GET',
    path: '/v1/outputs/{output}/changed',
    summary: 'Waits until the picture, or the part of it, changes; with `since`, after that sequence.',
    params: { output },
    query: { ...region, since: sequence, timeoutMs },
    body: NONE,
    answer: json(object({ changed: { type: 'boolean' }, sequence }, ['changed', 'sequence'])),
  },
  waitUntilSettled: {
    method: 'GET',
    path: '/v1/outputs/{output}/settled',
    summary:
      'Waits until something is shown and the picture, or the part of it, has been the same for some time.',
    params: { output },
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
  },
  waitForMatch: {
    method: 'POST',
    path: '/v1/outputs/{output}/match',
    summary:
      'Waits until a part of the picture looks like the PNG that is sent. Where that is transparent everything matches.',
    params: { output },
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
  },
} as const satisfies Record<string, Route>;

const recordings = {
  startRecording: {
    method: 'POST',
    path: '/v1/recordings',
    summary:
      'Starts to record an output. The recording is kept in memory, within limits, until it is deleted.',
    params: {},
    query: {},
    body: json(
      object(
        {
          output,
          framesPerSecondMax: { type: 'integer', minimum: 1, maximum: 60, default: 20 },
          bytesMax: { type: 'integer', minimum: 1 << 20, maximum: 64 << 20, default: 64 << 20 },
        },
        ['output'],
      ),
    ),
    answer: json(RecordingSchema),
  },
  getRecordings: {
    method: 'GET',
    path: '/v1/recordings',
    summary: 'The recordings that there are.',
    params: {},
    query: {},
    body: NONE,
    answer: json(object({ recordings: { type: 'array', items: RecordingSchema } }, ['recordings'])),
  },
  stopRecording: {
    method: 'POST',
    path: '/v1/recordings/{recording}/stop',
    summary: 'Ends a recording; it can be fetched then.',
    params: { recording },
    query: {},
    body: NONE,
    answer: json(RecordingSchema),
  },
  getRecordingFile: {
    method: 'GET',
    path: '/v1/recordings/{recording}/file',
    summary: 'A recording that was stopped, as an animated PNG with the time of each frame.',
    params: { recording },
    query: {},
    body: NONE,
    answer: bytes('image/apng'),
  },
  deleteRecording: {
    method: 'DELETE',
    path: '/v1/recordings/{recording}',
    summary: 'Forgets a recording, running or not.',
    params: { recording },
    query: {},
    body: NONE,
    answer: NONE,
  },
} as const satisfies Record<string, Route>;

const action = { type: 'string', enum: ['tap', 'press', 'release'], description: 'tap by default.' } as const;
const fraction = { type: 'number', minimum: -DIMENSION_MAX, maximum: DIMENSION_MAX } as const;

const input = {
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

export const ROUTES = { ...system, ...outputs, ...recordings, ...input } as const;
export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
