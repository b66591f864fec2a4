/**
 * Which requests may come from a browser at all. A page of another site can make this machine's browser connect here, by
 * address or by a name of its own that leads here (DNS rebinding). It can't choose what the browser says of it: the name
 * that was asked for (Host) and whose page asks (Origin). Ports are not looked at in Host: `ssh -L` changes them.
 */
import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK_HOST = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** The host of a request, if it is this machine's own name; null otherwise. */
export function loopbackHost({ host }: IncomingHttpHeaders): string | null {
  return host !== undefined && LOOPBACK_HOST.test(host) ? host : null;
}

/** The request was made by the page that was served under this host. */
export function fromOwnPage({ origin }: IncomingHttpHeaders, host: string): boolean {
  return origin !== undefined && origin.toLowerCase() === `http://${host.toLowerCase()}`;
}
