#!/usr/bin/env bash
# Window mode: each screen of the guest is a window on your Wayland desktop, with keyboard, pointer and touch.
#
#   qemu-configs/window.sh [--fullscreen] [--contexts] [--memory SIZE] DISK [-- QEMU OPTION...]
#   qemu-configs/window.sh [...] --kernel FILE [--initrd FILE] [--append WORDS] [-- QEMU OPTION...]
#
#   --fullscreen  start in fullscreen (Ctrl+Alt+F leaves it)
#   --contexts    offer contexts to the guest (for Wayland forwarding)
#   --memory      the guest's memory (default 1G)
#   DISK          a disk image, attached as virtio-blk
#
# Needs QEMU 11.1 or newer and a compositor (WAYLAND_DISPLAY). Ctrl+Alt+G hands the pointer to the guest's mouse and
# takes it back.
#
# Environment: QEMU (default qemu-system-x86_64), BACKEND (default: this checkout's), BACKEND_OPTIONS (options for it,
# such as "--title=work --log-level=debug").
# QEMU's exit status is this script's; the back-end ends with it.
set -euo pipefail
# shellcheck source=qemu-configs/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

options=()
parse_option() {
  case $1 in
    --fullscreen | --contexts) options+=("$1") ;;
    *) return 1 ;;
  esac
}
parse_boot "$@"

inputs=()
for kind in keyboard tablet mouse touch; do
  options+=("--$kind-socket=FOLDER/$kind.sock")
done
start_backend --window "${options[@]}"
for kind in keyboard tablet mouse touch; do
  inputs+=(-chardev "socket,id=$kind-socket,path=$folder/$kind.sock"
    -device "vhost-user-input-pci,id=$kind,chardev=$kind-socket")
done
run_qemu -display none "${inputs[@]}" \
  -device vhost-user-test-device-pci,virtio-id=16,num_vqs=2,vq_size=256,config_size=20,id=gpu,chardev=gpu-socket
