/** Unmodified programs of GTK 4 and Qt 6 in the guest look on a current weston as if they ran on the host. */
import t from 'tap';
import { appearsOnWeston } from './harness/desk.js';
import { GTK_WIDGETS, QT } from './harness/desk-programs.js';

t.test('Linux 6.1, a current weston', (t) => appearsOnWeston(t, [GTK_WIDGETS, QT]));
