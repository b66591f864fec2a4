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

/** Keeps what `encode` made for as long as its source is the same. */
function remembered<T extends object>(encode: (source: T) => GpuAnswer): (source: T) => GpuAnswer {
  const answers = new WeakMap<T, GpuAnswer>();
  return (source) => {
    const known = answers.get(source);
    if (known !== undefined) return known;
    const answer = encode(source);
    answers.set(source, answer);
    return answer;
  };
}

const displayInfoAnswer = remembered((modes: DisplayModes) => {
  const pmodes = modes.map(({ enabled, flags, ...r }) => ({ r, enabled: enabled ? 1 : 0, flags }));
  return okWith(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, DisplayInfoBody.encode({ pmodes }));
});

const edidAnswer = remembered((edid: Uint8Array) =>
  okWith(VIRTIO_GPU_RESP_OK_EDID, EdidBody.encode({ size: edid.length, padding: 0, edid })),
);

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
