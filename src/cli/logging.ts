/** The process's logger: one line an event on stderr, as JSON for machines or text for people. */
import { writeSync } from 'node:fs';
import pino, { type Logger } from 'pino';

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

function textLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const name = pino.levels.labels[Number(level)] ?? String(level);
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  return `${printable(`${String(time)} ${name.padEnd(5)} ${String(msg)}${rest}`)}\n`;
}

/** Creates the logger. Lines are written synchronously, so that the last one before an exit is not lost. */
export function createLogger(level: LogLevel, format: LogFormat): Logger {
  const destination = { write: (json: string) => writeLine(format === 'json' ? json : textLine(json)) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}
