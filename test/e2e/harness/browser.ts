/** Debian's Chromium, without a window, on the viewer's page: what is on it, what it complains of, and how it is used. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { difference, fromRgba, type RgbPicture, savePicture } from './picture.js';
import { until } from './until.js';

const EXECUTABLE = '/usr/bin/chromium-headless-shell';
/** Emulated guests take their time. */
const PATIENCE_MS = 60_000;
/** What tests do: they have no server for a while, and they read the canvas again and again. */
const EXPECTED = /^(WebSocket connection to .* failed|Canvas2D: Multiple readback)/;

/** Runs in the page: the canvas as `width height base64`, opaque or not at all. */
const READ_CANVAS = `(() => {
  const canvas = document.querySelector('#screen');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let text = '';
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return canvas.width + ' ' + canvas.height + ' ' + btoa(text);
})()`;

export class ViewerBrowser {
  private readonly browser: Browser;

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async start(): Promise<ViewerBrowser> {
    // (Chromium refuses to be sandboxed when root runs it.)
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return new ViewerBrowser(await chromium.launch({ executablePath: EXECUTABLE, args }));
  }

  /** A person of their own: another profile, with an address to open. */
  async open(address: string, options: BrowserContextOptions = {}): Promise<ViewerPage> {
    const context = await this.browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const viewer = new ViewerPage(page);
    await page.goto(address);
    return viewer;
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

export class ViewerPage {
  readonly page: Page;
  /** What the browser says against the page: exceptions, refused by the policy, and so on. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      const text = message.text();
      if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(text)) this.complaints.push(text);
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  /** Resolves when the page shows the machine's picture, as it is now. */
  async live(): Promise<void> {
    await this.page.locator('body[data-tone="good"]').waitFor();
  }

  /** Resolves when the page says that, in place of a picture. */
  async says(title: string): Promise<void> {
    await this.page.getByRole('heading', { name: title }).waitFor();
  }

  /** The pixels of the canvas. Throws when one of them is not opaque. */
  async canvas(): Promise<RgbPicture> {
    const [width = '', height = '', base64 = ''] = (await this.page.evaluate<string>(READ_CANVAS)).split(' ');
    const rgba = Buffer.from(base64, 'base64');
    if (rgba.some((value, i) => i % 4 === 3 && value !== 255)) throw new Error('the canvas is not opaque');
    return fromRgba({ width: Number(width), height: Number(height), rgba });
  }

  /** Resolves when the canvas has that picture, byte for byte. (Nothing tells when the guest's has come.) */
  async shows(name: string, expected: RgbPicture): Promise<void> {
    let actual: RgbPicture | null = null;
    const compare = async (): Promise<string | null> => {
      actual = await this.canvas();
      return difference(actual, expected);
    };
    try {
      await until(name, compare, (differs) => differs === null);
    } catch (error) {
      const paths = [savePicture(`${name}-expected`, expected)];
      if (actual !== null) paths.push(savePicture(`${name}-actual`, actual));
      throw new Error(`${(error as Error).message}; see ${paths.join(' and ')}`);
    }
  }

  /** A click on a pixel of the picture. */
  async click(x: number, y: number, button: 'left' | 'middle' | 'right' = 'left'): Promise<void> {
    const { left, top, scale } = await this.place();
    await this.page.mouse.click(left + x * scale, top + y * scale, { button });
  }

  /** A finger on a pixel of the picture. */
  async tap(x: number, y: number): Promise<void> {
    const { left, top, scale } = await this.place();
    await this.page.touchscreen.tap(left + x * scale, top + y * scale);
  }

  /** Where the picture is, in CSS pixels, and how many of them a pixel of it takes. */
  async place(): Promise<{ readonly left: number; readonly top: number; readonly scale: number }> {
    const box = await this.page.locator('#screen').boundingBox();
    const width = await this.page.evaluate<number>("document.querySelector('#screen').width");
    if (box === null) throw new Error('there is no picture');
    return { left: box.x, top: box.y, scale: box.width / width };
  }

  /** Where the guest's cursor is, in pixels of the picture, and how wide it is. */
  async cursor(): Promise<string> {
    const { left, top, scale } = await this.place();
    const box = await this.page.locator('#cursor').boundingBox();
    if (box === null) return 'hidden';
    const pixels = [box.x - left, box.y - top, box.width].map((size) => Math.round(size / scale));
    return pixels.join(' ');
  }

  /** Roles and names of all that can be used, as assistive technology is told of it. */
  async controls(): Promise<{ readonly role: string; readonly name: string }[]> {
    const session = await this.page.context().newCDPSession(this.page);
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    await session.detach();
    return nodes
      .filter(({ ignored, properties = [] }) => {
        const focusable = properties.find(({ name }) => name === 'focusable');
        return !ignored && focusable?.value.value === true;
      })
      .map(({ role, name }) => ({ role: String(role?.value), name: String(name?.value ?? '') }))
      .filter(({ role }) => role !== 'RootWebArea');
  }

  /** What reaches beyond the edges of the page, which is as wide as its viewport. */
  async overflowing(): Promise<string[]> {
    return this.page.evaluate<string[]>(`(() => {
      const { clientWidth, clientHeight, scrollWidth, scrollHeight } = document.documentElement;
      const out = scrollWidth > clientWidth || scrollHeight > clientHeight ? ['the page scrolls'] : [];
      for (const element of document.querySelectorAll('body *')) {
        const { left, top, right, bottom, width } = element.getBoundingClientRect();
        if (width > 0 && (left < 0 || top < 0 || right > clientWidth + 0.5 || bottom > clientHeight + 0.5)) {
          out.push(element.id || element.outerHTML.slice(0, 80));
        }
      }
      return out;
    })()`);
  }

  /** Writes what the page looks like to out/, for people. */
  async save(name: string): Promise<void> {
    await this.page.screenshot({ path: `out/viewer-${name}.png` });
  }
}
