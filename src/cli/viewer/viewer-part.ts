/** The viewer's place in the object graph. Loaded only where it is asked for. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Logger } from 'vhost-user-ts';
import type { Screen } from '../../control/index.js';
import {
  randomTokens,
  type Tokens,
  tokensOf,
  ViewerServer,
  type ViewerStatus,
} from '../../viewer/server/index.js';
import { type ControlledParts, Target } from '../control/target.js';
import type { ViewerOptions } from '../options/viewer.js';
import { WindowViews } from './window-views.js';

const STDERR = 2;

export interface ViewerPartOptions extends ViewerOptions {
  /** How the machine is called. */
  readonly name: string;
  readonly screen: Screen;
  readonly log: Logger;
}

/** Tokens belong to who sits at the terminal, or into a file of its owner's: not into logs. */
function findTokens(path: string | null): Tokens {
  if (path !== null) return tokensOf(path);
  if (!isatty(STDERR)) {
    throw new Error('--viewer: there is no terminal to tell the token to: give --viewer-token-file=PATH');
  }
  return randomTokens();
}

/** What somebody at a terminal needs to open. */
function invitation(address: string, { control, view }: Tokens): string {
  const lines = [
    `viewer: ${address}#token=${control}`,
    ...(view === null ? [] : [`viewer, to look on only: ${address}#token=${view}`]),
  ];
  return `${lines.join('\n')}\n`;
}

export class ViewerPart {
  private readonly server: ViewerServer;
  private readonly screen: Screen;

  /** Resolves when it listens; rejects with what is wrong. */
  static async listen({ tokenPath, screen, ...options }: ViewerPartOptions): Promise<ViewerPart> {
    const tokens = findTokens(tokenPath);
    const server = await ViewerServer.listen({ ...options, tokens });
    const { address } = server;
    options.log.info({ address, tokens: tokenPath ?? 'told to the terminal' }, 'viewer ready');
    if (isatty(STDERR)) writeSync(STDERR, invitation(address, tokens));
    return new ViewerPart(server, screen);
  }

  private constructor(server: ViewerServer, screen: Screen) {
    this.server = server;
    this.screen = screen;
  }

  /** Without the token. */
  get address(): string {
    return this.server.address;
  }

  get status(): ViewerStatus {
    return this.server.status;
  }

  /** Viewers see something from now on. */
  serve(parts: ControlledParts): void {
    const { firewall } = parts;
    const views = firewall === null ? [] : [new WindowViews(firewall.windows)];
    this.server.serve({ target: new Target(parts), screen: this.screen, views });
  }

  /** The machine left. */
  refresh(): void {
    this.server.refresh();
  }

  /** Idempotent. */
  close(): void {
    this.server.close();
  }
}
