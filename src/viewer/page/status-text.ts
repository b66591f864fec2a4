/** What the page says of its state, in words. */
import type { View } from '../protocol/index.js';
import type { LinkState } from './link.js';

export type StatusAction = 'retry' | 'reload' | 'token';

export interface Status {
  readonly tone: 'good' | 'busy' | 'bad';
  /** One or two words. */
  readonly label: string;
  /** What to tell in place of a picture; null when the picture speaks for itself. */
  readonly card: {
    readonly title: string;
    readonly detail: string;
    readonly action: StatusAction | null;
  } | null;
}

export interface Situation {
  readonly state: LinkState;
  readonly machine: boolean;
  readonly current: View | null;
  /** A token was tried; otherwise there was none. */
  readonly hadToken: boolean;
  /** The connection was live once. */
  readonly wasLive: boolean;
}

const AT_WORK = 'It is tried again by itself.';

function stopped(trouble: string, hadToken: boolean): Status {
  if (trouble === 'version') {
    const detail = 'The server is of another version than this page. Load the page again.';
    return { tone: 'bad', label: 'Outdated', card: { title: 'Outdated page', detail, action: 'reload' } };
  }
  return {
    tone: 'bad',
    label: 'No access',
    card: hadToken
      ? {
          title: 'Wrong token',
          detail:
            'The server does not know this token. A server that was started anew may have printed a new address: open that, or paste it here.',
          action: 'token',
        }
      : {
          title: 'Token needed',
          detail: 'Open the address that the server printed when it started, or paste it here.',
          action: 'token',
        },
  };
}

function waiting(trouble: string, wasLive: boolean): Status {
  if (trouble === 'busy') {
    const detail = `The server has as many viewers as it takes, or too many attempts failed. ${AT_WORK}`;
    return { tone: 'busy', label: 'Waiting', card: { title: 'Server busy', detail, action: 'retry' } };
  }
  const detail = wasLive
    ? `The picture is the last one that came. ${AT_WORK}`
    : `The server does not answer. ${AT_WORK}`;
  return { tone: 'busy', label: 'Disconnected', card: { title: 'Connection lost', detail, action: 'retry' } };
}

function live({ machine, current }: Situation): Status {
  const nothing = (title: string, detail: string): Status => ({
    tone: 'busy',
    label: title,
    card: { title, detail, action: null },
  });
  if (!machine)
    return nothing('No machine', 'The device is there, but no virtual machine is connected to it.');
  if (current === null) return nothing('No screen', 'The machine has not switched a screen on yet.');
  if (current.width === 0) return nothing('Screen off', 'The machine shows nothing on this screen.');
  return { tone: 'good', label: 'Live', card: null };
}

export function statusOf(situation: Situation): Status {
  const { state, hadToken, wasLive } = situation;
  switch (state.kind) {
    case 'live':
      return live(situation);
    case 'stopped':
      return stopped(state.trouble, hadToken);
    case 'waiting':
      return waiting(state.trouble, wasLive);
    case 'connecting':
      // (A card that comes and goes at each attempt would be in the way.)
      return wasLive
        ? waiting('gone', true)
        : { tone: 'busy', label: 'Connecting', card: { title: 'Connecting', detail: '', action: null } };
  }
}
