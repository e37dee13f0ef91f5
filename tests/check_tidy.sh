#!/usr/bin/env bash
# clang-tidy with .clang-tidy over the programs, two files at a time. A file that
# passed is remembered in BUILD_DIR/tidy by the hash of all that it can depend on.
# Leaves 77 (CTest: skipped) where the tool is missing.
#
#   check_tidy.sh BUILD_DIR [--all]     --all: forgets what passed before
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1
command -v clang-tidy >/dev/null || { echo "skipped: clang-tidy is not installed"; exit 77; }
[[ -f $build/compile_commands.json ]] || { echo "no $build/compile_commands.json"; exit 66; }
if [[ ${2:-} == --all ]]; then rm -rf "$build/tidy"; fi
mkdir -p "$build/tidy"

export build common
common=$({ clang-tidy --version; cat .clang-tidy; find daemon include tools -name '*.h' -print0 |
  sort -z | xargs -0 cat; } | sha256sum)
check() {
  local passed
  passed=$build/tidy/$({ printf '%s %s' "$common" "$1"; cat "$1"; } | sha256sum | cut -c1-64)
  if [[ -e $passed ]]; then return 0; fi
  clang-tidy --quiet -p "$build" "$1" 2>/dev/null && touch "$passed"
}
export -f check
find daemon tools -name '*.c' -print0 | sort -z | xargs -0 -r -n 1 -P 2 bash -c 'check "$0" || exit 1'
