/** The clipboard of the host's compositor, by wl-clipboard's programs. (They need no focus where it is wlroots-based.) */
import type { HostCompositor } from './compositor.js';
import { TestProcess } from './processes.js';
import { until } from './until.js';

/** The text on the clipboard; a message of wl-paste when there is none. */
export async function pasteFromClipboard(compositor: HostCompositor): Promise<string> {
  const program = new TestProcess('wl-paste', 'wl-paste', ['--no-newline'], compositor.env);
  await program.exited;
  return program.output;
}

/** Resolves when that text is on the clipboard. */
export async function untilClipboard(compositor: HostCompositor, text: string): Promise<void> {
  await until(
    'clipboard of the host',
    () => pasteFromClipboard(compositor),
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
