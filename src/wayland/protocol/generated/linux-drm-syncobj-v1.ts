// Made from ../xml/linux-drm-syncobj-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright 2016 The Chromium Authors.
// Copyright 2017 Intel Corporation
// Copyright 2018 Collabora, Ltd
// Copyright 2021 Simon Ser
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
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
// THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
// FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
// DEALINGS IN THE SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { WlSurface } from './wayland.js';

export const WpLinuxDrmSyncobjManagerV1Error = {
  /** the surface already has a synchronization object associated */
  surface_exists: 0,
  /** the timeline object could not be imported */
  invalid_timeline: 1,
} as const;

export interface WpLinuxDrmSyncobjManagerV1Requests {
  /** destroy explicit synchronization factory object. The object is gone after it. */
  destroy(): void;
  /** extend surface interface for explicit synchronization */
  getSurface(surface: WlSurface): WpLinuxDrmSyncobjSurfaceV1;
  /** import a DRM syncobj timeline */
  importTimeline(fd: number): WpLinuxDrmSyncobjTimelineV1;
}

export interface WpLinuxDrmSyncobjManagerV1Events {
}

/** global for providing explicit synchronization */
export interface WpLinuxDrmSyncobjManagerV1 extends WaylandObject<'wp_linux_drm_syncobj_manager_v1', WpLinuxDrmSyncobjManagerV1Events>, WpLinuxDrmSyncobjManagerV1Requests {}

export const wp_linux_drm_syncobj_manager_v1: TypedInterface<WpLinuxDrmSyncobjManagerV1> = {
  name: 'wp_linux_drm_syncobj_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_surface', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_linux_drm_syncobj_surface_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'import_timeline', opcode: 2, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_linux_drm_syncobj_timeline_v1' }, { name: 'fd', type: 'fd' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'surface_exists', value: 0, since: 1 },
      { name: 'invalid_timeline', value: 1, since: 1 },
    ] },
  ],
};

export interface WpLinuxDrmSyncobjTimelineV1Requests {
  /** destroy the timeline. The object is gone after it. */
  destroy(): void;
}

export interface WpLinuxDrmSyncobjTimelineV1Events {
}

/** synchronization object timeline */
export interface WpLinuxDrmSyncobjTimelineV1 extends WaylandObject<'wp_linux_drm_syncobj_timeline_v1', WpLinuxDrmSyncobjTimelineV1Events>, WpLinuxDrmSyncobjTimelineV1Requests {}

export const wp_linux_drm_syncobj_timeline_v1: TypedInterface<WpLinuxDrmSyncobjTimelineV1> = {
  name: 'wp_linux_drm_syncobj_timeline_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [],
  enums: [],
};

export const WpLinuxDrmSyncobjSurfaceV1Error = {
  /** the associated wl_surface was destroyed */
  no_surface: 1,
  /** the buffer does not support explicit synchronization */
  unsupported_buffer: 2,
  /** no buffer was attached */
  no_buffer: 3,
  /** no acquire timeline point was set */
  no_acquire_point: 4,
  /** no release timeline point was set */
  no_release_point: 5,
  /** acquire and release timeline points are in conflict */
  conflicting_points: 6,
} as const;

export interface WpLinuxDrmSyncobjSurfaceV1Requests {
  /** destroy the surface synchronization object. The object is gone after it. */
  destroy(): void;
  /** set the acquire timeline point */
  setAcquirePoint(timeline: WpLinuxDrmSyncobjTimelineV1, pointHi: number, pointLo: number): void;
  /** set the release timeline point */
  setReleasePoint(timeline: WpLinuxDrmSyncobjTimelineV1, pointHi: number, pointLo: number): void;
}

export interface WpLinuxDrmSyncobjSurfaceV1Events {
}

/** per-surface explicit synchronization */
export interface WpLinuxDrmSyncobjSurfaceV1 extends WaylandObject<'wp_linux_drm_syncobj_surface_v1', WpLinuxDrmSyncobjSurfaceV1Events>, WpLinuxDrmSyncobjSurfaceV1Requests {}

export const wp_linux_drm_syncobj_surface_v1: TypedInterface<WpLinuxDrmSyncobjSurfaceV1> = {
  name: 'wp_linux_drm_syncobj_surface_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_acquire_point', opcode: 1, since: 1, args: [{ name: 'timeline', type: 'object', interface: 'wp_linux_drm_syncobj_timeline_v1' }, { name: 'point_hi', type: 'uint' }, { name: 'point_lo', type: 'uint' }] },
    { name: 'set_release_point', opcode: 2, since: 1, args: [{ name: 'timeline', type: 'object', interface: 'wp_linux_drm_syncobj_timeline_v1' }, { name: 'point_hi', type: 'uint' }, { name: 'point_lo', type: 'uint' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'no_surface', value: 1, since: 1 },
      { name: 'unsupported_buffer', value: 2, since: 1 },
      { name: 'no_buffer', value: 3, since: 1 },
      { name: 'no_acquire_point', value: 4, since: 1 },
      { name: 'no_release_point', value: 5, since: 1 },
      { name: 'conflicting_points', value: 6, since: 1 },
    ] },
  ],
};
