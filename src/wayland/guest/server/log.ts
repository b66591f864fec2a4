/** Lines on stderr, for people and journals. No library: the proxy runs in guests that have little else. */
import { writeSync } from 'node:fs';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, string | number | null>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const STDERR = 2;

export function createLog(level: LogLevel): Log {
  const least = LOG_LEVELS.indexOf(level);
  const at =
    (name: LogLevel) =>
    (fields: LogFields, message: string): void => {
      if (LOG_LEVELS.indexOf(name) < least) return;
      const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${value}`);
      write(`${new Date().toISOString()} ${name.padEnd(5)} ${message}${rest.join('')}`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function write(line: string): void {
  try {
    // Clients have a say in what is logged: no control sequences, no forged lines.
    writeSync(STDERR, `${line.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?')}\n`);
  } catch {
    // A full or closed stderr must not end the proxy; the line is lost.
  }
}
