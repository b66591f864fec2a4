/** The desktop of the guest that has one (guest/desktop-start): weston on the guest's virtio-gpu. */
import type { GuestChannel } from './guest-channel.js';
import type { RgbPicture } from './picture.js';
import { decodePng } from './png.js';

export class GuestDesktop {
  private readonly guest: GuestChannel;

  private constructor(guest: GuestChannel) {
    this.guest = guest;
  }

  /** Starts it, with a terminal on it. */
  static async start(guest: GuestChannel): Promise<GuestDesktop> {
    await guest.run('desktop start');
    const desktop = new GuestDesktop(guest);
    await guest.run('desktop terminal');
    return desktop;
  }

  /** What the guest itself says that it shows (the pointer is part of it). */
  async screenshot(): Promise<RgbPicture> {
    await this.guest.run('desktop shot /tmp/shot.png');
    return decodePng(Buffer.from(await this.guest.run('base64 /tmp/shot.png'), 'base64'));
  }

  /** Resolves when that many processes have the name. */
  async untilProcess(name: string, count: number): Promise<void> {
    await this.guest.run(`until [ "$(pidof ${name} | wc -w)" -ge ${count} ]; do usleep 50000; done`);
  }
}
