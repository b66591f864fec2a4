/**
 * Splits the payload of a SUBMIT_3D into commands. All of it is checked before anything is carried out. What the commands
 * say about resources, pipes and rings is not known here.
 */
import { viewOf } from 'vhost-user-ts';
import {
  CROSS_DOMAIN_CMD_GET_IMAGE_REQUIREMENTS,
  CROSS_DOMAIN_CMD_INIT,
  CROSS_DOMAIN_CMD_POLL,
  CROSS_DOMAIN_CMD_SEND,
  CROSS_DOMAIN_CMD_WRITE,
  CROSS_DOMAIN_MAX_IDENTIFIERS,
  GetImageRequirements,
  Header,
  INIT_UUID_BYTES,
  INIT_VERSIONED_BYTES,
  Init,
  LegacyInit,
  Poll,
  ReadWrite,
  SendReceive,
} from './wire.js';

export interface InitCommand {
  readonly kind: 'init';
  readonly queryRingId: number;
  readonly channelRingId: number;
  readonly channelType: number;
}

export interface ImageQuery {
  readonly kind: 'image-query';
  readonly width: number;
  readonly height: number;
  /** A fourcc code. */
  readonly drmFormat: number;
  readonly flags: number;
}

export interface PollCommand {
  readonly kind: 'poll';
}

export interface SendCommand {
  readonly kind: 'send';
  readonly identifiers: readonly { readonly id: number; readonly type: number }[];
  /** Part of the payload. */
  readonly data: Uint8Array;
}

export interface WriteCommand {
  readonly kind: 'write';
  readonly identifier: number;
  readonly hangUp: boolean;
  /** Part of the payload. */
  readonly data: Uint8Array;
}

export type CrossDomainCommand = InitCommand | ImageQuery | PollCommand | SendCommand | WriteCommand;

/** `malformed`: lengths or counts make no sense. `unknown`: a command that is not offered. */
export type ParseFailure = 'malformed' | 'unknown';

function parseInit(view: DataView): CrossDomainCommand | null {
  switch (view.byteLength) {
    case LegacyInit.size: {
      const { queryRingId, channelType } = LegacyInit.read(view);
      return { kind: 'init', queryRingId, channelRingId: queryRingId, channelType };
    }
    case Init.size:
    case INIT_VERSIONED_BYTES:
    case INIT_UUID_BYTES: {
      const { queryRingId, channelRingId, channelType } = Init.read(view);
      return { kind: 'init', queryRingId, channelRingId, channelType };
    }
    default:
      return null;
  }
}

function parseImageQuery(view: DataView): CrossDomainCommand | null {
  if (view.byteLength < GetImageRequirements.size) return null;
  const { width, height, drmFormat, flags } = GetImageRequirements.read(view);
  return { kind: 'image-query', width, height, drmFormat, flags };
}

function parsePoll(view: DataView): CrossDomainCommand | null {
  return view.byteLength < Poll.size ? null : { kind: 'poll' };
}

function parseSend(view: DataView, bytes: Uint8Array): CrossDomainCommand | null {
  if (view.byteLength < SendReceive.size) return null;
  const { numIdentifiers, opaqueDataSize, identifiers, identifierTypes } = SendReceive.read(view);
  if (numIdentifiers > CROSS_DOMAIN_MAX_IDENTIFIERS) return null;
  if (opaqueDataSize > bytes.length - SendReceive.size) return null;
  return {
    kind: 'send',
    identifiers: identifiers
      .slice(0, numIdentifiers)
      .map((id, i) => ({ id, type: identifierTypes[i] as number })),
    data: bytes.subarray(SendReceive.size, SendReceive.size + opaqueDataSize),
  };
}

function parseWrite(view: DataView, bytes: Uint8Array): CrossDomainCommand | null {
  if (view.byteLength < ReadWrite.size) return null;
  const { identifier, hangUp, opaqueDataSize } = ReadWrite.read(view);
  if (opaqueDataSize > bytes.length - ReadWrite.size) return null;
  return {
    kind: 'write',
    identifier,
    hangUp: hangUp !== 0,
    data: bytes.subarray(ReadWrite.size, ReadWrite.size + opaqueDataSize),
  };
}

type Parser = (view: DataView, bytes: Uint8Array) => CrossDomainCommand | null;

const PARSERS: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [CROSS_DOMAIN_CMD_INIT, parseInit],
  [CROSS_DOMAIN_CMD_GET_IMAGE_REQUIREMENTS, parseImageQuery],
  [CROSS_DOMAIN_CMD_POLL, parsePoll],
  [CROSS_DOMAIN_CMD_SEND, parseSend],
  [CROSS_DOMAIN_CMD_WRITE, parseWrite],
]);

/** The commands of a payload, or what is wrong with one of them. They refer to `payload`. */
export function parseCommands(payload: Uint8Array): readonly CrossDomainCommand[] | ParseFailure {
  const commands: CrossDomainCommand[] = [];
  let at = 0;
  while (at < payload.length) {
    if (payload.length - at < Header.size) return 'malformed';
    const { cmd, cmdSize } = Header.read(viewOf(payload.subarray(at, at + Header.size)));
    if (cmdSize < Header.size || cmdSize > payload.length - at) return 'malformed';
    const bytes = payload.subarray(at, at + cmdSize);
    const parse = PARSERS.get(cmd);
    if (parse === undefined) return 'unknown';
    const command = parse(viewOf(bytes), bytes);
    if (command === null) return 'malformed';
    commands.push(command);
    at += cmdSize;
  }
  return commands;
}
