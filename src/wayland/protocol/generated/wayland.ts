// Made from ../xml/wayland.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2008-2011 Kristian Høgsberg
// Copyright © 2010-2011 Intel Corporation
// Copyright © 2012-2013 Collabora, Ltd.
//
// Permission is hereby granted, free of charge, to any person
// obtaining a copy of this software and associated documentation files
// (the "Software"), to deal in the Software without restriction,
// including without limitation the rights to use, copy, modify, merge,
// publish, distribute, sublicense, and/or sell copies of the Software,
// and to permit persons to whom the Software is furnished to do so,
// subject to the following conditions:
//
// The above copyright notice and this permission notice (including the
// next paragraph) shall be included in all copies or substantial
// portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
// EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
// MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
// NONINFRINGEMENT.  IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS
// BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
// ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
// CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.

import type { AnyWaylandObject, WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';

/** global error values */
export const WlDisplayError = {
  /** server couldn't find object */
  invalid_object: 0,
  /** method doesn't exist on the specified interface or malformed request */
  invalid_method: 1,
  /** server is out of memory */
  no_memory: 2,
  /** implementation error in compositor */
  implementation: 3,
} as const;

export interface WlDisplayRequests {
  /** asynchronous roundtrip */
  sync(): WlCallback;
  /** get global registry object */
  getRegistry(): WlRegistry;
}

export interface WlDisplayEvents {
  /** fatal error event */
  error(objectId: AnyWaylandObject | null, code: number, message: string): void;
  /** acknowledge object ID deletion */
  deleteId(id: number): void;
}

/** core global object */
export interface WlDisplay extends WaylandObject<'wl_display', WlDisplayEvents>, WlDisplayRequests {}

export const wl_display: TypedInterface<WlDisplay> = {
  name: 'wl_display',
  version: 1,
  requests: [
    { name: 'sync', opcode: 0, since: 1, args: [{ name: 'callback', type: 'new_id', interface: 'wl_callback' }] },
    { name: 'get_registry', opcode: 1, since: 1, args: [{ name: 'registry', type: 'new_id', interface: 'wl_registry' }] },
  ],
  events: [
    { name: 'error', opcode: 0, since: 1, args: [{ name: 'object_id', type: 'object' }, { name: 'code', type: 'uint' }, { name: 'message', type: 'string' }] },
    { name: 'delete_id', opcode: 1, since: 1, args: [{ name: 'id', type: 'uint' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_object', value: 0, since: 1 },
      { name: 'invalid_method', value: 1, since: 1 },
      { name: 'no_memory', value: 2, since: 1 },
      { name: 'implementation', value: 3, since: 1 },
    ] },
  ],
};

export interface WlRegistryRequests {
  /** bind an object to the display */
  bind<T>(name: number, table: TypedInterface<T>, version: number): T;
}

export interface WlRegistryEvents {
  /** announce global object */
  global(name: number, interface_: string, version: number): void;
  /** announce removal of global object */
  globalRemove(name: number): void;
}

/** global registry object */
export interface WlRegistry extends WaylandObject<'wl_registry', WlRegistryEvents>, WlRegistryRequests {}

export const wl_registry: TypedInterface<WlRegistry> = {
  name: 'wl_registry',
  version: 1,
  requests: [
    { name: 'bind', opcode: 0, since: 1, args: [{ name: 'name', type: 'uint' }, { name: 'id', type: 'new_id' }] },
  ],
  events: [
    { name: 'global', opcode: 0, since: 1, args: [{ name: 'name', type: 'uint' }, { name: 'interface', type: 'string' }, { name: 'version', type: 'uint' }] },
    { name: 'global_remove', opcode: 1, since: 1, args: [{ name: 'name', type: 'uint' }] },
  ],
  enums: [],
};

export interface WlCallbackRequests {
}

export interface WlCallbackEvents {
  /** done event. The object is gone after it. */
  done(callbackData: number): void;
}

/** callback object */
export interface WlCallback extends WaylandObject<'wl_callback', WlCallbackEvents>, WlCallbackRequests {}

export const wl_callback: TypedInterface<WlCallback> = {
  name: 'wl_callback',
  version: 1,
  requests: [],
  events: [
    { name: 'done', opcode: 0, since: 1, destructor: true, args: [{ name: 'callback_data', type: 'uint' }] },
  ],
  enums: [],
};

export interface WlCompositorRequests {
  /** create new surface */
  createSurface(): WlSurface;
  /** create new region */
  createRegion(): WlRegion;
  /** destroy wl_compositor. Since version 7. The object is gone after it. */
  release(): void;
}

export interface WlCompositorEvents {
}

/** the compositor singleton */
export interface WlCompositor extends WaylandObject<'wl_compositor', WlCompositorEvents>, WlCompositorRequests {}

export const wl_compositor: TypedInterface<WlCompositor> = {
  name: 'wl_compositor',
  version: 7,
  requests: [
    { name: 'create_surface', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_surface' }] },
    { name: 'create_region', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_region' }] },
    { name: 'release', opcode: 2, since: 7, destructor: true, args: [] },
  ],
  events: [],
  enums: [],
};

/** wl_shm_pool error values */
export const WlShmPoolError = {
  /** buffer format is not known */
  invalid_format: 0,
  /** invalid size or stride during buffer creation */
  invalid_stride: 1,
} as const;

export interface WlShmPoolRequests {
  /** create a buffer from the pool */
  createBuffer(offset: number, width: number, height: number, stride: number, format: number): WlBuffer;
  /** destroy the pool. The object is gone after it. */
  destroy(): void;
  /** change the size of the pool mapping */
  resize(size: number): void;
}

export interface WlShmPoolEvents {
}

/** a shared memory pool */
export interface WlShmPool extends WaylandObject<'wl_shm_pool', WlShmPoolEvents>, WlShmPoolRequests {}

export const wl_shm_pool: TypedInterface<WlShmPool> = {
  name: 'wl_shm_pool',
  version: 3,
  requests: [
    { name: 'create_buffer', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_buffer' }, { name: 'offset', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'stride', type: 'int' }, { name: 'format', type: 'uint', enum: 'wl_shm.format' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
    { name: 'resize', opcode: 2, since: 1, args: [{ name: 'size', type: 'int' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 3, bitfield: false, entries: [
      { name: 'invalid_format', value: 0, since: 3 },
      { name: 'invalid_stride', value: 1, since: 3 },
    ] },
  ],
};

/** wl_shm error values */
export const WlShmError = {
  /** buffer format is not known */
  invalid_format: 0,
  /** invalid size or stride during pool creation */
  invalid_stride: 1,
  /** mmapping the file descriptor failed */
  invalid_fd: 2,
} as const;

/** pixel formats */
export const WlShmFormat = {
  /** 32-bit ARGB format, [31:0] A:R:G:B 8:8:8:8 little endian */
  argb8888: 0,
  /** 32-bit RGB format, [31:0] x:R:G:B 8:8:8:8 little endian */
  xrgb8888: 1,
  /** 8-bit color index format, [7:0] C */
  c8: 0x20203843,
  /** 8-bit RGB format, [7:0] R:G:B 3:3:2 */
  rgb332: 0x38424752,
  /** 8-bit BGR format, [7:0] B:G:R 2:3:3 */
  bgr233: 0x38524742,
  /** 16-bit xRGB format, [15:0] x:R:G:B 4:4:4:4 little endian */
  xrgb4444: 0x32315258,
  /** 16-bit xBGR format, [15:0] x:B:G:R 4:4:4:4 little endian */
  xbgr4444: 0x32314258,
  /** 16-bit RGBx format, [15:0] R:G:B:x 4:4:4:4 little endian */
  rgbx4444: 0x32315852,
  /** 16-bit BGRx format, [15:0] B:G:R:x 4:4:4:4 little endian */
  bgrx4444: 0x32315842,
  /** 16-bit ARGB format, [15:0] A:R:G:B 4:4:4:4 little endian */
  argb4444: 0x32315241,
  /** 16-bit ABGR format, [15:0] A:B:G:R 4:4:4:4 little endian */
  abgr4444: 0x32314241,
  /** 16-bit RGBA format, [15:0] R:G:B:A 4:4:4:4 little endian */
  rgba4444: 0x32314152,
  /** 16-bit BGRA format, [15:0] B:G:R:A 4:4:4:4 little endian */
  bgra4444: 0x32314142,
  /** 16-bit xRGB format, [15:0] x:R:G:B 1:5:5:5 little endian */
  xrgb1555: 0x35315258,
  /** 16-bit xBGR 1555 format, [15:0] x:B:G:R 1:5:5:5 little endian */
  xbgr1555: 0x35314258,
  /** 16-bit RGBx 5551 format, [15:0] R:G:B:x 5:5:5:1 little endian */
  rgbx5551: 0x35315852,
  /** 16-bit BGRx 5551 format, [15:0] B:G:R:x 5:5:5:1 little endian */
  bgrx5551: 0x35315842,
  /** 16-bit ARGB 1555 format, [15:0] A:R:G:B 1:5:5:5 little endian */
  argb1555: 0x35315241,
  /** 16-bit ABGR 1555 format, [15:0] A:B:G:R 1:5:5:5 little endian */
  abgr1555: 0x35314241,
  /** 16-bit RGBA 5551 format, [15:0] R:G:B:A 5:5:5:1 little endian */
  rgba5551: 0x35314152,
  /** 16-bit BGRA 5551 format, [15:0] B:G:R:A 5:5:5:1 little endian */
  bgra5551: 0x35314142,
  /** 16-bit RGB 565 format, [15:0] R:G:B 5:6:5 little endian */
  rgb565: 0x36314752,
  /** 16-bit BGR 565 format, [15:0] B:G:R 5:6:5 little endian */
  bgr565: 0x36314742,
  /** 24-bit RGB format, [23:0] R:G:B little endian */
  rgb888: 0x34324752,
  /** 24-bit BGR format, [23:0] B:G:R little endian */
  bgr888: 0x34324742,
  /** 32-bit xBGR format, [31:0] x:B:G:R 8:8:8:8 little endian */
  xbgr8888: 0x34324258,
  /** 32-bit RGBx format, [31:0] R:G:B:x 8:8:8:8 little endian */
  rgbx8888: 0x34325852,
  /** 32-bit BGRx format, [31:0] B:G:R:x 8:8:8:8 little endian */
  bgrx8888: 0x34325842,
  /** 32-bit ABGR format, [31:0] A:B:G:R 8:8:8:8 little endian */
  abgr8888: 0x34324241,
  /** 32-bit RGBA format, [31:0] R:G:B:A 8:8:8:8 little endian */
  rgba8888: 0x34324152,
  /** 32-bit BGRA format, [31:0] B:G:R:A 8:8:8:8 little endian */
  bgra8888: 0x34324142,
  /** 32-bit xRGB format, [31:0] x:R:G:B 2:10:10:10 little endian */
  xrgb2101010: 0x30335258,
  /** 32-bit xBGR format, [31:0] x:B:G:R 2:10:10:10 little endian */
  xbgr2101010: 0x30334258,
  /** 32-bit RGBx format, [31:0] R:G:B:x 10:10:10:2 little endian */
  rgbx1010102: 0x30335852,
  /** 32-bit BGRx format, [31:0] B:G:R:x 10:10:10:2 little endian */
  bgrx1010102: 0x30335842,
  /** 32-bit ARGB format, [31:0] A:R:G:B 2:10:10:10 little endian */
  argb2101010: 0x30335241,
  /** 32-bit ABGR format, [31:0] A:B:G:R 2:10:10:10 little endian */
  abgr2101010: 0x30334241,
  /** 32-bit RGBA format, [31:0] R:G:B:A 10:10:10:2 little endian */
  rgba1010102: 0x30334152,
  /** 32-bit BGRA format, [31:0] B:G:R:A 10:10:10:2 little endian */
  bgra1010102: 0x30334142,
  /** packed YCbCr format, [31:0] Cr0:Y1:Cb0:Y0 8:8:8:8 little endian */
  yuyv: 0x56595559,
  /** packed YCbCr format, [31:0] Cb0:Y1:Cr0:Y0 8:8:8:8 little endian */
  yvyu: 0x55595659,
  /** packed YCbCr format, [31:0] Y1:Cr0:Y0:Cb0 8:8:8:8 little endian */
  uyvy: 0x59565955,
  /** packed YCbCr format, [31:0] Y1:Cb0:Y0:Cr0 8:8:8:8 little endian */
  vyuy: 0x59555956,
  /** packed AYCbCr format, [31:0] A:Y:Cb:Cr 8:8:8:8 little endian */
  ayuv: 0x56555941,
  /** 2 plane YCbCr Cr:Cb format, 2x2 subsampled Cr:Cb plane */
  nv12: 0x3231564e,
  /** 2 plane YCbCr Cb:Cr format, 2x2 subsampled Cb:Cr plane */
  nv21: 0x3132564e,
  /** 2 plane YCbCr Cr:Cb format, 2x1 subsampled Cr:Cb plane */
  nv16: 0x3631564e,
  /** 2 plane YCbCr Cb:Cr format, 2x1 subsampled Cb:Cr plane */
  nv61: 0x3136564e,
  /** 3 plane YCbCr format, 4x4 subsampled Cb (1) and Cr (2) planes */
  yuv410: 0x39565559,
  /** 3 plane YCbCr format, 4x4 subsampled Cr (1) and Cb (2) planes */
  yvu410: 0x39555659,
  /** 3 plane YCbCr format, 4x1 subsampled Cb (1) and Cr (2) planes */
  yuv411: 0x31315559,
  /** 3 plane YCbCr format, 4x1 subsampled Cr (1) and Cb (2) planes */
  yvu411: 0x31315659,
  /** 3 plane YCbCr format, 2x2 subsampled Cb (1) and Cr (2) planes */
  yuv420: 0x32315559,
  /** 3 plane YCbCr format, 2x2 subsampled Cr (1) and Cb (2) planes */
  yvu420: 0x32315659,
  /** 3 plane YCbCr format, 2x1 subsampled Cb (1) and Cr (2) planes */
  yuv422: 0x36315559,
  /** 3 plane YCbCr format, 2x1 subsampled Cr (1) and Cb (2) planes */
  yvu422: 0x36315659,
  /** 3 plane YCbCr format, non-subsampled Cb (1) and Cr (2) planes */
  yuv444: 0x34325559,
  /** 3 plane YCbCr format, non-subsampled Cr (1) and Cb (2) planes */
  yvu444: 0x34325659,
  /** [7:0] R */
  r8: 0x20203852,
  /** [15:0] R little endian */
  r16: 0x20363152,
  /** [15:0] R:G 8:8 little endian */
  rg88: 0x38384752,
  /** [15:0] G:R 8:8 little endian */
  gr88: 0x38385247,
  /** [31:0] R:G 16:16 little endian */
  rg1616: 0x32334752,
  /** [31:0] G:R 16:16 little endian */
  gr1616: 0x32335247,
  /** [63:0] x:R:G:B 16:16:16:16 little endian */
  xrgb16161616f: 0x48345258,
  /** [63:0] x:B:G:R 16:16:16:16 little endian */
  xbgr16161616f: 0x48344258,
  /** [63:0] A:R:G:B 16:16:16:16 little endian */
  argb16161616f: 0x48345241,
  /** [63:0] A:B:G:R 16:16:16:16 little endian */
  abgr16161616f: 0x48344241,
  /** [31:0] X:Y:Cb:Cr 8:8:8:8 little endian */
  xyuv8888: 0x56555958,
  /** [23:0] Cr:Cb:Y 8:8:8 little endian */
  vuy888: 0x34325556,
  /** Y followed by U then V, 10:10:10. Non-linear modifier only */
  vuy101010: 0x30335556,
  /** [63:0] Cr0:0:Y1:0:Cb0:0:Y0:0 10:6:10:6:10:6:10:6 little endian per 2 Y pixels */
  y210: 0x30313259,
  /** [63:0] Cr0:0:Y1:0:Cb0:0:Y0:0 12:4:12:4:12:4:12:4 little endian per 2 Y pixels */
  y212: 0x32313259,
  /** [63:0] Cr0:Y1:Cb0:Y0 16:16:16:16 little endian per 2 Y pixels */
  y216: 0x36313259,
  /** [31:0] A:Cr:Y:Cb 2:10:10:10 little endian */
  y410: 0x30313459,
  /** [63:0] A:0:Cr:0:Y:0:Cb:0 12:4:12:4:12:4:12:4 little endian */
  y412: 0x32313459,
  /** [63:0] A:Cr:Y:Cb 16:16:16:16 little endian */
  y416: 0x36313459,
  /** [31:0] X:Cr:Y:Cb 2:10:10:10 little endian */
  xvyu2101010: 0x30335658,
  /** [63:0] X:0:Cr:0:Y:0:Cb:0 12:4:12:4:12:4:12:4 little endian */
  xvyu12_16161616: 0x36335658,
  /** [63:0] X:Cr:Y:Cb 16:16:16:16 little endian */
  xvyu16161616: 0x38345658,
  /** [63:0] A3:A2:Y3:0:Cr0:0:Y2:0:A1:A0:Y1:0:Cb0:0:Y0:0 1:1:8:2:8:2:8:2:1:1:8:2:8:2:8:2 little endian */
  y0l0: 0x304c3059,
  /** [63:0] X3:X2:Y3:0:Cr0:0:Y2:0:X1:X0:Y1:0:Cb0:0:Y0:0 1:1:8:2:8:2:8:2:1:1:8:2:8:2:8:2 little endian */
  x0l0: 0x304c3058,
  /** [63:0] A3:A2:Y3:Cr0:Y2:A1:A0:Y1:Cb0:Y0 1:1:10:10:10:1:1:10:10:10 little endian */
  y0l2: 0x324c3059,
  /** [63:0] X3:X2:Y3:Cr0:Y2:X1:X0:Y1:Cb0:Y0 1:1:10:10:10:1:1:10:10:10 little endian */
  x0l2: 0x324c3058,
  yuv420_8bit: 0x38305559,
  yuv420_10bit: 0x30315559,
  xrgb8888_a8: 0x38415258,
  xbgr8888_a8: 0x38414258,
  rgbx8888_a8: 0x38415852,
  bgrx8888_a8: 0x38415842,
  rgb888_a8: 0x38413852,
  bgr888_a8: 0x38413842,
  rgb565_a8: 0x38413552,
  bgr565_a8: 0x38413542,
  /** non-subsampled Cr:Cb plane */
  nv24: 0x3432564e,
  /** non-subsampled Cb:Cr plane */
  nv42: 0x3234564e,
  /** 2x1 subsampled Cr:Cb plane, 10 bit per channel */
  p210: 0x30313250,
  /** 2x2 subsampled Cr:Cb plane 10 bits per channel */
  p010: 0x30313050,
  /** 2x2 subsampled Cr:Cb plane 12 bits per channel */
  p012: 0x32313050,
  /** 2x2 subsampled Cr:Cb plane 16 bits per channel */
  p016: 0x36313050,
  /** [63:0] A:x:B:x:G:x:R:x 10:6:10:6:10:6:10:6 little endian */
  axbxgxrx106106106106: 0x30314241,
  /** 2x2 subsampled Cr:Cb plane */
  nv15: 0x3531564e,
  q410: 0x30313451,
  q401: 0x31303451,
  /** [63:0] x:R:G:B 16:16:16:16 little endian */
  xrgb16161616: 0x38345258,
  /** [63:0] x:B:G:R 16:16:16:16 little endian */
  xbgr16161616: 0x38344258,
  /** [63:0] A:R:G:B 16:16:16:16 little endian */
  argb16161616: 0x38345241,
  /** [63:0] A:B:G:R 16:16:16:16 little endian */
  abgr16161616: 0x38344241,
  /** [7:0] C0:C1:C2:C3:C4:C5:C6:C7 1:1:1:1:1:1:1:1 eight pixels/byte */
  c1: 0x20203143,
  /** [7:0] C0:C1:C2:C3 2:2:2:2 four pixels/byte */
  c2: 0x20203243,
  /** [7:0] C0:C1 4:4 two pixels/byte */
  c4: 0x20203443,
  /** [7:0] D0:D1:D2:D3:D4:D5:D6:D7 1:1:1:1:1:1:1:1 eight pixels/byte */
  d1: 0x20203144,
  /** [7:0] D0:D1:D2:D3 2:2:2:2 four pixels/byte */
  d2: 0x20203244,
  /** [7:0] D0:D1 4:4 two pixels/byte */
  d4: 0x20203444,
  /** [7:0] D */
  d8: 0x20203844,
  /** [7:0] R0:R1:R2:R3:R4:R5:R6:R7 1:1:1:1:1:1:1:1 eight pixels/byte */
  r1: 0x20203152,
  /** [7:0] R0:R1:R2:R3 2:2:2:2 four pixels/byte */
  r2: 0x20203252,
  /** [7:0] R0:R1 4:4 two pixels/byte */
  r4: 0x20203452,
  /** [15:0] x:R 6:10 little endian */
  r10: 0x20303152,
  /** [15:0] x:R 4:12 little endian */
  r12: 0x20323152,
  /** [31:0] A:Cr:Cb:Y 8:8:8:8 little endian */
  avuy8888: 0x59555641,
  /** [31:0] X:Cr:Cb:Y 8:8:8:8 little endian */
  xvuy8888: 0x59555658,
  /** 2x2 subsampled Cr:Cb plane 10 bits per channel packed */
  p030: 0x30333050,
  /** [47:0] R:G:B 16:16:16 little endian */
  rgb161616: 0x38344752,
  /** [47:0] B:G:R 16:16:16 little endian */
  bgr161616: 0x38344742,
  /** [15:0] R 16 little endian */
  r16f: 0x48202052,
  /** [31:0] G:R 16:16 little endian */
  gr1616f: 0x48205247,
  /** [47:0] B:G:R 16:16:16 little endian */
  bgr161616f: 0x48524742,
  /** [31:0] R 32 little endian */
  r32f: 0x46202052,
  /** [63:0] G:R 32:32 little endian */
  gr3232f: 0x46205247,
  /** [95:0] B:G:R 32:32:32 little endian */
  bgr323232f: 0x46524742,
  /** [127:0] A:B:G:R 32:32:32:32 little endian */
  abgr32323232f: 0x46384241,
  /** 2x1 subsampled Cr:Cb plane */
  nv20: 0x3032564e,
  /** non-subsampled Cr:Cb plane */
  nv30: 0x3033564e,
  /** 2x2 subsampled Cb (1) and Cr (2) planes 10 bits per channel */
  s010: 0x30313053,
  /** 2x1 subsampled Cb (1) and Cr (2) planes 10 bits per channel */
  s210: 0x30313253,
  /** non-subsampled Cb (1) and Cr (2) planes 10 bits per channel */
  s410: 0x30313453,
  /** 2x2 subsampled Cb (1) and Cr (2) planes 12 bits per channel */
  s012: 0x32313053,
  /** 2x1 subsampled Cb (1) and Cr (2) planes 12 bits per channel */
  s212: 0x32313253,
  /** non-subsampled Cb (1) and Cr (2) planes 12 bits per channel */
  s412: 0x32313453,
  /** 2x2 subsampled Cb (1) and Cr (2) planes 16 bits per channel */
  s016: 0x36313053,
  /** 2x1 subsampled Cb (1) and Cr (2) planes 16 bits per channel */
  s216: 0x36313253,
  /** non-subsampled Cb (1) and Cr (2) planes 16 bits per channel */
  s416: 0x36313453,
  /** [31:0] x:Cr:Cb:Y 2:10:10:10 little endian */
  xvuy2101010: 0x30335958,
  /** 2x1 subsampled Cr:Cb plane 10 bits per channel packed */
  p230: 0x30333250,
  t430: 0x30333454,
  /** 8-bit Y-only */
  y8: 0x59455247,
  /** [31:0] x:Y2:Y1:Y0 2:10:10:10 little endian */
  xyyy2101010: 0x34415059,
} as const;

export interface WlShmRequests {
  /** create a shm pool */
  createPool(fd: number, size: number): WlShmPool;
  /** release the shm object. Since version 2. The object is gone after it. */
  release(): void;
}

export interface WlShmEvents {
  /** pixel format description */
  format(format: number): void;
}

/** shared memory support */
export interface WlShm extends WaylandObject<'wl_shm', WlShmEvents>, WlShmRequests {}

export const wl_shm: TypedInterface<WlShm> = {
  name: 'wl_shm',
  version: 3,
  requests: [
    { name: 'create_pool', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_shm_pool' }, { name: 'fd', type: 'fd' }, { name: 'size', type: 'int' }] },
    { name: 'release', opcode: 1, since: 2, destructor: true, args: [] },
  ],
  events: [
    { name: 'format', opcode: 0, since: 1, args: [{ name: 'format', type: 'uint', enum: 'wl_shm.format' }] },
  ],
  enums: [
    { name: 'error', since: 3, bitfield: false, entries: [
      { name: 'invalid_format', value: 0, since: 3 },
      { name: 'invalid_stride', value: 1, since: 3 },
      { name: 'invalid_fd', value: 2, since: 3 },
    ] },
    { name: 'format', since: 1, bitfield: false, entries: [
      { name: 'argb8888', value: 0, since: 1 },
      { name: 'xrgb8888', value: 1, since: 1 },
      { name: 'c8', value: 0x20203843, since: 1 },
      { name: 'rgb332', value: 0x38424752, since: 1 },
      { name: 'bgr233', value: 0x38524742, since: 1 },
      { name: 'xrgb4444', value: 0x32315258, since: 1 },
      { name: 'xbgr4444', value: 0x32314258, since: 1 },
      { name: 'rgbx4444', value: 0x32315852, since: 1 },
      { name: 'bgrx4444', value: 0x32315842, since: 1 },
      { name: 'argb4444', value: 0x32315241, since: 1 },
      { name: 'abgr4444', value: 0x32314241, since: 1 },
      { name: 'rgba4444', value: 0x32314152, since: 1 },
      { name: 'bgra4444', value: 0x32314142, since: 1 },
      { name: 'xrgb1555', value: 0x35315258, since: 1 },
      { name: 'xbgr1555', value: 0x35314258, since: 1 },
      { name: 'rgbx5551', value: 0x35315852, since: 1 },
      { name: 'bgrx5551', value: 0x35315842, since: 1 },
      { name: 'argb1555', value: 0x35315241, since: 1 },
      { name: 'abgr1555', value: 0x35314241, since: 1 },
      { name: 'rgba5551', value: 0x35314152, since: 1 },
      { name: 'bgra5551', value: 0x35314142, since: 1 },
      { name: 'rgb565', value: 0x36314752, since: 1 },
      { name: 'bgr565', value: 0x36314742, since: 1 },
      { name: 'rgb888', value: 0x34324752, since: 1 },
      { name: 'bgr888', value: 0x34324742, since: 1 },
      { name: 'xbgr8888', value: 0x34324258, since: 1 },
      { name: 'rgbx8888', value: 0x34325852, since: 1 },
      { name: 'bgrx8888', value: 0x34325842, since: 1 },
      { name: 'abgr8888', value: 0x34324241, since: 1 },
      { name: 'rgba8888', value: 0x34324152, since: 1 },
      { name: 'bgra8888', value: 0x34324142, since: 1 },
      { name: 'xrgb2101010', value: 0x30335258, since: 1 },
      { name: 'xbgr2101010', value: 0x30334258, since: 1 },
      { name: 'rgbx1010102', value: 0x30335852, since: 1 },
      { name: 'bgrx1010102', value: 0x30335842, since: 1 },
      { name: 'argb2101010', value: 0x30335241, since: 1 },
      { name: 'abgr2101010', value: 0x30334241, since: 1 },
      { name: 'rgba1010102', value: 0x30334152, since: 1 },
      { name: 'bgra1010102', value: 0x30334142, since: 1 },
      { name: 'yuyv', value: 0x56595559, since: 1 },
      { name: 'yvyu', value: 0x55595659, since: 1 },
      { name: 'uyvy', value: 0x59565955, since: 1 },
      { name: 'vyuy', value: 0x59555956, since: 1 },
      { name: 'ayuv', value: 0x56555941, since: 1 },
      { name: 'nv12', value: 0x3231564e, since: 1 },
      { name: 'nv21', value: 0x3132564e, since: 1 },
      { name: 'nv16', value: 0x3631564e, since: 1 },
      { name: 'nv61', value: 0x3136564e, since: 1 },
      { name: 'yuv410', value: 0x39565559, since: 1 },
      { name: 'yvu410', value: 0x39555659, since: 1 },
      { name: 'yuv411', value: 0x31315559, since: 1 },
      { name: 'yvu411', value: 0x31315659, since: 1 },
      { name: 'yuv420', value: 0x32315559, since: 1 },
      { name: 'yvu420', value: 0x32315659, since: 1 },
      { name: 'yuv422', value: 0x36315559, since: 1 },
      { name: 'yvu422', value: 0x36315659, since: 1 },
      { name: 'yuv444', value: 0x34325559, since: 1 },
      { name: 'yvu444', value: 0x34325659, since: 1 },
      { name: 'r8', value: 0x20203852, since: 1 },
      { name: 'r16', value: 0x20363152, since: 1 },
      { name: 'rg88', value: 0x38384752, since: 1 },
      { name: 'gr88', value: 0x38385247, since: 1 },
      { name: 'rg1616', value: 0x32334752, since: 1 },
      { name: 'gr1616', value: 0x32335247, since: 1 },
      { name: 'xrgb16161616f', value: 0x48345258, since: 1 },
      { name: 'xbgr16161616f', value: 0x48344258, since: 1 },
      { name: 'argb16161616f', value: 0x48345241, since: 1 },
      { name: 'abgr16161616f', value: 0x48344241, since: 1 },
      { name: 'xyuv8888', value: 0x56555958, since: 1 },
      { name: 'vuy888', value: 0x34325556, since: 1 },
      { name: 'vuy101010', value: 0x30335556, since: 1 },
      { name: 'y210', value: 0x30313259, since: 1 },
      { name: 'y212', value: 0x32313259, since: 1 },
      { name: 'y216', value: 0x36313259, since: 1 },
      { name: 'y410', value: 0x30313459, since: 1 },
      { name: 'y412', value: 0x32313459, since: 1 },
      { name: 'y416', value: 0x36313459, since: 1 },
      { name: 'xvyu2101010', value: 0x30335658, since: 1 },
      { name: 'xvyu12_16161616', value: 0x36335658, since: 1 },
      { name: 'xvyu16161616', value: 0x38345658, since: 1 },
      { name: 'y0l0', value: 0x304c3059, since: 1 },
      { name: 'x0l0', value: 0x304c3058, since: 1 },
      { name: 'y0l2', value: 0x324c3059, since: 1 },
      { name: 'x0l2', value: 0x324c3058, since: 1 },
      { name: 'yuv420_8bit', value: 0x38305559, since: 1 },
      { name: 'yuv420_10bit', value: 0x30315559, since: 1 },
      { name: 'xrgb8888_a8', value: 0x38415258, since: 1 },
      { name: 'xbgr8888_a8', value: 0x38414258, since: 1 },
      { name: 'rgbx8888_a8', value: 0x38415852, since: 1 },
      { name: 'bgrx8888_a8', value: 0x38415842, since: 1 },
      { name: 'rgb888_a8', value: 0x38413852, since: 1 },
      { name: 'bgr888_a8', value: 0x38413842, since: 1 },
      { name: 'rgb565_a8', value: 0x38413552, since: 1 },
      { name: 'bgr565_a8', value: 0x38413542, since: 1 },
      { name: 'nv24', value: 0x3432564e, since: 1 },
      { name: 'nv42', value: 0x3234564e, since: 1 },
      { name: 'p210', value: 0x30313250, since: 1 },
      { name: 'p010', value: 0x30313050, since: 1 },
      { name: 'p012', value: 0x32313050, since: 1 },
      { name: 'p016', value: 0x36313050, since: 1 },
      { name: 'axbxgxrx106106106106', value: 0x30314241, since: 1 },
      { name: 'nv15', value: 0x3531564e, since: 1 },
      { name: 'q410', value: 0x30313451, since: 1 },
      { name: 'q401', value: 0x31303451, since: 1 },
      { name: 'xrgb16161616', value: 0x38345258, since: 1 },
      { name: 'xbgr16161616', value: 0x38344258, since: 1 },
      { name: 'argb16161616', value: 0x38345241, since: 1 },
      { name: 'abgr16161616', value: 0x38344241, since: 1 },
      { name: 'c1', value: 0x20203143, since: 1 },
      { name: 'c2', value: 0x20203243, since: 1 },
      { name: 'c4', value: 0x20203443, since: 1 },
      { name: 'd1', value: 0x20203144, since: 1 },
      { name: 'd2', value: 0x20203244, since: 1 },
      { name: 'd4', value: 0x20203444, since: 1 },
      { name: 'd8', value: 0x20203844, since: 1 },
      { name: 'r1', value: 0x20203152, since: 1 },
      { name: 'r2', value: 0x20203252, since: 1 },
      { name: 'r4', value: 0x20203452, since: 1 },
      { name: 'r10', value: 0x20303152, since: 1 },
      { name: 'r12', value: 0x20323152, since: 1 },
      { name: 'avuy8888', value: 0x59555641, since: 1 },
      { name: 'xvuy8888', value: 0x59555658, since: 1 },
      { name: 'p030', value: 0x30333050, since: 1 },
      { name: 'rgb161616', value: 0x38344752, since: 1 },
      { name: 'bgr161616', value: 0x38344742, since: 1 },
      { name: 'r16f', value: 0x48202052, since: 1 },
      { name: 'gr1616f', value: 0x48205247, since: 1 },
      { name: 'bgr161616f', value: 0x48524742, since: 1 },
      { name: 'r32f', value: 0x46202052, since: 1 },
      { name: 'gr3232f', value: 0x46205247, since: 1 },
      { name: 'bgr323232f', value: 0x46524742, since: 1 },
      { name: 'abgr32323232f', value: 0x46384241, since: 1 },
      { name: 'nv20', value: 0x3032564e, since: 1 },
      { name: 'nv30', value: 0x3033564e, since: 1 },
      { name: 's010', value: 0x30313053, since: 1 },
      { name: 's210', value: 0x30313253, since: 1 },
      { name: 's410', value: 0x30313453, since: 1 },
      { name: 's012', value: 0x32313053, since: 1 },
      { name: 's212', value: 0x32313253, since: 1 },
      { name: 's412', value: 0x32313453, since: 1 },
      { name: 's016', value: 0x36313053, since: 1 },
      { name: 's216', value: 0x36313253, since: 1 },
      { name: 's416', value: 0x36313453, since: 1 },
      { name: 'xvuy2101010', value: 0x30335958, since: 1 },
      { name: 'p230', value: 0x30333250, since: 1 },
      { name: 't430', value: 0x30333454, since: 1 },
      { name: 'y8', value: 0x59455247, since: 1 },
      { name: 'xyyy2101010', value: 0x34415059, since: 1 },
    ] },
  ],
};

export interface WlBufferRequests {
  /** destroy a buffer. The object is gone after it. */
  destroy(): void;
}

export interface WlBufferEvents {
  /** compositor releases buffer */
  release(): void;
}

/** content for a wl_surface */
export interface WlBuffer extends WaylandObject<'wl_buffer', WlBufferEvents>, WlBufferRequests {}

export const wl_buffer: TypedInterface<WlBuffer> = {
  name: 'wl_buffer',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'release', opcode: 0, since: 1, args: [] },
  ],
  enums: [],
};

export const WlDataOfferError = {
  /** finish request was called untimely */
  invalid_finish: 0,
  /** action mask contains invalid values */
  invalid_action_mask: 1,
  /** action argument has an invalid value */
  invalid_action: 2,
  /** offer doesn't accept this request */
  invalid_offer: 3,
} as const;

export interface WlDataOfferRequests {
  /** accept one of the offered mime types */
  accept(serial: number, mimeType: string | null): void;
  /** request that the data is transferred */
  receive(mimeType: string, fd: number): void;
  /** destroy data offer. The object is gone after it. */
  destroy(): void;
  /** the offer will no longer be used. Since version 3. */
  finish(): void;
  /** set the available/preferred drag-and-drop actions. Since version 3. */
  setActions(dndActions: number, preferredAction: number): void;
}

export interface WlDataOfferEvents {
  /** advertise offered mime type */
  offer(mimeType: string): void;
  /** notify the source-side available actions. Since version 3. */
  sourceActions(sourceActions: number): void;
  /** notify the selected action. Since version 3. */
  action(dndAction: number): void;
}

/** offer to transfer data */
export interface WlDataOffer extends WaylandObject<'wl_data_offer', WlDataOfferEvents>, WlDataOfferRequests {}

export const wl_data_offer: TypedInterface<WlDataOffer> = {
  name: 'wl_data_offer',
  version: 4,
  requests: [
    { name: 'accept', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'mime_type', type: 'string', nullable: true }] },
    { name: 'receive', opcode: 1, since: 1, args: [{ name: 'mime_type', type: 'string' }, { name: 'fd', type: 'fd' }] },
    { name: 'destroy', opcode: 2, since: 1, destructor: true, args: [] },
    { name: 'finish', opcode: 3, since: 3, args: [] },
    { name: 'set_actions', opcode: 4, since: 3, args: [{ name: 'dnd_actions', type: 'uint', enum: 'wl_data_device_manager.dnd_action' }, { name: 'preferred_action', type: 'uint', enum: 'wl_data_device_manager.dnd_action' }] },
  ],
  events: [
    { name: 'offer', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string' }] },
    { name: 'source_actions', opcode: 1, since: 3, args: [{ name: 'source_actions', type: 'uint', enum: 'wl_data_device_manager.dnd_action' }] },
    { name: 'action', opcode: 2, since: 3, args: [{ name: 'dnd_action', type: 'uint', enum: 'wl_data_device_manager.dnd_action' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_finish', value: 0, since: 1 },
      { name: 'invalid_action_mask', value: 1, since: 1 },
      { name: 'invalid_action', value: 2, since: 1 },
      { name: 'invalid_offer', value: 3, since: 1 },
    ] },
  ],
};

export const WlDataSourceError = {
  /** action mask contains invalid values */
  invalid_action_mask: 0,
  /** source doesn't accept this request */
  invalid_source: 1,
} as const;

export interface WlDataSourceRequests {
  /** add an offered mime type */
  offer(mimeType: string): void;
  /** destroy the data source. The object is gone after it. */
  destroy(): void;
  /** set the available drag-and-drop actions. Since version 3. */
  setActions(dndActions: number): void;
}

export interface WlDataSourceEvents {
  /** a target accepts an offered mime type */
  target(mimeType: string | null): void;
  /** send the data */
  send(mimeType: string, fd: number): void;
  /** selection was cancelled */
  cancelled(): void;
  /** the drag-and-drop operation physically finished. Since version 3. */
  dndDropPerformed(): void;
  /** the drag-and-drop operation concluded. Since version 3. */
  dndFinished(): void;
  /** notify the selected action. Since version 3. */
  action(dndAction: number): void;
}

/** offer to transfer data */
export interface WlDataSource extends WaylandObject<'wl_data_source', WlDataSourceEvents>, WlDataSourceRequests {}

export const wl_data_source: TypedInterface<WlDataSource> = {
  name: 'wl_data_source',
  version: 4,
  requests: [
    { name: 'offer', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
    { name: 'set_actions', opcode: 2, since: 3, args: [{ name: 'dnd_actions', type: 'uint', enum: 'wl_data_device_manager.dnd_action' }] },
  ],
  events: [
    { name: 'target', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string', nullable: true }] },
    { name: 'send', opcode: 1, since: 1, args: [{ name: 'mime_type', type: 'string' }, { name: 'fd', type: 'fd' }] },
    { name: 'cancelled', opcode: 2, since: 1, args: [] },
    { name: 'dnd_drop_performed', opcode: 3, since: 3, args: [] },
    { name: 'dnd_finished', opcode: 4, since: 3, args: [] },
    { name: 'action', opcode: 5, since: 3, args: [{ name: 'dnd_action', type: 'uint', enum: 'wl_data_device_manager.dnd_action' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_action_mask', value: 0, since: 1 },
      { name: 'invalid_source', value: 1, since: 1 },
    ] },
  ],
};

export const WlDataDeviceError = {
  /** given wl_surface has another role */
  role: 0,
  /** source has already been used */
  used_source: 1,
} as const;

export interface WlDataDeviceRequests {
  /** start drag-and-drop operation */
  startDrag(source: WlDataSource | null, origin: WlSurface, icon: WlSurface | null, serial: number): void;
  /** copy data to the selection */
  setSelection(source: WlDataSource | null, serial: number): void;
  /** destroy data device. Since version 2. The object is gone after it. */
  release(): void;
}

export interface WlDataDeviceEvents {
  /** introduce a new wl_data_offer */
  dataOffer(id: WlDataOffer): void;
  /** initiate drag-and-drop session */
  enter(serial: number, surface: WlSurface | null, x: number, y: number, id: WlDataOffer | null): void;
  /** end drag-and-drop session */
  leave(): void;
  /** drag-and-drop session motion */
  motion(time: number, x: number, y: number): void;
  /** end drag-and-drop session successfully */
  drop(): void;
  /** advertise new selection */
  selection(id: WlDataOffer | null): void;
}

/** data transfer device */
export interface WlDataDevice extends WaylandObject<'wl_data_device', WlDataDeviceEvents>, WlDataDeviceRequests {}

export const wl_data_device: TypedInterface<WlDataDevice> = {
  name: 'wl_data_device',
  version: 4,
  requests: [
    { name: 'start_drag', opcode: 0, since: 1, args: [{ name: 'source', type: 'object', interface: 'wl_data_source', nullable: true }, { name: 'origin', type: 'object', interface: 'wl_surface' }, { name: 'icon', type: 'object', interface: 'wl_surface', nullable: true }, { name: 'serial', type: 'uint' }] },
    { name: 'set_selection', opcode: 1, since: 1, args: [{ name: 'source', type: 'object', interface: 'wl_data_source', nullable: true }, { name: 'serial', type: 'uint' }] },
    { name: 'release', opcode: 2, since: 2, destructor: true, args: [] },
  ],
  events: [
    { name: 'data_offer', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_data_offer' }] },
    { name: 'enter', opcode: 1, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'x', type: 'fixed' }, { name: 'y', type: 'fixed' }, { name: 'id', type: 'object', interface: 'wl_data_offer', nullable: true }] },
    { name: 'leave', opcode: 2, since: 1, args: [] },
    { name: 'motion', opcode: 3, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'x', type: 'fixed' }, { name: 'y', type: 'fixed' }] },
    { name: 'drop', opcode: 4, since: 1, args: [] },
    { name: 'selection', opcode: 5, since: 1, args: [{ name: 'id', type: 'object', interface: 'wl_data_offer', nullable: true }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'role', value: 0, since: 1 },
      { name: 'used_source', value: 1, since: 1 },
    ] },
  ],
};

/** drag and drop actions. Bits. */
export const WlDataDeviceManagerDndAction = {
  /** no action */
  none: 0,
  /** copy action */
  copy: 1,
  /** move action */
  move: 2,
  /** ask action */
  ask: 4,
} as const;

export interface WlDataDeviceManagerRequests {
  /** create a new data source */
  createDataSource(): WlDataSource;
  /** create a new data device */
  getDataDevice(seat: WlSeat): WlDataDevice;
  /** destroy wl_data_device_manager. Since version 4. The object is gone after it. */
  release(): void;
}

export interface WlDataDeviceManagerEvents {
}

/** data transfer interface */
export interface WlDataDeviceManager extends WaylandObject<'wl_data_device_manager', WlDataDeviceManagerEvents>, WlDataDeviceManagerRequests {}

export const wl_data_device_manager: TypedInterface<WlDataDeviceManager> = {
  name: 'wl_data_device_manager',
  version: 4,
  requests: [
    { name: 'create_data_source', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_data_source' }] },
    { name: 'get_data_device', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_data_device' }, { name: 'seat', type: 'object', interface: 'wl_seat' }] },
    { name: 'release', opcode: 2, since: 4, destructor: true, args: [] },
  ],
  events: [],
  enums: [
    { name: 'dnd_action', since: 3, bitfield: true, entries: [
      { name: 'none', value: 0, since: 3 },
      { name: 'copy', value: 1, since: 3 },
      { name: 'move', value: 2, since: 3 },
      { name: 'ask', value: 4, since: 3 },
    ] },
  ],
};

export const WlShellError = {
  /** given wl_surface has another role */
  role: 0,
} as const;

export interface WlShellRequests {
  /** create a shell surface from a surface */
  getShellSurface(surface: WlSurface): WlShellSurface;
}

export interface WlShellEvents {
}

/** create desktop-style surfaces */
export interface WlShell extends WaylandObject<'wl_shell', WlShellEvents>, WlShellRequests {}

export const wl_shell: TypedInterface<WlShell> = {
  name: 'wl_shell',
  version: 1,
  requests: [
    { name: 'get_shell_surface', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_shell_surface' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'role', value: 0, since: 1 },
    ] },
  ],
};

/** edge values for resizing. Bits. */
export const WlShellSurfaceResize = {
  /** no edge */
  none: 0,
  /** top edge */
  top: 1,
  /** bottom edge */
  bottom: 2,
  /** left edge */
  left: 4,
  /** top and left edges */
  top_left: 5,
  /** bottom and left edges */
  bottom_left: 6,
  /** right edge */
  right: 8,
  /** top and right edges */
  top_right: 9,
  /** bottom and right edges */
  bottom_right: 10,
} as const;

/** details of transient behaviour. Bits. */
export const WlShellSurfaceTransient = {
  /** do not set keyboard focus */
  inactive: 1,
} as const;

/** different method to set the surface fullscreen */
export const WlShellSurfaceFullscreenMethod = {
  /** no preference, apply default policy */
  default: 0,
  /** scale, preserve the surface's aspect ratio and center on output */
  scale: 1,
  /** switch output mode to the smallest mode that can fit the surface, add black borders to compensate size mismatch */
  driver: 2,
  /** no upscaling, center on output and add black borders to compensate size mismatch */
  fill: 3,
} as const;

export interface WlShellSurfaceRequests {
  /** respond to a ping event */
  pong(serial: number): void;
  /** start an interactive move */
  move(seat: WlSeat, serial: number): void;
  /** start an interactive resize */
  resize(seat: WlSeat, serial: number, edges: number): void;
  /** make the surface a toplevel surface */
  setToplevel(): void;
  /** make the surface a transient surface */
  setTransient(parent: WlSurface, x: number, y: number, flags: number): void;
  /** make the surface a fullscreen surface */
  setFullscreen(method: number, framerate: number, output: WlOutput | null): void;
  /** make the surface a popup surface */
  setPopup(seat: WlSeat, serial: number, parent: WlSurface, x: number, y: number, flags: number): void;
  /** make the surface a maximized surface */
  setMaximized(output: WlOutput | null): void;
  /** set surface title */
  setTitle(title: string): void;
  /** set surface class */
  setClass(class_: string): void;
}

export interface WlShellSurfaceEvents {
  /** ping client */
  ping(serial: number): void;
  /** suggest resize */
  configure(edges: number, width: number, height: number): void;
  /** popup interaction is done */
  popupDone(): void;
}

/** desktop-style metadata interface */
export interface WlShellSurface extends WaylandObject<'wl_shell_surface', WlShellSurfaceEvents>, WlShellSurfaceRequests {}

export const wl_shell_surface: TypedInterface<WlShellSurface> = {
  name: 'wl_shell_surface',
  version: 1,
  requests: [
    { name: 'pong', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }] },
    { name: 'move', opcode: 1, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }] },
    { name: 'resize', opcode: 2, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }, { name: 'edges', type: 'uint', enum: 'wl_shell_surface.resize' }] },
    { name: 'set_toplevel', opcode: 3, since: 1, args: [] },
    { name: 'set_transient', opcode: 4, since: 1, args: [{ name: 'parent', type: 'object', interface: 'wl_surface' }, { name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'flags', type: 'uint', enum: 'wl_shell_surface.transient' }] },
    { name: 'set_fullscreen', opcode: 5, since: 1, args: [{ name: 'method', type: 'uint', enum: 'wl_shell_surface.fullscreen_method' }, { name: 'framerate', type: 'uint' }, { name: 'output', type: 'object', interface: 'wl_output', nullable: true }] },
    { name: 'set_popup', opcode: 6, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }, { name: 'parent', type: 'object', interface: 'wl_surface' }, { name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'flags', type: 'uint', enum: 'wl_shell_surface.transient' }] },
    { name: 'set_maximized', opcode: 7, since: 1, args: [{ name: 'output', type: 'object', interface: 'wl_output', nullable: true }] },
    { name: 'set_title', opcode: 8, since: 1, args: [{ name: 'title', type: 'string' }] },
    { name: 'set_class', opcode: 9, since: 1, args: [{ name: 'class_', type: 'string' }] },
  ],
  events: [
    { name: 'ping', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }] },
    { name: 'configure', opcode: 1, since: 1, args: [{ name: 'edges', type: 'uint', enum: 'wl_shell_surface.resize' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'popup_done', opcode: 2, since: 1, args: [] },
  ],
  enums: [
    { name: 'resize', since: 1, bitfield: true, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'top', value: 1, since: 1 },
      { name: 'bottom', value: 2, since: 1 },
      { name: 'left', value: 4, since: 1 },
      { name: 'top_left', value: 5, since: 1 },
      { name: 'bottom_left', value: 6, since: 1 },
      { name: 'right', value: 8, since: 1 },
      { name: 'top_right', value: 9, since: 1 },
      { name: 'bottom_right', value: 10, since: 1 },
    ] },
    { name: 'transient', since: 1, bitfield: true, entries: [
      { name: 'inactive', value: 1, since: 1 },
    ] },
    { name: 'fullscreen_method', since: 1, bitfield: false, entries: [
      { name: 'default', value: 0, since: 1 },
      { name: 'scale', value: 1, since: 1 },
      { name: 'driver', value: 2, since: 1 },
      { name: 'fill', value: 3, since: 1 },
    ] },
  ],
};

