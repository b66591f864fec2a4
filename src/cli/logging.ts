/** The process's logger: one line an event on stderr, as JSON for machines or text for people. */
import { writeSync } from 'node:fs';
import type { Logger } from 'vhost-user-ts';

/** What log collectors know the levels by (those of pino and bunyan). */
const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 } as const;
type Level = keyof typeof LEVELS;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const STDERR = 2;

function writeLine(line: string): void {
  try {
    writeSync(STDERR, line);
  } catch {
    // A full or closed stderr must not take the display down; the line is lost.
  }
}

/** Keeps what comes from a peer from writing control sequences to a terminal or forging lines. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}

/** Errors have no properties that JSON would show. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (!(value instanceof Error)) return value;
  const { name: type, message, stack } = value;
  return { type, ...value, message, stack };
}

function textLine(time: string, level: Level, fields: object, message: string): string {
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value, plain)}`)
    .join('');
  return `${printable(`${time} ${level.padEnd(5)} ${message}${rest}`)}\n`;
}

function jsonLine(time: string, level: Level, fields: object, message: string): string {
  return `${JSON.stringify({ level: LEVELS[level], time, ...fields, msg: message }, plain)}\n`;
}

/**
 * Creates the logger. Lines are written synchronously, so that the last one before an exit is not lost; each has
 * `fields` besides its own.
 */
export function createLogger(least: LogLevel, format: LogFormat, fields: object = {}): Logger {
  const write = format === 'json' ? jsonLine : textLine;
  const at = (level: Level): Logger[Level] => {
    if (least === 'silent' || LEVELS[level] < LEVELS[least]) return () => undefined;
    return (more, message) =>
      writeLine(write(new Date().toISOString(), level, { ...fields, ...more }, message));
  };
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
