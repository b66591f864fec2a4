/** Options: the guest's screens in a browser. */
import { type Command, InvalidArgumentError } from 'commander';
import type { ViewerAddress } from '../../viewer/server/index.js';
import { firstGiven, wholeNumber } from './values.js';

const VIEWERS_DEFAULT = 8;
const VIEWERS_MAX = 64;
const PORT_MAX = 65_535;

export interface ViewerOptions {
  readonly address: ViewerAddress;
  /** null: tokens of its own, which it tells the terminal. */
  readonly tokenPath: string | null;
  readonly viewersMax: number;
}

export interface RawViewerOptions {
  viewer?: ViewerAddress;
  viewerTokenFile?: string;
  viewerMax?: number;
}

/** An absolute path, or a loopback address with a port. */
export function parseViewerAddress(text: string): ViewerAddress {
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const [, name = '', digits = ''] = match ?? [];
  const port = Number(digits);
  if (match === null || port > PORT_MAX) {
    throw new InvalidArgumentError(
      'Expected 127.0.0.1:PORT, [::1]:PORT (port 0: any free one) or the absolute path of a unix socket.',
    );
  }
  const host = name === 'localhost' ? '127.0.0.1' : name.replace(/^\[|\]$/g, '');
  if (host !== '::1' && !/^127(\.\d{1,3}){3}$/.test(host)) {
    throw new InvalidArgumentError(
      `${name} is not this machine's own: a viewer's traffic is not encrypted, so only 127.0.0.1 and [::1] are served. ` +
        'From another machine, use ssh -L (docs/viewer.md).',
    );
  }
  return { kind: 'tcp', host, port };
}

export function addViewerOptions(command: Command): Command {
  return command
    .option(
      '--viewer <address>',
      'show the screens in browsers: 127.0.0.1:PORT, [::1]:PORT or the path of a unix socket (docs/viewer.md)',
      parseViewerAddress,
    )
    .option(
      '--viewer-token-file <path>',
      'the token that viewers need, and in another line the one to look on only; made when it is not there',
    )
    .option(
      '--viewer-max <number>',
      `viewers at a time (default: ${VIEWERS_DEFAULT})`,
      wholeNumber(1, VIEWERS_MAX),
    );
}

/** What is wrong with these options by themselves; null when nothing is. */
export function viewerMistake({ viewer, viewerTokenFile, viewerMax }: RawViewerOptions): string | null {
  if (viewer !== undefined) return null;
  const lost = firstGiven({ 'viewer-token-file': viewerTokenFile, 'viewer-max': viewerMax });
  return lost === null ? null : `--${lost} is about the viewer: it needs --viewer.`;
}

export function readViewer({ viewer, viewerTokenFile, viewerMax }: RawViewerOptions): ViewerOptions | null {
  if (viewer === undefined) return null;
  return {
    address: viewer,
    tokenPath: viewerTokenFile ?? null,
    viewersMax: viewerMax ?? VIEWERS_DEFAULT,
  };
}