/** wl_surface error values */
export const WlSurfaceError = {
  /** buffer scale value is invalid */
  invalid_scale: 0,
  /** buffer transform value is invalid */
  invalid_transform: 1,
  /** buffer size is invalid */
  invalid_size: 2,
  /** buffer offset is invalid */
  invalid_offset: 3,
  /** surface was destroyed before its role object */
  defunct_role_object: 4,
  /** no buffer was attached */
  no_buffer: 5,
} as const;

export interface WlSurfaceRequests {
  /** delete surface. The object is gone after it. */
  destroy(): void;
  /** set the surface contents */
  attach(buffer: WlBuffer | null, x: number, y: number): void;
  /** mark part of the surface damaged */
  damage(x: number, y: number, width: number, height: number): void;
  /** request a frame throttling hint */
  frame(): WlCallback;
  /** set opaque region */
  setOpaqueRegion(region: WlRegion | null): void;
  /** set input region */
  setInputRegion(region: WlRegion | null): void;
  /** commit pending surface state */
  commit(): void;
  /** sets the buffer transformation. Since version 2. */
  setBufferTransform(transform: number): void;
  /** sets the buffer scaling factor. Since version 3. */
  setBufferScale(scale: number): void;
  /** mark part of the surface damaged using buffer coordinates. Since version 4. */
  damageBuffer(x: number, y: number, width: number, height: number): void;
  /** set the surface contents offset. Since version 5. */
  offset(x: number, y: number): void;
  /** get a release callback. Since version 7. */
  getRelease(): WlCallback;
}

