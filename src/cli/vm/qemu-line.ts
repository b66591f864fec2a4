/**
 * A command line of QEMU as a person wrote it: which options it has, and what they say. It is read, never changed: what is
 * missing is put behind it.
 */
import { readFileSync, statSync } from 'node:fs';
import { parseSettings, type Settings, SyntaxMistake } from './option-syntax.js';

/** A command line that can't be completed; the message is for the person who wrote it. */
export class LineMistake extends Error {}

/** Options without an argument: all that QEMU has, or had since version 5. All others have one. */
const FLAGS = new Set(
  (
    'S alt-grab async-teardown ctrl-grab curses daemonize enable-fips enable-hax enable-kvm enable-sync-profile ' +
    'full-screen h help jitdump mem-prealloc no-acpi no-fd-bootchk no-frame no-hpet no-quit no-reboot no-shutdown ' +
    'no-user-config nodefaults nographic old-param only-migratable perfmap portrait preconfig s sdl semihosting ' +
    'singlestep snapshot usb version win2k-hack xen-attach xen-domid-restrict'
  ).split(' '),
);

/** Keys of the first word. */
const IMPLIED: Readonly<Record<string, string>> = {
  accel: 'accel',
  chardev: 'backend',
  device: 'driver',
  m: 'size',
  machine: 'type',
  numa: 'type',
  object: 'qom-type',
};

/** Other names, and the sections of a configuration file. */
const ALIASES: Readonly<Record<string, string>> = { M: 'machine', memory: 'm' };

/** Files that -readconfig names are small; a device file would be read for ever. */
const CONFIG_BYTES_MAX = 1024 * 1024;

export interface QemuOption {
  /** Without dashes, by the name that is used most. */
  readonly name: string;
  /** Empty for a flag. */
  readonly text: string;
}

/** A section of a configuration file, as the option that says the same. */
interface Section {
  readonly name: string;
  readonly settings: Map<string, string>;
}

function splitOptions(args: readonly string[]): QemuOption[] {
  const options: QemuOption[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    // A disk image.
    if (!arg.startsWith('-') || arg === '-') continue;
    const word = arg.replace(/^--?/, '');
    const name = ALIASES[word] ?? word;
    if (FLAGS.has(name)) options.push({ name, text: '' });
    else {
      const text = args[++i];
      if (text === undefined) throw new LineMistake(`QEMU's ${arg} needs an argument.`);
      options.push({ name, text });
    }
  }
  return options;
}

function readConfig(path: string): string {
  try {
    const status = statSync(path);
    if (!status.isFile() || status.size > CONFIG_BYTES_MAX) throw new Error('it is no file of at most 1 MiB');
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new LineMistake(`-readconfig ${path}: ${(error as Error).message}`);
  }
}

/** The sections of a file for -readconfig: `[device "id"]`, then `key = "value"` each on a line. */
export function parseConfig(text: string): Section[] {
  const sections: Section[] = [];
  for (const line of text.split('\n')) {
    const head = /^\s*\[\s*([\w-]+)(?:\s+"([^"]*)")?\s*\]/.exec(line);
    const entry = /^\s*([\w.-]+)\s*=\s*"([^"]*)"/.exec(line);
    if (head !== null) {
      const [, word = '', id] = head;
      sections.push({ name: ALIASES[word] ?? word, settings: new Map(id === undefined ? [] : [['id', id]]) });
    } else if (entry !== null) sections.at(-1)?.settings.set(entry[1] as string, entry[2] as string);
  }
  return sections;
}

export class QemuLine {
  readonly args: readonly string[];
  private readonly options: readonly QemuOption[];
  private readonly sections: readonly Section[];

  /** Throws a LineMistake for what can't be read. */
  constructor(args: readonly string[]) {
    this.args = args;
    this.options = splitOptions(args);
    this.sections = this.texts('readconfig').flatMap((path) => parseConfig(readConfig(path)));
  }

  /** One of them is there. */
  has(...names: readonly string[]): boolean {
    return [...this.options, ...this.sections].some(({ name }) => names.includes(name));
  }

  /** The arguments of each option of that name, as they stand there. */
  texts(name: string): string[] {
    return this.options.filter((option) => option.name === name).map(({ text }) => text);
  }

  /** What each option of that name says, configuration files last. */
  all(name: string): Settings[] {
    const parse = (text: string): Settings => {
      try {
        return parseSettings(text, IMPLIED[name] ?? name);
      } catch (error) {
        if (!(error instanceof SyntaxMistake)) throw error;
        throw new LineMistake(`QEMU's -${name} is ${error.message}`);
      }
    };
    const sections = this.sections.filter((section) => section.name === name);
    return [...this.texts(name).map(parse), ...sections.map(({ settings }) => settings)];
  }

  /** All options of that name together, as QEMU merges -machine and -m: of a key's values the last one. */
  merged(name: string): Settings {
    return new Map(this.all(name).flatMap((settings) => [...settings]));
  }

  /** `wanted`, or the first name like it that no device, object or character device has. */
  freeId(wanted: string): string {
    const taken = new Set(
      ['device', 'object', 'chardev'].flatMap((name) => this.all(name).map((settings) => settings.get('id'))),
    );
    let id = wanted;
    for (let number = 2; taken.has(id); number++) id = `${wanted}-${number}`;
    return id;
  }
}
