/** Window mode's results as Markdown tables. */
import { number, ratio, table } from '../report.js';
import type { CopyResult } from './copies.js';
import type { DelayResult, FirewallResult } from './forwarding.js';
import type { PresentResult } from './presents.js';

export function presentTable(results: readonly PresentResult[]): string {
  const head = [
    'picture',
    'compositor',
    'frames/s',
    'CPU µs/frame',
    'receipt p50 µs',
    'p99 µs',
    'bytes copied',
  ];
  const rows = results.map((result) => [
    result.size,
    result.compositor,
    ratio(result.framesPerSecond),
    ratio(result.cpuUsPerFrame),
    number(result.receiptP50Us),
    number(result.receiptP99Us),
    number(result.bytesCopied),
  ]);
  return table(head, rows);
}

export function firewallTable(results: readonly FirewallResult[]): string {
  const rows = results.map(({ surfaces, commitsPerSecond, messagesPerCpuSecond }) => [
    String(surfaces),
    ratio(commitsPerSecond),
    ratio(messagesPerCpuSecond),
  ]);
  return table(['firewall: surfaces', 'commits/s', 'messages per CPU second'], rows);
}

export function delayTable(delay: DelayResult): string {
  const rows = [
    ['direct', number(delay.directP50Us), number(delay.directP99Us)],
    ['through the firewall', number(delay.forwardedP50Us), number(delay.forwardedP99Us)],
  ];
  return table(['commit to receipt', 'p50 µs', 'p99 µs'], rows);
}

export function copyTable(results: readonly CopyResult[]): string {
  const megabytes = ({ median }: { readonly median: number }): string => number(median / 1e6);
  const rows = results.map((result) => [
    result.title,
    megabytes(result.plainBytesPerSecond),
    megabytes(result.damageBytesPerSecond),
    ratio(result.ratio),
  ]);
  return table(["guest proxy's copy", 'plain copy MB/s', 'damage copy MB/s', 'ratio'], rows);
}