export interface WlSurfaceEvents {
  /** surface enters an output */
  enter(output: WlOutput | null): void;
  /** surface leaves an output */
  leave(output: WlOutput | null): void;
  /** preferred buffer scale for the surface. Since version 6. */
  preferredBufferScale(factor: number): void;
  /** preferred buffer transform for the surface. Since version 6. */
  preferredBufferTransform(transform: number): void;
}

/** an onscreen surface */
export interface WlSurface extends WaylandObject<'wl_surface', WlSurfaceEvents>, WlSurfaceRequests {}

export const wl_surface: TypedInterface<WlSurface> = {
  name: 'wl_surface',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'attach', opcode: 1, since: 1, args: [{ name: 'buffer', type: 'object', interface: 'wl_buffer', nullable: true }, { name: 'x', type: 'int' }, { name: 'y', type: 'int' }] },
    { name: 'damage', opcode: 2, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'frame', opcode: 3, since: 1, args: [{ name: 'callback', type: 'new_id', interface: 'wl_callback' }] },
    { name: 'set_opaque_region', opcode: 4, since: 1, args: [{ name: 'region', type: 'object', interface: 'wl_region', nullable: true }] },
    { name: 'set_input_region', opcode: 5, since: 1, args: [{ name: 'region', type: 'object', interface: 'wl_region', nullable: true }] },
    { name: 'commit', opcode: 6, since: 1, args: [] },
    { name: 'set_buffer_transform', opcode: 7, since: 2, args: [{ name: 'transform', type: 'int', enum: 'wl_output.transform' }] },
    { name: 'set_buffer_scale', opcode: 8, since: 3, args: [{ name: 'scale', type: 'int' }] },
    { name: 'damage_buffer', opcode: 9, since: 4, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'offset', opcode: 10, since: 5, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }] },
    { name: 'get_release', opcode: 11, since: 7, args: [{ name: 'callback', type: 'new_id', interface: 'wl_callback' }] },
  ],
  events: [
    { name: 'enter', opcode: 0, since: 1, args: [{ name: 'output', type: 'object', interface: 'wl_output' }] },
    { name: 'leave', opcode: 1, since: 1, args: [{ name: 'output', type: 'object', interface: 'wl_output' }] },
    { name: 'preferred_buffer_scale', opcode: 2, since: 6, args: [{ name: 'factor', type: 'int' }] },
    { name: 'preferred_buffer_transform', opcode: 3, since: 6, args: [{ name: 'transform', type: 'uint', enum: 'wl_output.transform' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_scale', value: 0, since: 1 },
      { name: 'invalid_transform', value: 1, since: 1 },
      { name: 'invalid_size', value: 2, since: 1 },
      { name: 'invalid_offset', value: 3, since: 1 },
      { name: 'defunct_role_object', value: 4, since: 1 },
      { name: 'no_buffer', value: 5, since: 1 },
    ] },
  ],
};

