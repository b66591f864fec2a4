/** The composition root: puts device, socket and log together and runs until the end. */
import { reserveDescriptors } from 'vhost-user-native';
import { BackEndServer, type Logger } from 'vhost-user-ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNAVAILABLE } from './exit-codes.js';
import { createLogger } from './logging.js';
import { forgetPassed } from './options/activation.js';
import { inputPlaces } from './options/input.js';
import type { Endpoint, RunOptions } from './options.js';
import { HostAccess } from './sandbox/host-access.js';
import { checkSandbox, enterSandbox, leaveIoUring, SandboxError } from './sandbox/sandbox.js';
import { Service } from './service.js';
import { Starter, starterFds } from './starter.js';

/** Descriptors that no guest gets: memory regions and eventfds of the next front-end, and what comes with them. */
const RESERVED_DESCRIPTORS = 256;

function describe(endpoint: Endpoint): string {
  return endpoint.kind === 'path' ? endpoint.path : `descriptor ${endpoint.fd}`;
}

/** Descriptors that somebody opened for us. */
function inheritedFds({ endpoint, inputs }: RunOptions): number[] {
  const compositor = Number.parseInt(process.env.WAYLAND_SOCKET ?? '', 10);
  return [
    ...(endpoint.kind === 'fd' ? [endpoint.fd] : []),
    ...(compositor >= 0 ? [compositor] : []),
    ...inputPlaces(inputs).filter((place) => typeof place === 'number'),
    ...starterFds(process.env),
  ];
}

/** Resolves with the exit code: at SIGTERM or SIGINT, or when the only connection (`--fd`) has ended. */
export async function run(options: RunOptions): Promise<number> {
  leaveIoUring(options.sandbox, inheritedFds(options));
  forgetPassed(process.env);
  const log = createLogger(options.logLevel, options.logFormat);
  // Before anything is there that would be left behind.
  const signalled = untilSignal();
  reserveDescriptors(RESERVED_DESCRIPTORS);
  const host = new HostAccess();
  let starter: Starter | null = null;
  let service: Service;
  try {
    checkSandbox(options.sandbox);
    starter = new Starter(process.env);
    service = await Service.create(options, host, log);
  } catch (error) {
    log.error({ reason: (error as Error).message }, 'cannot start');
    starter?.close();
    return error instanceof SandboxError ? EXIT_UNAVAILABLE : EXIT_FAILURE;
  }
  const reportStatus = (): void => log.info(service.status, 'status');
  process.on('SIGUSR2', reportStatus);
  try {
    return await serve({ service, host, starter, log, signalled }, options);
  } finally {
    process.off('SIGUSR2', reportStatus);
    host.removePaths();
    service.close();
    host.close();
    starter.close();
  }
}

/** Resolves when the process is asked to end; a second time it ends at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** What is there by the time that front-ends can be served. */
interface Parts {
  readonly service: Service;
  readonly host: HostAccess;
  readonly starter: Starter;
  readonly log: Logger;
  readonly signalled: Promise<NodeJS.Signals>;
}

function serve(
  { service, host, starter, log, signalled }: Parts,
  { endpoint, sandbox, ivshmemPath, busyWaitUs }: RunOptions,
): Promise<number> {
  return new Promise((resolve) => {
    let failure: Error | null = null;
    let server: BackEndServer | null = null;
    let ready = false;
    let orphaned = false;
    const end = (): void => {
      starter.stopping();
      resolve(EXIT_OK);
      host.removePaths();
      server?.close();
    };
    const reportListening = (): void => {
      if (ready) log.info({ endpoint: describe(endpoint) }, 'listening');
    };
    void signalled.then((signal) => {
      log.info({ signal }, 'ending');
      end();
    });
    void starter.left.then(() => {
      orphaned = true;
      if (server?.busy !== true) end();
    });
    try {
      server = new BackEndServer(
        service.device,
        endpoint.kind === 'path' ? { path: endpoint.path } : { fd: endpoint.fd },
        {
          log,
          busyWaitUs,
          ...service.rate,
          onListening: reportListening,
          onDisconnected: (reason) => {
            failure = reason;
            service.machineLeft();
            if (orphaned) end();
          },
          // A listener starts over after a bad connection; a connection of its own has nothing to start over.
          onClosed: () => resolve(failure !== null && endpoint.kind === 'fd' ? EXIT_FAILURE : EXIT_OK),
        },
      );
      if (endpoint.kind === 'path') host.removeAtEnd(endpoint.path);
      // Before anything that a front-end sent is looked at. (QEMU opens an ivshmem device's memory through /proc.)
      enterSandbox({ mode: sandbox, dumpable: ivshmemPath !== null }, host, log);
      ready = true;
      starter.ready();
      if (!server.busy) reportListening();
    } catch (error) {
      log.error({ endpoint: describe(endpoint), reason: (error as Error).message }, 'cannot serve');
      resolve(EXIT_FAILURE);
      server?.close();
    }
  });
}
