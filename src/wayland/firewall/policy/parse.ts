/**
 * Reads a policy from JSON. Everything is optional and has the default policy's value; everything that is not known
 * is an error, because a policy with a misspelled rule does not protect. Errors name the place as a path.
 */
import { GLOBAL_RULES, NEVER } from './globals.js';
import {
  type AskPolicy,
  DEFAULT_POLICY,
  type Direction,
  type FirewallPolicy,
  type LimitPolicy,
  type TransferPolicy,
} from './policy.js';

export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** Of a border. */
export const COLOR = /^#[0-9a-fA-F]{6}$/;

const DIRECTIONS: readonly Direction[] = ['none', 'to-guest', 'from-guest', 'both', 'ask'];

/** Most that a limit can be raised to. */
const LIMIT_MAX: Readonly<Record<keyof LimitPolicy, number>> = {
  objects: 65536,
  surfaces: 65536,
  buffers: 65536,
  callbacks: 65536,
  transfers: 256,
  mimeTypes: 4096,
  regionOperations: 1 << 24,
  messagesPerSecond: 10_000_000,
  backlogBytes: 64 << 20,
  outputBytes: 64 << 20,
};

/** Parses the text of a policy file; `source` (its path) begins the messages of PolicyErrors. */
export function parsePolicy(text: string, source = 'policy'): FirewallPolicy {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new PolicyError(`${source}: ${error instanceof Error ? error.message : 'not JSON'}`);
  }
  return policyFrom(json, source);
}

/** The same from a value that was parsed already. */
export function policyFrom(json: unknown, source = 'policy'): FirewallPolicy {
  const root = new Section(json, source);
  const base = DEFAULT_POLICY;
  root.only([
    '$schema',
    'label',
    'border',
    'globals',
    'clipboard',
    'primary',
    'dragAndDrop',
    'ask',
    'windows',
    'securityContext',
    'limits',
  ]);
  const policy: FirewallPolicy = {
    label: label(root.section('label')),
    border: border(root.section('border')),
    globals: globals(root.section('globals')),
    clipboard: transfer(root.section('clipboard'), base.clipboard),
    primary: transfer(root.section('primary'), base.primary),
    dragAndDrop: transfer(root.section('dragAndDrop'), base.dragAndDrop),
    ask: ask(root.section('ask')),
    windows: windows(root.section('windows')),
    securityContext: root.choice('securityContext', ['auto', 'require', 'off'], base.securityContext),
    limits: limits(root.section('limits')),
  };
  for (const kind of ['clipboard', 'primary', 'dragAndDrop'] as const) {
    if (policy[kind].direction === 'ask' && policy.ask === null) {
      throw new PolicyError(`${source}.${kind}.direction: "ask" needs an ask.command`);
    }
  }
  return policy;
}

function label(section: Section): FirewallPolicy['label'] {
  const base = DEFAULT_POLICY.label;
  section.only(['title', 'appId', 'titleMax']);
  return {
    title: section.text('title', base.title, 200),
    appId: section.text('appId', base.appId, 100),
    titleMax: section.integer('titleMax', base.titleMax, 0, 1000),
  };
}

function border(section: Section): FirewallPolicy['border'] {
  const base = DEFAULT_POLICY.border;
  section.only(['show', 'color', 'width']);
  const color = section.text('color', base.color, 7);
  if (!COLOR.test(color))
    section.fail('color', `${JSON.stringify(color)} where a color like #e08000 belongs`);
  return {
    show: section.choice('show', ['auto', 'always', 'never'], base.show),
    color,
    width: section.integer('width', base.width, 1, 32),
  };
}

function globals(section: Section): ReadonlyMap<string, number> {
  const allowed = new Map(DEFAULT_POLICY.globals);
  for (const name of section.keys()) {
    const reason = NEVER.get(name);
    const rule = GLOBAL_RULES.get(name);
    const value = section.get(name);
    if (value === false) {
      // Naming what is never forwarded anyway does no harm.
      if (rule === undefined && reason === undefined) section.fail(name, 'no global that is known');
      allowed.delete(name);
      continue;
    }
    if (reason !== undefined) section.fail(name, `never forwarded: ${reason}`);
    if (rule === undefined) return section.fail(name, 'no global that can be forwarded');
    if (value === true) allowed.set(name, rule.version);
    else allowed.set(name, section.integer(name, rule.version, 1, rule.version));
  }
  return allowed;
}

