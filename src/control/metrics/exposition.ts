/** The text format of Prometheus, version 0.0.4. */
import { METRICS, type MetricDeclaration } from './table.js';

const PREFIX = 'vhost_user_gpu_';

interface Sample {
  /** Of the *; null where there is none. */
  readonly label: string | null;
  readonly value: number;
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : null;
}

/** What is there at the path, for each property that a * stands for. */
function samplesAt(value: unknown, words: readonly string[], label: string | null): Sample[] {
  const [word, ...rest] = words;
  if (word === undefined) {
    const number = numberOf(value);
    return number === null ? [] : [{ label, value: number }];
  }
  if (typeof value !== 'object' || value === null) return [];
  if (word !== '*') return samplesAt((value as Record<string, unknown>)[word], rest, label);
  return Object.entries(value).flatMap(([name, item]) => samplesAt(item, rest, name));
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function family({ path, name, type, help, label }: MetricDeclaration, status: unknown): string {
  const samples = samplesAt(status, path.split('.'), null);
  if (samples.length === 0) return '';
  const full = `${PREFIX}${name}`;
  const lines = samples.map((sample) => {
    const labels = sample.label === null ? '' : `{${label}="${escapeLabel(sample.label)}"}`;
    return `${full}${labels} ${sample.value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

/** All metrics that there is a value of in the status. */
export function exposition(status: unknown): string {
  return METRICS.map((metric) => family(metric, status)).join('');
}
