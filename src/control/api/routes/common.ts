/** What several routes of the API are declared with. */

export const OUTPUTS_MAX = 16;
export const DIMENSION_MAX = 16384;
/** Milliseconds that a request waits for something at most; clients ask again. */
export const WAIT_MS_MAX = 60_000;
const WAIT_MS_DEFAULT = 10_000;

export const PIXEL = { type: 'integer', minimum: 0, maximum: DIMENSION_MAX } as const;
export const SIZE = { type: 'integer', minimum: 1, maximum: DIMENSION_MAX } as const;

export const output = {
  type: 'integer',
  minimum: 0,
  maximum: OUTPUTS_MAX - 1,
  description: 'Number of the output, from 0.',
} as const;

export const window = {
  type: 'integer',
  minimum: 1,
  maximum: 2 ** 31 - 1,
  description: 'Number of the window: no two windows of a back-end ever have the same.',
} as const;

export const sequence = {
  type: 'integer',
  minimum: 0,
  description: 'Counts the changes of the picture, from the start of the back-end (or of the window) on.',
} as const;

export const timeoutMs = {
  type: 'integer',
  minimum: 0,
  maximum: WAIT_MS_MAX,
  default: WAIT_MS_DEFAULT,
  description: 'How long to wait at most.',
} as const;
