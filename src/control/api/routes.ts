/** The routes of the control API, version 1. `docs/openapi.json` is made of them (npm run generate:openapi). */
import { input } from './routes/input.js';
import { outputs } from './routes/outputs.js';
import { recordings } from './routes/recordings.js';
import { system } from './routes/system.js';
import { windows } from './routes/windows.js';

export { OUTPUTS_MAX, WAIT_MS_MAX } from './routes/common.js';
export type { RecordingSchema } from './routes/recordings.js';
export { REFERENCE_PIXELS_MAX } from './routes/views.js';

/** Of a body that is JSON. */
export const JSON_BYTES_MAX = 256 << 10;

export const ROUTES = { ...system, ...outputs, ...windows, ...recordings, ...input } as const;
export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
