/** wp_security_context_v1 on a compositor that has it: what comes through the firewall is marked, and sees less. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { UnixSocket } from 'vhost-user-native';
import { ContextSocket, Display, SecurityContext } from '../../src/wayland/index.js';
import { HostCompositor } from '../e2e/harness/compositor.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { sway, swaySandboxes, swayWindows } from '../e2e/harness/sway.js';
import { FirewallBridge } from '../firewall-bridge.js';
import { until } from '../stub/guest-client.js';

/** Powers over the desktop, which a compositor keeps from sandboxed applications. */
const PRIVILEGED = [
  'wp_security_context_manager_v1',
  'zwlr_layer_shell_v1',
  'zwlr_screencopy_manager_v1',
  'ext_image_copy_capture_manager_v1',
  'zwlr_export_dmabuf_manager_v1',
  'zwp_virtual_keyboard_manager_v1',
  'zwlr_virtual_pointer_manager_v1',
  'zwlr_data_control_manager_v1',
  'ext_data_control_manager_v1',
  'ext_session_lock_manager_v1',
  'zwp_input_method_manager_v2',
  'zwlr_output_manager_v1',
  'zwlr_gamma_control_manager_v1',
  'zwlr_foreign_toplevel_manager_v1',
];

async function globals(socket: UnixSocket): Promise<readonly string[]> {
  const display = new Display(socket);
  await display.sync();
  const names = display.registry.globals.map((global) => global.interface);
  display.close();
  return names;
}

t.test('sway keeps its powers from connections of a security context', async (t) => {
  const compositor = await HostCompositor.start(sway({ version: 'current', width: 640, height: 480 }));
  t.teardown(() => compositor.close());
  const outside = await globals(compositor.connect());
  const folder = mkdtempSync(join(tmpdir(), 'context-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const connect = (): UnixSocket => compositor.connect();
  const socket = new ContextSocket(folder);
  const context = await SecurityContext.create({ connect, appId: 'work', instanceId: '1', socket });
  if (context === null) throw new Error('sway has no security contexts');
  const inside = await globals(context.connect());
  const hidden = outside.filter((name) => !inside.includes(name));
  t.strictSame(
    PRIVILEGED.filter((name) => !hidden.includes(name)),
    [],
    'all of these are there, and hidden',
  );
  for (const name of ['wl_compositor', 'wl_shm', 'wl_seat', 'xdg_wm_base', 'wp_viewporter']) {
    t.ok(inside.includes(name), `${name} is not hidden`);
  }
  context.close();
  socket.close();
  t.strictSame(readdirSync(folder), [], 'nothing is left behind');
  t.throws(() => context.connect(), { code: 'WL_ERR_CONNECTION' });
});

t.test("the guest's windows carry the VM's name in sway", async (t) => {
  const compositor = await HostCompositor.start(sway({ version: 'current', width: 640, height: 480 }));
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const path = join(folder, 'guest-0');
  const bridge = new FirewallBridge(path, {
    connect: () => compositor.connect(),
    policy: { securityContext: 'require' },
  });
  t.teardown(async () => {
    bridge.close();
    rmSync(folder, { recursive: true, force: true });
    await compositor.close();
  });
  const env = { ...compositor.env, XDG_RUNTIME_DIR: folder, WAYLAND_DISPLAY: 'guest-0' };
  const start = (): TestProcess => new TestProcess('weston-eventdemo', 'weston-eventdemo', [], env, folder);
  const programs = [start(), start()];
  let windows = await swayWindows(compositor);
  // (Tap ends a test that waits in vain.)
  while (windows.length < 2) windows = await swayWindows(compositor);
  t.match(windows[0]?.name, /^\[work\] /);
  const [first, second] = await swaySandboxes(compositor);
  t.equal(first?.engine, 'vhost-user-gpu-ts');
  t.equal(first?.appId, 'work');
  t.match(first?.instanceId ?? '', /^[0-9a-f-]{36}$/, 'one run of the VM');
  t.strictSame(second, first, 'all windows of a VM are in one context');
  t.ok(
    bridge.log.some((line) => line.endsWith('in use')),
    bridge.log.join('; '),
  );
  for (const program of programs) await program.stop();
  await until(() => bridge.firewall.clientCount === 0, 'both to be gone');
});