/** seat capability bitmask. Bits. */
export const WlSeatCapability = {
  /** the seat has pointer devices */
  pointer: 1,
  /** the seat has one or more keyboards */
  keyboard: 2,
  /** the seat has touch devices */
  touch: 4,
} as const;

/** wl_seat error values */
export const WlSeatError = {
  /** get_pointer, get_keyboard or get_touch called on seat without the matching capability */
  missing_capability: 0,
} as const;

export interface WlSeatRequests {
  /** return pointer object */
  getPointer(): WlPointer;
  /** return keyboard object */
  getKeyboard(): WlKeyboard;
  /** return touch object */
  getTouch(): WlTouch;
  /** release the seat object. Since version 5. The object is gone after it. */
  release(): void;
}

export interface WlSeatEvents {
  /** seat capabilities changed */
  capabilities(capabilities: number): void;
  /** unique identifier for this seat. Since version 2. */
  name(name: string): void;
}

/** group of input devices */
export interface WlSeat extends WaylandObject<'wl_seat', WlSeatEvents>, WlSeatRequests {}

export const wl_seat: TypedInterface<WlSeat> = {
  name: 'wl_seat',
  version: 11,
  requests: [
    { name: 'get_pointer', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_pointer' }] },
    { name: 'get_keyboard', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_keyboard' }] },
    { name: 'get_touch', opcode: 2, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_touch' }] },
    { name: 'release', opcode: 3, since: 5, destructor: true, args: [] },
  ],
  events: [
    { name: 'capabilities', opcode: 0, since: 1, args: [{ name: 'capabilities', type: 'uint', enum: 'wl_seat.capability' }] },
    { name: 'name', opcode: 1, since: 2, args: [{ name: 'name', type: 'string' }] },
  ],
  enums: [
    { name: 'capability', since: 1, bitfield: true, entries: [
      { name: 'pointer', value: 1, since: 1 },
      { name: 'keyboard', value: 2, since: 1 },
      { name: 'touch', value: 4, since: 1 },
    ] },
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'missing_capability', value: 0, since: 1 },
    ] },
  ],
};

