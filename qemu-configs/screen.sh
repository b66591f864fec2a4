#!/usr/bin/env bash
# Screen mode: the guest's screen in QEMU's own window, drawn by our back-end.
#
#   qemu-configs/screen.sh [--vga] [--memory SIZE] DISK [-- QEMU OPTION...]
#   qemu-configs/screen.sh [--vga] [--memory SIZE] --kernel FILE [--initrd FILE] [--append WORDS] [-- QEMU OPTION...]
#
#   --vga      vhost-user-vga in place of vhost-user-gpu-pci: a picture before the guest's driver loads
#   --memory   the guest's memory (default 1G); it has to be a shared memfd, because the back-end maps it
#   DISK       a disk image, attached as virtio-blk
#
# Without -display among QEMU's options it is gtk,gl=on; others that work: sdl,gl=on, egl-headless, none.
#
# Environment: QEMU (default qemu-system-x86_64, 8.2 or newer), BACKEND (default: this checkout's),
# BACKEND_OPTIONS (options for it, such as "--log-level=debug").
# QEMU's exit status is this script's; the back-end ends with it.
set -euo pipefail
# shellcheck source=qemu-configs/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

driver=vhost-user-gpu-pci
parse_option() {
  [[ $1 == --vga ]] && driver=vhost-user-vga
}
parse_boot "$@"

# QEMU shows a vhost-user-gpu only on displays that could take dma-bufs; its default is none of them.
display=(-display 'gtk,gl=on')
for word in "${rest[@]}"; do
  case $word in
    -display | -nographic) display=() ;;
  esac
done

# shellcheck disable=SC2119
start_backend
run_qemu -device "$driver,id=gpu,chardev=gpu-socket" "${display[@]}"
