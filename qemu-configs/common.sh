# shellcheck shell=bash
# What the launch scripts share. Sourced, not run; the sourcing script has `set -euo pipefail`.
#
# Environment: QEMU (default qemu-system-x86_64), BACKEND (default: this checkout's), BACKEND_OPTIONS (options for it,
# such as "--log-level=debug").

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# Prints the sourcing script's own head: its lines from the second to the first that is no comment.
usage() {
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$0" >&2
  exit 2
}

# parse_boot ARGS... : sets `memory`, `boot` (QEMU's options for what to boot) and `rest` (what follows --). Options
# that are not everybody's go to the sourcing script's `parse_option OPTION`, which fails for those that it lacks.
parse_boot() {
  memory=1G
  boot=()
  while (($# > 0)); do
    case $1 in
      --memory) memory=${2:?} && shift ;;
      --kernel | --initrd | --append) boot+=("${1/#--/-}" "${2:?}") && shift ;;
      --) shift && break ;;
      -*) parse_option "$1" || usage ;;
      *) boot+=(-drive "file=$1,if=virtio") ;;
    esac
    shift
  done
  rest=("$@")
  ((${#boot[@]} > 0)) || usage
}

# start_backend OPTION... : starts the back-end on $folder/gpu.sock and waits until it listens. What it writes is passed
# on. It ends with the script.
start_backend() {
  local line listening=
  local backend=("${BACKEND:-$here/../dist/vhost-user-gpu-ts.js}")
  local options=()
  folder=$(mktemp -d)
  read -ra options <<<"${BACKEND_OPTIONS:-}"
  [[ ${backend[0]} != *.js ]] || backend=(node "${backend[@]}")
  # The back-end says "listening" on stderr, once its other sockets are there. It is in a session of its own: the
  # terminal's Ctrl-C is QEMU's, which would complain about a back-end that goes before it.
  mkfifo "$folder/log"
  setsid "${backend[@]}" "--socket-path=$folder/gpu.sock" "${@//FOLDER/$folder}" "${options[@]}" 2>"$folder/log" &
  backend_pid=$!
  trap finish EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  exec {log}<"$folder/log"
  while IFS= read -r line <&"$log"; do
    printf '%s\n' "$line" >&2
    if [[ $line == *listening* ]]; then
      listening=yes
      break
    fi
  done
  [[ -n $listening ]] || { wait "$backend_pid"; exit 1; }
  cat <&"$log" >&2 &
}

finish() {
  kill "$backend_pid" 2>/dev/null || true
  wait "$backend_pid" 2>/dev/null || true
  rm -rf -- "$folder"
}

# run_qemu OPTION... : runs QEMU with shared memory, a machine for it, and the options; QEMU's exit status is the
# script's. KVM is used where it works: a /dev/kvm that opens proves nothing, the processor must have the instructions.
run_qemu() {
  local accelerator=(-accel tcg -cpu max) qemu_pid status=0
  if [[ -w /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo; then accelerator=(-accel kvm -cpu host); fi
  "${QEMU:-qemu-system-x86_64}" "${accelerator[@]}" -smp 2 -m "$memory" \
    -object "memory-backend-memfd,id=mem,size=$memory,share=on" -machine q35,memory-backend=mem \
    -vga none -chardev "socket,id=gpu-socket,path=$folder/gpu.sock" "$@" "${boot[@]}" "${rest[@]}" &
  qemu_pid=$!
  # shellcheck disable=SC2064
  trap "kill $qemu_pid 2>/dev/null; wait $qemu_pid; exit 143" TERM
  # shellcheck disable=SC2064
  trap "kill $qemu_pid 2>/dev/null; wait $qemu_pid; exit 130" INT
  wait "$qemu_pid" || status=$?
  exit "$status"
}