export const WlPointerError = {
  /** given wl_surface has another role */
  role: 0,
} as const;

/** physical button state */
export const WlPointerButtonState = {
  /** the button is not pressed */
  released: 0,
  /** the button is pressed */
  pressed: 1,
} as const;

/** axis types */
export const WlPointerAxis = {
  /** vertical axis */
  vertical_scroll: 0,
  /** horizontal axis */
  horizontal_scroll: 1,
} as const;

/** axis source types */
export const WlPointerAxisSource = {
  /** a physical wheel rotation */
  wheel: 0,
  /** finger on a touch surface */
  finger: 1,
  /** continuous coordinate space */
  continuous: 2,
  /** a physical wheel tilt. Since version 6. */
  wheel_tilt: 3,
} as const;

/** axis relative direction */
export const WlPointerAxisRelativeDirection = {
  /** physical motion matches axis direction */
  identical: 0,
  /** physical motion is the inverse of the axis direction */
  inverted: 1,
} as const;

export interface WlPointerRequests {
  /** set the pointer surface */
  setCursor(serial: number, surface: WlSurface | null, hotspotX: number, hotspotY: number): void;
  /** release the pointer object. Since version 3. The object is gone after it. */
  release(): void;
}

export interface WlPointerEvents {
  /** enter event */
  enter(serial: number, surface: WlSurface | null, surfaceX: number, surfaceY: number): void;
  /** leave event */
  leave(serial: number, surface: WlSurface | null): void;
  /** pointer motion event */
  motion(time: number, surfaceX: number, surfaceY: number): void;
  /** pointer button event */
  button(serial: number, time: number, button: number, state: number): void;
  /** axis event */
  axis(time: number, axis: number, value: number): void;
  /** end of a pointer event sequence. Since version 5. */
  frame(): void;
  /** axis source event. Since version 5. */
  axisSource(axisSource: number): void;
  /** axis stop event. Since version 5. */
  axisStop(time: number, axis: number): void;
  /** axis click event. Since version 5. Deprecated since version 8. */
  axisDiscrete(axis: number, discrete: number): void;
  /** axis high-resolution scroll event. Since version 8. */
  axisValue120(axis: number, value120: number): void;
  /** axis relative physical direction event. Since version 9. */
  axisRelativeDirection(axis: number, direction: number): void;
  /** pointer warp event. Since version 11. */
  warp(surfaceX: number, surfaceY: number): void;
}

