/** Reads a protocol XML file. Strict: an element, attribute or value that is not understood is an error. */
import { type SaxesAttributeNS, SaxesParser } from 'saxes';
import type { EnumModel, InterfaceModel, MessageModel, ProtocolModel } from './model.js';

type Attributes = Record<string, string>;

const ATTRIBUTES: Record<string, readonly string[]> = {
  protocol: ['name'],
  copyright: [],
  interface: ['name', 'version', 'frozen'],
  request: ['name', 'type', 'since', 'deprecated-since'],
  event: ['name', 'type', 'since', 'deprecated-since'],
  enum: ['name', 'since', 'bitfield'],
  entry: ['name', 'value', 'summary', 'since', 'deprecated-since'],
  arg: ['name', 'type', 'interface', 'allow-null', 'enum', 'summary'],
  description: ['summary'],
};

const ARG_TYPES = new Set(['int', 'uint', 'fixed', 'string', 'object', 'new_id', 'array', 'fd']);

export function parseProtocol(xml: string, fileName: string): ProtocolModel {
  const parser = new SaxesParser({ fileName });
  const builder = new Builder((what) => {
    throw parser.makeError(what);
  });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => builder.open(tag.name, plain(tag.attributes)));
  parser.on('closetag', (tag) => builder.close(tag.name));
  parser.on('text', (text) => builder.text(text));
  parser.on('cdata', (text) => builder.text(text));
  parser.write(xml).close();
  return builder.finish();
}

function plain(attributes: Record<string, string | SaxesAttributeNS>): Attributes {
  const entries = Object.entries(attributes);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : value.value]),
  );
}

class Builder {
  private readonly fail: (what: string) => never;
  private readonly path: string[] = [];
  private protocol: ProtocolModel | null = null;
  private iface: InterfaceModel | null = null;
  private message: MessageModel | null = null;
  private enumeration: EnumModel | null = null;

  constructor(fail: (what: string) => never) {
    this.fail = fail;
  }

  finish(): ProtocolModel {
    return this.protocol ?? this.fail('no protocol');
  }

  open(element: string, attributes: Attributes): void {
    const known = ATTRIBUTES[element] ?? this.fail(`unknown element ${element}`);
    for (const name of Object.keys(attributes)) {
      if (!known.includes(name)) this.fail(`unknown attribute ${name} of ${element}`);
    }
    const parent = this.path.at(-1) ?? '';
    this.path.push(element);
    switch (element) {
      case 'protocol':
        this.protocol = { name: this.name(attributes), copyright: '', interfaces: [] };
        break;
      case 'interface':
        this.openInterface(attributes);
        break;
      case 'request':
      case 'event':
        this.openMessage(element, attributes);
        break;
      case 'enum':
        this.openEnum(attributes);
        break;
      case 'entry':
        this.openEntry(attributes);
        break;
      case 'arg':
        this.openArg(attributes);
        break;
      case 'description':
        this.describe(parent, attributes.summary ?? '');
        break;
    }
  }

  close(element: string): void {
    this.path.pop();
    if (element === 'interface') this.iface = null;
    else if (element === 'request' || element === 'event') this.message = null;
    else if (element === 'enum') this.enumeration = null;
  }

  text(text: string): void {
    if (this.path.at(-1) === 'copyright' && this.protocol !== null) this.protocol.copyright += text;
  }

  private openInterface(attributes: Attributes): void {
    this.iface = {
      name: this.name(attributes),
      version: this.number(attributes, 'version', 0),
      summary: '',
      requests: [],
      events: [],
      enums: [],
    };
    if (this.protocol === null || this.iface.version < 1)
      this.fail('an interface without protocol or version');
    this.protocol.interfaces.push(this.iface);
  }

  private openMessage(element: 'request' | 'event', attributes: Attributes): void {
    const { type } = attributes;
    if (type !== undefined && type !== 'destructor') this.fail(`type ${type}`);
    const deprecated = this.number(attributes, 'deprecated-since', 0);
    this.message = {
      name: this.name(attributes),
      since: this.number(attributes, 'since', 1),
      deprecatedSince: deprecated === 0 ? null : deprecated,
      destructor: type === 'destructor',
      summary: '',
      args: [],
    };
    const iface = this.iface ?? this.fail(`${element} outside of an interface`);
    if (this.message.since > iface.version) this.fail('newer than its interface');
    (element === 'request' ? iface.requests : iface.events).push(this.message);
  }

  private openEnum(attributes: Attributes): void {
    const iface = this.iface ?? this.fail('enum outside of an interface');
    this.enumeration = {
      name: this.name(attributes),
      since: this.number(attributes, 'since', 1),
      bitfield: this.flag(attributes, 'bitfield'),
      summary: '',
      entries: [],
    };
    iface.enums.push(this.enumeration);
  }

  private openEntry(attributes: Attributes): void {
    const enumeration = this.enumeration ?? this.fail('entry outside of an enum');
    const name = attributes.name ?? '';
    if (!/^[A-Za-z0-9_]+$/.test(name)) this.fail(`bad name ${JSON.stringify(name)}`);
    if (attributes.value === undefined) this.fail(`entry ${name} without value`);
    const value = this.number(attributes, 'value', 0);
    const since = this.number(attributes, 'since', enumeration.since);
    enumeration.entries.push({ name, value, since, summary: attributes.summary ?? '' });
  }

  private openArg(attributes: Attributes): void {
    const message = this.message ?? this.fail('arg outside of a message');
    const type = attributes.type ?? '';
    if (!ARG_TYPES.has(type)) this.fail(`argument type ${type}`);
    message.args.push({
      name: this.name(attributes),
      type,
      interface: attributes.interface ?? null,
      nullable: this.flag(attributes, 'allow-null'),
      enum: attributes.enum ?? null,
      summary: attributes.summary ?? '',
    });
  }

  private describe(parent: string, summary: string): void {
    const target =
      parent === 'interface'
        ? this.iface
        : parent === 'request' || parent === 'event'
          ? this.message
          : parent === 'enum'
            ? this.enumeration
            : null;
    if (target !== null) target.summary = summary;
  }

  private name(attributes: Attributes): string {
    const name = attributes.name ?? '';
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) this.fail(`bad name ${JSON.stringify(name)}`);
    return name;
  }

  private number(attributes: Attributes, name: string, fallback: number): number {
    const text = attributes[name];
    if (text === undefined) return fallback;
    if (!/^-?(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) this.fail(`bad number ${JSON.stringify(text)}`);
    return Number(text);
  }

  private flag(attributes: Attributes, name: string): boolean {
    const text = attributes[name] ?? 'false';
    if (text !== 'true' && text !== 'false') this.fail(`bad value ${JSON.stringify(text)} of ${name}`);
    return text === 'true';
  }
}
