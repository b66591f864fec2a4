/** A test program that runs in the background of the guest and takes commands (guest/lib.h, guest/talk). */
import type { GuestChannel } from './guest-channel.js';

export class GuestProgram {
  private readonly guest: GuestChannel;
  private readonly name: string;

  protected constructor(guest: GuestChannel, name: string) {
    this.guest = guest;
    this.name = name;
  }

  /** Starts it; ready when the promise resolves. */
  protected async launch(): Promise<this> {
    await this.command('start');
    return this;
  }

  /** What it answered after "ok"; rejects with its error. */
  protected command(...words: readonly (string | number)[]): Promise<string> {
    return this.guest.run(`talk ${this.name} ${words.join(' ')}`);
  }

  /** Ends it; the kernel puts the text console back. */
  async quit(): Promise<void> {
    await this.command('quit');
  }
}
