/** What a guest did that ends its connection. Nobody else's. */
import type { InterfaceTable } from '../wire/table.js';

/** The rules, by the names that the log, wl_display.error and the documentation use. */
export type RuleName =
  /** Sizes, strings, nulls, missing or surplus arguments. */
  | 'wire-format'
  /** An object that does not exist (any more). */
  | 'object-unknown'
  /** An object of another interface than the request wants. */
  | 'object-type'
  /** A request that the interface, or its bound version, does not have. */
  | 'request-unknown'
  /** A new id out of the client's range, or taken. */
  | 'new-id'
  /** A number that its enum does not have in that version. */
  | 'enum'
  /** Something attached that the request does not take, or too much of it. */
  | 'items'
  /** A global that does not exist, is hidden, or in a version that was not announced. */
  | 'global'
  /** Pools and buffers that do not fit their blob, formats that were not announced. */
  | 'shm'
  | 'dmabuf'
  /** A surface with two roles, or a role object in the wrong order. */
  | 'role'
  /** Requests that the protocol forbids in the object's present state. */
  | 'state'
  /** A number or a string outside what the protocol allows. */
  | 'value'
  /** A cursor or drag icon beyond the policy's size. */
  | 'cursor-size'
  | 'limit-objects'
  | 'limit-surfaces'
  | 'limit-buffers'
  | 'limit-callbacks'
  | 'limit-transfers'
  | 'limit-mime-types'
  | 'limit-region'
  /** More bytes wait than the policy allows: the guest floods, or it does not read. */
  | 'limit-backlog'
  | 'limit-output';

/** wl_display.error's own codes. */
export const DisplayError = { invalidObject: 0, invalidMethod: 1, noMemory: 2, implementation: 3 } as const;

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: RuleName;
  /** The guest's id of the object that the error is about. */
  readonly objectId: number;
  /** From the object's interface's `error` enum. */
  readonly code: number;

  constructor(rule: RuleName, message: string, objectId = 1, code: number = DisplayError.invalidMethod) {
    super(message);
    this.rule = rule;
    this.objectId = objectId;
    this.code = code;
  }
}

export interface Culprit {
  readonly guestId: number;
  readonly table: InterfaceTable;
}

/** A violation that the protocol has an error for: `errorName` in the `error` enum of the object's interface. */
export function protocolViolation(
  rule: RuleName,
  object: Culprit,
  errorName: string,
  message: string,
): Violation {
  const entry = object.table.enums
    .find(({ name }) => name === 'error')
    ?.entries.find(({ name }) => name === errorName);
  const text = `${object.table.name}@${object.guestId}: ${message}`;
  if (entry === undefined) return new Violation(rule, text);
  return new Violation(rule, text, object.guestId, entry.value);
}
