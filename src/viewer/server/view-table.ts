/** All views: their feeds, and the list of them that viewers are told. */
import type { ControlTarget, InputKind } from '../../control/index.js';
import { type View, viewId } from '../protocol/index.js';
import { Feed } from './feed.js';
import type { ViewProvider, ViewSource } from './view-source.js';

const NO_INPUT = { keyboard: false, pointer: false, touch: false } as const;

export class ViewTable {
  private readonly target: ControlTarget;
  private readonly providers: readonly ViewProvider[];
  private readonly onError: (error: Error) => void;
  private readonly feeds = new Map<string, Feed>();

  constructor(target: ControlTarget, providers: readonly ViewProvider[], onError: (error: Error) => void) {
    this.target = target;
    this.providers = providers;
    this.onError = onError;
  }

  /** As it is told to viewers. */
  get list(): readonly View[] {
    return this.sources.map((source) => this.describe(source));
  }

  /** Whether the size of an output is decided here. */
  resizable(output: number): boolean {
    return !this.target.qemuDecides && output < this.target.outputCount;
  }

  /** Calls back when the list may be another one. */
  onChange(listener: () => void): () => void {
    const stops = this.providers.map((provider) => provider.onChange(listener));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The feed of a view; null when there is no such view. */
  feed(id: string): Feed | null {
    for (const [known, feed] of this.feeds) if (!feed.watched) this.feeds.delete(known);
    const known = this.feeds.get(id);
    if (known !== undefined) return known;
    const source = this.sources.find(({ kind, number }) => viewId(kind, number) === id);
    if (source === undefined) return null;
    const feed = new Feed(source, this.onError);
    this.feeds.set(id, feed);
    return feed;
  }

  private get sources(): ViewSource[] {
    return this.providers.flatMap((provider) => provider.views());
  }

  private describe(source: ViewSource): View {
    const { kind, number, title } = source;
    const { width, height } = source.size() ?? { width: 0, height: 0 };
    const live = (device: InputKind): boolean => this.target.readiness(device, number)?.live ?? false;
    const isOutput = kind === 'output';
    return {
      id: viewId(kind, number),
      kind,
      title,
      width,
      height,
      input: isOutput
        ? { keyboard: live('keyboard'), pointer: live('tablet'), touch: live('touchscreen') }
        : NO_INPUT,
      resizable: isOutput && this.resizable(number),
    };
  }
}
