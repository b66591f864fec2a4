/** Results as Markdown tables. */
import type { CaseResult, Sample, SubjectResult } from './measure.js';
import { type Spread, spreadOf } from './statistics.js';
import type { Vitals } from './vitals.js';

/** Ratios of a number of the samples, pair by pair in the order of the turns. */
export function ratioOf(subject: SubjectResult, reference: SubjectResult, field: keyof Sample): Spread {
  const pairs = subject.samples.map(
    (sample, i) => sample[field] / (reference.samples[i]?.[field] ?? Number.NaN),
  );
  return spreadOf(pairs);
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(value >= 10 ? 3 : 2);
}

export function ratio({ median, min, max }: Spread): string {
  return `**${number(median)}** (${number(min)}–${number(max)})`;
}

/** One row for each case and subject: its own numbers. */
export function absoluteTable(cases: readonly CaseResult[]): string {
  const rows = cases.flatMap(({ title, results }) =>
    results.map(({ subject, samples, peakKiB }) => {
      const median = (field: keyof Sample): number => spreadOf(samples.map((sample) => sample[field])).median;
      return [
        title,
        subject,
        number(median('perSecond')),
        number(median('p50Us')),
        number(median('p99Us')),
        number(median('p999Us')),
        number(median('cpuUsPerOperation')),
        number(peakKiB / 1024),
      ];
    }),
  );
  const head = ['case', 'back-end', '/s', 'p50 µs', 'p99 µs', 'p99.9 µs', 'CPU µs/op', 'peak MB'];
  return table(head, rows);
}

/** One row for each case: every subject in relation to the first one. Above 1 is more. */
export function ratioTable(cases: readonly CaseResult[]): string {
  const [reference, ...others] = cases[0]?.results ?? [];
  const name = reference?.subject ?? '';
  const head = ['case', `${name}: /s`, `${name}: p50 µs`];
  for (const { subject } of others) {
    head.push(`${subject}: rate`, 'p50', 'p99.9', 'CPU/op');
  }
  const rows = cases.map(({ title, results: [first, ...rest] }) => {
    if (first === undefined) return [title];
    const median = (field: keyof Sample): string =>
      number(spreadOf(first.samples.map((sample) => sample[field])).median);
    const row = [title, median('perSecond'), median('p50Us')];
    for (const subject of rest) {
      row.push(ratio(ratioOf(subject, first, 'perSecond')));
      for (const field of ['p50Us', 'p999Us', 'cpuUsPerOperation'] as const) {
        row.push(number(ratioOf(subject, first, field).median));
      }
    }
    return row;
  });
  return table(head, rows);
}

/** One row for each subject. */
export function vitalsTable(all: readonly Vitals[]): string {
  const mb = (kib: number): string => number(kib / 1024);
  const rows = all.map(({ subject, startMs, fresh, warm, worked, idleCpuUs, idleWakeUps }) => [
    subject,
    `${number(startMs.median)} (${number(startMs.min)}–${number(startMs.max)})`,
    mb(fresh.residentKiB),
    mb(fresh.anonymousKiB),
    mb(warm.residentKiB),
    mb(worked.residentKiB),
    number(idleCpuUs),
    number(idleWakeUps),
  ]);
  const head = [
    'back-end',
    'start ms',
    'fresh: resident MB',
    'its own MB',
    'warm: resident MB',
    'after 10⁶ commands more',
    'idle: CPU µs/s',
    'wake-ups/s',
  ];
  return table(head, rows);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const separator = line(head.map((_, i) => (i === 0 ? '---' : '---:')));
  return [line(head), separator, ...rows.map(line)].join('\n');
}
