# shellcheck shell=bash
# Functions that the scripts share: messages, the cache, Debian packages without installing them.
# Sourced, not run. The sourcing script has `set -euo pipefail`.

shopt -s inherit_errexit

# shellcheck disable=SC2034
REPO_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE_ROOT=${VHOST_USER_GPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vhost-user-gpu-ts}
DEBIAN_KEYRING=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

note() { printf '%s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# need_commands PACKAGE:COMMAND... : ends with the packages to install when a command is missing.
need_commands() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair#*:}" >/dev/null 2>&1 || missing+=("${pair%%:*}")
  done
  ((${#missing[@]} == 0)) || die "missing programs; install the Debian package(s): ${missing[*]}"
}

# cache_entry NAME RECIPE_FILE... -- BUILDER [ARGS...]
# Prints the folder of a cache entry, building it first when it isn't there. The name is completed by a hash of
# the recipe files, so a changed recipe makes a new entry. BUILDER gets the folder to fill as its last argument
# and runs with `set -e`. Safe when run concurrently (a lock per entry) and when interrupted (the folder gets its
# final name in one rename, when it is complete).
cache_entry() {
  local name=$1 recipes=() entry key lock
  shift
  while [[ $1 != -- ]]; do
    recipes+=("$1")
    shift
  done
  shift
  key=$(cat -- "${recipes[@]}" | sha256sum | cut -c1-12)
  entry=$CACHE_ROOT/$name-$key
  if [[ ! -d $entry ]]; then
    mkdir -p -- "$CACHE_ROOT"
    exec {lock}>"$entry.lock"
    flock "$lock"
    if [[ ! -d $entry ]]; then
      rm -rf -- "$entry.partial"
      mkdir -p -- "$entry.partial"
      # The lock's descriptor stays out of the builder, so that nothing it leaves running can hold the lock.
      ("$@" "$entry.partial") {lock}>&- >&2
      mv -T -- "$entry.partial" "$entry"
    fi
    exec {lock}>&-
  fi
  printf '%s\n' "$entry"
}

# Prints the address of the Debian archive: $DEBIAN_MIRROR, or the one that this machine's own apt uses.
debian_mirror() {
  local uri
  if [[ -n ${DEBIAN_MIRROR:-} ]]; then
    printf '%s\n' "$DEBIAN_MIRROR"
    return
  fi
  while read -r uri; do
    case $uri in
      */debian | */debian/ | mirror+file:*/debian.list)
        printf '%s\n' "$uri"
        return
        ;;
    esac
  done < <(
    # Both formats of sources.list(5): "deb [options] URI suite ..." and "URIs: URI ..." stanzas.
    shopt -s nullglob
    lists=(/etc/apt/sources.list /etc/apt/sources.list.d/*.list)
    stanzas=(/etc/apt/sources.list.d/*.sources)
    cat -- "${lists[@]}" 2>/dev/null | sed -nE 's/^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' || true
    cat /dev/null "${stanzas[@]}" | sed -nE 's/^[Uu][Rr][Ii][Ss]:[[:space:]]*//p' | tr -s '[:space:]' '\n'
  )
  die "no Debian archive among this machine's apt sources; name one: DEBIAN_MIRROR=http://... $0"
}

# private_apt DIR SUITE... : makes an apt of its own in DIR that sees nothing but the named suites and thinks
# that nothing is installed (so that a package's whole closure is downloaded). Needs no root, changes nothing
# outside DIR. Signatures are checked.
private_apt() {
  local dir=$1 suites mirror
  shift
  suites=$*
  mirror=$(debian_mirror)
  [[ -r $DEBIAN_KEYRING ]] || die "no $DEBIAN_KEYRING; install the Debian package debian-archive-keyring"
  mkdir -p -- "$dir/state/lists/partial" "$dir/cache/archives/partial"
  : >"$dir/status"
  : >"$dir/sources.list"
  local suite
  for suite in $suites; do
    printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$mirror" "$suite" >>"$dir/sources.list"
  done
  cat >"$dir/apt.conf" <<CONF
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
CONF
  private_apt_get "$dir" update
}

# private_apt_get DIR ARGS... : apt-get in such a folder.
private_apt_get() {
  local dir=$1
  shift
  APT_CONFIG=$dir/apt.conf apt-get -qq "$@" </dev/null
}

# unpack_debs DIR TARGET : unpacks every package that was downloaded in DIR, except what a program that is only
# run from the tree can't use.
unpack_debs() {
  local dir=$1 target=$2 deb
  mkdir -p -- "$target"
  for deb in "$dir"/cache/archives/*.deb; do
    case ${deb##*/} in
      adduser_* | debconf_* | passwd_* | login* | perl* | dpkg_* | mount_* | libpam* | ipxe-qemu_*) continue ;;
    esac
    dpkg-deb -x "$deb" "$target"
  done
}
