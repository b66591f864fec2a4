#!/usr/bin/env node
/** The command `wayland-guest-proxy`. */
import { readFileSync } from 'node:fs';
import { openVirtGpu } from './gpu/drm-virt-gpu.js';
import type { VirtGpu } from './gpu/virt-gpu.js';
import { type ProxyOptions, parseCommandLine } from './options.js';
import { type Listening, listen } from './server/listen.js';
import { createLog, type Log } from './server/log.js';
import { GuestProxyServer } from './server/server.js';

const EXIT_OK = 0;
const EXIT_FAILURE = 1;

function packageVersion(): string {
  // From dist/src/wayland/guest to the package's root.
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Says at once what is missing. It may come later: each client asks again. */
function checkGpu(openGpu: () => VirtGpu, log: Log): void {
  try {
    openGpu().close();
  } catch (error) {
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'no device');
  }
}

/** Resolves with the exit code. */
function run(options: ProxyOptions): Promise<number> {
  const log = createLog(options.logLevel);
  let listening: Listening;
  try {
    listening = listen(options.endpoint);
  } catch (error) {
    log.error({ reason: error instanceof Error ? error.message : String(error) }, 'cannot listen');
    return Promise.resolve(EXIT_FAILURE);
  }
  const openGpu = (): VirtGpu => openVirtGpu(options.device);
  checkGpu(openGpu, log);
  const server = new GuestProxyServer(listening.listeners, { ...options, openGpu, log });
  return new Promise((resolve) => {
    process.on('SIGUSR2', () => server.report());
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log.info({ signal }, 'ending');
        server.close();
        listening.close();
        resolve(EXIT_OK);
      });
    }
    log.info({ display: listening.display }, 'listening');
  });
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'doctor') {
    const doctor = await import('./doctor/main.js');
    return doctor.main(args.slice(1));
  }
  const command = parseCommandLine([...args], packageVersion());
  return command.action === 'exit' ? command.code : run(command.options);
}

process.exitCode = await main(process.argv.slice(2));
