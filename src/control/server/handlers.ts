/** What each route does. */
import { createHash } from 'node:crypto';
import { decodePng, encodePngInPieces, type Picture, PngError } from '../../capture/index.js';
import type { OutputOptions } from '../../virtio-gpu/index.js';
import { ApiError } from '../api/errors.js';
import { openApiDocument } from '../api/openapi.js';
import type { AnswerOf, RequestOf } from '../api/route.js';
import { OUTPUTS_MAX, REFERENCE_PIXELS_MAX, type RouteName, type Routes } from '../api/routes.js';
import type { Input } from '../input/input.js';
import { exposition } from '../metrics/exposition.js';
import type { Recordings } from '../recording/recordings.js';
import { diffPicture } from '../screen/compare.js';
import { drawCursor } from '../screen/cursor.js';
import { type RegionQuery, regionInside } from '../screen/region.js';
import type { Screen } from '../screen/screen.js';
import { type Look, type Reference, waitForChange, waitForMatch, waitUntilSettled } from '../screen/waits.js';
import { type ControlTarget, PolicyRefused } from '../target.js';

const API_VERSION = 1;
const TIMEOUT_MS_DEFAULT = 10_000;
const QUIET_MS_DEFAULT = 500;
const FRAMES_PER_SECOND_DEFAULT = 20;
const RECORDING_BYTES_DEFAULT = 64 << 20;

/** Bytes may come in pieces. */
type Answer<K extends RouteName> =
  AnswerOf<Routes[K]> extends Uint8Array ? Uint8Array | readonly Uint8Array[] : AnswerOf<Routes[K]>;

type Result<K extends RouteName> = Routes[K]['answer'] extends { readonly kind: 'none' }
  ? Promise<void>
  : Answer<K> | Promise<Answer<K>>;

export type Handlers = {
  readonly [K in RouteName]: (request: RequestOf<Routes[K]>) => Result<K>;
};

/** What the handlers work with. */
export interface Parts {
  readonly target: ControlTarget;
  readonly screen: Screen;
  readonly recordings: Recordings;
  readonly input: Input;
}

type OutputInfo = AnswerOf<Routes['getOutputs']>['outputs'][number];

function describeOutput({ target, screen }: Parts, id: number): OutputInfo {
  const mode = target.outputModes[id];
  const { enabled = false, x = 0, y = 0, width = 0, height = 0 } = mode ?? {};
  const cursor = screen.cursor(id);
  return {
    id,
    enabled,
    x,
    y,
    width,
    height,
    shown: screen.size(id),
    cursor: cursor === null ? null : { x: cursor.x, y: cursor.y, visible: cursor.image !== null },
    sequence: screen.sequence(id),
  };
}

function takePicture(screen: Screen, output: number, query: RegionQuery): Picture & { x: number; y: number } {
  const size = screen.size(output);
  const part = size === null ? null : regionInside(query, size);
  const picture = part === null ? null : screen.picture(output, part);
  if (part === null || picture === null) throw new ApiError('conflict', `output ${output} shows nothing`);
  return { ...picture, x: part.x, y: part.y };
}

async function referenceFrom({ body, query }: RequestOf<Routes['waitForMatch']>): Promise<Reference> {
  const { x = 0, y = 0, tolerance = 0, differentMax = 0 } = query;
  try {
    const picture = await decodePng(body, REFERENCE_PIXELS_MAX);
    return { picture, x, y, tolerance, differentMax };
  } catch (error) {
    if (error instanceof PngError) throw new ApiError('bad-request', `the reference: ${error.message}`);
    throw error;
  }
}

/** The picture with what differs from the reference, as base64; null when there is nothing to show. */
async function diffOf({ matched, actual }: Look, { picture, tolerance }: Reference): Promise<string | null> {
  if (matched || actual === null) return null;
  const { width, height, rgba } = diffPicture(actual, picture, tolerance);
  return Buffer.from(await encodePngInPieces(width, height, rgba)).toString('base64');
}

type SystemRoutes = 'getHealth' | 'getMetrics' | 'getOpenApi' | 'putPolicy' | 'getWindows';

function systemHandlers({ target }: Parts): Pick<Handlers, SystemRoutes> {
  const startMs = performance.now();
  const uptimeSeconds = (): number => (performance.now() - startMs) / 1000;
  return {
    getHealth: () => ({
      version: target.version,
      apiVersion: API_VERSION,
      machine: target.machine,
      outputsDecidedBy: target.qemuDecides ? 'qemu' : 'back-end',
      uptimeSeconds: uptimeSeconds(),
    }),
    getMetrics: () => {
      const { user, system } = process.cpuUsage();
      const own = { uptimeSeconds: uptimeSeconds(), cpuSeconds: (user + system) / 1e6 };
      return Buffer.from(exposition({ ...target.status(), ...own }));
    },
    getOpenApi: () => openApiDocument(target.version),
    putPolicy: async ({ body }) => {
      try {
        target.setPolicy(body);
      } catch (error) {
        if (error instanceof PolicyRefused) throw new ApiError('not-possible', error.message);
        throw error;
      }
    },
    getWindows: () => ({ windows: target.windows() ?? [] }),
  };
}

