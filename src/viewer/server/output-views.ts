/** The outputs as views. */
import type { Screen } from '../../control/index.js';
import type { ViewProvider, ViewSource } from './view-source.js';

/** Number of outputs that a device can have. */
const OUTPUTS_MAX = 16;

function outputView(screen: Screen, number: number): ViewSource {
  return {
    kind: 'output',
    number,
    title: `Screen ${number + 1}`,
    size: () => screen.size(number),
    picture: (part) => screen.picture(number, part),
    cursor: () => screen.cursor(number),
    follow: () => screen.follow(number),
    listen: (changed, cursorChanged) => {
      const stops = [screen.listen(number, changed), screen.listenToCursor(number, cursorChanged)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

export class OutputViews implements ViewProvider {
  private readonly screen: Screen;
  private readonly count: number;
  private readonly all: readonly ViewSource[];

  /** `count`: outputs that are listed even while they show nothing. */
  constructor(screen: Screen, count: number) {
    this.screen = screen;
    this.count = count;
    this.all = Array.from({ length: OUTPUTS_MAX }, (_, number) => outputView(screen, number));
  }

  /** QEMU may have more outputs than were asked for here: those are listed while they show something. */
  views(): readonly ViewSource[] {
    const shown = new Set(this.screen.shown);
    return this.all.filter(({ number }) => number < this.count || shown.has(number));
  }

  onChange(listener: () => void): () => void {
    const stops = this.all.map(({ number }) =>
      this.screen.listen(number, (rect) => {
        if (rect === null) listener();
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }
}