function transfer(section: Section, base: TransferPolicy): TransferPolicy {
  section.only(['direction', 'mimeTypes', 'maxBytes']);
  return {
    direction: section.choice('direction', DIRECTIONS, base.direction),
    mimeTypes: section.texts('mimeTypes', base.mimeTypes, 256),
    maxBytes: section.integer('maxBytes', base.maxBytes, 0, Number.MAX_SAFE_INTEGER),
  };
}

function ask(section: Section): AskPolicy | null {
  section.only(['command', 'timeoutSeconds']);
  const command = section.texts('command', [], 64);
  if (command.length === 0) return null;
  if (command[0] === '') section.fail('command', 'the program has no name');
  return { command, timeoutSeconds: section.integer('timeoutSeconds', 30, 1, 3600) };
}

function windows(section: Section): FirewallPolicy['windows'] {
  const base = DEFAULT_POLICY.windows;
  section.only(['fullscreen', 'maximize', 'minimize', 'activate', 'cursorSizeMax']);
  return {
    fullscreen: section.flag('fullscreen', base.fullscreen),
    maximize: section.flag('maximize', base.maximize),
    minimize: section.flag('minimize', base.minimize),
    activate: section.flag('activate', base.activate),
    cursorSizeMax: section.integer('cursorSizeMax', base.cursorSizeMax, 1, 16384),
  };
}

function limits(section: Section): LimitPolicy {
  const base = DEFAULT_POLICY.limits;
  section.only(Object.keys(base));
  const read = (name: keyof LimitPolicy): number => section.integer(name, base[name], 1, LIMIT_MAX[name]);
  return {
    objects: read('objects'),
    surfaces: read('surfaces'),
    buffers: read('buffers'),
    callbacks: read('callbacks'),
    transfers: read('transfers'),
    mimeTypes: read('mimeTypes'),
    regionOperations: read('regionOperations'),
    messagesPerSecond: read('messagesPerSecond'),
    backlogBytes: read('backlogBytes'),
    outputBytes: read('outputBytes'),
  };
}

/** A JSON object, with its place. */
class Section {
  private readonly values: ReadonlyMap<string, unknown>;
  private readonly path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new PolicyError(`${path}: ${describe(value)} where an object belongs`);
    }
    this.values = new Map(Object.entries(value));
    this.path = path;
  }

  keys(): IterableIterator<string> {
    return this.values.keys();
  }

  get(name: string): unknown {
    return this.values.get(name);
  }

  fail(name: string, what: string): never {
    throw new PolicyError(`${this.path}.${name}: ${what}`);
  }

  only(names: readonly string[]): void {
    for (const name of this.values.keys()) {
      if (!names.includes(name)) this.fail(name, `unknown; known here: ${names.join(', ')}`);
    }
  }

  section(name: string): Section {
    return new Section(this.values.get(name) ?? {}, `${this.path}.${name}`);
  }

  flag(name: string, base: boolean): boolean {
    const value = this.values.get(name) ?? base;
    if (typeof value !== 'boolean') return this.fail(name, `${describe(value)} where true or false belongs`);
    return value;
  }

  integer(name: string, base: number, min: number, max: number): number {
    const value = this.values.get(name) ?? base;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      return this.fail(name, `${describe(value)} where a whole number from ${min} to ${max} belongs`);
    }
    return value;
  }

  text(name: string, base: string, max: number): string {
    const value = this.values.get(name) ?? base;
    if (typeof value !== 'string') return this.fail(name, `${describe(value)} where a string belongs`);
    if (value.length > max) return this.fail(name, `more than ${max} characters`);
    return value;
  }

  texts(name: string, base: readonly string[], max: number): readonly string[] {
    const value = this.values.get(name) ?? base;
    if (!Array.isArray(value)) return this.fail(name, `${describe(value)} where a list of strings belongs`);
    const list: unknown[] = value;
    if (list.length > max) return this.fail(name, `more than ${max} strings`);
    return list.map((entry, index) => {
      if (typeof entry === 'string' && entry.length <= 4096 && !entry.includes('\0')) return entry;
      return this.fail(`${name}[${index}]`, `${describe(entry)} where a string belongs`);
    });
  }

  choice<T extends string>(name: string, options: readonly T[], base: T): T {
    const value = this.values.get(name) ?? base;
    const found = options.find((option) => option === value);
    return found ?? this.fail(name, `${describe(value)} where one of ${options.join(', ')} belongs`);
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return String(JSON.stringify(value)).slice(0, 60);
}
