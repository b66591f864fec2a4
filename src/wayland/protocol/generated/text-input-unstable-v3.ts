// Made from ../xml/text-input-unstable-v3.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2012, 2013 Intel Corporation
// Copyright © 2015, 2016 Jan Arne Petersen
// Copyright © 2017, 2018 Red Hat, Inc.
// Copyright © 2018       Purism SPC
//
// Permission to use, copy, modify, distribute, and sell this
// software and its documentation for any purpose is hereby granted
// without fee, provided that the above copyright notice appear in
// all copies and that both that copyright notice and this permission
// notice appear in supporting documentation, and that the name of
// the copyright holders not be used in advertising or publicity
// pertaining to distribution of the software without specific,
// written prior permission.  The copyright holders make no
// representations about the suitability of this software for any
// purpose.  It is provided "as is" without express or implied
// warranty.
//
// THE COPYRIGHT HOLDERS DISCLAIM ALL WARRANTIES WITH REGARD TO THIS
// SOFTWARE, INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
// FITNESS, IN NO EVENT SHALL THE COPYRIGHT HOLDERS BE LIABLE FOR ANY
// SPECIAL, INDIRECT OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
// WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN
// AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
// ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
// THIS SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { WlSeat, WlSurface } from './wayland.js';

/** text change reason */
export const ZwpTextInputV3ChangeCause = {
  /** input method caused the change */
  input_method: 0,
  /** something else than the input method caused the change */
  other: 1,
} as const;

/** content hint. Bits. */
export const ZwpTextInputV3ContentHint = {
  /** no special behavior */
  none: 0,
  /** suggest word completions */
  completion: 1,
  /** suggest word corrections */
  spellcheck: 2,
  /** switch to uppercase letters at the start of a sentence */
  auto_capitalization: 4,
  /** prefer lowercase letters */
  lowercase: 8,
  /** prefer uppercase letters */
  uppercase: 16,
  /** prefer casing for titles and headings (can be language dependent) */
  titlecase: 32,
  /** characters should be hidden */
  hidden_text: 64,
  /** typed text should not be stored */
  sensitive_data: 128,
  /** just Latin characters should be entered */
  latin: 256,
  /** the text input is multiline */
  multiline: 512,
  /** an on-screen way to fill in the input is already provided by the client. Since version 2. */
  on_screen_input_provided: 1024,
  /** prefer not offering emoji support. Since version 2. */
  no_emoji: 2048,
  /** the text input will display preedit text in place. Since version 2. */
  preedit_shown: 4096,
} as const;

/** content purpose */
export const ZwpTextInputV3ContentPurpose = {
  /** default input, allowing all characters */
  normal: 0,
  /** allow only alphabetic characters */
  alpha: 1,
  /** allow only digits */
  digits: 2,
  /** input a number (including decimal separator and sign) */
  number: 3,
  /** input a phone number */
  phone: 4,
  /** input an URL */
  url: 5,
  /** input an email address */
  email: 6,
  /** input a name of a person */
  name: 7,
  /** input a password (combine with sensitive_data hint) */
  password: 8,
  /** input is a numeric password (combine with sensitive_data hint) */
  pin: 9,
  /** input a date */
  date: 10,
  /** input a time */
  time: 11,
  /** input a date and time */
  datetime: 12,
  /** input for a terminal */
  terminal: 13,
} as const;

export const ZwpTextInputV3Error = {
  /** an invalid or duplicate action was specified */
  invalid_action: 0,
} as const;

/** action */
export const ZwpTextInputV3Action = {
  /** no action */
  none: 0,
  /** the action is submitted */
  submit: 1,
} as const;

/** preedit style hint */
export const ZwpTextInputV3PreeditHint = {
  /** simple pre-edit text style, typically underlined */
  whole: 1,
  /** hint for a selected piece of text, e.g. per-character navigation and composition */
  selection: 2,
  /** predicted text, not typed by the user */
  prediction: 3,
  /** prefixed text not being currently edited, e.g. prior to a 'selection' section */
  prefix: 4,
  /** suffixed text not being currently edited, e.g. after a 'selection' section */
  suffix: 5,
  /** spelling error */
  spelling_error: 6,
  /** wrong composition, e.g. user input that can not be transliterated */
  compose_error: 7,
} as const;