/** pointer input device */
export interface WlPointer extends WaylandObject<'wl_pointer', WlPointerEvents>, WlPointerRequests {}

export const wl_pointer: TypedInterface<WlPointer> = {
  name: 'wl_pointer',
  version: 11,
  requests: [
    { name: 'set_cursor', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface', nullable: true }, { name: 'hotspot_x', type: 'int' }, { name: 'hotspot_y', type: 'int' }] },
    { name: 'release', opcode: 1, since: 3, destructor: true, args: [] },
  ],
  events: [
    { name: 'enter', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'surface_x', type: 'fixed' }, { name: 'surface_y', type: 'fixed' }] },
    { name: 'leave', opcode: 1, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'motion', opcode: 2, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'surface_x', type: 'fixed' }, { name: 'surface_y', type: 'fixed' }] },
    { name: 'button', opcode: 3, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'button', type: 'uint' }, { name: 'state', type: 'uint', enum: 'wl_pointer.button_state' }] },
    { name: 'axis', opcode: 4, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'axis', type: 'uint', enum: 'wl_pointer.axis' }, { name: 'value', type: 'fixed' }] },
    { name: 'frame', opcode: 5, since: 5, args: [] },
    { name: 'axis_source', opcode: 6, since: 5, args: [{ name: 'axis_source', type: 'uint', enum: 'wl_pointer.axis_source' }] },
    { name: 'axis_stop', opcode: 7, since: 5, args: [{ name: 'time', type: 'uint' }, { name: 'axis', type: 'uint', enum: 'wl_pointer.axis' }] },
    { name: 'axis_discrete', opcode: 8, since: 5, deprecatedSince: 8, args: [{ name: 'axis', type: 'uint', enum: 'wl_pointer.axis' }, { name: 'discrete', type: 'int' }] },
    { name: 'axis_value120', opcode: 9, since: 8, args: [{ name: 'axis', type: 'uint', enum: 'wl_pointer.axis' }, { name: 'value120', type: 'int' }] },
    { name: 'axis_relative_direction', opcode: 10, since: 9, args: [{ name: 'axis', type: 'uint', enum: 'wl_pointer.axis' }, { name: 'direction', type: 'uint', enum: 'wl_pointer.axis_relative_direction' }] },
    { name: 'warp', opcode: 11, since: 11, args: [{ name: 'surface_x', type: 'fixed' }, { name: 'surface_y', type: 'fixed' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'role', value: 0, since: 1 },
    ] },
    { name: 'button_state', since: 1, bitfield: false, entries: [
      { name: 'released', value: 0, since: 1 },
      { name: 'pressed', value: 1, since: 1 },
    ] },
    { name: 'axis', since: 1, bitfield: false, entries: [
      { name: 'vertical_scroll', value: 0, since: 1 },
      { name: 'horizontal_scroll', value: 1, since: 1 },
    ] },
    { name: 'axis_source', since: 1, bitfield: false, entries: [
      { name: 'wheel', value: 0, since: 1 },
      { name: 'finger', value: 1, since: 1 },
      { name: 'continuous', value: 2, since: 1 },
      { name: 'wheel_tilt', value: 3, since: 6 },
    ] },
    { name: 'axis_relative_direction', since: 1, bitfield: false, entries: [
      { name: 'identical', value: 0, since: 1 },
      { name: 'inverted', value: 1, since: 1 },
    ] },
  ],
};

