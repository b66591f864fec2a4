/** The control API from the other side: a client with a method for what tests of guests do. */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { ErrorCode } from '../api/errors.js';
import type { AnswerOf, RequestOf, Route } from '../api/route.js';
import { ROUTES, type RouteName, type Routes, WAIT_MS_MAX } from '../api/routes.js';

/** The back-end refused a request, with the code and the sentence that it gave; or a wait was in vain. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: ErrorCode | 'timeout';
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  /** What differs, as a PNG: of a wait for a picture. */
  readonly diff: Uint8Array | null;

  constructor(code: ErrorCode | 'timeout', status: number, message: string, diff: Uint8Array | null = null) {
    super(message);
    this.code = code;
    this.status = status;
    this.diff = diff;
  }
}

/** What has a picture: an output, by its number, or a window of a forwarded application. */
export type Place = number | { readonly window: number };

/** A part of a picture, in pixels; what is left out reaches to the edge. */
export interface Region {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
}

interface Waiting {
  /** Milliseconds; 10 s when absent. */
  readonly timeoutMs?: number;
}

/** What a route takes: the parameters of its path, its query, its body. */
type Arguments<K extends RouteName> = Partial<Omit<RequestOf<Routes[K]>, 'signal'>>;

const TIMEOUT_MS_DEFAULT = 10_000;

export class ControlClient {
  readonly socketPath: string;
  private readonly agent = new Agent({ keepAlive: true });

  /** `socketPath`: of the back-end's --control-socket. Nothing is opened before the first request. */
  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Any route, by its operation id. Rejects with a ControlError, or the system's error when nobody listens. */
  async call<K extends RouteName>(name: K, args: Arguments<K> = {}): Promise<AnswerOf<Routes[K]>> {
    const route: Route = ROUTES[name];
    const { status, body } = await this.send(route, pathOf(route, args.params, args.query), args.body);
    if (status >= 400) throw errorOf(status, body);
    return carriedBy(route, body) as AnswerOf<Routes[K]>;
  }

  /** A PNG of what the output or window shows; a window has no cursor. */
  screenshot(place: Place = 0, options: Region & { readonly cursor?: boolean } = {}): Promise<Uint8Array> {
    if (typeof place === 'number') {
      return this.call('getScreenshot', { params: { output: place }, query: options });
    }
    const { cursor: _, ...query } = options;
    return this.call('getWindowScreenshot', { params: place, query });
  }

  /** The same for equal pixels. */
  async hash(place: Place = 0, region: Region = {}): Promise<string> {
    const { sha256 } =
      typeof place === 'number'
        ? await this.call('getHash', { params: { output: place }, query: region })
        : await this.call('getWindowHash', { params: place, query: region });
    return sha256;
  }

  /** Resolves when the picture has been the same for `quietMs` (500); rejects when it never stops. */
  async settled(
    place: Place = 0,
    options: Region & Waiting & { readonly quietMs?: number } = {},
  ): Promise<void> {
    const { settled } = await this.inParts(
      options,
      (timeoutMs) => {
        const query = { ...options, timeoutMs };
        return typeof place === 'number'
          ? this.call('waitUntilSettled', { params: { output: place }, query })
          : this.call('waitUntilWindowSettled', { params: place, query });
      },
      ({ settled }) => settled,
    );
    if (!settled) throw timeout(`${nameOf(place)} did not settle`);
  }

  /** Resolves when the picture changes after that sequence (now), with the new one. */
  async changed(
    place: Place = 0,
    options: Region & Waiting & { readonly since?: number } = {},
  ): Promise<number> {
    const { changed, sequence } = await this.inParts(
      options,
      (timeoutMs) => {
        const query = { ...options, timeoutMs };
        return typeof place === 'number'
          ? this.call('waitForChange', { params: { output: place }, query })
          : this.call('waitForWindowChange', { params: place, query });
      },
      ({ changed }) => changed,
    );
    if (!changed) throw timeout(`${nameOf(place)} did not change`);
    return sequence;
  }

  /**
   * Resolves when the output or window looks like the PNG, whose left upper corner is to be at (x, y); rejects with a
   * ControlError that has the difference as a picture.
   */
  async looksLike(
    png: Uint8Array,
    options: Waiting & {
      readonly output?: number;
      readonly window?: number;
      readonly x?: number;
      readonly y?: number;
      readonly tolerance?: number;
      readonly differentMax?: number;
    } = {},
  ): Promise<void> {
    const { output = 0, window, ...wanted } = options;
    const result = await this.inParts(
      options,
      (timeoutMs) => {
        const query = { ...wanted, timeoutMs };
        return window === undefined
          ? this.call('waitForMatch', { params: { output }, query, body: png })
          : this.call('waitForWindowMatch', { params: { window }, query, body: png });
      },
      ({ matched }) => matched,
    );
    if (result.matched) return;
    const diff = result.diff === null ? null : Buffer.from(result.diff, 'base64');
    const name = nameOf(window === undefined ? output : { window });
    throw timeout(`${name}: ${result.differentPixels} pixels are different`, diff);
  }

