/** What each route does. */
import type { View } from '../../capture/index.js';
import type { OutputOptions } from '../../virtio-gpu/index.js';
import { ApiError } from '../api/errors.js';
import { openApiDocument } from '../api/openapi.js';
import type { AnswerOf, RequestOf } from '../api/route.js';
import { OUTPUTS_MAX, type RouteName, type Routes } from '../api/routes.js';
import type { Input } from '../input/input.js';
import { exposition } from '../metrics/exposition.js';
import type { Recorded, Recordings } from '../recording/recordings.js';
import type { Screen } from '../screen/screen.js';
import { type ControlTarget, type ForwardedWindow, PolicyRefused } from '../target.js';
import { changed, checkVisible, hash, match, screenshot, settled } from './view-handlers.js';

const API_VERSION = 1;
const TIMEOUT_MS_DEFAULT = 10_000;
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

type SystemRoutes = 'getHealth' | 'getMetrics' | 'getOpenApi' | 'putPolicy';

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
    getScreenshot: ({ params: { output }, query }) => screenshot(screen.view(output), query),
    getHash: ({ params: { output }, query }) => hash(screen.view(output), query),
    waitForChange: ({ params: { output }, ...asked }) => changed(screen.view(output), asked),
    waitUntilSettled: ({ params: { output }, ...asked }) => settled(screen.view(output), asked),
    waitForMatch: ({ params: { output }, ...asked }) => match(screen.view(output), asked),
  };
}

type WindowRoutes =
  | 'getWindows'
  | 'getWindowScreenshot'
  | 'getWindowHash'
  | 'waitForWindowChange'
  | 'waitUntilWindowSettled'
  | 'waitForWindowMatch';

/** Refuses the number of a window that there is not (any more). */
function windowOf({ target }: Parts, id: number): View {
  const found = target.window(id);
  if (found === null) throw new ApiError('not-found', `there is no window ${id}`);
  return found;
}

function describeWindow(window: ForwardedWindow): AnswerOf<Routes['getWindows']>['windows'][number] {
  const { id, kind, parent, client, title, appId, logicalSize, size: shown, sequence } = window;
  return { id, kind, parent, client, title, appId, ...logicalSize, shown, sequence };
}

function windowHandlers(parts: Parts): Pick<Handlers, WindowRoutes> {
  const viewOf = (id: number): View => windowOf(parts, id);
  return {
    getWindows: () => ({ windows: (parts.target.windows() ?? []).map(describeWindow) }),
    getWindowScreenshot: ({ params: { window }, query }) => screenshot(viewOf(window), query),
    getWindowHash: ({ params: { window }, query }) => hash(viewOf(window), query),
    waitForWindowChange: ({ params: { window }, ...asked }) => changed(viewOf(window), asked),
    waitUntilWindowSettled: ({ params: { window }, ...asked }) => settled(viewOf(window), asked),
    waitForWindowMatch: ({ params: { window }, ...asked }) => match(viewOf(window), asked),
  };
}

type RecordingRoutes =
  | 'startRecording'
  | 'getRecordings'
  | 'stopRecording'
  | 'getRecordingFile'
  | 'deleteRecording';

/** What is to be recorded: one thing. */
function recordedView(parts: Parts, output: number | undefined, window: number | undefined): Recorded {
  if (window === undefined)
    return { view: parts.screen.view(output ?? 0), output: output ?? 0, window: null };
  if (output !== undefined) throw new ApiError('bad-request', 'body: expected either an output or a window');
  return { view: windowOf(parts, window), output: null, window };
}

function recordingHandlers(parts: Parts): Pick<Handlers, RecordingRoutes> {
  const { recordings } = parts;
  return {
    startRecording: ({ body }) => {
      const {
        output,
        window,
        framesPerSecondMax = FRAMES_PER_SECOND_DEFAULT,
        bytesMax = RECORDING_BYTES_DEFAULT,
      } = body;
      const recorded = recordedView(parts, output, window);
      checkVisible(recorded.view);
      return recordings.start(recorded, framesPerSecondMax, bytesMax);
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
    ...windowHandlers(parts),
    ...recordingHandlers(parts),
    ...inputHandlers(parts),
  };
}
