/** The control API's place in the object graph. Loaded only where it is asked for. */
import type { Logger } from 'vhost-user-ts';
import { ControlServer, type Screen } from '../../control/index.js';
import { type ControlledParts, Target } from './target.js';

export interface ControlPartOptions {
  /** Of the socket. */
  readonly path: string;
  readonly screen: Screen;
  readonly log: Logger;
}

export class ControlPart {
  private readonly options: ControlPartOptions;
  private server: ControlServer | null = null;

  constructor(options: ControlPartOptions) {
    this.options = options;
  }

  /** Listens from now on. Throws the system's error when it can't. */
  serve(parts: ControlledParts): void {
    const { path, screen, log } = this.options;
    this.server = new ControlServer({ path, target: new Target(parts), screen, log });
  }

  /** Idempotent. */
  close(): void {
    this.server?.close();
    this.server = null;
  }
}
