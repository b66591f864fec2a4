/** Recordings of views. */
import { nullable, object } from '../../../schema/index.js';
import { bytes, json, NONE, type Route } from '../route.js';
import { output, window } from './common.js';

const recording = { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1 } as const;

export const RecordingSchema = object(
  {
    id: recording,
    output: nullable({ ...output, description: 'What is recorded, if it is an output.' }),
    state: { type: 'string', enum: ['running', 'stopped'] },
    frames: { type: 'integer', minimum: 0 },
    durationMs: { type: 'integer', minimum: 0 },
    bytes: { type: 'integer', minimum: 0 },
    truncated: { type: 'boolean', description: 'It ended by itself, at one of its limits.' },
    window: nullable({ ...window, description: 'What is recorded, if it is a window.' }),
  },
  ['id', 'output', 'state', 'frames', 'durationMs', 'bytes', 'truncated', 'window'],
);

export const recordings = {
  startRecording: {
    method: 'POST',
    path: '/v1/recordings',
    summary:
      'Starts to record an output or a window: output 0 where neither is given. The recording is kept in memory, within limits, until it is deleted.',
    params: {},
    query: {},
    body: json(
      object(
        {
          output,
          window,
          framesPerSecondMax: { type: 'integer', minimum: 1, maximum: 60, default: 20 },
          bytesMax: { type: 'integer', minimum: 1 << 20, maximum: 64 << 20, default: 64 << 20 },
        },
        [],
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
