/** The overlay with numbers: what the guest draws, what comes here, and how long that takes. */
import type { Stats } from '../protocol/index.js';
import type { Meter } from './meter.js';
import type { Stage } from './stage.js';

export class Statistics {
  private readonly box: HTMLElement;
  private readonly meter: Meter;
  private readonly stage: Stage;
  private server: Stats | null = null;
  private roundTripMs: number | null = null;

  constructor(box: HTMLElement, meter: Meter, stage: Stage) {
    this.box = box;
    this.meter = meter;
    this.stage = stage;
  }

  setVisible(visible: boolean): void {
    this.box.hidden = !visible;
    this.render();
  }

  roundTrip(ms: number): void {
    this.roundTripMs = ms;
    this.render();
  }

  /** Comes once a second, while it is asked for. */
  update(stats: Stats | null): void {
    this.server = stats;
    this.render();
  }

  private render(): void {
    if (this.box.hidden) return;
    const rows = this.rows().flatMap(([name, value]) => {
      const [term, details] = [document.createElement('dt'), document.createElement('dd')];
      term.textContent = name;
      details.textContent = value;
      return [term, details];
    });
    this.box.replaceChildren(...rows);
  }

  private rows(): [string, string][] {
    const { server, stage } = this;
    const { framesPerSecond, tilesPerSecond, bytesPerSecond, drawMs } = this.meter.rates(performance.now());
    const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(1)} ms`);
    const count = (value: number | undefined): string => value?.toLocaleString('en') ?? '–';
    const { width, height } = stage.canvas;
    return [
      ['Picture', `${width} × ${height}, ${Math.round(stage.placement.scale * 100)} %`],
      ['Machine draws', `${count(server?.guestFramesPerSecond)} /s`],
      ['Drawn here', `${framesPerSecond.toFixed(1)} /s, ${tilesPerSecond.toFixed(0)} tiles/s`],
      ['Received', `${(bytesPerSecond / 1024).toFixed(1)} KiB/s`],
      ['Decode and draw', ms(drawMs)],
      ['Round trip', ms(this.roundTripMs)],
      ['Frames sent', `${count(server?.frames)}, ${count(server?.merged)} merged`],
      ['On the way', `${count(server?.waiting)}`],
      ['Viewers', `${count(server?.viewers)}`],
    ];
  }
}
