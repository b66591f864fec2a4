/**
 * Unmodified programs of the tree (guest/clients), in the guest or on the host: there they are started by the tree's
 * own dynamic loader, with the tree's libraries, fonts and data, so that both draw the same.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostCompositor } from './compositor.js';
import { clientsTree, type ForwardMachine, type GuestProgram } from './forward-machine.js';
import { TestProcess } from './processes.js';

/** A program, as its user has set it up. */
export interface DesktopProgram {
  /** Its name (in /usr/bin) and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Text files in the home folder. */
  readonly home: Readonly<Record<string, string>>;
}

/** Starts it in the guest, with this home folder besides what is in there. */
export async function startInGuest(machine: ForwardMachine, program: DesktopProgram): Promise<GuestProgram> {
  const { programs, qemu } = machine;
  for (const [name, text] of Object.entries(program.home)) {
    const [path, bytes] = [`/clients/root/${name}`, Buffer.from(text).toString('base64')];
    await qemu.guest.run(`mkdir -p ${dirname(path)} && echo ${bytes} | base64 -d >${path}`);
  }
  const env = Object.entries(program.env).map(([name, value]) => `${name}=${value}`);
  return programs.start(['env', ...env, ...program.command].join(' '));
}

/** Starts it on the host, with a new home folder in the compositor's. */
export function startOnHost(compositor: HostCompositor, program: DesktopProgram): TestProcess {
  const tree = clientsTree();
  const home = mkdtempSync(join(compositor.runtimeFolder, 'home-'));
  for (const [name, text] of Object.entries(program.home)) {
    mkdirSync(join(home, dirname(name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const [name, ...args] = program.command;
  const libraries = ['lib', 'usr/lib'].map((folder) => join(tree, folder, 'x86_64-linux-gnu')).join(':');
  const loader = [join(tree, 'lib64/ld-linux-x86-64.so.2'), '--argv0', name, '--library-path', libraries];
  const [command = '', ...words] = [...loader, join(tree, 'usr/bin', name), ...args];
  const { XDG_RUNTIME_DIR, WAYLAND_DISPLAY } = compositor.env;
  const env = { PATH: '/usr/bin:/bin', HOME: home, XDG_RUNTIME_DIR, WAYLAND_DISPLAY };
  return new TestProcess(name, command, words, { ...env, ...placesIn(tree), ...program.env });
}

/** What tells libraries that their data is in the tree. */
function placesIn(tree: string): NodeJS.ProcessEnv {
  const at = (path: string): string => join(tree, 'usr', path);
  return {
    FONTCONFIG_SYSROOT: tree,
    XCURSOR_PATH: at('share/icons'),
    XDG_DATA_DIRS: at('share'),
    XKB_CONFIG_ROOT: at('share/X11/xkb'),
    XLOCALEDIR: at('share/X11/locale'),
    GIO_MODULE_DIR: at('lib/x86_64-linux-gnu/gio/modules'),
    // Nothing in the tree draws OpenGL, and Qt draws frames only where that is there: the host's is not for a twin.
    __EGL_VENDOR_LIBRARY_DIRS: at('share/none'),
    GTK_DATA_PREFIX: at(''),
    GTK_EXE_PREFIX: at(''),
    QT_PLUGIN_PATH: at('lib/x86_64-linux-gnu/qt6/plugins'),
  };
}
