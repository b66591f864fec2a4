/** From the model to the text of one TypeScript module per protocol: typed interfaces, enums and tables. */
import type { ArgModel, EnumModel, InterfaceModel, MessageModel, ProtocolModel } from './model.js';
import { camelCase, moduleName, parameterName, pascalCase } from './names.js';

/** Members that every object has; no request may be called so. */
const OBJECT_MEMBERS = new Set([
  'id',
  'version',
  'interfaceName',
  'alive',
  'listen',
  'display',
  'constructor',
]);

/** Where an interface comes from: its module. */
export type InterfaceHomes = ReadonlyMap<string, string>;

export function emitProtocol(protocol: ProtocolModel, fileName: string, homes: InterfaceHomes): string {
  const emitter = new ModuleEmitter(moduleName(fileName), homes);
  const body = protocol.interfaces.map((iface) => emitter.interface(iface)).join('\n');
  return [
    `// Made from ../xml/${fileName} by \`npm run generate:wayland\`. Do not edit.`,
    ...licence(protocol.copyright),
    '',
    ...emitter.imports(),
    '',
    body,
  ].join('\n');
}

/** The module that has them all. */
export function emitIndex(homes: InterfaceHomes): string {
  const modules = [...new Set(homes.values())].sort();
  const names = [...homes.keys()].sort();
  const lines = ['// Made by `npm run generate:wayland`. Do not edit.', ''];
  lines.push("import type { InterfaceTable } from '../../wire/table.js';");
  for (const module of modules) {
    const members = names.filter((name) => homes.get(name) === module);
    lines.push(`import { ${members.join(', ')} } from './${module}.js';`);
  }
  lines.push('');
  for (const module of modules) lines.push(`export * from './${module}.js';`);
  lines.push('', '/** Every interface that is known, by name. */');
  lines.push(
    'export const INTERFACES: ReadonlyMap<string, InterfaceTable> = new Map<string, InterfaceTable>([',
  );
  for (const name of names) lines.push(`  ['${name}', ${name}],`);
  lines.push(']);', '');
  return lines.join('\n');
}

/** The file's copyright note, which its licence wants to see in whatever is made from it. */
function licence(text: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim();
  return ['//', ...lines.split('\n').map((line) => (line === '' ? '//' : `// ${line}`))];
}

class ModuleEmitter {
  private readonly module: string;
  private readonly homes: InterfaceHomes;
  private readonly used = new Map<string, Set<string>>();
  private usesAny = false;

  constructor(module: string, homes: InterfaceHomes) {
    this.module = module;
    this.homes = homes;
  }

  imports(): string[] {
    const kinds = ['TypedInterface'];
    const objects = ['WaylandObject'];
    if (this.usesAny) objects.unshift('AnyWaylandObject');
    const lines = [`import type { ${objects.join(', ')} } from '../../client/object.js';`];
    lines.push(`import type { ${kinds.join(', ')} } from '../../wire/table.js';`);
    for (const module of [...this.used.keys()].sort()) {
      const types = [...(this.used.get(module) ?? [])].sort();
      lines.push(`import type { ${types.join(', ')} } from './${module}.js';`);
    }
    return lines;
  }

  interface(iface: InterfaceModel): string {
    const type = pascalCase(iface.name);
    const lines: string[] = [];
    for (const enumeration of iface.enums) lines.push(...this.enum(type, enumeration));
    lines.push(`export interface ${type}Requests {`);
    for (const request of iface.requests) lines.push(...this.request(iface, request));
    lines.push('}', '', `export interface ${type}Events {`);
    for (const event of iface.events) lines.push(...this.event(iface, event));
    lines.push('}', '', ...doc('', iface.summary, []));
    lines.push(
      `export interface ${type} extends WaylandObject<'${iface.name}', ${type}Events>, ${type}Requests {}`,
      '',
    );
    lines.push(...this.table(iface, type));
    return lines.join('\n');
  }

  private enum(owner: string, enumeration: EnumModel): string[] {
    const type = owner + pascalCase(enumeration.name);
    const lines = doc('', enumeration.summary, enumeration.bitfield ? ['Bits.'] : []);
    lines.push(`export const ${type} = {`);
    for (const { name, value, summary, since } of enumeration.entries) {
      lines.push(...doc('  ', summary, sinceNote(since, enumeration.since)));
      lines.push(`  ${/^[0-9]/.test(name) ? `'${name}'` : name}: ${literal(value)},`);
    }
    lines.push('} as const;', '');
    return lines;
  }

  private request(iface: InterfaceModel, request: MessageModel): string[] {
    const name = camelCase(request.name);
    if (OBJECT_MEMBERS.has(name)) throw new Error(`${iface.name}.${request.name}: the name is taken`);
    const created = request.args.filter(({ type }) => type === 'new_id');
    if (created.length > 1) throw new Error(`${iface.name}.${request.name} makes more than one object`);
    const parameters: string[] = [];
    let returned = 'void';
    let generic = '';
    for (const arg of request.args) {
      if (arg.type !== 'new_id') {
        parameters.push(`${parameterName(arg.name)}: ${this.type(arg, false)}`);
      } else if (arg.interface === null) {
        generic = '<T>';
        returned = 'T';
        parameters.push('table: TypedInterface<T>', 'version: number');
      } else {
        returned = this.objectType(arg.interface);
      }
    }
    return [
      ...doc('  ', request.summary, notes(request)),
      `  ${name}${generic}(${parameters.join(', ')}): ${returned};`,
    ];
  }

