/** Commands that ask about capability sets (virtio 1.3, 5.7.6.8). */
import {
  CAPSET_CROSS_DOMAIN,
  CAPSET_MAX_VERSION,
  CrossDomainCapset,
  crossDomainCapset,
} from '../context/capset.js';
import { type GpuResult, NO_SUCH_CAPSET, okWith } from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_GET_CAPSET,
  VIRTIO_GPU_CMD_GET_CAPSET_INFO,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_RESP_OK_CAPSET,
  VIRTIO_GPU_RESP_OK_CAPSET_INFO,
} from '../wire/constants.js';
import { CapsetInfoBody, GetCapsetBody, GetCapsetInfoBody } from '../wire/structs.js';
import { type Command, command } from './command.js';

/** Not an id: Linux takes it for a set that it must not use, where it would wait 5 s for an answer to an error. */
const NO_CAPSET = 0xffff_ffff;

function hasCrossDomain(vm: VmState): boolean {
  return (
    vm.channels !== null &&
    vm.frontEnd.hasFeature(VIRTIO_GPU_F_CONTEXT_INIT) &&
    vm.frontEnd.hasFeature(VIRTIO_GPU_F_RESOURCE_BLOB)
  );
}

/**
 * Config space says how many sets there are before it is known which features get through to the driver: where those
 * that a context needs don't, the set turns out to be none.
 */
function getCapsetInfo(vm: VmState, { capsetIndex }: GetCapsetInfoBody): GpuResult {
  if (vm.channels === null || capsetIndex !== 0) return NO_SUCH_CAPSET;
  const usable = hasCrossDomain(vm);
  const body = CapsetInfoBody.encode({
    capsetId: usable ? CAPSET_CROSS_DOMAIN : NO_CAPSET,
    capsetMaxVersion: usable ? CAPSET_MAX_VERSION : 0,
    capsetMaxSize: usable ? CrossDomainCapset.size : 0,
    padding: 0,
  });
  return okWith(VIRTIO_GPU_RESP_OK_CAPSET_INFO, body);
}

function getCapset(vm: VmState, { capsetId, capsetVersion }: GetCapsetBody): GpuResult {
  const { channels } = vm;
  if (channels === null || !hasCrossDomain(vm)) return NO_SUCH_CAPSET;
  if (capsetId !== CAPSET_CROSS_DOMAIN || capsetVersion > CAPSET_MAX_VERSION) return NO_SUCH_CAPSET;
  return okWith(VIRTIO_GPU_RESP_OK_CAPSET, crossDomainCapset(channels));
}

export const capsetCommands: readonly Command[] = [
  command(VIRTIO_GPU_CMD_GET_CAPSET_INFO, GetCapsetInfoBody, getCapsetInfo),
  command(VIRTIO_GPU_CMD_GET_CAPSET, GetCapsetBody, getCapset),
];
