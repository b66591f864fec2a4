/** The composition root: puts device, socket and log together and runs until the end. */
import { BackEndServer, type Logger } from 'vhost-user-ts';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.js';
import { createLogger } from './logging.js';
import type { Endpoint, RunOptions } from './options.js';
import { Service } from './service.js';

function describe(endpoint: Endpoint): string {
  return endpoint.kind === 'path' ? endpoint.path : `descriptor ${endpoint.fd}`;
}

/** Resolves with the exit code: at SIGTERM or SIGINT, or when the only connection (`--fd`) has ended. */
export async function run(options: RunOptions): Promise<number> {
  const log = createLogger(options.logLevel, options.logFormat);
  // Before anything is there that would be left behind.
  const signalled = untilSignal();
  let service: Service;
  try {
    service = await Service.create(options, log);
  } catch (error) {
    log.error({ reason: (error as Error).message }, 'cannot start');
    return EXIT_FAILURE;
  }
  const reportStatus = (): void => log.info(service.status, 'status');
  process.on('SIGUSR2', reportStatus);
  try {
    return await serve(service, options, log, signalled);
  } finally {
    process.off('SIGUSR2', reportStatus);
    service.close();
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
  { endpoint, busyWaitUs }: RunOptions,
  log: Logger,
  signalled: Promise<NodeJS.Signals>,
): Promise<number> {
  return new Promise((resolve) => {
    let failure: Error | null = null;
    let server: BackEndServer | null = null;
    void signalled.then((signal) => {
      log.info({ signal }, 'ending');
      resolve(EXIT_OK);
      server?.close();
    });
    try {
      server = new BackEndServer(
        service.device,
        endpoint.kind === 'path' ? { path: endpoint.path } : { fd: endpoint.fd },
        {
          log,
          busyWaitUs,
          onListening: () => log.info({ endpoint: describe(endpoint) }, 'listening'),
          onDisconnected: (reason) => {
            failure = reason;
            service.machineLeft();
          },
          // A listener starts over after a bad connection; a connection of its own has nothing to start over.
          onClosed: () => resolve(failure !== null && endpoint.kind === 'fd' ? EXIT_FAILURE : EXIT_OK),
        },
      );
    } catch (error) {
      log.error({ endpoint: describe(endpoint), reason: (error as Error).message }, 'cannot serve');
      resolve(EXIT_FAILURE);
    }
  });
}
