/** A forwarded application's window in the viewer: a scripted client behind the real firewall, and a scripted compositor. */
import t from 'tap';
import { silentLogger } from 'vhost-user-ts';
import { WindowViews } from '../../src/cli/viewer/window-views.js';
import { Screen } from '../../src/control/index.js';
import { ViewerServer } from '../../src/viewer/server/index.js';
import { pattern, pictureOf, SceneGuest } from '../unit/scene-guest.js';
import { NO_MACHINE } from './no-machine.js';
import { ViewerClient } from './viewer-client.js';

const TOKEN = 'c'.repeat(32);

t.test('a window comes, changes, and goes', async (t) => {
  const desk = await SceneGuest.start();
  const { guest } = desk;
  const server = await ViewerServer.listen({
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tokens: { control: TOKEN, view: null },
    viewersMax: 1,
    name: 'vm',
    log: silentLogger,
  });
  const views = [new WindowViews(guest.windows)];
  server.serve({ target: { ...NO_MACHINE, machine: true }, screen: new Screen(), views });
  const viewer = await ViewerClient.enter({ address: server.address }, TOKEN);
  try {
    const window = await desk.window();
    guest.request(window.toplevel, 'set_title', ['a title']);
    desk.show(window.surface, desk.buffer(40, 20, pattern(1)));
    const { views: listed } = await viewer.message('views', (message) => message.views.length === 2);
    t.match(listed[1], { id: 'window-1', kind: 'window', title: '[work] a title', width: 40, height: 20 });
    viewer.say({ type: 'watch', view: 'window-1' });
    await viewer.untilShows(pictureOf(40, 20, pattern(1)));
    guest.request(window.surface, 'attach', [desk.buffer(40, 20, pattern(2)), 0, 0]);
    guest.request(window.surface, 'damage_buffer', [4, 5, 6, 7]);
    guest.request(window.surface, 'commit');
    const damaged = pictureOf(40, 20, (x, y) =>
      x >= 4 && x < 10 && y >= 5 && y < 12 ? pattern(2)(x, y) : pattern(1)(x, y),
    );
    await viewer.untilShows(damaged);
    t.same(viewer.frames.at(-1)?.rects, [{ x: 4, y: 5, width: 6, height: 7 }], 'the damage, and no more');
    desk.show(window.surface, desk.buffer(16, 16, pattern(3)));
    await viewer.untilShows(pictureOf(16, 16, pattern(3)));
    guest.request(window.toplevel, 'destroy');
    const count = viewer.messages.length;
    await viewer.until(() =>
      viewer.messages.slice(count).some((message) => message.type === 'views' && message.views.length === 1),
    );
    await viewer.answered();
    t.equal(guest.windows.watchers, 0, 'nobody listens any more');
  } finally {
    viewer.close();
    server.close();
    desk.close();
  }
});
