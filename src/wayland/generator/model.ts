/** What a protocol XML file says, before it becomes TypeScript. */

export interface ArgModel {
  readonly name: string;
  readonly type: string;
  readonly interface: string | null;
  readonly nullable: boolean;
  /** As written: 'enum' of the same interface, or 'interface.enum'. */
  readonly enum: string | null;
  readonly summary: string;
}

export interface MessageModel {
  readonly name: string;
  readonly since: number;
  readonly deprecatedSince: number | null;
  readonly destructor: boolean;
  summary: string;
  readonly args: ArgModel[];
}

export interface EntryModel {
  readonly name: string;
  readonly value: number;
  readonly since: number;
  readonly summary: string;
}

export interface EnumModel {
  readonly name: string;
  readonly since: number;
  readonly bitfield: boolean;
  summary: string;
  readonly entries: EntryModel[];
}

export interface InterfaceModel {
  readonly name: string;
  readonly version: number;
  summary: string;
  readonly requests: MessageModel[];
  readonly events: MessageModel[];
  readonly enums: EnumModel[];
}

export interface ProtocolModel {
  readonly name: string;
  copyright: string;
  readonly interfaces: InterfaceModel[];
}
