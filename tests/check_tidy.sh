#!/usr/bin/env bash
# clang-tidy with .clang-tidy over every C file. Leaves 77 (CTest: skipped) where
# the tool is missing.
#
#   check_tidy.sh BUILD_DIR [--analyze]     --analyze: clang's path-sensitive
#                                           analyzer instead, over the programs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1
command -v clang-tidy >/dev/null || { echo "skipped: clang-tidy is not installed"; exit 77; }
[[ -f $build/compile_commands.json ]] || { echo "no $build/compile_commands.json"; exit 66; }

# The compiler's own warnings are the build's business.
options=(--quiet -p "$build" --extra-arg=-Wno-everything)
rooms=(daemon tools tests)
if [[ ${2:-} == --analyze ]]; then
  # Left out: memcpy_s is not in glibc; the order of fields is for the reader; a
  # va_list from a caller passes for uninitialised.
  options+=("--checks=-*,clang-analyzer-*,-clang-analyzer-optin.performance.Padding,\
-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,\
-clang-analyzer-valist.Uninitialized")
  rooms=(daemon tools)
fi
find "${rooms[@]}" -name '*.c' -print0 | sort -z |
  xargs -0 -r -n 8 -P 2 clang-tidy "${options[@]}" 2>/dev/null
