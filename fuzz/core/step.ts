/**
 * What a case is made of, and the text files that cases are kept in: one step a line, its kind, words that say more,
 * and its bytes in hexadecimal. What follows a '#' is for people.
 */

export interface Step {
  readonly kind: string;
  readonly words: readonly string[];
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export function step(kind: string, words: readonly string[] = [], bytes: Uint8Array = NOTHING): Step {
  return { kind, words, bytes };
}

export function formatSteps(steps: readonly Step[]): string {
  return steps
    .map(({ kind, words, bytes }) => {
      const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
      return `${[kind, ...words, ...(hex === '' ? [] : [`=${hex}`])].join(' ')}\n`;
    })
    .join('');
}

/** Throws an Error that names the line when it is none of ours. */
export function parseSteps(text: string, source: string): Step[] {
  const steps: Step[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const tokens = line
      .replace(/#.*/, '')
      .split(' ')
      .filter((token) => token !== '');
    const [kind, ...rest] = tokens;
    if (kind === undefined) continue;
    const hex = rest.at(-1)?.startsWith('=') === true ? (rest.pop() ?? '').slice(1) : '';
    if (!/^([0-9a-f]{2})*$/.test(hex))
      throw new Error(`${source}:${index + 1}: bytes that are no hexadecimal`);
    steps.push({ kind, words: rest, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) });
  }
  return steps;
}