type OutputRoutes =
  | 'getOutputs'
  | 'patchOutput'
  | 'getScreenshot'
  | 'getHash'
  | 'waitForChange'
  | 'waitUntilSettled'
  | 'waitForMatch';

function outputHandlers(parts: Parts): Pick<Handlers, OutputRoutes> {
  const { target, screen } = parts;
  const sequenceOf = (output: number): number => screen.sequence(output);
  return {
    getOutputs: () => {
      const ids = Array.from({ length: OUTPUTS_MAX }, (_, id) => id);
      const there = ids.filter((id) => id < target.outputCount || screen.shown.includes(id));
      return { outputs: there.map((id) => describeOutput(parts, id)) };
    },
    patchOutput: async ({ params: { output }, body }) => {
      if (target.qemuDecides) {
        throw new ApiError('conflict', "QEMU's display decides about the outputs of this machine");
      }
      if (output >= target.outputCount) throw new ApiError('not-found', `there is no output ${output}`);
      return { told: await target.setOutput(output, body as Partial<OutputOptions>) };
    },
    getScreenshot: async ({ params: { output }, query }) => {
      const picture = takePicture(screen, output, query);
      const cursor = query.cursor === true ? screen.cursor(output) : null;
      if (cursor !== null) drawCursor(picture, cursor, picture.x, picture.y);
      return encodePngInPieces(picture.width, picture.height, picture.rgba);
    },
    getHash: ({ params: { output }, query }) => {
      const { width, height, rgba } = takePicture(screen, output, query);
      const sha256 = createHash('sha256').update(rgba).digest('hex');
      return { sequence: sequenceOf(output), width, height, sha256 };
    },
    waitForChange: async ({ params: { output }, query, signal }) => {
      const { since = sequenceOf(output), timeoutMs = TIMEOUT_MS_DEFAULT } = query;
      const changed = await waitForChange(screen, output, query, since, { timeoutMs, signal });
      return { changed, sequence: sequenceOf(output) };
    },
    waitUntilSettled: async ({ params: { output }, query, signal }) => {
      const { quietMs = QUIET_MS_DEFAULT, timeoutMs = TIMEOUT_MS_DEFAULT } = query;
      const settled = await waitUntilSettled(screen, output, query, quietMs, { timeoutMs, signal });
      return { settled, sequence: sequenceOf(output) };
    },
    waitForMatch: async (request) => {
      const { params, query, signal } = request;
      const reference = await referenceFrom(request);
      const { timeoutMs = TIMEOUT_MS_DEFAULT } = query;
      const look = await waitForMatch(screen, params.output, reference, { timeoutMs, signal });
      const all = reference.picture.width * reference.picture.height;
      const { differentPixels, differenceMax } = look.comparison ?? {
        differentPixels: all,
        differenceMax: 255,
      };
      const diff = await diffOf(look, reference);
      return {
        matched: look.matched,
        sequence: sequenceOf(params.output),
        differentPixels,
        differenceMax,
        diff,
      };
    },
  };
}

type RecordingRoutes =
  | 'startRecording'
  | 'getRecordings'
  | 'stopRecording'
  | 'getRecordingFile'
  | 'deleteRecording';

function recordingHandlers({ recordings }: Parts): Pick<Handlers, RecordingRoutes> {
  return {
    startRecording: ({ body }) => {
      const {
        output,
        framesPerSecondMax = FRAMES_PER_SECOND_DEFAULT,
        bytesMax = RECORDING_BYTES_DEFAULT,
      } = body;
      return recordings.start(output, framesPerSecondMax, bytesMax);
    },
    getRecordings: () => ({ recordings: recordings.all }),
    stopRecording: ({ params: { recording } }) => recordings.stop(recording),
    getRecordingFile: ({ params: { recording } }) => recordings.file(recording),
    deleteRecording: async ({ params: { recording } }) => recordings.delete(recording),
  };
}

type InputRoutes = 'waitForInput' | 'sendKeys' | 'sendText' | 'sendPointer' | 'sendTouch' | 'releaseInput';

function inputHandlers({ input }: Parts): Pick<Handlers, InputRoutes> {
  return {
    waitForInput: async ({ params: { device }, query, signal }) => {
      const { output = 0, timeoutMs = TIMEOUT_MS_DEFAULT } = query;
      return { ready: await input.whenLive(device, output, timeoutMs, signal) };
    },
    sendKeys: ({ body, signal }) => input.keys(body, signal),
    sendText: ({ body, signal }) => input.text(body, signal),
    sendPointer: ({ body, signal }) => input.pointer(body, signal),
    sendTouch: ({ body, signal }) => input.touch(body, signal),
    releaseInput: () => input.release(),
  };
}

export function createHandlers(parts: Parts): Handlers {
  return {
    ...systemHandlers(parts),
    ...outputHandlers(parts),
    ...recordingHandlers(parts),
    ...inputHandlers(parts),
  };
}
