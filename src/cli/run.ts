/** The composition root: puts device, socket and log together and runs until the end. */
import { reserveDescriptors } from 'vhost-user-native';
import { BackEndServer, type Logger } from 'vhost-user-ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNAVAILABLE } from './exit-codes.js';
import { createLogger } from './logging.js';
import type { Endpoint, RunOptions } from './options.js';
import { HostAccess } from './sandbox/host-access.js';
import { checkSandbox, enterSandbox, leaveIoUring, SandboxError } from './sandbox/sandbox.js';
import { Service } from './service.js';

/** Descriptors that no guest gets: memory regions and eventfds of the next front-end, and what comes with them. */
const RESERVED_DESCRIPTORS = 256;

function describe(endpoint: Endpoint): string {
  return endpoint.kind === 'path' ? endpoint.path : `descriptor ${endpoint.fd}`;
}

/** Descriptors that somebody opened for us. */
function inheritedFds({ endpoint }: RunOptions): number[] {
  const compositor = Number.parseInt(process.env.WAYLAND_SOCKET ?? '', 10);
  return [...(endpoint.kind === 'fd' ? [endpoint.fd] : []), ...(compositor >= 0 ? [compositor] : [])];
}

/** Resolves with the exit code: at SIGTERM or SIGINT, or when the only connection (`--fd`) has ended. */
export async function run(options: RunOptions): Promise<number> {
  leaveIoUring(options.sandbox, inheritedFds(options));
  const log = createLogger(options.logLevel, options.logFormat);
  // Before anything is there that would be left behind.
  const signalled = untilSignal();
  reserveDescriptors(RESERVED_DESCRIPTORS);
  const host = new HostAccess();
  let service: Service;
  try {
    checkSandbox(options.sandbox);
    service = await Service.create(options, host, log);
  } catch (error) {
    log.error({ reason: (error as Error).message }, 'cannot start');
    return error instanceof SandboxError ? EXIT_UNAVAILABLE : EXIT_FAILURE;
  }
  const reportStatus = (): void => log.info(service.status, 'status');
  process.on('SIGUSR2', reportStatus);
  try {
    return await serve(service, host, options, log, signalled);
  } finally {
    process.off('SIGUSR2', reportStatus);
    host.removePaths();
    service.close();
    host.close();
  }
}

/** Resolves when the process is asked to end; a second time it ends at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

function serve(
  service: Service,
  host: HostAccess,
  { endpoint, sandbox, ivshmemPath, busyWaitUs }: RunOptions,
  log: Logger,
  signalled: Promise<NodeJS.Signals>,
): Promise<number> {
  return new Promise((resolve) => {
    let failure: Error | null = null;
    let server: BackEndServer | null = null;
    let ready = false;
    const reportListening = (): void => {
      if (ready) log.info({ endpoint: describe(endpoint) }, 'listening');
    };
    void signalled.then((signal) => {
      log.info({ signal }, 'ending');
      resolve(EXIT_OK);
      host.removePaths();
      server?.close();
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
          },
          // A listener starts over after a bad connection; a connection of its own has nothing to start over.
          onClosed: () => resolve(failure !== null && endpoint.kind === 'fd' ? EXIT_FAILURE : EXIT_OK),
        },
      );
      if (endpoint.kind === 'path') host.removeAtEnd(endpoint.path);
      // Before anything that a front-end sent is looked at. (QEMU opens an ivshmem device's memory through /proc.)
      enterSandbox({ mode: sandbox, dumpable: ivshmemPath !== null }, host, log);
      ready = true;
      if (!server.busy) reportListening();
    } catch (error) {
      log.error({ endpoint: describe(endpoint), reason: (error as Error).message }, 'cannot serve');
      resolve(EXIT_FAILURE);
      server?.close();
    }
  });
}
