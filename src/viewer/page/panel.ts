/** A panel that a button opens: Escape, or a press elsewhere, closes it. */

export class Panel {
  private readonly button: HTMLButtonElement;
  private readonly box: HTMLElement;

  constructor(button: HTMLButtonElement, box: HTMLElement) {
    this.button = button;
    this.box = box;
    button.addEventListener('click', () => this.setOpen(box.hidden === true));
    box.addEventListener('keydown', (event) => this.pressed(event));
    button.addEventListener('keydown', (event) => this.pressed(event));
    document.addEventListener('pointerdown', ({ target }) => {
      if (target instanceof Node && !box.contains(target) && !button.contains(target)) this.setOpen(false);
    });
  }

  private pressed({ key }: KeyboardEvent): void {
    if (key !== 'Escape' || this.box.hidden) return;
    this.setOpen(false);
    this.button.focus();
  }

  private setOpen(open: boolean): void {
    this.box.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }
}
