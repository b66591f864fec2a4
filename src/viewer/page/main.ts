/** The viewer's page. */
import { PROTOCOL_VERSION } from '../protocol/index.js';

document.documentElement.dataset.protocol = String(PROTOCOL_VERSION);
