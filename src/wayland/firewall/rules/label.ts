/** What people see of a guest's window: its title and application id, with the VM's name in them. */
import type { Outcome, Request } from '../request.js';
import type { RequestRule, Session } from '../session.js';
import { cleanAppId, cleanText, fillTemplate, truncateUtf8 } from '../text.js';
import { toplevelOf } from './shell-state.js';

/** Of a title or id on the wire: far below a message's size. */
const BYTES_MAX = 2048;
const APP_ID_MAX = 200;

export function labelledTitle(session: Session, title: string): string {
  const { label } = session.policy;
  const filled = fillTemplate(label.title, {
    vm: cleanText(session.vm, 100),
    title: cleanText(title, label.titleMax),
  });
  return truncateUtf8(filled.trimEnd(), BYTES_MAX);
}

export function labelledAppId(session: Session, appId: string): string {
  const filled = fillTemplate(session.policy.label.appId, {
    vm: cleanAppId(session.vm, 100),
    appId: cleanAppId(appId, APP_ID_MAX),
  });
  return truncateUtf8(filled.replace(/\.+$/, ''), BYTES_MAX);
}

function title(session: Session, request: Request): Outcome {
  const toplevel = toplevelOf(request.object);
  toplevel.title = labelledTitle(session, request.text('title'));
  session.windows.changed();
  request.set('title', toplevel.title);
  return 'forward';
}

function appId(session: Session, request: Request): Outcome {
  const toplevel = toplevelOf(request.object);
  toplevel.appId = labelledAppId(session, request.text('app_id'));
  request.set('app_id', toplevel.appId);
  return 'forward';
}

export const labelRequests: Readonly<Record<string, RequestRule>> = {
  'xdg_toplevel.set_title': title,
  'xdg_toplevel.set_app_id': appId,
};
