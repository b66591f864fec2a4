/** What the tests of the Wayland code share. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { socketPair, type UnixSocket } from 'vhost-user-native';
import {
  decodeArguments,
  Encoder,
  type FdQueue,
  INTERFACES,
  type InterfaceTable,
  type MessageTable,
  WaylandConnection,
  WaylandError,
  type WireValue,
} from '../../src/wayland/index.js';

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

export function requestOf(table: InterfaceTable, name: string): MessageTable {
  return named(table.requests, name);
}

export function eventOf(table: InterfaceTable, name: string): MessageTable {
  return named(table.events, name);
}

function named(messages: readonly MessageTable[], name: string): MessageTable {
  const message = messages.find((candidate) => candidate.name === name);
  if (message === undefined) throw new Error(`no message ${name}`);
  return message;
}

/** The code of the WaylandError that a call throws; null when it returns. */
export function codeOf(call: () => unknown): string | null {
  try {
    call();
  } catch (error) {
    if (error instanceof WaylandError) return error.code;
    throw error;
  }
  return null;
}

/** Waits, a turn of the event loop at a time, until it holds. */
export async function until(holds: () => boolean, what = 'a condition'): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (holds()) return;
    await nextTurn();
  }
  throw new Error(`waited in vain for ${what}`);
}

export interface SeenRequest {
  readonly objectId: number;
  readonly interface: string;
  readonly name: string;
  readonly values: readonly WireValue[];
}

/** A compositor that does what a test says. It decodes what it gets, knows its objects, answers nothing. */
export class FakeCompositor {
  readonly requests: SeenRequest[] = [];
  readonly connection: WaylandConnection;
  ended: WaylandError | null = null;
  /** Interfaces by object id. */
  readonly objects = new Map<number, string>([[1, 'wl_display']]);
  private readonly encoder = new Encoder();

  constructor(socket: UnixSocket) {
    this.connection = new WaylandConnection(socket, {
      message: (objectId, opcode, body, fds) => this.request(objectId, opcode, body, fds),
      ended: (error) => {
        this.ended = error;
      },
    });
  }

  /** Sends an event of an object, as the tables say. */
  event(objectId: number, interfaceName: string, name: string, values: WireValue[]): void {
    const table = INTERFACES.get(interfaceName);
    if (table === undefined) throw new Error(interfaceName);
    const message = eventOf(table, name);
    message.args.forEach((arg, index) => {
      if (arg.type === 'new_id') this.objects.set(Number(values[index]), arg.interface ?? '');
    });
    const { bytes, fds } = this.encoder.encode(objectId, message, values);
    this.connection.send(bytes, fds);
    this.connection.flush();
  }

  /** The one request with that name (the last, when there are several). */
  async seen(name: string): Promise<SeenRequest> {
    const find = (): SeenRequest | undefined => this.requests.findLast((request) => request.name === name);
    await until(() => find() !== undefined, name);
    const request = find();
    if (request === undefined) throw new Error(name);
    return request;
  }

  /** Answers all wl_display.sync requests that were not answered yet. */
  async answerSync(): Promise<void> {
    const { values } = await this.seen('sync');
    const id = Number(values[0]);
    this.event(id, 'wl_callback', 'done', [0]);
    this.event(1, 'wl_display', 'delete_id', [id]);
  }

  private request(objectId: number, opcode: number, body: Uint8Array, fds: FdQueue): void {
    const name = this.objects.get(objectId) ?? '';
    const message = INTERFACES.get(name)?.requests[opcode];
    if (message === undefined) throw new Error(`request ${opcode} of ${objectId} (${name})`);
    const values = decodeArguments(message, body, fds);
    message.args.forEach((arg, index) => {
      const value = values[index];
      if (arg.type !== 'new_id') return;
      if (typeof value === 'number') this.objects.set(value, arg.interface ?? '');
      else if (typeof value === 'object' && value !== null && 'id' in value)
        this.objects.set(value.id, value.interface);
    });
    this.requests.push({ objectId, interface: name, name: message.name, values });
  }
}

export function pair(): [UnixSocket, UnixSocket] {
  return socketPair();
}
