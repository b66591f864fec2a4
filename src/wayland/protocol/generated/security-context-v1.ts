// Made from ../xml/security-context-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2021 Simon Ser
//
// Permission is hereby granted, free of charge, to any person obtaining a
// copy of this software and associated documentation files (the "Software"),
// to deal in the Software without restriction, including without limitation
// the rights to use, copy, modify, merge, publish, distribute, sublicense,
// and/or sell copies of the Software, and to permit persons to whom the
// Software is furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice (including the next
// paragraph) shall be included in all copies or substantial portions of the
// Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.  IN NO EVENT SHALL
// THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
// FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
// DEALINGS IN THE SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';

export const WpSecurityContextManagerV1Error = {
  /** listening socket FD is invalid */
  invalid_listen_fd: 1,
  /** nested security contexts are forbidden */
  nested: 2,
} as const;

export interface WpSecurityContextManagerV1Requests {
  /** destroy the manager object. The object is gone after it. */
  destroy(): void;
  /** create a new security context */
  createListener(listenFd: number, closeFd: number): WpSecurityContextV1;
}

export interface WpSecurityContextManagerV1Events {
}

/** client security context manager */
export interface WpSecurityContextManagerV1 extends WaylandObject<'wp_security_context_manager_v1', WpSecurityContextManagerV1Events>, WpSecurityContextManagerV1Requests {}

export const wp_security_context_manager_v1: TypedInterface<WpSecurityContextManagerV1> = {
  name: 'wp_security_context_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_listener', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_security_context_v1' }, { name: 'listen_fd', type: 'fd' }, { name: 'close_fd', type: 'fd' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_listen_fd', value: 1, since: 1 },
      { name: 'nested', value: 2, since: 1 },
    ] },
  ],
};

export const WpSecurityContextV1Error = {
  /** security context has already been committed */
  already_used: 1,
  /** metadata has already been set */
  already_set: 2,
  /** metadata is invalid */
  invalid_metadata: 3,
} as const;

export interface WpSecurityContextV1Requests {
  /** destroy the security context object. The object is gone after it. */
  destroy(): void;
  /** set the sandbox engine */
  setSandboxEngine(name: string): void;
  /** set the application ID */
  setAppId(appId: string): void;
  /** set the instance ID */
  setInstanceId(instanceId: string): void;
  /** register the security context */
  commit(): void;
}

export interface WpSecurityContextV1Events {
}

/** client security context */
export interface WpSecurityContextV1 extends WaylandObject<'wp_security_context_v1', WpSecurityContextV1Events>, WpSecurityContextV1Requests {}

export const wp_security_context_v1: TypedInterface<WpSecurityContextV1> = {
  name: 'wp_security_context_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_sandbox_engine', opcode: 1, since: 1, args: [{ name: 'name', type: 'string' }] },
    { name: 'set_app_id', opcode: 2, since: 1, args: [{ name: 'app_id', type: 'string' }] },
    { name: 'set_instance_id', opcode: 3, since: 1, args: [{ name: 'instance_id', type: 'string' }] },
    { name: 'commit', opcode: 4, since: 1, args: [] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_used', value: 1, since: 1 },
      { name: 'already_set', value: 2, since: 1 },
      { name: 'invalid_metadata', value: 3, since: 1 },
    ] },
  ],
};
