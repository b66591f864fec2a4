/**
 * One client of a guest and the firewall, before a real compositor: what the firewall lets through, libwayland's parser
 * and the compositor have to take. After each message the client waits until the compositor has seen it.
 */
import { ForwardedClient, LimitedLog, policyFrom, WindowList } from '../../src/wayland/index.js';
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import { Finding, type FuzzCase } from '../core/target.js';
import { attach } from './attach.js';
import { FuzzBlobs, REGION_BYTES } from './blobs.js';
import type { Files } from './files.js';
import { ModelGuest } from './guest.js';
import { POLICIES } from './policies.js';
import { proposeRequest, sync } from './propose.js';
import type { Weston } from './weston.js';
import { ackConfigure, WindowPlan } from './window-plan.js';

/**
 * Errors that the firewall leaves to the compositor, as they depend on what it wants of a window and end only the client
 * that does not follow: sizes of maximized and fullscreen windows.
 */
const BETWEEN_THEM = /does not match the configured \w+ state/;
/** A window is begun before one in so many steps that are not planned. */
const WINDOW_IN = 10;

/** wl_display.get_registry(2) */
const GET_REGISTRY = new Uint8Array(Uint32Array.of(1, (12 << 16) | 1, 2).buffer);

export class RealCase implements FuzzCase {
  readonly features = new Set<string>();
  over = false;
  private readonly files: Files;
  private readonly weston: Weston;
  private readonly blobs = new FuzzBlobs();
  private readonly guest = new ModelGuest();
  private plan: WindowPlan | null = null;
  private client: ForwardedClient | null = null;
  private log = '';
  private wake: () => void = () => undefined;

  constructor(files: Files, weston: Weston) {
    this.files = files;
    this.weston = weston;
  }

  propose(random: Random): Step {
    if (this.client === null) return step('open', [random.pick(['default', 'default', 'small', 'ask'])]);
    // It does not keep to its plan always.
    if (random.oneIn(30)) return proposeRequest(this.guest, random);
    if (this.plan === null && random.oneIn(WINDOW_IN)) this.plan = new WindowPlan();
    const planned = this.plan?.step(this.guest) ?? null;
    if (planned === null) this.plan = null;
    return planned ?? proposeRequest(this.guest, random);
  }

  async apply({ kind, words, bytes }: Step): Promise<void> {
    const client = this.client ?? (await this.open(kind === 'open' ? (words[0] ?? '') : 'default'));
    if (kind === 'ack') this.send(client, ackConfigure(this.guest, Number(words[0])), []);
    else if (kind === 'guest') this.send(client, bytes, words);
    await this.roundTrip(client);
    this.check(client);
  }

  async close(): Promise<void> {
    const { client, guest } = this;
    for (const feature of guest.features) this.features.add(feature);
    this.features.add(this.log.replace(/[0-9]+/g, '#'));
    client?.close();
    guest.close();
    if (this.blobs.anyHeld) throw new Finding('a blob was not given back');
    if (!(await this.weston.answers())) throw new Finding(`the compositor died: ${this.weston.log}`);
  }

  private async open(variant: string): Promise<ForwardedClient> {
    const note = (message: string): void => {
      this.log = message;
    };
    const socket = Promise.resolve({ socket: this.weston.connect(), restricted: false });
    const region = { fd: this.files.region, bytes: REGION_BYTES };
    const client = new ForwardedClient(socket, {
      vm: 'fuzz',
      owner: { name: 'fuzz', ready: () => this.wake() },
      policy: policyFrom(POLICIES.get(variant) ?? {}),
      region,
      windows: new WindowList(region),
      ask: (_, answer) => answer(true),
      log: new LimitedLog({ info: note, warn: note }),
      dmabuf: true,
      border: null,
      trace: null,
    });
    this.client = client;
    this.send(client, GET_REGISTRY, []);
    await this.roundTrip(client);
    this.check(client);
    return client;
  }

  private send(client: ForwardedClient, bytes: Uint8Array, attached: readonly string[]): void {
    const items = attached.map((word) => attach(word, this.blobs, this.files));
    this.guest.sent(bytes, items.length);
    client.send(bytes, items);
  }

  /** Until the compositor has answered what came after all else, or the connection is over. */
  private async roundTrip(client: ForwardedClient): Promise<void> {
    const { guest } = this;
    const id = guest.model.freeClientId();
    this.send(client, sync(id), []);
    for (;;) {
      guest.take(client);
      const callback = guest.model.objects.get(id);
      if (guest.ended || callback === undefined || callback.state !== 'alive') return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private check(client: ForwardedClient): void {
    const { violation } = client.metrics;
    if (violation === 'internal') throw new Finding(this.log);
    if (violation === 'compositor' && !BETWEEN_THEM.test(this.log)) {
      throw new Finding(`it got through: ${this.log}\n${this.weston.log}`);
    }
    this.over = violation !== null || this.guest.ended;
  }
}
