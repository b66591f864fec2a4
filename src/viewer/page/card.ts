/** What the page says in place of a picture, and what can be done about it. */
import { element } from './element.js';
import type { Status } from './status-text.js';
import { tokenIn } from './token.js';

export interface CardOptions {
  readonly retry: () => void;
  readonly token: (token: string) => void;
}

export class Card {
  private readonly box = element('card', HTMLDivElement);
  private readonly title = element('card-title', HTMLHeadingElement);
  private readonly detail = element('card-detail', HTMLParagraphElement);
  private readonly form = element('token-form', HTMLFormElement);
  private readonly field = element('token', HTMLInputElement);
  private readonly retry = element('retry', HTMLButtonElement);
  private readonly reload = element('reload', HTMLButtonElement);

  constructor(options: CardOptions) {
    this.retry.addEventListener('click', () => options.retry());
    this.reload.addEventListener('click', () => location.reload());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      const token = tokenIn(this.field.value);
      this.field.value = '';
      if (token !== null) options.token(token);
    });
  }

  show(card: Status['card']): void {
    this.box.hidden = card === null;
    if (card === null) return;
    // (Only what is different is read out.)
    if (this.title.textContent !== card.title) this.title.textContent = card.title;
    if (this.detail.textContent !== card.detail) this.detail.textContent = card.detail;
    const wasHidden = this.form.hidden;
    this.form.hidden = card.action !== 'token';
    this.retry.hidden = card.action !== 'retry';
    this.reload.hidden = card.action !== 'reload';
    const idle = document.activeElement === null || document.activeElement === document.body;
    if (wasHidden && !this.form.hidden && idle) this.field.focus();
  }
}