export interface ZwpTextInputV3Requests {
  /** Destroy the wp_text_input. The object is gone after it. */
  destroy(): void;
  /** Request text input to be enabled */
  enable(): void;
  /** Disable text input on a surface */
  disable(): void;
  /** sets the surrounding text */
  setSurroundingText(text: string, cursor: number, anchor: number): void;
  /** indicates the cause of surrounding text change */
  setTextChangeCause(cause: number): void;
  /** set content purpose and hint */
  setContentType(hint: number, purpose: number): void;
  /** set cursor position */
  setCursorRectangle(x: number, y: number, width: number, height: number): void;
  /** commit state */
  commit(): void;
  /** set the available actions. Since version 2. */
  setAvailableActions(availableActions: Uint8Array): void;
  /** show input panel. Since version 2. */
  showInputPanel(): void;
  /** hide input panel. Since version 2. */
  hideInputPanel(): void;
}

export interface ZwpTextInputV3Events {
  /** enter event */
  enter(surface: WlSurface | null): void;
  /** leave event */
  leave(surface: WlSurface | null): void;
  /** pre-edit */
  preeditString(text: string | null, cursorBegin: number, cursorEnd: number): void;
  /** text commit */
  commitString(text: string | null): void;
  /** delete surrounding text */
  deleteSurroundingText(beforeLength: number, afterLength: number): void;
  /** apply changes */
  done(serial: number): void;
  /** action performed. Since version 2. */
  action(action: number, serial: number): void;
  /** notify of language selection. Since version 2. */
  language(language: string): void;
  /** pre-edit. Since version 2. */
  preeditHint(start: number, end: number, hint: number): void;
}

/** text input */
export interface ZwpTextInputV3 extends WaylandObject<'zwp_text_input_v3', ZwpTextInputV3Events>, ZwpTextInputV3Requests {}

