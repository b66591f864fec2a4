/** No counter is forgotten: whatever number the service's status has is a metric. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { silentLogger } from 'vhost-user-ts';
import { parseCommandLine } from '../../src/cli/options.js';
import { HostAccess } from '../../src/cli/sandbox/host-access.js';
import { Service } from '../../src/cli/service.js';
import { exposition } from '../../src/control/metrics/exposition.js';
import { METRICS } from '../../src/control/metrics/table.js';
import { parseMetrics } from './prometheus.js';

/** Paths of all numbers and booleans; the device's name and the reasons are labels. */
function leaves(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === 'number' || typeof value === 'boolean') return [path.join('.')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => leaves(item, [...path, name]));
}

function declared(path: string): boolean {
  return METRICS.some((metric) => {
    const words = metric.path.split('.');
    const parts = path.split('.');
    return words.length === parts.length && words.every((word, i) => word === '*' || word === parts[i]);
  });
}

t.test('every number of the status', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  const at = (name: string): string => join(folder, name);
  const sockets = ['keyboard', 'tablet', 'mouse', 'touch'].map((kind) => `--${kind}-socket=${at(kind)}`);
  const line = parseCommandLine(
    [
      ...[`--socket-path=${at('s')}`, '--window', '--log-level=silent', ...sockets],
      ...[`--viewer=${at('viewer')}`, `--viewer-token-file=${at('tokens')}`],
    ],
    '0',
  );
  if (line.action !== 'run') throw new Error('a command line that runs');
  const service = await Service.create(line.options, new HostAccess(), silentLogger);
  try {
    const { status } = service;
    const paths = leaves(status);
    t.ok(paths.length > 60, `${paths.length} numbers`);
    for (const path of paths) t.ok(declared(path), path);
    const samples = [...parseMetrics(exposition(status)).values()].map((family) => family.samples.size);
    t.equal(
      samples.reduce((sum, count) => sum + count, 0),
      paths.length,
    );
  } finally {
    service.close();
    rmSync(folder, { recursive: true });
  }
});

t.test('labels are escaped, what is missing is left out', async (t) => {
  const text = exposition({ inputs: { 'a "b"\\\n': { live: true } }, device: { commands: 3 } });
  const families = parseMetrics(text);
  t.same([...families.keys()], ['vhost_user_gpu_commands_total', 'vhost_user_gpu_input_live']);
  t.same(
    [...(families.get('vhost_user_gpu_input_live')?.samples.keys() ?? [])],
    ['{device="a \\"b\\"\\\\\\n"}'],
  );
});
