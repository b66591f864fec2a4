/** Outputs: what they are, and their pictures. */
import { nullable, object } from '../../../schema/index.js';
import { json, NONE, type Route } from '../route.js';
import { output, SIZE, sequence } from './common.js';
import { CHANGED, HASH, MATCH, SCREENSHOT, SETTLED } from './views.js';

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

export const outputs = {
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
    path: '/v1/outputs/{output}/screenshot',
    summary: 'The picture of an output, or a part of it, as it is now.',
    params: { output },
    ...SCREENSHOT,
    query: {
      ...SCREENSHOT.query,
      cursor: { type: 'boolean', default: false, description: 'Draw the cursor, too.' },
    },
  },
  getHash: {
    path: '/v1/outputs/{output}/hash',
    summary: 'A hash of the picture: equal for equal pixels, whatever their format in the guest.',
    params: { output },
    ...HASH,
  },
  waitForChange: {
    path: '/v1/outputs/{output}/changed',
    summary: 'Waits until the picture, or the part of it, changes; with `since`, after that sequence.',
    params: { output },
    ...CHANGED,
  },
  waitUntilSettled: {
    path: '/v1/outputs/{output}/settled',
    summary:
      'Waits until something is shown and the picture, or the part of it, has been the same for some time.',
    params: { output },
    ...SETTLED,
  },
  waitForMatch: {
    path: '/v1/outputs/{output}/match',
    summary:
      'Waits until a part of the picture looks like the PNG that is sent. Where that is transparent everything matches.',
    params: { output },
    ...MATCH,
  },
} as const satisfies Record<string, Route>;
