# shellcheck shell=bash
# Programs of a newer Debian in a tree of their own: unpacked, not installed, and started through the tree's own dynamic
# loader, so the tree works wherever it is mounted, in a guest too. Sourced after common.sh.

# unpack_programs TREE SUITE PACKAGE... : the packages and all that they need, in TREE/root.
unpack_programs() {
  local tree=$1 apt=$1/apt suite=$2
  shift 2
  private_apt "$apt" "$suite"
  private_apt_get "$apt" install --download-only -y "$@"
  unpack_debs "$apt" "$tree/root"
  # Some are linked to it; the programs that change passwords are of no use here.
  dpkg-deb -x "$apt"/cache/archives/libpam0g_*.deb "$tree/root" 2>/dev/null || true
  rm -rf -- "$apt" "$tree"/root/usr/share/{doc,man,locale,info,bash-completion,perl5,icons,fonts,backgrounds} \
    "$tree"/root/usr/lib/x86_64-linux-gnu/{dri,libvulkan_*,gstreamer*}
  mkdir -p -- "$tree/bin" "$tree/root/lib64"
  [[ -e $tree/root/lib64/ld-linux-x86-64.so.2 ]] ||
    ln -s "../usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$tree/root/lib64/ld-linux-x86-64.so.2"
}

# write_wrappers TREE PROGRAM_PATH... : for each a command in TREE/bin that starts TREE/root/PROGRAM_PATH. What stands
# on stdin are more lines of sh for all of them; $root and $lib ($root$lib has the libraries) are set there.
write_wrappers() {
  local tree=$1 program more
  shift
  more=$(cat)
  for program in "$@"; do
    [[ -e $tree/root/$program ]] || die "Debian has no $program any more"
    cat >"$tree/bin/${program##*/}" <<WRAPPER
#!/bin/sh
# A program with the libraries, modules and data of its own tree.
tree=\$(dirname -- "\$(readlink -f -- "\$0")")/..
root=\$tree/root
lib=/usr/lib/x86_64-linux-gnu
export XKB_CONFIG_ROOT="\$root/usr/share/X11/xkb"
$more
exec "\$root/lib64/ld-linux-x86-64.so.2" --argv0 "\$0" --library-path "\$root\$lib:\$root\$lib/weston" \\
  "\$root/$program" "\$@"
WRAPPER
    chmod 0755 "$tree/bin/${program##*/}"
  done
}

# check_version PROGRAM OLDEST : ends unless `PROGRAM --version` says that much or more.
check_version() {
  local program=$1 oldest=$2 version
  version=$("$program" --version | sed -nE '1s/^[a-z]+ (version )?([0-9.]+).*/\2/p')
  [[ $(printf '%s\n%s\n' "$oldest" "$version" | sort -V | head -n1) == "$oldest" ]] ||
    die "the archive has ${program##*/} $version, not $oldest or newer"
}
