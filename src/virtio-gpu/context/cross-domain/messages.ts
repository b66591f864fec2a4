/** Writes messages for the guest into the staging page. Each function returns the bytes of the message. */
import type { Identifier } from './item-table.js';
import type { Staging } from './staging.js';
import {
  CROSS_DOMAIN_CMD_READ,
  CROSS_DOMAIN_CMD_RECEIVE,
  CROSS_DOMAIN_MAX_IDENTIFIERS,
  messageHeader,
  ReadWrite,
  SendReceive,
} from './wire.js';

/** Where the data of a READ goes. */
export const READ_DATA_OFFSET = ReadWrite.size;

const PADDING: readonly number[] = new Array(CROSS_DOMAIN_MAX_IDENTIFIERS).fill(0);

function padded(numbers: readonly number[]): number[] {
  return [...numbers, ...PADDING.slice(numbers.length)];
}

/** Without data and identifiers it says that the channel has ended. */
export function stageReceive(staging: Staging, identifiers: readonly Identifier[], data: Uint8Array): number {
  SendReceive.write(staging.view, 0, {
    header: messageHeader(CROSS_DOMAIN_CMD_RECEIVE),
    numIdentifiers: identifiers.length,
    opaqueDataSize: data.length,
    identifiers: padded(identifiers.map(({ id }) => id)),
    identifierTypes: padded(identifiers.map(({ type }) => type)),
    identifierSizes: padded(identifiers.map(({ size }) => size)),
  });
  staging.bytes.set(data, SendReceive.size);
  return SendReceive.size + data.length;
}

/** The data, `bytes` long, is in its place already; 0 bytes say that the pipe has ended. */
export function stageRead(staging: Staging, identifier: number, bytes: number): number {
  ReadWrite.write(staging.view, 0, {
    header: messageHeader(CROSS_DOMAIN_CMD_READ),
    identifier,
    hangUp: bytes === 0 ? 1 : 0,
    opaqueDataSize: bytes,
    padding: 0,
  });
  return ReadWrite.size + bytes;
}