/** keyboard mapping format */
export const WlKeyboardKeymapFormat = {
  /** no keymap; client must understand how to interpret the raw keycode */
  no_keymap: 0,
  /** libxkbcommon compatible, null-terminated string; to determine the xkb keycode, clients must add 8 to the key event keycode */
  xkb_v1: 1,
} as const;

/** physical key state */
export const WlKeyboardKeyState = {
  /** key is not pressed */
  released: 0,
  /** key is pressed */
  pressed: 1,
  /** key was repeated. Since version 10. */
  repeated: 2,
} as const;

export interface WlKeyboardRequests {
  /** release the keyboard object. Since version 3. The object is gone after it. */
  release(): void;
}

export interface WlKeyboardEvents {
  /** keyboard mapping */
  keymap(format: number, fd: number, size: number): void;
  /** enter event */
  enter(serial: number, surface: WlSurface | null, keys: Uint8Array): void;
  /** leave event */
  leave(serial: number, surface: WlSurface | null): void;
  /** key event */
  key(serial: number, time: number, key: number, state: number): void;
  /** modifier and group state */
  modifiers(serial: number, modsDepressed: number, modsLatched: number, modsLocked: number, group: number): void;
  /** repeat rate and delay. Since version 4. */
  repeatInfo(rate: number, delay: number): void;
}

/** keyboard input device */
export interface WlKeyboard extends WaylandObject<'wl_keyboard', WlKeyboardEvents>, WlKeyboardRequests {}

export const wl_keyboard: TypedInterface<WlKeyboard> = {
  name: 'wl_keyboard',
  version: 11,
  requests: [
    { name: 'release', opcode: 0, since: 3, destructor: true, args: [] },
  ],
  events: [
    { name: 'keymap', opcode: 0, since: 1, args: [{ name: 'format', type: 'uint', enum: 'wl_keyboard.keymap_format' }, { name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'enter', opcode: 1, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'keys', type: 'array' }] },
    { name: 'leave', opcode: 2, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'key', opcode: 3, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'key', type: 'uint' }, { name: 'state', type: 'uint', enum: 'wl_keyboard.key_state' }] },
    { name: 'modifiers', opcode: 4, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'mods_depressed', type: 'uint' }, { name: 'mods_latched', type: 'uint' }, { name: 'mods_locked', type: 'uint' }, { name: 'group', type: 'uint' }] },
    { name: 'repeat_info', opcode: 5, since: 4, args: [{ name: 'rate', type: 'int' }, { name: 'delay', type: 'int' }] },
  ],
  enums: [
    { name: 'keymap_format', since: 1, bitfield: false, entries: [
      { name: 'no_keymap', value: 0, since: 1 },
      { name: 'xkb_v1', value: 1, since: 1 },
    ] },
    { name: 'key_state', since: 1, bitfield: false, entries: [
      { name: 'released', value: 0, since: 1 },
      { name: 'pressed', value: 1, since: 1 },
      { name: 'repeated', value: 2, since: 10 },
    ] },
  ],
};

export interface WlTouchRequests {
  /** release the touch object. Since version 3. The object is gone after it. */
  release(): void;
}

export interface WlTouchEvents {
  /** touch down event and beginning of a touch sequence */
  down(serial: number, time: number, surface: WlSurface | null, id: number, x: number, y: number): void;
  /** end of a touch event sequence */
  up(serial: number, time: number, id: number): void;
  /** update of touch point coordinates */
  motion(time: number, id: number, x: number, y: number): void;
  /** end of touch frame event */
  frame(): void;
  /** touch session cancelled */
  cancel(): void;
  /** update shape of touch point. Since version 6. */
  shape(id: number, major: number, minor: number): void;
  /** update orientation of touch point. Since version 6. */
  orientation(id: number, orientation: number): void;
}

/** touchscreen input device */
export interface WlTouch extends WaylandObject<'wl_touch', WlTouchEvents>, WlTouchRequests {}

