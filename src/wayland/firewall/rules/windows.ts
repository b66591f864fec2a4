/** Which of a guest's surfaces are windows and popups, for who looks at them from outside. */
import type { WindowNames } from '../scene/window.js';
import type { Session } from '../session.js';
import type { ShellSurface } from './shell-state.js';
import { surfaceState } from './surface-state.js';

/** `names` is asked when somebody wants to know. */
export function openWindow(
  session: Session,
  shell: ShellSurface,
  kind: 'window' | 'popup',
  parent: ShellSurface | null,
  names: () => WindowNames,
): void {
  shell.window = session.windows.open({
    kind,
    client: session.name,
    content: surfaceState(shell.surface).content,
    parent: parent?.window ?? null,
    names,
  });
  session.shown.add(shell.window);
}

export function closeWindow(session: Session, shell: ShellSurface): void {
  const { window } = shell;
  if (window === null) return;
  shell.window = null;
  session.shown.delete(window);
  session.windows.remove(window);
}
