/**
 * The counters of all parts as metrics: where each is in the service's status, what it is called, and what it means. A
 * test holds the table against the status, so that none is forgotten.
 */

export interface MetricDeclaration {
  /** In the status, words separated by dots; a * stands for each property, whose name is the label's value. */
  readonly path: string;
  /** Without the common prefix. Counters end in _total, units are whole ones (bytes, seconds). */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** The label that the * is the value of. */
  readonly label?: string;
}

function rows(
  type: MetricDeclaration['type'],
  prefix: string,
  list: readonly (readonly [property: string, name: string, help: string, label?: string])[],
): MetricDeclaration[] {
  return list.map(([property, name, help, label]) => ({
    path: `${prefix}${property}`,
    name,
    type,
    help,
    ...(label === undefined ? {} : { label }),
  }));
}

export const METRICS: readonly MetricDeclaration[] = [
  ...rows('counter', 'device.', [
    ['commands', 'commands_total', 'Requests on the control queue.'],
    ['cursorCommands', 'cursor_commands_total', 'Requests on the cursor queue.'],
    ['transferBytes', 'transfer_bytes_total', 'Bytes copied from guest memory into resources.'],
    [
      'shadowBytes',
      'shadow_bytes_total',
      'Bytes copied from blobs for who can not show them where they are.',
    ],
    ['swapBytes', 'swap_bytes_total', 'Bytes copied between the copies of a picture.'],
    ['tornWrites', 'torn_writes_total', 'Writes to pixels that a display held, for lack of another copy.'],
    ['faults.*', 'guest_faults_total', "The guest's mistakes, by kind.", 'kind'],
    ['udmabuf.exported', 'udmabuf_exports_total', 'dma-bufs made of guest memory.'],
    ['udmabuf.refused.*', 'udmabuf_refusals_total', 'dma-bufs that could not be made, by reason.', 'reason'],
    ['display.bytesSent', 'qemu_display_sent_bytes_total', "Bytes sent to QEMU's display."],
    ['display.bytesStaged', 'qemu_display_staged_bytes_total', 'Bytes that were converted or copied before.'],
    ['display.updatesSent', 'qemu_display_updates_total', "Updates sent to QEMU's display."],
    [
      'display.damageMerged',
      'qemu_display_damage_merged_total',
      'Rectangles that were sent as parts of others.',
    ],
    ['display.messages', 'qemu_display_messages_total', "Messages from QEMU's display."],
    ['display.dmabufScanouts', 'qemu_display_dmabuf_scanouts_total', 'Scanouts given to QEMU as dma-bufs.'],
    ['display.dmabufUpdates', 'qemu_display_dmabuf_updates_total', 'Updates of such scanouts.'],
  ]),
  ...rows('gauge', 'device.', [
    ['attached', 'machine_attached', '1 while a front-end is connected.'],
    ['resources', 'resources', 'Resources that the guest holds.'],
    ['hostBytes', 'host_bytes', 'Host memory for pixels.'],
    ['backingEntries', 'backing_entries', 'Guest memory ranges behind resources.'],
    ['blobBytes', 'blob_bytes', 'Bytes of blobs on the host.'],
    ['heldFences', 'held_fences', 'Requests that wait for a fence.'],
    ['contexts.contexts', 'contexts', 'Contexts of the guest.'],
    ['contexts.attachments', 'context_attachments', 'Resources attached to contexts.'],
    ['contexts.imageTemplates', 'context_image_templates', 'Kinds of images that contexts asked about.'],
    ['contexts.fileBytes', 'context_file_bytes', 'Bytes of files that guests did not take yet.'],
    ['contexts.readPipes', 'context_read_pipes', 'Pipes that guests read.'],
    ['contexts.writeQueueBytes', 'context_write_queue_bytes', 'Bytes for pipes that nobody read yet.'],
    ['ivshmemAddress', 'ivshmem_guest_address', 'Where the guest has the ivshmem memory.'],
  ]),
  ...rows('gauge', 'region.', [
    ['windowUsedBytes', 'region_window_used_bytes', "Blobs in the guest's window."],
    ['windowPeakBytes', 'region_window_peak_bytes', 'The most so far.'],
    ['hostUsedBytes', 'region_host_used_bytes', 'Pixels in the shared region outside of the window.'],
    ['hostPeakBytes', 'region_host_peak_bytes', 'The most so far.'],
    ['ranges', 'region_ranges', 'Ranges of the region in use.'],
    ['lingeringRanges', 'region_lingering_ranges', 'Freed ranges that a compositor still reads.'],
  ]),
  ...rows('counter', 'region.', [
    ['punchedBytes', 'region_punched_bytes_total', 'Bytes of the region that were given back.'],
  ]),
  ...rows('counter', 'windows.', [
    ['directFrames', 'window_direct_frames_total', 'Frames that the compositor read where they lay.'],
    ['dmabufFrames', 'window_dmabuf_frames_total', "Frames shown from the guest's pages as dma-bufs."],
    ['stagedFrames', 'window_staged_frames_total', 'Frames that were copied for the compositor.'],
    ['stagedBytes', 'window_staged_bytes_total', 'Bytes copied for them.'],
  ]),
  ...rows('gauge', 'viewer.', [['viewers', 'viewers', 'Viewers that look on.']]),
  ...rows('counter', 'viewer.', [
    ['frames', 'viewer_frames_total', 'Frames sent to viewers.'],
    ['tiles', 'viewer_tiles_total', 'Tiles of these frames.'],
    ['bytes', 'viewer_sent_bytes_total', 'Bytes of these tiles.'],
    ['merged', 'viewer_merged_changes_total', 'Changes that went into a later frame, for slow viewers.'],
    ['refused', 'viewer_refusals_total', 'Viewers that were not let in, or were sent away.'],
  ]),
  ...rows('gauge', '', [
    ['forwardedClients', 'forwarded_clients', 'Connections of forwarded applications.'],
    ['descriptors.limit', 'descriptors_limit', 'RLIMIT_NOFILE.'],
    ['uptimeSeconds', 'uptime_seconds', 'Time since the start.'],
    ['inputs.*.live', 'input_live', '1 while a driver takes events.', 'device'],
    ['inputs.*.waitingFrames', 'input_waiting_frames', 'Frames that the guest has not taken.', 'device'],
    [
      'inputs.*.waitingTransitions',
      'input_waiting_transitions',
      'Presses and releases among them.',
      'device',
    ],
    ['inputs.*.buffers', 'input_buffers', 'Buffers that wait for events.', 'device'],
  ]),
  ...rows('counter', '', [
    ['ringRests', 'ring_rests_total', 'Times that a ring waited, over the limit of commands.'],
    ['descriptors.refused', 'descriptors_refused_total', 'Descriptors that a guest could not have.'],
    ['inputs.*.eventsSent', 'input_events_total', 'Events sent to the guest.', 'device'],
    ['inputs.*.overflows', 'input_overflows_total', 'Times that presses were dropped.', 'device'],
    ['inputs.*.shortBuffers', 'input_short_buffers_total', 'Buffers too small for an event.', 'device'],
    ['inputs.*.ignoredStatus', 'input_ignored_status_total', 'Status events that made no sense.', 'device'],
    ['cpuSeconds', 'cpu_seconds_total', 'Processor time of the process.'],
  ]),
];
