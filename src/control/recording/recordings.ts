/** The recordings that clients of the API made, running and finished: few, and within limits. */
import type { View } from '../../capture/index.js';
import type { Infer } from '../../schema/index.js';
import { ApiError } from '../api/errors.js';
import type { RecordingSchema } from '../api/routes.js';
import { Recorder } from './recorder.js';

export type RecordingInfo = Infer<typeof RecordingSchema>;

/** At a time, those that were stopped and not deleted among them. */
export const RECORDINGS_MAX = 4;
const FRAMES_MAX = 100_000;
const DURATION_MS_MAX = 3_600_000;

/** What is recorded, and its number as one or the other. */
export interface Recorded {
  readonly view: View;
  readonly output: number | null;
  readonly window: number | null;
}

export class Recordings {
  private readonly recorders = new Map<number, { readonly of: Recorded; readonly recorder: Recorder }>();
  private lastId = 0;

  start(of: Recorded, framesPerSecondMax: number, bytesMax: number): RecordingInfo {
    if (this.recorders.size >= RECORDINGS_MAX) {
      throw new ApiError('too-many', `there are ${RECORDINGS_MAX} recordings: delete one`);
    }
    const limits = { framesMax: FRAMES_MAX, durationMsMax: DURATION_MS_MAX };
    const id = ++this.lastId;
    const recorder = new Recorder(of.view, { framesPerSecondMax, bytesMax, ...limits });
    this.recorders.set(id, { of, recorder });
    return this.info(id);
  }

  get all(): RecordingInfo[] {
    return [...this.recorders.keys()].map((id) => this.info(id));
  }

  async stop(id: number): Promise<RecordingInfo> {
    await this.recorder(id).recorder.stop();
    return this.info(id);
  }

  /** The file of a recording that was stopped. */
  async file(id: number): Promise<Uint8Array[]> {
    const { recorder } = this.recorder(id);
    if (recorder.running) throw new ApiError('conflict', `recording ${id} still runs: stop it first`);
    return recorder.file();
  }

  delete(id: number): void {
    this.recorder(id).recorder.end();
    this.recorders.delete(id);
  }

  /** Ends and forgets all. Idempotent. */
  close(): void {
    for (const id of [...this.recorders.keys()]) this.delete(id);
  }

  private recorder(id: number): { readonly of: Recorded; readonly recorder: Recorder } {
    const found = this.recorders.get(id);
    if (found === undefined) throw new ApiError('not-found', `there is no recording ${id}`);
    return found;
  }

  private info(id: number): RecordingInfo {
    const { of, recorder } = this.recorder(id);
    const { output, window } = of;
    const { running, frames, durationMs, bytes, truncated } = recorder;
    const state = running ? 'running' : 'stopped';
    return { id, output, state, frames, durationMs, bytes, truncated, window };
  }
}