export const wl_touch: TypedInterface<WlTouch> = {
  name: 'wl_touch',
  version: 11,
  requests: [
    { name: 'release', opcode: 0, since: 3, destructor: true, args: [] },
  ],
  events: [
    { name: 'down', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'id', type: 'int' }, { name: 'x', type: 'fixed' }, { name: 'y', type: 'fixed' }] },
    { name: 'up', opcode: 1, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'id', type: 'int' }] },
    { name: 'motion', opcode: 2, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'id', type: 'int' }, { name: 'x', type: 'fixed' }, { name: 'y', type: 'fixed' }] },
    { name: 'frame', opcode: 3, since: 1, args: [] },
    { name: 'cancel', opcode: 4, since: 1, args: [] },
    { name: 'shape', opcode: 5, since: 6, args: [{ name: 'id', type: 'int' }, { name: 'major', type: 'fixed' }, { name: 'minor', type: 'fixed' }] },
    { name: 'orientation', opcode: 6, since: 6, args: [{ name: 'id', type: 'int' }, { name: 'orientation', type: 'fixed' }] },
  ],
  enums: [],
};

/** subpixel geometry information */
export const WlOutputSubpixel = {
  /** unknown geometry */
  unknown: 0,
  /** no geometry */
  none: 1,
  /** horizontal RGB */
  horizontal_rgb: 2,
  /** horizontal BGR */
  horizontal_bgr: 3,
  /** vertical RGB */
  vertical_rgb: 4,
  /** vertical BGR */
  vertical_bgr: 5,
} as const;

/** transformation applied to buffer contents */
export const WlOutputTransform = {
  /** no transform */
  normal: 0,
  /** 90 degrees counter-clockwise */
  '90': 1,
  /** 180 degrees counter-clockwise */
  '180': 2,
  /** 270 degrees counter-clockwise */
  '270': 3,
  /** 180 degree flip around a vertical axis */
  flipped: 4,
  /** flip and rotate 90 degrees counter-clockwise */
  flipped_90: 5,
  /** flip and rotate 180 degrees counter-clockwise */
  flipped_180: 6,
  /** flip and rotate 270 degrees counter-clockwise */
  flipped_270: 7,
} as const;

/** mode information. Bits. */
export const WlOutputMode = {
  /** indicates this is the current mode */
  current: 1,
  /** indicates this is the preferred mode */
  preferred: 2,
} as const;

export interface WlOutputRequests {
  /** release the output object. Since version 3. The object is gone after it. */
  release(): void;
}

export interface WlOutputEvents {
  /** properties of the output */
  geometry(x: number, y: number, physicalWidth: number, physicalHeight: number, subpixel: number, make: string, model: string, transform: number): void;
  /** advertise available modes for the output */
  mode(flags: number, width: number, height: number, refresh: number): void;
  /** sent all information about output. Since version 2. */
  done(): void;
  /** output scaling properties. Since version 2. */
  scale(factor: number): void;
  /** name of this output. Since version 4. */
  name(name: string): void;
  /** human-readable description of this output. Since version 4. */
  description(description: string): void;
}

/** compositor output region */
export interface WlOutput extends WaylandObject<'wl_output', WlOutputEvents>, WlOutputRequests {}

export const wl_output: TypedInterface<WlOutput> = {
  name: 'wl_output',
  version: 4,
  requests: [
    { name: 'release', opcode: 0, since: 3, destructor: true, args: [] },
  ],
  events: [
    { name: 'geometry', opcode: 0, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'physical_width', type: 'int' }, { name: 'physical_height', type: 'int' }, { name: 'subpixel', type: 'int', enum: 'wl_output.subpixel' }, { name: 'make', type: 'string' }, { name: 'model', type: 'string' }, { name: 'transform', type: 'int', enum: 'wl_output.transform' }] },
    { name: 'mode', opcode: 1, since: 1, args: [{ name: 'flags', type: 'uint', enum: 'wl_output.mode' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'refresh', type: 'int' }] },
    { name: 'done', opcode: 2, since: 2, args: [] },
    { name: 'scale', opcode: 3, since: 2, args: [{ name: 'factor', type: 'int' }] },
    { name: 'name', opcode: 4, since: 4, args: [{ name: 'name', type: 'string' }] },
    { name: 'description', opcode: 5, since: 4, args: [{ name: 'description', type: 'string' }] },
  ],
  enums: [
    { name: 'subpixel', since: 1, bitfield: false, entries: [
      { name: 'unknown', value: 0, since: 1 },
      { name: 'none', value: 1, since: 1 },
      { name: 'horizontal_rgb', value: 2, since: 1 },
      { name: 'horizontal_bgr', value: 3, since: 1 },
      { name: 'vertical_rgb', value: 4, since: 1 },
      { name: 'vertical_bgr', value: 5, since: 1 },
    ] },
    { name: 'transform', since: 1, bitfield: false, entries: [
      { name: 'normal', value: 0, since: 1 },
      { name: '90', value: 1, since: 1 },
      { name: '180', value: 2, since: 1 },
      { name: '270', value: 3, since: 1 },
      { name: 'flipped', value: 4, since: 1 },
      { name: 'flipped_90', value: 5, since: 1 },
      { name: 'flipped_180', value: 6, since: 1 },
      { name: 'flipped_270', value: 7, since: 1 },
    ] },
    { name: 'mode', since: 1, bitfield: true, entries: [
      { name: 'current', value: 1, since: 1 },
      { name: 'preferred', value: 2, since: 1 },
    ] },
  ],
};

export interface WlRegionRequests {
  /** destroy region. The object is gone after it. */
  destroy(): void;
  /** add rectangle to region */
  add(x: number, y: number, width: number, height: number): void;
  /** subtract rectangle from region */
  subtract(x: number, y: number, width: number, height: number): void;
}

export interface WlRegionEvents {
}

/** region interface */
export interface WlRegion extends WaylandObject<'wl_region', WlRegionEvents>, WlRegionRequests {}

export const wl_region: TypedInterface<WlRegion> = {
  name: 'wl_region',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'add', opcode: 1, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'subtract', opcode: 2, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
  ],
  events: [],
  enums: [],
};

export const WlSubcompositorError = {
  /** the to-be sub-surface is invalid */
  bad_surface: 0,
  /** the to-be sub-surface parent is invalid */
  bad_parent: 1,
} as const;

export interface WlSubcompositorRequests {
  /** unbind from the subcompositor interface. The object is gone after it. */
  destroy(): void;
  /** give a surface the role sub-surface */
  getSubsurface(surface: WlSurface, parent: WlSurface): WlSubsurface;
}

export interface WlSubcompositorEvents {
}

/** sub-surface compositing */
export interface WlSubcompositor extends WaylandObject<'wl_subcompositor', WlSubcompositorEvents>, WlSubcompositorRequests {}

export const wl_subcompositor: TypedInterface<WlSubcompositor> = {
  name: 'wl_subcompositor',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_subsurface', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_subsurface' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'parent', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'bad_surface', value: 0, since: 1 },
      { name: 'bad_parent', value: 1, since: 1 },
    ] },
  ],
};

export const WlSubsurfaceError = {
  /** wl_surface is not a sibling or the parent */
  bad_surface: 0,
} as const;

export interface WlSubsurfaceRequests {
  /** remove sub-surface interface. The object is gone after it. */
  destroy(): void;
  /** reposition the sub-surface */
  setPosition(x: number, y: number): void;
  /** restack the sub-surface */
  placeAbove(sibling: WlSurface): void;
  /** restack the sub-surface */
  placeBelow(sibling: WlSurface): void;
  /** set sub-surface to synchronized mode */
  setSync(): void;
  /** set sub-surface to desynchronized mode */
  setDesync(): void;
}

export interface WlSubsurfaceEvents {
}

/** sub-surface interface to a wl_surface */
export interface WlSubsurface extends WaylandObject<'wl_subsurface', WlSubsurfaceEvents>, WlSubsurfaceRequests {}

export const wl_subsurface: TypedInterface<WlSubsurface> = {
  name: 'wl_subsurface',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_position', opcode: 1, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }] },
    { name: 'place_above', opcode: 2, since: 1, args: [{ name: 'sibling', type: 'object', interface: 'wl_surface' }] },
    { name: 'place_below', opcode: 3, since: 1, args: [{ name: 'sibling', type: 'object', interface: 'wl_surface' }] },
    { name: 'set_sync', opcode: 4, since: 1, args: [] },
    { name: 'set_desync', opcode: 5, since: 1, args: [] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'bad_surface', value: 0, since: 1 },
    ] },
  ],
};

/** wl_fixes error values */
export const WlFixesError = {
  /** unknown global or the global is not removed */
  invalid_ack_remove: 0,
} as const;

export interface WlFixesRequests {
  /** destroys this object. The object is gone after it. */
  destroy(): void;
  /** destroy a wl_registry */
  destroyRegistry(registry: WlRegistry): void;
  /** acknowledge global removal. Since version 2. */
  ackGlobalRemove(registry: WlRegistry, name: number): void;
}

export interface WlFixesEvents {
}

/** wayland protocol fixes */
export interface WlFixes extends WaylandObject<'wl_fixes', WlFixesEvents>, WlFixesRequests {}

export const wl_fixes: TypedInterface<WlFixes> = {
  name: 'wl_fixes',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'destroy_registry', opcode: 1, since: 1, args: [{ name: 'registry', type: 'object', interface: 'wl_registry' }] },
    { name: 'ack_global_remove', opcode: 2, since: 2, args: [{ name: 'registry', type: 'object', interface: 'wl_registry' }, { name: 'name', type: 'uint' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_ack_remove', value: 0, since: 1 },
    ] },
  ],
};
