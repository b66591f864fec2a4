/** The choices of the settings panel. */
import { element } from './element.js';
import { type Settings, SettingsStore } from './settings.js';
import { keptBy } from './storage.js';

type Flag = 'statistics' | 'follow' | 'pinch';
const FLAGS: readonly Flag[] = ['statistics', 'follow', 'pinch'];

export class SettingsForm {
  private readonly store = new SettingsStore(keptBy(() => localStorage));
  private readonly changed: () => void;

  constructor(changed: () => void) {
    this.changed = changed;
    for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="scale"]')) {
      radio.checked = radio.value === this.value.scale;
      radio.addEventListener('change', () => {
        this.change({ scale: radio.value as Settings['scale'] });
      });
    }
    for (const flag of FLAGS) {
      const box = element(`want-${flag}`, HTMLInputElement);
      box.checked = this.value[flag];
      box.addEventListener('change', () => this.change({ [flag]: box.checked }));
    }
  }

  get value(): Settings {
    return this.store.value;
  }

  change(change: Partial<Settings>): void {
    this.store.change(change);
    this.changed();
  }

  /** Which choices make sense now. */
  offer({ follow, pinch }: { readonly follow: boolean; readonly pinch: boolean }): void {
    element('follow-choice', HTMLLabelElement).hidden = !follow;
    element('pinch-choice', HTMLLabelElement).hidden = !pinch;
  }
}
