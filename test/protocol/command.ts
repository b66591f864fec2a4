/** The command as it is installed: one file, which starts in half of the time that its modules take. */
import { resolve } from 'node:path';

export const COMMAND = resolve('dist/vhost-user-gpu-ts.js');