  /** The windows of forwarded applications. */
  async windows(): Promise<AnswerOf<Routes['getWindows']>['windows']> {
    return (await this.call('getWindows')).windows;
  }

  /** Resolves when the guest uses the device; until then input for it is refused. */
  async inputReady(
    device: 'keyboard' | 'tablet' | 'mouse' | 'touchscreen',
    options: Waiting & { readonly output?: number } = {},
  ): Promise<void> {
    const { ready } = await this.inParts(
      options,
      (timeoutMs) => this.call('waitForInput', { params: { device }, query: { ...options, timeoutMs } }),
      ({ ready }) => ready,
    );
    if (!ready) throw timeout(`the guest does not use its ${device}`);
  }

  /** Presses keys (KEY_LEFTCTRL, KEY_C) and releases them. */
  press(...keys: readonly string[]): Promise<void> {
    return this.call('sendKeys', { body: { keys } });
  }

  /** Types a text; the guest has a US keyboard. */
  type(text: string): Promise<void> {
    return this.call('sendText', { body: { text } });
  }

  /** Clicks at a place of an output, in pixels. */
  click(
    x: number,
    y: number,
    options: { output?: number; button?: 'left' | 'right' | 'middle' } = {},
  ): Promise<void> {
    return this.call('sendPointer', { body: { x, y, button: 'left', ...options } });
  }

  /** Moves the pointer there. */
  moveTo(x: number, y: number, output = 0): Promise<void> {
    return this.call('sendPointer', { body: { output, x, y } });
  }

  /** Records an output or a window while `act` runs; resolves with an animated PNG. */
  async record(act: () => Promise<void>, place: Place = 0): Promise<Uint8Array> {
    const body = typeof place === 'number' ? { output: place } : place;
    const { id: recording } = await this.call('startRecording', { body });
    try {
      await act();
      await this.call('stopRecording', { params: { recording } });
      return await this.call('getRecordingFile', { params: { recording } });
    } finally {
      await this.call('deleteRecording', { params: { recording } });
    }
  }

  /** All counters, in Prometheus' text format. */
  async metrics(): Promise<string> {
    return Buffer.from(await this.call('getMetrics')).toString();
  }

  /** Closes connections that are kept for the next request. */
  close(): void {
    this.agent.destroy();
  }

  /** A wait may be longer than one request can be. */
  private async inParts<T>(
    { timeoutMs = TIMEOUT_MS_DEFAULT }: Waiting,
    wait: (timeoutMs: number) => Promise<T>,
    met: (result: T) => boolean,
  ): Promise<T> {
    let left = timeoutMs;
    for (;;) {
      const part = Math.min(left, WAIT_MS_MAX);
      const result = await wait(part);
      left -= part;
      if (met(result) || left <= 0) return result;
    }
  }

  private send(route: Route, path: string, body: unknown): Promise<{ status: number; body: Buffer }> {
    const [type, bytes] = encodedBody(route, body);
    const headers = { ...type, 'Content-Length': bytes.length };
    const { agent, socketPath } = this;
    return new Promise((resolve, reject) => {
      const sent = request({ agent, socketPath, method: route.method, path, headers }, (response) => {
        readAll(response).then((data) => resolve({ status: response.statusCode ?? 0, body: data }), reject);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server had closed a connection that was idle: it has not seen this request.
        if (sent.reusedSocket && error.code === 'ECONNRESET')
          this.send(route, path, body).then(resolve, reject);
        else reject(error);
      });
      sent.end(bytes);
    });
  }
}

function pathOf({ path }: Route, params: object = {}, query: object = {}): string {
  const values = new Map<string, unknown>(Object.entries(params));
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values.get(name)));
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const words = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return given.length === 0 ? filled : `${filled}?${words}`;
}

function encodedBody({ body: content }: Route, body: unknown): [Record<string, string>, Uint8Array] {
  switch (content.kind) {
    case 'none':
      return [{}, new Uint8Array()];
    case 'json':
      return [{ 'Content-Type': 'application/json' }, Buffer.from(JSON.stringify(body))];
    case 'bytes':
      return [{ 'Content-Type': content.mediaType }, body as Uint8Array];
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

function carriedBy({ answer }: Route, body: Buffer): unknown {
  if (answer.kind === 'none') return undefined;
  return answer.kind === 'json' ? JSON.parse(body.toString()) : body;
}

function errorOf(status: number, body: Buffer): ControlError {
  try {
    const { error } = JSON.parse(body.toString()) as { error: { code: ErrorCode; message: string } };
    return new ControlError(error.code, status, error.message);
  } catch {
    return new ControlError('internal-error', status, `status ${status}`);
  }
}

function nameOf(place: Place): string {
  return typeof place === 'number' ? `output ${place}` : `window ${place.window}`;
}

function timeout(message: string, diff: Uint8Array | null = null): ControlError {
  return new ControlError('timeout', 0, message, diff);
}
