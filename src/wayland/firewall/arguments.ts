/** The objects that messages name, found, and those that they make. */
import { WaylandError } from '../errors.js';
import type { ArgTable } from '../wire/table.js';
import { checkEnum } from './enums.js';
import { ForwardedObject, type ObjectTable } from './objects.js';
import type { HostEvent, Request } from './request.js';
import type { Session } from './session.js';
import { interfaceByName } from './tables.js';
import { DisplayError, Violation } from './violation.js';

/** Of the guest: throws a Violation when an argument is not acceptable. */
export function resolveRequest(session: Session, request: Request): void {
  const { object, message, values } = request;
  for (let index = 0; index < values.length; index++) {
    const arg = message.args[index] as ArgTable;
    const value = values[index] ?? null;
    if (arg.enum !== undefined && typeof value === 'number') checkEnum(object, message, arg, value);
    if (arg.type === 'object') request.refs[index] = findTarget(session.objects, request, arg, Number(value));
    if (arg.type === 'new_id' && typeof value === 'number' && arg.interface !== undefined) {
      request.created = session.addLocal(interfaceByName(arg.interface), object.version, value);
    }
  }
}

function findTarget(
  objects: ObjectTable,
  request: Request,
  arg: ArgTable,
  id: number,
): ForwardedObject | null {
  if (id === 0) return null;
  const about = `${request.object}.${request.message.name}: argument ${arg.name}`;
  const ref = objects.guest(id);
  if (ref === undefined || ref.state === 'destroyed') {
    throw new Violation('object-unknown', `${about}: no object ${id}`, 1, DisplayError.invalidObject);
  }
  if (arg.interface !== undefined && ref.table.name !== arg.interface) {
    throw new Violation('object-type', `${about}: ${ref} where a ${arg.interface} belongs`);
  }
  return ref;
}

/** Of the compositor: throws a WaylandError when the event can't be followed. */
export function resolveEvent(objects: ObjectTable, event: HostEvent): void {
  const { object, message, values } = event;
  for (const [index, arg] of message.args.entries()) {
    const id = Number(values[index]);
    if (arg.type === 'object' && id !== 0) {
      const ref = objects.host(id);
      if (ref === undefined || (arg.interface !== undefined && ref.table.name !== arg.interface)) {
        throw new WaylandError('WL_ERR_BAD_OBJECT', `${object}.${message.name}: no such object ${id}`);
      }
      event.refs[index] = ref;
    }
    if (arg.type !== 'new_id') continue;
    const made = new ForwardedObject(interfaceByName(arg.interface ?? ''), object.version);
    if (!objects.addFromHost(made, id)) {
      throw new WaylandError('WL_ERR_BAD_ID', `${object}.${message.name}: new object ${id}`);
    }
    event.created = made;
  }
}
