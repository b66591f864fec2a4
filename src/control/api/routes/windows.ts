/** Windows of forwarded applications, and their pictures. */
import { nullable, object } from '../../../schema/index.js';
import { json, NONE, type Route } from '../route.js';
import { sequence, window } from './common.js';
import { CHANGED, HASH, MATCH, SCREENSHOT, SETTLED } from './views.js';

export const WindowSchema = object(
  {
    id: window,
    kind: {
      type: 'string',
      enum: ['window', 'popup'],
      description:
        "A popup (a menu, a tooltip) is also seen in its parent's picture, as far as it lies inside.",
    },
    parent: nullable(window),
    client: { type: 'string', description: "The application's connection." },
    title: { type: 'string', description: "As the host sees it; a popup's is that of its window." },
    appId: { type: 'string' },
    width: { type: 'integer', minimum: 0, description: 'Logical pixels; 0 while it shows nothing.' },
    height: { type: 'integer', minimum: 0 },
    shown: nullable(
      object(
        { width: { type: 'integer' }, height: { type: 'integer' } },
        ['width', 'height'],
        'Pixels of its picture.',
      ),
    ),
    sequence,
  },
  ['id', 'kind', 'parent', 'client', 'title', 'appId', 'width', 'height', 'shown', 'sequence'],
);

export const windows = {
  getWindows: {
    method: 'GET',
    path: '/v1/windows',
    summary: 'Windows of forwarded applications, as they call themselves.',
    params: {},
    query: {},
    body: NONE,
    answer: json(object({ windows: { type: 'array', items: WindowSchema } }, ['windows'])),
  },
  getWindowScreenshot: {
    path: '/v1/windows/{window}/screenshot',
    summary: 'The picture of a window, or a part of it, as it is now.',
    params: { window },
    ...SCREENSHOT,
  },
  getWindowHash: {
    path: '/v1/windows/{window}/hash',
    summary: 'A hash of the picture: equal for equal pixels, whatever their format in the guest.',
    params: { window },
    ...HASH,
  },
  waitForWindowChange: {
    path: '/v1/windows/{window}/changed',
    summary:
      'Waits until the picture, or the part of it, changes or the window is closed; with `since`, after that sequence.',
    params: { window },
    ...CHANGED,
  },
  waitUntilWindowSettled: {
    path: '/v1/windows/{window}/settled',
    summary:
      'Waits until something is shown and the picture, or the part of it, has been the same for some time.',
    params: { window },
    ...SETTLED,
  },
  waitForWindowMatch: {
    path: '/v1/windows/{window}/match',
    summary:
      'Waits until a part of the picture looks like the PNG that is sent. Where that is transparent everything matches.',
    params: { window },
    ...MATCH,
  },
} as const satisfies Record<string, Route>;
