/** Look-ups in the protocol tables, for names that are known to be there. */
import { INTERFACES, type InterfaceTable, type MessageTable } from '../../index.js';

export function interfaceByName(name: string): InterfaceTable {
  const table = INTERFACES.get(name);
  if (table === undefined) throw new Error(`no interface ${name}`);
  return table;
}

export function messageOf(messages: readonly MessageTable[], name: string): MessageTable {
  const message = messages.find((candidate) => candidate.name === name);
  if (message === undefined) throw new Error(`no message ${name}`);
  return message;
}
