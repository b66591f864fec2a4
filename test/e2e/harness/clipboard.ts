/** The clipboard of the host's compositor, by wl-clipboard's programs. (They need no focus where it is wlroots-based.) */
import type { HostCompositor } from './compositor.js';
import { TestProcess } from './processes.js';
import { until } from './until.js';

export type Selection = 'clipboard' | 'primary';

/** The text on the clipboard (or of the primary selection); a message of wl-paste when there is none. */
export async function pasteFromClipboard(
  compositor: HostCompositor,
  selection: Selection = 'clipboard',
): Promise<string> {
  const args = [...(selection === 'primary' ? ['--primary'] : []), '--no-newline'];
  const program = new TestProcess('wl-paste', 'wl-paste', args, compositor.env);
  await program.exited;
  return program.output;
}

/** Resolves when that text is on the clipboard. */
export async function untilClipboard(
  compositor: HostCompositor,
  text: string,
  selection: Selection = 'clipboard',
): Promise<void> {
  await until(
    `${selection} of the host`,
    () => pasteFromClipboard(compositor, selection),
    (found) => found === text,
  );
}

/** Puts text on the clipboard, where it stays until somebody else does that or the program is stopped. */
export async function copyToClipboard(compositor: HostCompositor, text: string): Promise<TestProcess> {
  const args = ['--foreground', '--type', 'text/plain;charset=utf-8', text];
  const program = new TestProcess('wl-copy', 'wl-copy', args, compositor.env);
  await untilClipboard(compositor, text);
  return program;
}
