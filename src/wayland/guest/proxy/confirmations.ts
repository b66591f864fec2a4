/**
 * How far the host has come. Nothing of the device tells how much of what was submitted waits on the host for a
 * compositor that is busy, so the host is asked every now and then (wl_display.sync), and the client has to wait while
 * too much is unconfirmed. The first answer also tells that there is a compositor at all.
 */
import { CONFIRM_EVERY_BYTES, FIRST_ANSWER_MS, UNCONFIRMED_BYTES_MAX } from '../limits.js';

export interface ConfirmationHandlers {
  /** Ask the host to call back once it has handled all that was sent. */
  ask(confirmed: () => void): void;
  /** Too much is unconfirmed, or not any more. */
  full(full: boolean): void;
  /** The first answer did not come. */
  silent(): void;
}

export class Confirmations {
  private readonly handlers: ConfirmationHandlers;
  private timer: NodeJS.Timeout | null = null;
  private sinceAsked = 0;
  private unconfirmed = 0;
  private isFull = false;

  constructor(handlers: ConfirmationHandlers) {
    this.handlers = handlers;
  }

  start(): void {
    this.timer = setTimeout(() => this.handlers.silent(), FIRST_ANSWER_MS);
    this.ask();
  }

  sent(bytes: number): void {
    this.sinceAsked += bytes;
    this.unconfirmed += bytes;
    if (this.sinceAsked >= CONFIRM_EVERY_BYTES) this.ask();
    this.update();
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private ask(): void {
    const bytes = this.sinceAsked;
    this.sinceAsked = 0;
    this.handlers.ask(() => {
      this.close();
      this.unconfirmed -= bytes;
      this.update();
    });
  }

  private update(): void {
    const full = this.unconfirmed >= UNCONFIRMED_BYTES_MAX;
    if (full === this.isFull) return;
    this.isFull = full;
    this.handlers.full(full);
  }
}
