/** The firewall's log: one line per kind and second at most, so that no guest fills it. */

export interface FirewallLog {
  info(message: string): void;
  warn(message: string): void;
}

const INTERVAL_MS = 1000;
const KINDS_MAX = 256;

export class LimitedLog {
  private readonly log: FirewallLog;
  private readonly now: () => number;
  private readonly kinds = new Map<string, { lastMs: number; suppressed: number }>();

  /** `now` in milliseconds, monotonic. */
  constructor(log: FirewallLog, now: () => number = () => performance.now()) {
    this.log = log;
    this.now = now;
  }

  warn(kind: string, message: string): void {
    const now = this.now();
    const before = this.kinds.get(kind);
    if (before !== undefined && now - before.lastMs < INTERVAL_MS) {
      before.suppressed++;
      return;
    }
    const more = before === undefined || before.suppressed === 0 ? '' : ` (${before.suppressed} more before)`;
    if (this.kinds.size >= KINDS_MAX) this.kinds.clear();
    this.kinds.set(kind, { lastMs: now, suppressed: 0 });
    this.log.warn(`${message}${more}`);
  }

  info(message: string): void {
    this.log.info(message);
  }
}
