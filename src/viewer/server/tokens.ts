/** Who may look on, and who may do more: two secrets, of which a viewer shows one. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';

const RANDOM_BYTES = 24;
/** 128 bits in the alphabet of base64url, at least. */
const TOKEN = /^[A-Za-z0-9_-]{22,200}$/;
const FILE_BYTES_MAX = 4096;

export interface Tokens {
  /** Sees and controls. */
  readonly control: string;
  /** Sees; null = nobody only sees. */
  readonly view: string | null;
}

export function randomTokens(): Tokens {
  const token = (): string => randomBytes(RANDOM_BYTES).toString('base64url');
  return { control: token(), view: token() };
}

function parseTokens(text: string, path: string): Tokens {
  const [control = '', view = null, ...more] = text.replace(/\n$/, '').split('\n');
  const right = TOKEN.test(control) && (view === null || TOKEN.test(view)) && more.length === 0;
  if (!right || control === view) {
    throw new Error(
      `${path}: expected a line with the token for control and, if you like, another with the one for looking on: ` +
        '22 to 200 letters, digits, - and _ each',
    );
  }
  return { control, view };
}

function readTokens(path: string): Tokens {
  const fd = openSync(path, 'r');
  try {
    const { mode, size } = fstatSync(fd);
    if ((mode & 0o077) !== 0) throw new Error(`${path} is open to others: chmod 600 it`);
    if (size > FILE_BYTES_MAX) throw new Error(`${path} is too large for two tokens`);
    return parseTokens(readFileSync(fd, 'utf8'), path);
  } finally {
    closeSync(fd);
  }
}

/** The tokens of a file; a file that is not there is made, for its owner only, with new ones. Throws what is wrong. */
export function tokensOf(path: string): Tokens {
  const made = randomTokens();
  try {
    writeFileSync(path, `${made.control}\n${made.view}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readTokens(path);
  }
}

function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** What a token allows; null when it is none of them. Takes the same time whichever it is. */
export function rightOf(token: string, { control, view }: Tokens): 'control' | 'view' | null {
  const isControl = same(token, control);
  const isView = same(token, view ?? control) && view !== null;
  if (isControl) return 'control';
  return isView ? 'view' : null;
}
