/** Windows of forwarded applications as views. Popups are seen in their windows. */
import type { ViewProvider, ViewSource } from '../../viewer/server/index.js';
import type { ForwardedWindow, WindowList } from '../../wayland/index.js';

/** From one word of a change of the list to the next at least: what a guest does all the time is told now and then. */
const INTERVAL_MS = 100;

function viewOf(window: ForwardedWindow): ViewSource {
  return {
    kind: 'window',
    number: window.id,
    get title() {
      return window.title;
    },
    size: () => (window.obstacle === null ? window.size : null),
    picture: (part) => window.picture(part),
    cursor: () => null,
    follow: () => window.follow(),
    listen: (changed) => window.listen(changed),
  };
}

export class WindowViews implements ViewProvider {
  private readonly windows: WindowList;
  private readonly known = new WeakMap<ForwardedWindow, ViewSource>();

  constructor(windows: WindowList) {
    this.windows = windows;
  }

  views(): readonly ViewSource[] {
    return this.windows.all
      .filter(({ kind, size }) => kind === 'window' && size !== null)
      .map((window) => {
        const view = this.known.get(window) ?? viewOf(window);
        this.known.set(window, view);
        return view;
      });
  }

  onChange(listener: () => void): () => void {
    let timer: NodeJS.Timeout | null = null;
    const stop = this.windows.onChange(() => {
      timer ??= setTimeout(() => {
        timer = null;
        listener();
      }, INTERVAL_MS);
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }
}
