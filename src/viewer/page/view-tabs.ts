/** The list of views, as tabs: arrow keys go from one to the next, as people expect of tabs. */
import type { View } from '../protocol/index.js';

function isSelected(tab: Element): boolean {
  return tab.getAttribute('aria-selected') === 'true';
}

export class ViewTabs {
  private readonly list: HTMLElement;
  private readonly panelId: string;
  private readonly choose: (id: string) => void;
  private shown = '';

  constructor(list: HTMLElement, panelId: string, choose: (id: string) => void) {
    this.list = list;
    this.panelId = panelId;
    this.choose = choose;
    list.addEventListener('keydown', (event) => this.pressed(event));
  }

  update(views: readonly View[], current: View | null): void {
    const shown = JSON.stringify([views.map(({ id, title }) => [id, title]), current?.id]);
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = this.list.contains(document.activeElement);
    const tabs = views.map((view) => this.tab(view, view.id === current?.id));
    this.list.replaceChildren(...tabs);
    // (Where there is nothing to choose from, a list tells nothing.)
    this.list.hidden = views.length < 2;
    const selected = tabs.find(isSelected);
    selected?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    if (focused) selected?.focus();
  }

  private tab({ id, title }: View, selected: boolean): HTMLButtonElement {
    const tab = document.createElement('button');
    tab.type = 'button';
    tab.id = `tab-${id}`;
    tab.setAttribute('role', 'tab');
    tab.textContent = title;
    tab.title = title;
    tab.setAttribute('aria-selected', String(selected));
    tab.tabIndex = selected ? 0 : -1;
    tab.setAttribute('aria-controls', this.panelId);
    tab.addEventListener('click', () => this.choose(id));
    return tab;
  }

  private pressed(event: KeyboardEvent): void {
    const tabs = [...this.list.querySelectorAll('button')];
    const at = tabs.findIndex(isSelected);
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: (at - 1 + tabs.length) % tabs.length,
      ArrowRight: (at + 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const target = tabs[targets[event.key] ?? -1];
    if (target === undefined) return;
    event.preventDefault();
    target.click();
  }
}
