/** All rules, by 'interface.message'. */
import type { MessageTable } from '../../wire/table.js';
import { readFileFromHost } from '../files.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import type { EventRule, RequestRule, RuleBook, Session } from '../session.js';
import { interfaceByName, messageOf } from '../tables.js';
import { dataEvents, dataRequests } from './data.js';
import { dmabufEvents, dmabufRequests } from './dmabuf.js';
import { extensionEvents, extensionRequests } from './extensions.js';
import { labelRequests } from './label.js';
import { shellEvents, shellRequests } from './shell.js';
import { shmEvents, shmRequests } from './shm.js';
import { surfaceRequests } from './surface.js';

/** The largest that libxkbcommon makes is a tenth of it. */
const KEYMAP_BYTES_MAX = 1 << 20;

function getRegistry(session: Session, request: Request): Outcome {
  session.globals.addRegistry(request.made);
  return 'done';
}

function bind(session: Session, request: Request): Outcome {
  const wanted = request.values[1];
  if (typeof wanted !== 'object' || wanted === null || wanted instanceof Uint8Array) return 'drop';
  session.globals.bind(request.number('name'), wanted);
  return 'done';
}

/** The guest gets a copy: its mappings can't see later changes, and the compositor's file can't shrink under it. */
function keymap(session: Session, event: HostEvent): Outcome {
  const size = event.number('size');
  const content = readFileFromHost(event.fd, size, KEYMAP_BYTES_MAX);
  if (content === null && event.number('format') !== 0) {
    session.ports.note('items', `the compositor's keymap of ${size} bytes can't be read`);
    return 'drop';
  }
  const empty = content === null || content.length === 0;
  if (empty) event.set('size', 0);
  event.items = [{ kind: 'file', content: empty ? new Uint8Array(1) : content }];
  return 'forward';
}

const coreRequests: Readonly<Record<string, RequestRule>> = {
  'wl_display.get_registry': getRegistry,
  'wl_registry.bind': bind,
};

const coreEvents: Readonly<Record<string, EventRule>> = { 'wl_keyboard.keymap': keymap };

/** The rules that these name 'interface.message', by the message. */
function byMessage<Rule>(
  direction: 'requests' | 'events',
  ...lists: readonly Readonly<Record<string, Rule>>[]
): ReadonlyMap<MessageTable, Rule> {
  const all = lists.flatMap((rules) => Object.entries(rules));
  return new Map(
    all.map(([name, rule]) => {
      const [interfaceName = '', messageName = ''] = name.split('.');
      return [messageOf(interfaceByName(interfaceName)[direction], messageName), rule];
    }),
  );
}

export const RULES: RuleBook = {
  requests: byMessage(
    'requests',
    coreRequests,
    surfaceRequests,
    shmRequests,
    dmabufRequests,
    shellRequests,
    labelRequests,
    extensionRequests,
    dataRequests,
  ),
  events: byMessage('events', coreEvents, shmEvents, dmabufEvents, shellEvents, extensionEvents, dataEvents),
};
