/** Short messages that go away by themselves. */
import type { ServerMessageOf } from '../protocol/index.js';
import { timer } from './element.js';

const SHOWN_MS = 8000;
const SHOWN_MAX = 3;

export class Notices {
  private readonly box: HTMLElement;

  constructor(box: HTMLElement) {
    this.box = box;
  }

  show({ level, text }: Pick<ServerMessageOf<'notice'>, 'level' | 'text'>): void {
    const last = this.box.lastElementChild;
    if (last?.textContent === text) last.remove();
    const notice = document.createElement('p');
    notice.className = level;
    notice.textContent = text;
    this.box.append(notice);
    while (this.box.children.length > SHOWN_MAX) this.box.firstElementChild?.remove();
    timer(SHOWN_MS, () => notice.remove());
  }
}
