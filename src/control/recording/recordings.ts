/** The recordings that clients of the API made, running and finished: few, and within limits. */

import type { Infer } from '../../schema/index.js';
import { ApiError } from '../api/errors.js';
import type { RecordingSchema } from '../api/routes.js';
import type { Screen } from '../screen/screen.js';
import { Recorder } from './recorder.js';

export type RecordingInfo = Infer<typeof RecordingSchema>;

/** At a time, those that were stopped and not deleted among them. */
export const RECORDINGS_MAX = 4;
const FRAMES_MAX = 100_000;
const DURATION_MS_MAX = 3_600_000;

export class Recordings {
  private readonly screen: Screen;
  private readonly recorders = new Map<number, Recorder>();
  private lastId = 0;

  constructor(screen: Screen) {
    this.screen = screen;
  }

  start(output: number, framesPerSecondMax: number, bytesMax: number): RecordingInfo {
    if (this.recorders.size >= RECORDINGS_MAX) {
      throw new ApiError('too-many', `there are ${RECORDINGS_MAX} recordings: delete one`);
    }
    const limits = { framesMax: FRAMES_MAX, durationMsMax: DURATION_MS_MAX };
    const id = ++this.lastId;
    this.recorders.set(id, new Recorder(this.screen, { output, framesPerSecondMax, bytesMax, ...limits }));
    return this.info(id);
  }

  get all(): RecordingInfo[] {
    return [...this.recorders.keys()].map((id) => this.info(id));
  }

  async stop(id: number): Promise<RecordingInfo> {
    await this.recorder(id).stop();
    return this.info(id);
  }

  /** The file of a recording that was stopped. */
  async file(id: number): Promise<Uint8Array[]> {
    const recorder = this.recorder(id);
    if (recorder.running) throw new ApiError('conflict', `recording ${id} still runs: stop it first`);
    return recorder.file();
  }

  delete(id: number): void {
    this.recorder(id).end();
    this.recorders.delete(id);
  }

  /** Ends and forgets all. Idempotent. */
  close(): void {
    for (const id of [...this.recorders.keys()]) this.delete(id);
  }

  private recorder(id: number): Recorder {
    const recorder = this.recorders.get(id);
    if (recorder === undefined) throw new ApiError('not-found', `there is no recording ${id}`);
    return recorder;
  }

  private info(id: number): RecordingInfo {
    const { output, running, frames, durationMs, bytes, truncated } = this.recorder(id);
    return { id, output, state: running ? 'running' : 'stopped', frames, durationMs, bytes, truncated };
  }
}
