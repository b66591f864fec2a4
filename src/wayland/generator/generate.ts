/** All generated modules, from all XML files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitIndex, emitProtocol } from './emit.js';
import type { ProtocolModel } from './model.js';
import { moduleName, pascalCase } from './names.js';
import { parseProtocol } from './parse.js';

/** File name to content, for every file of the `generated` folder that belongs to the `xml` folder. */
export function generateModules(xmlFolder: string): Map<string, string> {
  const protocols = new Map<string, ProtocolModel>();
  const files = readdirSync(xmlFolder).filter((name) => name.endsWith('.xml'));
  for (const file of files.sort()) {
    protocols.set(file, parseProtocol(readFileSync(join(xmlFolder, file), 'utf8'), file));
  }
  const homes = interfaceHomes(protocols);
  checkNames(protocols);
  const modules = new Map<string, string>();
  for (const [file, protocol] of protocols) {
    modules.set(`${moduleName(file)}.ts`, emitProtocol(protocol, file, homes));
  }
  modules.set('index.ts', emitIndex(homes));
  return modules;
}

function interfaceHomes(protocols: ReadonlyMap<string, ProtocolModel>): Map<string, string> {
  const homes = new Map<string, string>();
  for (const [file, protocol] of protocols) {
    for (const { name } of protocol.interfaces) {
      if (homes.has(name)) throw new Error(`${file}: ${name} is in another file, too`);
      homes.set(name, moduleName(file));
    }
  }
  return homes;
}

/** All modules are exported together, and an argument's enum exists. */
function checkNames(protocols: ReadonlyMap<string, ProtocolModel>): void {
  const types = new Set<string>();
  const enums = new Set<string>();
  const interfaces = [...protocols.values()].flatMap((protocol) => protocol.interfaces);
  for (const iface of interfaces) {
    const type = pascalCase(iface.name);
    const made = [type, `${type}Requests`, `${type}Events`];
    for (const { name } of iface.enums) {
      made.push(type + pascalCase(name));
      enums.add(`${iface.name}.${name}`);
    }
    for (const name of made) {
      if (types.has(name)) throw new Error(`${iface.name}: two things would be called ${name}`);
      types.add(name);
    }
  }
  for (const iface of interfaces) {
    for (const arg of [...iface.requests, ...iface.events].flatMap(({ args }) => args)) {
      if (arg.enum === null) continue;
      const name = arg.enum.includes('.') ? arg.enum : `${iface.name}.${arg.enum}`;
      if (!enums.has(name)) throw new Error(`${iface.name}: no enum ${name}`);
    }
  }
}