  private event(iface: InterfaceModel, event: MessageModel): string[] {
    for (const arg of event.args) {
      if (arg.type === 'new_id' && arg.interface === null) {
        throw new Error(`${iface.name}.${event.name}: a new object of any interface`);
      }
    }
    const parameters = event.args.map((arg) => `${parameterName(arg.name)}: ${this.type(arg, true)}`);
    return [
      ...doc('  ', event.summary, notes(event)),
      `  ${camelCase(event.name)}(${parameters.join(', ')}): void;`,
    ];
  }

  /** An object in an event is null, too, when this side has destroyed it already. */
  private type(arg: ArgModel, event: boolean): string {
    const orNull = arg.nullable || (event && arg.type === 'object') ? ' | null' : '';
    switch (arg.type) {
      case 'string':
        return `string${orNull}`;
      case 'array':
        return 'Uint8Array';
      case 'object':
      case 'new_id':
        return `${this.objectType(arg.interface)}${orNull}`;
      default:
        return 'number';
    }
  }

  private objectType(name: string | null): string {
    if (name === null) {
      this.usesAny = true;
      return 'AnyWaylandObject';
    }
    const home = this.homes.get(name);
    if (home === undefined) throw new Error(`${this.module}: ${name} is in none of the files`);
    const type = pascalCase(name);
    if (home !== this.module) {
      const types = this.used.get(home) ?? new Set();
      this.used.set(home, types.add(type));
    }
    return type;
  }

  private table(iface: InterfaceModel, type: string): string[] {
    const lines = [`export const ${iface.name}: TypedInterface<${type}> = {`];
    lines.push(`  name: '${iface.name}',`, `  version: ${iface.version},`);
    lines.push(
      ...list(
        'requests',
        iface.requests.map((message, opcode) => messageLine(iface, message, opcode)),
      ),
    );
    lines.push(
      ...list(
        'events',
        iface.events.map((message, opcode) => messageLine(iface, message, opcode)),
      ),
    );
    lines.push(...list('enums', iface.enums.map(enumLines)));
    lines.push('};', '');
    return lines;
  }
}

function list(name: string, items: readonly string[]): string[] {
  return items.length === 0 ? [`  ${name}: [],`] : [`  ${name}: [`, ...items, '  ],'];
}

function messageLine(iface: InterfaceModel, message: MessageModel, opcode: number): string {
  const fields = [`name: '${message.name}'`, `opcode: ${opcode}`, `since: ${message.since}`];
  if (message.deprecatedSince !== null) fields.push(`deprecatedSince: ${message.deprecatedSince}`);
  if (message.destructor) fields.push('destructor: true');
  fields.push(`args: [${message.args.map((arg) => argText(iface, arg)).join(', ')}]`);
  return `    { ${fields.join(', ')} },`;
}

function argText(iface: InterfaceModel, arg: ArgModel): string {
  const fields = [`name: '${arg.name}'`, `type: '${arg.type}'`];
  if (arg.interface !== null) fields.push(`interface: '${arg.interface}'`);
  if (arg.nullable) fields.push('nullable: true');
  if (arg.enum !== null)
    fields.push(`enum: '${arg.enum.includes('.') ? arg.enum : `${iface.name}.${arg.enum}`}'`);
  return `{ ${fields.join(', ')} }`;
}

function enumLines(enumeration: EnumModel): string {
  const lines = [
    `    { name: '${enumeration.name}', since: ${enumeration.since}, bitfield: ${enumeration.bitfield}, entries: [`,
  ];
  for (const { name, value, since } of enumeration.entries) {
    lines.push(`      { name: '${name}', value: ${literal(value)}, since: ${since} },`);
  }
  lines.push('    ] },');
  return lines.join('\n');
}

function literal(value: number): string {
  return value > 0xffff ? `0x${value.toString(16)}` : String(value);
}

function notes(message: MessageModel): string[] {
  const out = sinceNote(message.since, 1);
  if (message.deprecatedSince !== null) out.push(`Deprecated since version ${message.deprecatedSince}.`);
  if (message.destructor) out.push('The object is gone after it.');
  return out;
}

function sinceNote(since: number, base: number): string[] {
  return since > base ? [`Since version ${since}.`] : [];
}

function doc(indent: string, summary: string, more: readonly string[]): string[] {
  const first = summary.replace(/\s+/g, ' ').replaceAll('*/', '* /').trim();
  const parts =
    first === '' ? more : [/[.!?]$/.test(first) || more.length === 0 ? first : `${first}.`, ...more];
  return parts.length === 0 ? [] : [`${indent}/** ${parts.join(' ')} */`];
}
