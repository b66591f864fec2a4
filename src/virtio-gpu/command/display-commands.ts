/** Commands that ask about outputs (virtio 1.3, 5.7.6.8). */
import type { DisplayModes } from '../display/display-answers.js';
import { type GpuAnswer, type GpuResult, NO_SUCH_SCANOUT, okWith } from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
  VIRTIO_GPU_CMD_GET_EDID,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
} from '../wire/constants.js';
import { DisplayInfoBody, EdidBody, GetEdidBody } from '../wire/structs.js';
import { bareCommand, type Command, command, type Request } from './command.js';

function displayInfoAnswer(modes: DisplayModes): GpuAnswer {
  const pmodes = modes.map(({ enabled, flags, ...r }) => ({ r, enabled: enabled ? 1 : 0, flags }));
  return okWith(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, DisplayInfoBody.encode({ pmodes }));
}

function edidAnswer(edid: Uint8Array): GpuAnswer {
  return okWith(VIRTIO_GPU_RESP_OK_EDID, EdidBody.encode({ size: edid.length, padding: 0, edid }));
}

function getDisplayInfo(vm: VmState, request: Request): GpuResult {
  const { displayInfo } = vm;
  return request.answerLater(
    (answer) => displayInfo.modes((modes) => answer(displayInfoAnswer(modes))),
    () => displayInfoAnswer(displayInfo.ownModes()),
  );
}

function getEdid(vm: VmState, { scanout }: GetEdidBody, request: Request): GpuResult {
  const { displayInfo } = vm;
  if (scanout >= displayInfo.scanoutCount) return NO_SUCH_SCANOUT;
  return request.answerLater(
    (answer) => displayInfo.edid(scanout, (edid) => answer(edidAnswer(edid))),
    () => edidAnswer(displayInfo.ownEdid(scanout)),
  );
}

export const displayCommands: readonly Command[] = [
  bareCommand(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, getDisplayInfo),
  command(VIRTIO_GPU_CMD_GET_EDID, GetEdidBody, getEdid, VIRTIO_GPU_F_EDID),
];
