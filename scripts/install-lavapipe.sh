# !/bin/sh Installs lavapipe, Mesa's CPU driver for Vulkan, in a version that Dawn accepts. As root: sudo sh
# scripts/install-lavapipe.sh Debian 12 ships Mesa 22.3, which Dawn refuses; its official backports have a newer one.
# Other releases' Mesa is new enough.
set -eu

fail() {
  echo "install-lavapipe: $1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "run it as root: sudo sh $0"
[ -r /etc/os-release ] || fail "/etc/os-release is missing, so this system cannot be told"
. /etc/os-release
case " ${ID:-} ${ID_LIKE:-} " in
  *" debian "* | *" ubuntu "*) ;;
  *) fail "written for Debian and its relatives, this is ${PRETTY_NAME:-unknown}; \`pixtape doctor\` names the command for others" ;;
esac

export DEBIAN_FRONTEND=noninteractive
if [ "${ID:-}" != debian ] || [ "${VERSION_ID:-}" != 12 ]; then
  apt-get update
  exec apt-get install -y mesa-vulkan-drivers libvulkan1
fi

# Backports come from the mirror, and under the key, that this system already uses.
if ! grep -qrs '^[^#]*bookworm-backports' /etc/apt/sources.list /etc/apt/sources.list.d; then
  sources=/etc/apt/sources.list.d/debian.sources
  uri=
  key=
  if [ -r "$sources" ]; then
    # The first stanza that carries the release itself, and not its security updates.
    stanza=$(awk 'BEGIN { RS = "" } /Suites:[^\n]*bookworm([ \n]|$)/ { print; exit }' "$sources")
    uri=$(printf '%s\n' "$stanza" | sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p')
    key=$(printf '%s\n' "$stanza" | sed -n 's/^Signed-By:[[:space:]]*//p')
  elif [ -r /etc/apt/sources.list ]; then
    uri=$(awk '$1 == "deb" { for (i = 2; i < NF; i++) if ($(i + 1) == "bookworm") { print $i; exit } }' /etc/apt/sources.list)
  fi
  [ -n "$uri" ] || fail "no mirror for bookworm in /etc/apt; add bookworm-backports by hand"
  {
    echo "Types: deb"
    echo "URIs: $uri"
    echo "Suites: bookworm-backports"
    echo "Components: main"
    echo "Signed-By: ${key:-/usr/share/keyrings/debian-archive-keyring.gpg}"
  } >/etc/apt/sources.list.d/pixtape-backports.sources
fi

apt-get update
exec apt-get install -y -t bookworm-backports mesa-vulkan-drivers libvulkan1
