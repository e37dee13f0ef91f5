# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by tools/quickstart and tools/test: Debian packages and builds.

build_packages=(build-essential cmake ninja-build pkg-config libevent-dev libhiredis-dev
                libyaml-dev libjansson-dev libncurses-dev libsystemd-dev libssl-dev
                libcurl4-openssl-dev)
run_packages=(redis-server redis-tools tzdata)
test_packages=(libcriterion-dev zlib1g-dev python3 openssl scdoc clang-format clang-tidy tmux
               kamailio kamailio-extra-modules sip-tester chromium prometheus)

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$2" >&2; exit "$1"; }

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]
}

as_root() {
  if (( EUID == 0 )); then "$@"; else sudo "$@"; fi
}

# Debian's redis-server package would start a Redis of its own on port 6379.
# policy-rc.d is how Debian is told not to; one that is there already is kept. A
# shell of its own, so that an interrupted installation takes it away again too.
apt_install() (
  policy=/usr/sbin/policy-rc.d
  options=(-y -q --no-install-recommends)
  # On a terminal apt shields dpkg from Ctrl-C by a pty, which fills a log with dots.
  [[ -t 1 ]] || options+=(-o Dpkg::Use-Pty=0)
  if [[ ! -e $policy ]]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@"
)

lists_are_fresh=0

# need WHY PACKAGE…: installs those that are missing; silent when none is.
need() {
  local why=$1 missing=() package
  shift
  command -v dpkg-query >/dev/null || fail 69 "this needs Debian (dpkg-query); see README.md"
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  (( ${#missing[@]} )) || return 0
  say "Installing with apt-get, $why: ${missing[*]}"
  if (( EUID != 0 )) && ! command -v sudo >/dev/null; then
    fail 69 "neither root nor sudo; as root: apt-get install ${missing[*]}"
  fi
  if (( ! lists_are_fresh )); then
    as_root apt-get update -q || fail 69 "apt-get update failed"
    lists_are_fresh=1
  fi
  apt_install "${missing[@]}" || fail 69 "apt-get install failed"
  if [[ " ${missing[*]} " == *" redis-server "* ]]; then
    say "Debian's own Redis service stays off: callpace starts a private one itself"
    if command -v systemctl >/dev/null; then
      as_root systemctl disable redis-server >/dev/null 2>&1 || true
    fi
  fi
  for package in kamailio prometheus; do
    if [[ " ${missing[*]} " == *" $package "* ]] && command -v systemctl >/dev/null; then
      say "Debian's own $package service stays off: the tests start one themselves"
      as_root systemctl disable "$package" >/dev/null 2>&1 || true
    fi
  done
}

# build DIRECTORY CMAKE_OPTION…
build() {
  local dir=$1 code=0
  shift
  if command -v ccache >/dev/null; then set -- "$@" -DCMAKE_C_COMPILER_LAUNCHER=ccache; fi
  say "Building in $dir"
  cmake -S "$root" -B "$root/$dir" -G Ninja "$@" >"$root/$dir.log" 2>&1 ||
    { cat "$root/$dir.log" >&2; fail 70 "cmake failed"; }
  rm -f "$root/$dir.log"
  ninja -C "$root/$dir" -j "${CALLPACE_JOBS:-$(nproc)}" || code=$?
  (( code != 2 )) || exit 130 # ninja's word for Ctrl-C
  (( code == 0 )) || fail 70 "the build failed"
}

# browser_driver DIRECTORY: puts what drives Chromium in the tests there, by its lock
# file. Without it those tests are left out.
browser_driver() {
  local from=$root/tests/browser to=$root/$1/browser
  if [[ -d $to/node_modules ]] && cmp -s "$from/package-lock.json" "$to/package-lock.json"; then
    return 0
  fi
  say "Fetching with npm, to drive a browser: playwright-core, axe-core"
  mkdir -p "$to"
  cp "$from"/package*.json "$to/"
  npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts --loglevel=error ||
    { rm -rf "$to/node_modules"; say "npm failed: the tests in a browser are left out"; }
}
