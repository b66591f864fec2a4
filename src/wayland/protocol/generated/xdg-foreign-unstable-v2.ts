// Made from ../xml/xdg-foreign-unstable-v2.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2015-2016 Red Hat Inc.
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
import type { WlSurface } from './wayland.js';

/** error values */
export const ZxdgExporterV2Error = {
  /** surface is not an xdg_toplevel */
  invalid_surface: 0,
} as const;

export interface ZxdgExporterV2Requests {
  /** destroy the xdg_exporter object. The object is gone after it. */
  destroy(): void;
  /** export a toplevel surface */
  exportToplevel(surface: WlSurface): ZxdgExportedV2;
}

export interface ZxdgExporterV2Events {
}

/** interface for exporting surfaces */
export interface ZxdgExporterV2 extends WaylandObject<'zxdg_exporter_v2', ZxdgExporterV2Events>, ZxdgExporterV2Requests {}

export const zxdg_exporter_v2: TypedInterface<ZxdgExporterV2> = {
  name: 'zxdg_exporter_v2',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'export_toplevel', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zxdg_exported_v2' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_surface', value: 0, since: 1 },
    ] },
  ],
};

export interface ZxdgImporterV2Requests {
  /** destroy the xdg_importer object. The object is gone after it. */
  destroy(): void;
  /** import a toplevel surface */
  importToplevel(handle: string): ZxdgImportedV2;
}

export interface ZxdgImporterV2Events {
}

/** interface for importing surfaces */
export interface ZxdgImporterV2 extends WaylandObject<'zxdg_importer_v2', ZxdgImporterV2Events>, ZxdgImporterV2Requests {}

export const zxdg_importer_v2: TypedInterface<ZxdgImporterV2> = {
  name: 'zxdg_importer_v2',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'import_toplevel', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zxdg_imported_v2' }, { name: 'handle', type: 'string' }] },
  ],
  events: [],
  enums: [],
};

export interface ZxdgExportedV2Requests {
  /** unexport the exported surface. The object is gone after it. */
  destroy(): void;
}

export interface ZxdgExportedV2Events {
  /** the exported surface handle */
  handle(handle: string): void;
}

/** an exported surface handle */
export interface ZxdgExportedV2 extends WaylandObject<'zxdg_exported_v2', ZxdgExportedV2Events>, ZxdgExportedV2Requests {}

export const zxdg_exported_v2: TypedInterface<ZxdgExportedV2> = {
  name: 'zxdg_exported_v2',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'handle', opcode: 0, since: 1, args: [{ name: 'handle', type: 'string' }] },
  ],
  enums: [],
};

/** error values */
export const ZxdgImportedV2Error = {
  /** surface is not an xdg_toplevel */
  invalid_surface: 0,
} as const;

export interface ZxdgImportedV2Requests {
  /** destroy the xdg_imported object. The object is gone after it. */
  destroy(): void;
  /** set as the parent of some surface */
  setParentOf(surface: WlSurface): void;
}

export interface ZxdgImportedV2Events {
  /** the imported surface handle has been destroyed */
  destroyed(): void;
}

/** an imported surface handle */
export interface ZxdgImportedV2 extends WaylandObject<'zxdg_imported_v2', ZxdgImportedV2Events>, ZxdgImportedV2Requests {}

export const zxdg_imported_v2: TypedInterface<ZxdgImportedV2> = {
  name: 'zxdg_imported_v2',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_parent_of', opcode: 1, since: 1, args: [{ name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [
    { name: 'destroyed', opcode: 0, since: 1, args: [] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_surface', value: 0, since: 1 },
    ] },
  ],
};
