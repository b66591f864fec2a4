/** A guest on a back-end of the npm package: draws, and takes input, as a driver of Linux would. */
import {
  bits,
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  FrontEndClient,
  ProtocolFeature,
  viewOf,
} from 'vhost-user-ts';
import * as inputWire from '../../src/input/wire/constants.js';
import { Event } from '../../src/input/wire/structs.js';
import { type BackEnd, type BackEndOptions, startBackEnd } from '../../src/npm/index.js';
import * as c from '../unit/gpu-commands.js';
import { until } from '../unit/gpu-socket-fixture.js';

const RESOURCE = 1;

/** One input device's driver. */
export class InputDriver {
  /** Type, code, value; without SYN. */
  readonly events: string[] = [];
  private readonly client: FrontEndClient;

  private constructor(client: FrontEndClient) {
    this.client = client;
  }

  /** `buffers`: how many events it takes at a time; with 0 it takes none. */
  static async start(path: string, buffers = 4): Promise<InputDriver> {
    const protocolFeatures = FRONT_END_PROTOCOL_FEATURES & ~bits(ProtocolFeature.STATUS);
    const client = FrontEndClient.connect({ path, features: FRONT_END_FEATURES, protocolFeatures });
    await client.negotiate();
    await client.shareMemory();
    const driver = new InputDriver(client);
    const queue = await client.startQueue(inputWire.EVENT_QUEUE, { size: 4 });
    await client.startQueue(inputWire.STATUS_QUEUE, { size: 4 });
    const give = (): void => {
      queue.submit(new Uint8Array(0), Event.size, (_used, data) => {
        const view = viewOf(data);
        const [type, code, value] = [
          view.getUint16(0, true),
          view.getUint16(2, true),
          view.getInt32(4, true),
        ];
        if (type !== 0) driver.events.push(`${type} ${code} ${value}`);
        give();
        queue.kick();
      });
    };
    for (let i = 0; i < buffers; i++) give();
    queue.kick();
    return driver;
  }

  /** The next events, as soon as there are so many. */
  async take(count: number): Promise<string[]> {
    await until(() => this.events.length >= count);
    return this.events.splice(0);
  }

  close(): void {
    this.client.close();
  }
}

export class ControlGuest {
  readonly backEnd: BackEnd;
  readonly drivers = new Map<string, InputDriver>();
  private readonly vm: FrontEndClient;
  private base = 0;
  private width = 0;

  private constructor(backEnd: BackEnd, vm: FrontEndClient) {
    this.backEnd = backEnd;
    this.vm = vm;
  }

  static async start(options: BackEndOptions = {}): Promise<ControlGuest> {
    return ControlGuest.on(await startBackEnd(options));
  }

  /** On a back-end that is there. */
  static async on(backEnd: BackEnd): Promise<ControlGuest> {
    const vm = FrontEndClient.connect({
      path: backEnd.socketPath,
      features: FRONT_END_FEATURES,
      protocolFeatures: FRONT_END_PROTOCOL_FEATURES,
      handlers: { configChanged: () => undefined },
    });
    await vm.negotiate();
    await vm.shareMemory();
    await vm.startQueue(0);
    await vm.startQueue(1, { size: 16 });
    return new ControlGuest(backEnd, vm);
  }

  /** Loads the driver of an input device. */
  async plug(kind: string, buffers?: number): Promise<InputDriver> {
    const driver = await InputDriver.start(this.backEnd.inputPaths[kind] as string, buffers);
    this.drivers.set(kind, driver);
    return driver;
  }

  /** Sets a mode: a new picture, all of it 0xRRGGBB. */
  async mode(width: number, height: number, color: number): Promise<void> {
    if (this.width > 0) await this.all(c.setScanout(0, 0, c.rect(0, 0)), c.unref(RESOURCE));
    this.base = this.vm.memory.alloc(width * height * 4, 4096);
    this.width = width;
    await this.all(
      c.create2d(RESOURCE, width, height),
      c.attach(RESOURCE, [[this.base, width * height * 4]]),
    );
    this.write(0, 0, width, height, color);
    const all = c.rect(width, height);
    await this.all(c.transfer(RESOURCE, all), c.setScanout(0, RESOURCE, all), c.flush(RESOURCE, all));
  }

  /** Turns the screen off. */
  async off(): Promise<void> {
    await this.all(c.setScanout(0, 0, c.rect(0, 0)));
  }

  /** Fills a rectangle and has it shown. */
  async fill(x: number, y: number, width: number, height: number, color: number): Promise<void> {
    this.write(x, y, width, height, color);
    const part = c.rect(x, y, width, height);
    await this.all(c.transfer(RESOURCE, part, (y * this.width + x) * 4), c.flush(RESOURCE, part));
  }

  async cursor(request: Uint8Array): Promise<void> {
    await this.vm.queues.get(1)?.request(request, 24);
  }

  async all(...requests: readonly Uint8Array[]): Promise<void> {
    for (const request of requests) {
      const answer = await this.vm.queues.get(0)?.request(request, 2048);
      if (answer === undefined || c.typeOf(answer.data) !== 0x1100) throw new Error('a command was refused');
    }
  }

  /** The machine is switched off. */
  leave(): void {
    for (const driver of this.drivers.values()) driver.close();
    this.vm.close();
  }

  close(): void {
    this.leave();
    this.backEnd.close();
  }

  private write(x: number, y: number, width: number, height: number, color: number): void {
    const row = new Uint8Array(width * 4);
    for (let i = 0; i < width; i++) row.set([color & 255, (color >> 8) & 255, color >> 16, 0], i * 4);
    for (let i = 0; i < height; i++) this.vm.memory.write(this.base + ((y + i) * this.width + x) * 4, row);
  }
}
