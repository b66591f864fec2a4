/** A parser of Prometheus' text format (version 0.0.4), as strict as the format's description. */

export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  /** By labels, as text: {kind="short-command"}; '' without. */
  readonly samples: Map<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (-?[0-9.eE+-]+|NaN|[+-]Inf)$`);

/** Throws an Error that names the line which is wrong. */
export function parseMetrics(text: string): Map<string, MetricFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, MetricFamily>();
  const helps = new Map<string, string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, word, name = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line) ?? [];
    if (word === 'HELP') {
      if (helps.has(name)) throw new Error(`a second HELP: ${line}`);
      helps.set(name, rest);
    } else if (word === 'TYPE') {
      if (families.has(name) || !/^(counter|gauge|untyped)$/.test(rest)) throw new Error(`bad TYPE: ${line}`);
      families.set(name, { type: rest, help: helps.get(name) ?? '', samples: new Map() });
      current = name;
    } else {
      const [, metric = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
      const samples = families.get(metric)?.samples;
      if (metric !== current || samples === undefined) throw new Error(`bad sample: ${line}`);
      if (samples.has(labels)) throw new Error(`twice: ${line}`);
      if (Number.isNaN(Number(value))) throw new Error(`bad value: ${line}`);
      samples.set(labels, Number(value));
    }
  }
  return families;
}
