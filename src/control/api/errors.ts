/** Refusals, as the client sees them: a status of HTTP, a code that does not change, and a sentence for people. */

export const ERROR_CODES = {
  'bad-request': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  conflict: 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  'misdirected-request': 421,
  'not-possible': 422,
  'too-many': 429,
  'header-too-large': 431,
  'internal-error': 500,
  'guest-busy': 503,
  ended: 503,
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  /** More for the answer's header. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }

  get status(): number {
    return ERROR_CODES[this.code];
  }
}
