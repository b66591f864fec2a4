/** What the guest may do. `parse.ts` reads it from a file; docs and schema are in policy.schema.json. */
import { GLOBAL_RULES } from './globals.js';

/** Which way data may go. 'ask': both, each transfer after the ask command said yes. */
export type Direction = 'none' | 'to-guest' | 'from-guest' | 'both' | 'ask';

export interface TransferPolicy {
  readonly direction: Direction;
  /** MIME types, '*' matching any run of characters. Types outside are not offered, either way. */
  readonly mimeTypes: readonly string[];
  /** Bytes of one transfer; it is cut off there. */
  readonly maxBytes: number;
}

export interface LabelPolicy {
  /** {vm} and {title}. */
  readonly title: string;
  /** {vm} and {appId}. */
  readonly appId: string;
  /** Characters of the guest's title that are shown. */
  readonly titleMax: number;
}

/** Drawn by us over the edge of what the guest shows. */
export interface BorderPolicy {
  /** 'auto': where the compositor has no security contexts, and so does not know whose windows they are. */
  readonly show: 'auto' | 'always' | 'never';
  /** #rrggbb. */
  readonly color: string;
  /** Logical pixels. */
  readonly width: number;
}

export interface WindowPolicy {
  readonly fullscreen: boolean;
  readonly maximize: boolean;
  readonly minimize: boolean;
  /** xdg_activation_v1.activate: raising windows, within what the compositor allows. */
  readonly activate: boolean;
  /** Pixels, each way, of cursors and drag icons. */
  readonly cursorSizeMax: number;
}

export interface AskPolicy {
  /** Program and arguments, run without a shell; what it is told is in ask.ts. */
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
}

/** All per connection. */
export interface LimitPolicy {
  readonly objects: number;
  readonly surfaces: number;
  readonly buffers: number;
  /** wl_callbacks and presentation feedbacks that were not answered yet. */
  readonly callbacks: number;
  /** Clipboard and drag transfers at a time. */
  readonly transfers: number;
  /** MIME types of one source or offer. */
  readonly mimeTypes: number;
  /** wl_region.add and subtract, on all regions that live. */
  readonly regionOperations: number;
  /** Sustained; as many again at once. Beyond, the guest waits. */
  readonly messagesPerSecond: number;
  /** Bytes from the guest that wait. */
  readonly backlogBytes: number;
  /** Bytes for the guest that wait. */
  readonly outputBytes: number;
}

export interface FirewallPolicy {
  readonly label: LabelPolicy;
  readonly border: BorderPolicy;
  /** Interfaces that are announced, with the highest version. */
  readonly globals: ReadonlyMap<string, number>;
  readonly clipboard: TransferPolicy;
  readonly primary: TransferPolicy;
  readonly dragAndDrop: TransferPolicy;
  readonly ask: AskPolicy | null;
  readonly windows: WindowPolicy;
  /** wp_security_context_v1: 'auto' uses it where the compositor has it, 'require' refuses to go without. */
  readonly securityContext: 'auto' | 'require' | 'off';
  readonly limits: LimitPolicy;
}

const TEXT_AND_PICTURES: readonly string[] = [
  'text/plain',
  'text/plain;charset=*',
  'UTF8_STRING',
  'STRING',
  'TEXT',
  'text/html',
  'text/rtf',
  'image/png',
  'image/jpeg',
  'image/bmp',
  'image/svg+xml',
];

export const DEFAULT_POLICY: FirewallPolicy = {
  label: { title: '[{vm}] {title}', appId: '{vm}.{appId}', titleMax: 256 },
  border: { show: 'never', color: '#e08000', width: 4 },
  globals: new Map(
    [...GLOBAL_RULES].filter(([, rule]) => rule.allowed).map(([name, rule]) => [name, rule.version]),
  ),
  clipboard: { direction: 'both', mimeTypes: TEXT_AND_PICTURES, maxBytes: 64 << 20 },
  // Selecting a word is enough to share it: too easy to happen by accident.
  primary: { direction: 'none', mimeTypes: TEXT_AND_PICTURES, maxBytes: 1 << 20 },
  dragAndDrop: { direction: 'both', mimeTypes: ['*'], maxBytes: 64 << 20 },
  ask: null,
  windows: { fullscreen: false, maximize: true, minimize: true, activate: true, cursorSizeMax: 512 },
  securityContext: 'auto',
  limits: {
    objects: 16384,
    surfaces: 1024,
    buffers: 4096,
    callbacks: 4096,
    transfers: 32,
    mimeTypes: 256,
    regionOperations: 8192,
    messagesPerSecond: 50_000,
    backlogBytes: 1 << 20,
    outputBytes: 1 << 20,
  },
};

export function allowsToGuest({ direction }: TransferPolicy): boolean {
  return direction === 'to-guest' || direction === 'both' || direction === 'ask';
}

export function allowsFromGuest({ direction }: TransferPolicy): boolean {
  return direction === 'from-guest' || direction === 'both' || direction === 'ask';
}

export function allowsMimeType({ mimeTypes }: TransferPolicy, type: string): boolean {
  return mimeTypes.some((pattern) => matches(pattern, type));
}

/** Linear in both, whatever the type looks like. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return text === pattern;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts.at(-1) ?? '';
  return text.length - at >= last.length && text.endsWith(last);
}
