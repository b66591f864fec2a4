/**
 * wp_security_context_v1: the compositor is told that what connects through a socket of ours is a sandboxed
 * application of a VM, and restricts and labels it by itself. The context lasts as long as this connection to the
 * compositor does; the socket, which the next context takes over, lies in a folder that only this user can enter.
 */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectUnix, listenUnix, socketPair, type UnixListener, type UnixSocket } from 'vhost-user-native';
import { Display } from '../client/display.js';
import { WaylandError } from '../errors.js';
import { wp_security_context_manager_v1 } from '../protocol/generated/security-context-v1.js';

const SANDBOX_ENGINE = 'vhost-user-gpu-ts';

/** Where clients of security contexts connect: made once, since a sandboxed process can make no other. */
export class ContextSocket {
  readonly folder: string;
  readonly path: string;
  /** Handed to a compositor, which accepts what comes. */
  readonly listener: UnixListener;

  /** `parent`: the folder for the socket's folder. Default XDG_RUNTIME_DIR, else the system's temporary folder. */
  constructor(parent: string = process.env.XDG_RUNTIME_DIR ?? tmpdir()) {
    this.folder = mkdtempSync(join(parent, 'wayland-forward-'));
    this.path = join(this.folder, 'wayland');
    try {
      this.listener = listenUnix(this.path, { mode: 0o600, backlog: 128 });
    } catch (error) {
      rmdirSync(this.folder);
      throw error;
    }
  }

  /** Removes socket and folder. Idempotent. */
  close(): void {
    if (this.listener.closed) return;
    this.listener.close();
    try {
      rmdirSync(this.folder);
    } catch {
      // Gone already; or we may not, and somebody else does it.
    }
  }
}

export interface SecurityContextOptions {
  /** Opens a connection to the compositor, without any context. */
  readonly connect: () => UnixSocket;
  readonly socket: ContextSocket;
  /** Opens a connection to that socket. Default: directly. */
  readonly enter?: (path: string) => UnixSocket;
  readonly appId: string;
  /** Tells one run of a VM from the next. */
  readonly instanceId: string;
}

export class SecurityContext {
  private readonly display: Display;
  private readonly options: SecurityContextOptions;
  /** The compositor stops listening when the other end of this is closed. */
  private readonly lifeline: UnixSocket;
  private lost = false;

  private constructor(display: Display, options: SecurityContextOptions) {
    this.display = display;
    this.options = options;
    const [lifeline, far] = socketPair();
    this.lifeline = lifeline;
    const manager = display.registry.bind(wp_security_context_manager_v1);
    const context = manager.createListener(options.socket.listener.fd, far.fd);
    far.close();
    context.setSandboxEngine(SANDBOX_ENGINE);
    context.setAppId(options.appId);
    context.setInstanceId(options.instanceId);
    context.commit();
    context.destroy();
    manager.destroy();
  }

  /** Null when the compositor has no such protocol. Throws when there is no compositor. */
  static async create(options: SecurityContextOptions): Promise<SecurityContext | null> {
    let context: SecurityContext | null = null;
    const display = new Display(options.connect(), { ended: () => context?.end() });
    try {
      await display.sync();
      if (display.registry.find(wp_security_context_manager_v1) === null) {
        display.close();
        return null;
      }
      context = new SecurityContext(display, options);
      // A refusal is a protocol error, which rejects this.
      await display.sync();
      return context;
    } catch (error) {
      context?.close();
      display.close();
      throw error;
    }
  }

  /** The compositor that it was made with is gone. */
  get gone(): boolean {
    return this.lost;
  }

  connect(): UnixSocket {
    if (this.lost) throw new WaylandError('WL_ERR_CONNECTION', 'the security context is gone');
    const { enter = connectUnix, socket } = this.options;
    return enter(socket.path);
  }

  close(): void {
    this.end();
    this.display.close();
  }

  private end(): void {
    if (this.lost) return;
    this.lost = true;
    this.lifeline.close();
  }
}
