/** One client of a guest, the firewall, and the compositor behind it, all in this thread. */
import { ForwardedClient, LimitedLog, policyFrom, WindowList } from '../../src/wayland/index.js';
import { DescriptorCount } from '../core/descriptors.js';
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import { Finding, type FuzzCase } from '../core/target.js';
import { attach } from './attach.js';
import { FuzzBlobs, REGION_BYTES } from './blobs.js';
import { ModelCompositor } from './compositor.js';
import { FILE_KINDS, type Files } from './files.js';
import { ModelGuest } from './guest.js';
import { POLICIES } from './policies.js';
import { proposeEvent, proposeRequest } from './propose.js';
import { Refusal } from './wire-model.js';

interface Opened {
  readonly client: ForwardedClient;
  readonly compositor: ModelCompositor;
  readonly windows: WindowList;
}

export class WaylandCase implements FuzzCase {
  readonly features = new Set<string>();
  over = false;
  private readonly files: Files;
  private readonly blobs = new FuzzBlobs();
  private readonly guest = new ModelGuest();
  private readonly descriptors = new DescriptorCount();
  private opened: Opened | null = null;
  private log = '';
  private asked = 0;
  /** The guest does not take what there is for it. */
  private lazy = false;
  /** Somebody looks at the windows, and (once there was one) waits for changes. */
  private looks = false;
  private watched: (() => void) | null = null;

  constructor(files: Files) {
    this.files = files;
  }

  propose(random: Random): Step {
    if (this.opened === null) return step('open', [random.pick(['default', 'default', 'small', 'ask'])]);
    const { compositor } = this.opened;
    if (compositor.socket.stalled && random.oneIn(6)) return step('resume');
    if (this.lazy && random.oneIn(6)) return step('take');
    if (!this.looks && random.oneIn(20)) return step('look');
    const choice = random.below(200);
    if (choice === 0) return step('stall');
    if (choice === 1) return step('lazy');
    if (choice < 130) return proposeRequest(this.guest, random);
    return proposeEvent(compositor, random);
  }

  async apply({ kind, words, bytes }: Step): Promise<void> {
    const { client, compositor } = this.opened ?? (await this.open(words[0] ?? 'default'));
    const { socket, model } = compositor;
    const [word = ''] = words;
    if (kind === 'guest') this.send(client, bytes, words);
    else if (kind === 'stall') socket.stalled = compositor.lagged = true;
    else if (kind === 'resume') socket.stalled = false;
    else if (kind === 'lazy') this.lazy = true;
    else if (kind === 'take') this.lazy = false;
    else if (kind === 'look') this.looks = true;
    else if (kind === 'host') {
      const valid = compositor.raw(bytes, FILE_KINDS.find((name) => name === word) ?? null);
      if (!valid) this.guest.deaf = true;
    } else if (kind === 'configure') {
      const role = model.objects.get(Number(word));
      if (role?.state === 'alive') compositor.configure(role);
    }
    await this.settle(client, compositor);
    if (this.looks) this.look();
    this.check(client, compositor);
  }

  async close(): Promise<void> {
    const { opened } = this;
    if (opened === null) return;
    for (const from of [this.guest.features, opened.compositor.features]) {
      for (const feature of from) this.features.add(feature);
    }
    this.features.add(this.log.replace(/[0-9]+/g, '#'));
    opened.client.close();
    if (opened.windows.all.length > 0) throw new Finding('a window outlived its client');
    opened.windows.close();
    opened.compositor.socket.close();
    this.guest.close();
    if (this.blobs.anyHeld) throw new Finding('a blob was not given back');
    const surplus = await this.descriptors.surplus();
    if (surplus > 0) throw new Finding(`${surplus} descriptors were not given back`);
  }

  private async open(variant: string): Promise<Opened> {
    const policy = policyFrom(POLICIES.get(variant) ?? {});
    const compositor = new ModelCompositor(this.blobs, this.files, policy);
    const note = (message: string): void => {
      this.log = message;
    };
    const region = { fd: this.files.region, bytes: REGION_BYTES };
    const windows = new WindowList(region);
    const client = new ForwardedClient(Promise.resolve({ socket: compositor.socket, restricted: false }), {
      vm: 'fuzz',
      owner: { name: 'fuzz', ready: () => undefined },
      policy,
      region,
      windows,
      ask: (_, answer) => answer(this.asked++ % 3 !== 2),
      log: new LimitedLog({ info: note, warn: note }),
      dmabuf: true,
      border: null,
      trace: null,
    });
    this.opened = { client, compositor, windows };
    this.send(client, GET_REGISTRY, []);
    await this.settle(client, compositor);
    return this.opened;
  }

  private send(client: ForwardedClient, bytes: Uint8Array, attached: readonly string[]): void {
    const items = attached.map((word) => attach(word, this.blobs, this.files));
    const { refused } = this.guest;
    this.guest.sent(bytes, items.length);
    // Ids may be free on the other side already, and this guest does not know yet: whether it is right is not clear.
    const late = this.lazy || this.opened?.compositor.socket.stalled === true;
    if (late && refused !== this.guest.refused) this.guest.deaf = true;
    client.send(bytes, items);
  }

  /** Until neither side has anything more to do. */
  private async settle(client: ForwardedClient, { socket }: ModelCompositor): Promise<void> {
    let turns = 0;
    for (let quiet = 0; quiet < 3; quiet++) {
      if (++turns > TURNS_MAX) throw new Finding('it does not come to rest');
      await null;
      if (socket.turn()) quiet = 0;
      if (!this.lazy) this.guest.take(client);
    }
  }

  /** As somebody does who wants to see the guest's windows; those that are too large take too long here. */
  private look(): void {
    for (const window of this.opened?.windows.all ?? []) {
      this.watched ??= window.listen((rect) =>
        this.features.add(`changed ${rect === null ? 'all' : 'a part'}`),
      );
      const { size, obstacle } = window;
      if (obstacle !== null) this.features.add(`obstacle ${obstacle.replace(/[0-9]+/g, '#')}`);
      if (size === null || size.width * size.height > SEEN_PIXELS_MAX) continue;
      const picture = window.picture();
      if ((picture === null) !== (obstacle !== null))
        throw new Finding('neither picture nor obstacle, or both');
      this.features.add(`picture of a ${window.kind}`);
    }
  }

  private check(client: ForwardedClient, compositor: ModelCompositor): void {
    const { violation } = client.metrics;
    // What follows from what no compositor says is not judged, as long as nothing fails.
    const { deaf, refused } = this.guest;
    if (violation === 'internal') throw new Finding(this.log);
    if (compositor.failure !== null && !deaf) throw compositor.failure;
    this.over = violation !== null || this.guest.ended || compositor.socket.closed;
    if (violation === 'compositor' && !deaf) throw new Finding(`what a compositor may say: ${this.log}`);
    if (this.over || deaf) return;
    compositor.checkBuffers();
    if (refused !== null && !compositor.socket.stalled && !this.lazy) {
      throw new Refusal(`went through: ${refused}`);
    }
  }
}

const SEEN_PIXELS_MAX = 1 << 16;

/** More turns than this for one step are a loop without end. */
const TURNS_MAX = 10_000;

/** wl_display.get_registry(2) */
const GET_REGISTRY = new Uint8Array(Uint32Array.of(1, (12 << 16) | 1, 2).buffer);
