/**
 * Ends the process when a case hangs: a loop without end leaves nobody else who could. The worker's main module, too.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** A case takes milliseconds; this is for a machine that is very busy. */
const HANG_MS = 120_000;
/** The clock of a process that was stopped goes on; these ticks do not. */
const TICK_MS = 1000;

/**
 * Starts to watch. What is returned is called whenever a case is over, with the number of the next one. The watchdog has by
 * then opened all that it opens: descriptors are counted from now on.
 */
export async function startWatchdog(what: string): Promise<(caseIndex: number) => void> {
  const cases = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { what, cases } });
  await once(worker, 'message');
  worker.unref();
  return (caseIndex) => Atomics.store(cases, 0, caseIndex);
}

function watch({ what, cases }: { readonly what: string; readonly cases: Int32Array }): void {
  parentPort?.postMessage('watching');
  let ticks = 0;
  let last = Atomics.load(cases, 0);
  while (ticks * TICK_MS < HANG_MS) {
    Atomics.wait(cases, 0, last, TICK_MS);
    const now = Atomics.load(cases, 0);
    ticks = now === last ? ticks + 1 : 0;
    if (now !== last) Atomics.wait(SLEEP, 0, 0, TICK_MS);
    last = now;
  }
  writeSync(2, `${what}, case ${last}: it hangs\n`);
  process.kill(process.pid, 'SIGABRT');
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));
if (!isMainThread) watch(workerData as Parameters<typeof watch>[0]);
