/** The object graph of the command: device, shared region, windows and input devices, put together as asked for. */
import { readFileSync } from 'node:fs';
import { descriptorUse, type UnixSocket } from 'vhost-user-native';
import type { Logger, ServerOptions } from 'vhost-user-ts';
import { RegionLink, SharedRegion } from '../region/index.js';
import {
  CHANNEL_WAYLAND,
  type ChannelFactory,
  CommandTrace,
  GpuDevice,
  type GpuStatus,
  OUTPUT_DIMENSION_MAX,
  UdmabufExporter,
} from '../virtio-gpu/index.js';
import type { DmabufImporter, FirewallPolicy, WaylandFirewall, WindowSystem } from '../wayland/index.js';
import { InputDevices } from './input/input-devices.js';
import type { OutputPlace } from './input/output-input.js';
import { createLogger } from './logging.js';
import { inputPlaces } from './options/input.js';
import type { ForwardOptions } from './options/wayland.js';
import type { WindowOptions } from './options/window.js';
import type { RunOptions } from './options.js';
import { Outside } from './outside.js';
import type { HostAccess } from './sandbox/host-access.js';
import { TraceOutput } from './trace-output.js';
import type { ScanoutWindows } from './window/scanout-windows.js';

/** Below that neither guests nor EDID have modes worth having. */
const WINDOW_DIMENSION_MIN = 64;
/** A wl_shm pool ends below 2 GiB; the window takes up to half of that. */
const HOST_BYTES_MAX = 2 ** 30 - 2 ** 16;

type Rate = Pick<ServerOptions, 'chainsPerSecond' | 'onRest'>;
type Desktop = typeof import('./desktop.js');

function clampSize(size: number): number {
  return Math.max(WINDOW_DIMENSION_MIN, Math.min(OUTPUT_DIMENSION_MAX, size));
}

/** Says at once what is missing. It may come later: each client asks again. */
function checkCompositor(connect: () => UnixSocket, log: Logger): void {
  // (An inherited connection can be used once.)
  if (process.env.WAYLAND_SOCKET) return;
  try {
    connect().close();
  } catch (error) {
    const hint = 'WAYLAND_DISPLAY and XDG_RUNTIME_DIR have to be those of a running compositor';
    log.warn({ reason: (error as Error).message, hint }, 'nowhere to show windows');
  }
}

/** The command line has the last word. */
function withOptions(policy: FirewallPolicy, { border, borderColor }: ForwardOptions): FirewallPolicy {
  const { show, color, width } = policy.border;
  return { ...policy, border: { show: border ?? show, color: borderColor ?? color, width } };
}

export class Service {
  readonly device: GpuDevice;
  private readonly options: RunOptions;
  private readonly host: HostAccess;
  private readonly log: Logger;
  /** Null where neither windows nor forwarding are asked for. */
  private readonly desktop: Desktop | null;
  private readonly region: SharedRegion | null;
  private readonly ivshmem: { readonly region: SharedRegion; readonly link: RegionLink } | null;
  private readonly inputs: InputDevices;
  private readonly udmabuf = new UdmabufExporter();
  private readonly firewall: WaylandFirewall | null;
  private readonly windows: { readonly system: WindowSystem; readonly sink: ScanoutWindows } | null;
  /** Times that a ring waited because its driver was over the limit of commands. */
  private ringRests = 0;
  private readonly outside: Outside | null;
  /** What is there, to be closed the last first. */
  private readonly parts: { close(): void }[] = [];

  /**
   * Rejects with the system's error when a socket or memory can't be had, and a PolicyError for a policy that is none;
   * nothing is left behind then. `host` is told what will be asked of it. Nothing is loaded later.
   */
  static async create(options: RunOptions, host: HostAccess, log: Logger): Promise<Service> {
    const isDesktop = options.window !== null || options.forward !== null;
    const desktop = isDesktop ? await import('./desktop.js') : null;
    const outside = await Outside.open(options, host, log);
    return new Service(options, host, log, desktop, outside);
  }

