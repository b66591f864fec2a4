/** A compositor of its own process, on the socket with descriptor 3: it takes everything and shows nothing. */
import { adoptSocket } from 'vhost-user-native';
import { StubDesktop } from '../../test/stub/desktop.js';

const { stub } = new StubDesktop(adoptSocket(3));
stub.remembers = false;
stub.on('wl_surface', 'commit', () => undefined);