export const zwp_text_input_v3: TypedInterface<ZwpTextInputV3> = {
  name: 'zwp_text_input_v3',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'enable', opcode: 1, since: 1, args: [] },
    { name: 'disable', opcode: 2, since: 1, args: [] },
    { name: 'set_surrounding_text', opcode: 3, since: 1, args: [{ name: 'text', type: 'string' }, { name: 'cursor', type: 'int' }, { name: 'anchor', type: 'int' }] },
    { name: 'set_text_change_cause', opcode: 4, since: 1, args: [{ name: 'cause', type: 'uint', enum: 'zwp_text_input_v3.change_cause' }] },
    { name: 'set_content_type', opcode: 5, since: 1, args: [{ name: 'hint', type: 'uint', enum: 'zwp_text_input_v3.content_hint' }, { name: 'purpose', type: 'uint', enum: 'zwp_text_input_v3.content_purpose' }] },
    { name: 'set_cursor_rectangle', opcode: 6, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'commit', opcode: 7, since: 1, args: [] },
    { name: 'set_available_actions', opcode: 8, since: 2, args: [{ name: 'available_actions', type: 'array' }] },
    { name: 'show_input_panel', opcode: 9, since: 2, args: [] },
    { name: 'hide_input_panel', opcode: 10, since: 2, args: [] },
  ],
  events: [
    { name: 'enter', opcode: 0, since: 1, args: [{ name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'leave', opcode: 1, since: 1, args: [{ name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'preedit_string', opcode: 2, since: 1, args: [{ name: 'text', type: 'string', nullable: true }, { name: 'cursor_begin', type: 'int' }, { name: 'cursor_end', type: 'int' }] },
    { name: 'commit_string', opcode: 3, since: 1, args: [{ name: 'text', type: 'string', nullable: true }] },
    { name: 'delete_surrounding_text', opcode: 4, since: 1, args: [{ name: 'before_length', type: 'uint' }, { name: 'after_length', type: 'uint' }] },
    { name: 'done', opcode: 5, since: 1, args: [{ name: 'serial', type: 'uint' }] },
    { name: 'action', opcode: 6, since: 2, args: [{ name: 'action', type: 'uint', enum: 'zwp_text_input_v3.action' }, { name: 'serial', type: 'uint' }] },
    { name: 'language', opcode: 7, since: 2, args: [{ name: 'language', type: 'string' }] },
    { name: 'preedit_hint', opcode: 8, since: 2, args: [{ name: 'start', type: 'uint' }, { name: 'end', type: 'uint' }, { name: 'hint', type: 'uint', enum: 'zwp_text_input_v3.preedit_hint' }] },
  ],
  enums: [
    { name: 'change_cause', since: 1, bitfield: false, entries: [
      { name: 'input_method', value: 0, since: 1 },
      { name: 'other', value: 1, since: 1 },
    ] },
    { name: 'content_hint', since: 1, bitfield: true, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'completion', value: 1, since: 1 },
      { name: 'spellcheck', value: 2, since: 1 },
      { name: 'auto_capitalization', value: 4, since: 1 },
      { name: 'lowercase', value: 8, since: 1 },
      { name: 'uppercase', value: 16, since: 1 },
      { name: 'titlecase', value: 32, since: 1 },
      { name: 'hidden_text', value: 64, since: 1 },
      { name: 'sensitive_data', value: 128, since: 1 },
      { name: 'latin', value: 256, since: 1 },
      { name: 'multiline', value: 512, since: 1 },
      { name: 'on_screen_input_provided', value: 1024, since: 2 },
      { name: 'no_emoji', value: 2048, since: 2 },
      { name: 'preedit_shown', value: 4096, since: 2 },
    ] },
    { name: 'content_purpose', since: 1, bitfield: false, entries: [
      { name: 'normal', value: 0, since: 1 },
      { name: 'alpha', value: 1, since: 1 },
      { name: 'digits', value: 2, since: 1 },
      { name: 'number', value: 3, since: 1 },
      { name: 'phone', value: 4, since: 1 },
      { name: 'url', value: 5, since: 1 },
      { name: 'email', value: 6, since: 1 },
      { name: 'name', value: 7, since: 1 },
      { name: 'password', value: 8, since: 1 },
      { name: 'pin', value: 9, since: 1 },
      { name: 'date', value: 10, since: 1 },
      { name: 'time', value: 11, since: 1 },
      { name: 'datetime', value: 12, since: 1 },
      { name: 'terminal', value: 13, since: 1 },
    ] },
    { name: 'error', since: 2, bitfield: false, entries: [
      { name: 'invalid_action', value: 0, since: 2 },
    ] },
    { name: 'action', since: 2, bitfield: false, entries: [
      { name: 'none', value: 0, since: 2 },
      { name: 'submit', value: 1, since: 2 },
    ] },
    { name: 'preedit_hint', since: 1, bitfield: false, entries: [
      { name: 'whole', value: 1, since: 1 },
      { name: 'selection', value: 2, since: 1 },
      { name: 'prediction', value: 3, since: 1 },
      { name: 'prefix', value: 4, since: 1 },
      { name: 'suffix', value: 5, since: 1 },
      { name: 'spelling_error', value: 6, since: 1 },
      { name: 'compose_error', value: 7, since: 1 },
    ] },
  ],
};

export interface ZwpTextInputManagerV3Requests {
  /** Destroy the wp_text_input_manager. The object is gone after it. */
  destroy(): void;
  /** create a new text input object */
  getTextInput(seat: WlSeat): ZwpTextInputV3;
}

export interface ZwpTextInputManagerV3Events {
}

/** text input manager */
export interface ZwpTextInputManagerV3 extends WaylandObject<'zwp_text_input_manager_v3', ZwpTextInputManagerV3Events>, ZwpTextInputManagerV3Requests {}

export const zwp_text_input_manager_v3: TypedInterface<ZwpTextInputManagerV3> = {
  name: 'zwp_text_input_manager_v3',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_text_input', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_text_input_v3' }, { name: 'seat', type: 'object', interface: 'wl_seat' }] },
  ],
  events: [],
  enums: [],
};