  private constructor(
    options: RunOptions,
    host: HostAccess,
    log: Logger,
    desktop: Desktop | null,
    outside: Outside | null,
  ) {
    this.options = options;
    this.host = host;
    this.log = log;
    this.desktop = desktop;
    this.outside = outside;
    try {
      this.inputs = this.makeInputs();
      this.region = this.makeRegion();
      this.ivshmem = this.makeIvshmem();
      this.windows = options.window === null ? null : this.makeWindows(options.window);
      this.firewall = options.forward === null ? null : this.keep(this.makeFirewall(options.forward));
      this.device = this.keep(this.makeDevice());
      this.serveOutside();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Counters of all parts. */
  get status(): Readonly<Record<string, unknown>> & { readonly device: GpuStatus } {
    return {
      device: this.device.status,
      region: this.region?.metrics ?? null,
      windows: this.windows?.sink.metrics ?? null,
      forwardedClients: this.firewall?.clientCount ?? 0,
      inputs: this.inputs.status,
      viewer: this.outside?.viewerStatus ?? null,
      ringRests: this.ringRests,
      descriptors: descriptorUse(),
    };
  }

  /** Where browsers look on; null where there is no viewer. */
  get viewerAddress(): string | null {
    return this.outside?.viewerAddress ?? null;
  }

  /** How many commands rings may have carried out, those of input devices as well. */
  get rate(): Rate {
    return { chainsPerSecond: this.options.commandsPerSecond, onRest: () => this.ringRests++ };
  }

  /** A machine left: its windows go, and the next one finds its monitors as they were asked for. */
  machineLeft(): void {
    this.windows?.sink.clear();
    for (const [id, mode] of this.options.outputs.entries()) {
      void this.device.setOutput(id, { ...mode, enabled: true });
    }
    this.outside?.machineLeft();
  }

  /** Gives everything back. Idempotent. */
  close(): void {
    // Whoever is outside lets go of what it holds pressed.
    this.outside?.close();
    this.windows?.sink.clear();
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) part.close();
  }

  private keep<T extends { close(): void }>(part: T): T {
    this.parts.push(part);
    return part;
  }

  private makeInputs(): InputDevices {
    const { logLevel, logFormat } = this.options;
    const inputs = new InputDevices(
      this.options.inputs,
      (device) => createLogger(logLevel, logFormat, { device }),
      this.rate,
    );
    this.host.removeAtEnd(...inputPlaces(this.options.inputs).filter((place) => typeof place === 'string'));
    return this.keep(inputs);
  }

  private makeDevice(): GpuDevice {
    const { options, log } = this;
    return new GpuDevice({
      outputs: options.outputs,
      limits: options.limits,
      region: this.region,
      udmabuf: this.udmabuf,
      qemuDmabuf: options.qemuDmabuf,
      ivshmem: this.ivshmem?.region ?? null,
      trace: this.makeTrace(),
      contexts: options.contexts ? { channels: this.makeChannels(), limits: options.contextLimits } : null,
      sinks: [this.windows?.sink, this.outside?.sink].filter((sink) => sink !== undefined),
      log,
    });
  }

  private makeTrace(): CommandTrace | null {
    const { trace } = this.options;
    if (trace === null) return null;
    return new CommandTrace(this.keep(new TraceOutput(trace.path, trace.bytesMax, this.log)).write);
  }

  private makeRegion(): SharedRegion | null {
    const { regionBytes, window, limits } = this.options;
    if (regionBytes === null) return null;
    // Pictures lie in the region only where a compositor is to see them: ordinary memory is faster to get.
    const hostBytes = window === null ? 0 : Math.min(limits.maxHostBytes, HOST_BYTES_MAX);
    return this.keep(SharedRegion.create({ windowBytes: regionBytes, hostBytes }));
  }

  /** A front-end without shared memory regions gets the same memory as that of a PCI device of its own. */
  private makeIvshmem(): Service['ivshmem'] {
    const { regionBytes, ivshmemPath } = this.options;
    if (regionBytes === null || ivshmemPath === null) return null;
    const region = this.keep(SharedRegion.create({ windowBytes: 0, hostBytes: regionBytes }));
    const link = this.keep(new RegionLink(region, ivshmemPath));
    this.host.removeAtEnd(ivshmemPath);
    return { region, link };
  }

  private makeFirewall(options: ForwardOptions): WaylandFirewall {
    const { log, host, loaded } = this;
    const { askBy, DEFAULT_POLICY, parsePolicy, questionWords, WaylandFirewall } = loaded;
    const { label, policyPath, trace } = options;
    const read =
      policyPath === null ? DEFAULT_POLICY : parsePolicy(readFileSync(policyPath, 'utf8'), policyPath);
    const policy = withOptions(read, options);
    const connect = this.compositor();
    checkCompositor(connect, log);
    host.allowAsk(policy.ask, { direct: askBy(policy.ask), words: questionWords });
    const firewall = new WaylandFirewall({
      vm: label,
      policy,
      region: this.sharedRegion,
      connect,
      enter: host.connect,
      ask: host.ask,
      log: { info: (message) => log.info({}, message), warn: (message) => log.warn({}, message) },
      dmabuf: this.udmabuf.available,
      trace: trace ? (line) => log.info({}, line) : null,
    });
    if (firewall.contextSocket !== null) {
      host.allow(firewall.contextSocket.path);
      host.removeAtEnd(firewall.contextSocket.path, firewall.contextSocket.folder);
    }
    return firewall;
  }

  /** The last of all: what can be asked for has to be there. */
  private serveOutside(): void {
    const { outside, device, inputs, firewall, options } = this;
    outside?.serve({
      device,
      outputCount: options.outputs.length,
      inputs,
      placeOf: (output) => this.placeOf(output),
      status: () => this.status,
      firewall,
      readPolicy: (document) => {
        const policy = this.loaded.policyFrom(document);
        return options.forward === null ? policy : withOptions(policy, options.forward);
      },
    });
  }

  /** How to connect to the compositor. */
  private compositor(): () => UnixSocket {
    const { host } = this;
    const { compositorPath, connectToCompositor } = this.loaded;
    try {
      host.allow(compositorPath());
    } catch {
      // No place is known: whoever connects is told so.
    }
    return () => connectToCompositor(process.env, host.connect);
  }

  /** What contexts of the guest can be connected to. */
  private makeChannels(): ChannelFactory {
    const { firewall } = this;
    if (firewall === null) return { types: [], open: () => null };
    return {
      types: [CHANNEL_WAYLAND],
      open: (type, owner) => (type === CHANNEL_WAYLAND ? firewall.open(owner) : null),
    };
  }

  /** The region, for parts that can't be without; the options were checked. */
  private get sharedRegion(): SharedRegion {
    if (this.region === null) throw new Error('there is no shared region');
    return this.region;
  }

  /** What windows and forwarding are made of, for these. */
  private get loaded(): Desktop {
    if (this.desktop === null) throw new Error('neither windows nor forwarding were asked for');
    return this.desktop;
  }

  private makeWindows(window: WindowOptions): NonNullable<Service['windows']> {
    const { log, loaded, sharedRegion: region } = this;
    const { DmabufImporter, ScanoutWindows, WindowSystem } = loaded;
    let importer: DmabufImporter | null = null;
    const system = this.keep(
      new WindowSystem({
        connect: this.compositor(),
        pool: { fd: region.fd, bytes: region.bytes },
        appId: window.appId,
        onStateChange: (display) => {
          importer = display === null ? null : new DmabufImporter(display);
        },
        log: { info: (message) => log.info({}, message), warn: (message) => log.warn({}, message) },
      }),
    );
    const sink = new ScanoutWindows({
      system,
      region,
      importer: () => importer,
      title: window.title,
      fullscreen: window.fullscreen,
      input: (output) => this.inputs.forOutput(output, () => this.placeOf(output), window.pointer),
      onResize: (output, width, height) => this.changeOutput(output, width, height),
      onClose: (output) => {
        log.info({ output }, 'the window was closed: its output is unplugged');
        void this.device.setOutput(output, { enabled: false });
      },
    });
    return { system, sink };
  }

  private changeOutput(output: number, width: number, height: number): void {
    const size = { width: clampSize(width), height: clampSize(height) };
    this.log.debug({ output, ...size }, 'the window has another size');
    void this.device.setOutput(output, size);
  }

  /** Outputs stand side by side; a tablet that all of them share covers them all. */
  private placeOf(output: number): OutputPlace {
    const modes = this.device.outputModes.filter(({ enabled }) => enabled);
    const mode = this.device.outputModes[output];
    const width = Math.max(...modes.map((each) => each.x + each.width));
    const height = Math.max(...modes.map((each) => each.y + each.height));
    if (!mode?.enabled) return { x: 0, y: 0, width: 1, height: 1 };
    return {
      x: mode.x / width,
      y: mode.y / height,
      width: mode.width / width,
      height: mode.height / height,
    };
  }
}
