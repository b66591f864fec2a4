/** The composition root: puts device, socket and log together and runs until the end. */
import { BackEndServer } from 'vhost-user-ts';
import { GpuDevice } from '../virtio-gpu/index.js';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.js';
import { createLogger } from './logging.js';
import type { Endpoint, RunOptions } from './options.js';

function describe(endpoint: Endpoint): string {
  return endpoint.kind === 'path' ? endpoint.path : `descriptor ${endpoint.fd}`;
}

/** Resolves with the exit code: at SIGTERM or SIGINT, or when the only connection (`--fd`) has ended. */
export async function run(options: RunOptions): Promise<number> {
  const { endpoint } = options;
  const log = createLogger(options.logLevel, options.logFormat);
  const device = new GpuDevice({ outputs: options.outputs, limits: options.limits, log });
  return new Promise((resolve) => {
    let failure: Error | null = null;
    let server: BackEndServer | null = null;
    // Before anybody can know that the socket is there: a signal that comes then is obeyed as well.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log.info({ signal }, 'ending');
        resolve(EXIT_OK);
        server?.close();
      });
    }
    try {
      server = new BackEndServer(
        device,
        endpoint.kind === 'path' ? { path: endpoint.path } : { fd: endpoint.fd },
        {
          log,
          onListening: () => log.info({ endpoint: describe(endpoint) }, 'listening'),
          onDisconnected: (reason) => {
            failure = reason;
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
