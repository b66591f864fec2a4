/** A client that can't be served hears why, instead of a connection that just closes. */
import type { UnixSocket } from 'vhost-user-native';
import { Encoder, WaylandConnection, wl_display } from '../../index.js';
import { DisplayError } from './fault.js';

/** Sends wl_display.error and closes. */
export function refuseClient(socket: UnixSocket, reason: string): void {
  const connection = new WaylandConnection(socket, { message: () => undefined, ended: () => undefined });
  const table = wl_display.events[0];
  if (table !== undefined) {
    const text = `guest proxy: ${reason}`.slice(0, 1024);
    connection.send(new Encoder().encode(1, table, [1, DisplayError.implementation, text]).bytes);
  }
  connection.close();
}
