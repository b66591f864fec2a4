/** What this package needs of a logger: pino's loggers fit. Nothing here logs per command. */
export interface Logger {
  /** Every step. */
  trace(fields: object, message: string): void;
  /** What helps to find a mistake. */
  debug(fields: object, message: string): void;
  /** Front-ends that come and go. */
  info(fields: object, message: string): void;
  /** A peer did what it should not. */
  warn(fields: object, message: string): void;
  /** A person should look. */
  error(fields: object, message: string): void;
}

const nothing = (): void => undefined;

/** Drops everything. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
