/** Commands that ask about outputs and capability sets (virtio 1.3, 5.7.6.8). */
import type { DisplayModes } from '../display/display-answers.js';
import { type GpuResult, NO_SUCH_CAPSET, NO_SUCH_SCANOUT, okWith } from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_GET_CAPSET,
  VIRTIO_GPU_CMD_GET_CAPSET_INFO,
  VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
  VIRTIO_GPU_CMD_GET_EDID,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
} from '../wire/constants.js';
import { DisplayInfoBody, EdidBody, GetCapsetBody, GetCapsetInfoBody, GetEdidBody } from '../wire/structs.js';
import { bareCommand, type Command, command, type Request } from './command.js';

function displayInfoBody(modes: DisplayModes): Uint8Array {
  const pmodes = modes.map(({ enabled, flags, ...r }) => ({ r, enabled: enabled ? 1 : 0, flags }));
  return DisplayInfoBody.encode({ pmodes });
}

function getDisplayInfo(vm: VmState, request: Request): GpuResult {
  return request.answerLater((answer) =>
    vm.displayInfo.modes((modes) => answer(okWith(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, displayInfoBody(modes)))),
  );
}

function getEdid(vm: VmState, { scanout }: GetEdidBody, request: Request): GpuResult {
  if (scanout >= vm.displayInfo.scanoutCount) return NO_SUCH_SCANOUT;
  return request.answerLater((answer) =>
    vm.displayInfo.edid(scanout, (edid) => {
      const body = EdidBody.encode({ size: edid.length, padding: 0, edid });
      answer(okWith(VIRTIO_GPU_RESP_OK_EDID, body));
    }),
  );
}

/** num_capsets is 0: no index and no id is right. */
function refuseCapset(): GpuResult {
  return NO_SUCH_CAPSET;
}

export const displayCommands: readonly Command[] = [
  bareCommand(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, getDisplayInfo),
  command(VIRTIO_GPU_CMD_GET_EDID, GetEdidBody, getEdid, VIRTIO_GPU_F_EDID),
  command(VIRTIO_GPU_CMD_GET_CAPSET_INFO, GetCapsetInfoBody, refuseCapset),
  command(VIRTIO_GPU_CMD_GET_CAPSET, GetCapsetBody, refuseCapset),
];
