/** Protocols that only tests speak, written down as far as they are used. */
import type { ArgTable, MessageTable, TypedInterface } from '../../../src/wayland/index.js';

/** "time:uint surface:object/wl_surface" as a table; `?` marks what may be null. */
export function message(opcode: number, name: string, args = ''): MessageTable {
  const tables = args
    .split(' ')
    .filter(Boolean)
    .map((arg): ArgTable => {
      const [argName = '', kind = ''] = arg.split(':');
      const [type = '', of] = kind.replace('?', '').split('/');
      const table = {
        name: argName,
        type: type as ArgTable['type'],
        ...(of === undefined ? {} : { interface: of }),
      };
      return kind.endsWith('?') ? { ...table, nullable: true } : table;
    });
  return { name, opcode, since: 1, args: tables };
}

/** An interface with these requests and events. */
export function table<T>(
  name: string,
  requests: readonly MessageTable[],
  events: readonly MessageTable[] = [],
): TypedInterface<T> {
  return { name, version: 1, requests, events, enums: [] };
}
