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
# KVM is used where it works: a /dev/kvm that opens proves nothing, the processor must have the instructions, too.
# QEMU's exit status is this script's; the back-end ends with it.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

driver=vhost-user-gpu-pci
memory=1G
boot=()
while (($# > 0)); do
  case $1 in
    --vga) driver=vhost-user-vga ;;
    --memory) memory=${2:?} && shift ;;
    --kernel | --initrd | --append) boot+=("${1/#--/-}" "${2:?}") && shift ;;
    --) shift && break ;;
    -*) usage ;;
    *) boot+=(-drive "file=$1,if=virtio") ;;
  esac
  shift
done
((${#boot[@]} > 0)) || usage

# QEMU shows a vhost-user-gpu only on displays that could take dma-bufs; its default is none of them.
display=(-display 'gtk,gl=on')
for word in "$@"; do
  case $word in
    -display | -nographic) display=() ;;
  esac
done

accelerator=(-accel tcg -cpu max)
if [[ -w /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo; then accelerator=(-accel kvm -cpu host); fi

folder=$(mktemp -d)
socket=$folder/gpu.sock
backend=("${BACKEND:-$here/../dist/src/cli/main.js}" "--socket-path=$socket")
read -ra backend_options <<<"${BACKEND_OPTIONS:-}"
[[ ${backend[0]} != *.js ]] || backend=(node "${backend[@]}")
# The back-end says "listening" on stderr; what it writes is passed on.
mkfifo "$folder/log"
"${backend[@]}" "${backend_options[@]}" 2>"$folder/log" &
backend_pid=$!
finish() {
  kill "$backend_pid" 2>/dev/null || true
  wait "$backend_pid" 2>/dev/null || true
  rm -rf -- "$folder"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

exec {log}<"$folder/log"
listening=
while IFS= read -r line <&"$log"; do
  printf '%s\n' "$line" >&2
  if [[ $line == *listening* ]]; then
    listening=yes
    break
  fi
done
[[ -n $listening ]] || { wait "$backend_pid"; exit 1; }
cat <&"$log" >&2 &

"${QEMU:-qemu-system-x86_64}" "${accelerator[@]}" -smp 2 -m "$memory" \
  -object "memory-backend-memfd,id=mem,size=$memory,share=on" -machine q35,memory-backend=mem \
  -vga none -chardev "socket,id=gpu-socket,path=$socket" -device "$driver,id=gpu,chardev=gpu-socket" \
  "${display[@]}" "${boot[@]}" "$@" &
qemu_pid=$!
trap 'kill "$qemu_pid" 2>/dev/null; wait "$qemu_pid"; exit 143' TERM INT
status=0
wait "$qemu_pid" || status=$?
exit "$status"
