#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usage: commands.sh DEV FOLDER: runs the script DEV with stubs, made in FOLDER, for what asks or changes the system.
set -euo pipefail
dev=$1 stubs=$2
rm -rf "$stubs"
mkdir -p "$stubs"
failures=0

# stub NAME LINE: a program of that name which is this line of bash.
stub() {
  printf '#!/bin/bash\n%s\n' "$2" >"$stubs/$1"
  chmod +x "$stubs/$1"
}
for tool in bash cat dirname; do ln -s "$(command -v $tool)" "$stubs/$tool"; done
stub apt-get "touch '$stubs/apt-get-ran'; exit 1"

# expect STATUS TEXT ARGUMENT...: dev ends with this status and prints this text among others.
expect() {
  local wanted=$1 text=$2 status=0 output
  shift 2
  output=$(PATH=$stubs "$dev" "$@" 2>&1) || status=$?
  if [ $status -ne "$wanted" ] || [[ $output != *"$text"* ]]; then
    printf 'dev %s: exit status %s instead of %s, or no "%s" in:\n%s\n' "$*" $status "$wanted" "$text" "$output" >&2
    failures=$((failures + 1))
  fi
}

# expect_not TEXT ARGUMENT...: dev ends with an error and does not print this text.
expect_not() {
  local output
  if output=$(PATH=$stubs "$dev" "${@:2}" 2>&1) || [[ $output == *"$1"* ]]; then
    printf 'dev %s: no error, or "%s" in:\n%s\n' "${*:2}" "$1" "$output" >&2
    failures=$((failures + 1))
  fi
}

stub dpkg-query 'echo installed'
for command in build test train format tidy 'bench [OPTION...]' 'bench compile' clean; do expect 0 "
  $command " ; done
expect 0 'usage: ./dev COMMAND' --help
expect 1 "dev: error: there is no command 'nonsense'" nonsense
expect 1 'usage: ./dev COMMAND' nonsense
expect 1 "dev: error: there is no preset 'nonsense'
  presets: release, debug, asan, tsan, clang" build nonsense
expect 1 "dev: error: there is no preset 'nonsense'" test nonsense
expect 1 'dev: error: usage: ./dev build [PRESET]' build release more
expect 1 'dev: error: usage: ./dev bench compile' bench compile more
expect 1 "dev: error: there is no benchmark 'nonsense'
  benchmarks: all, ops, models, growth, variants, accuracy, weight, limits, page, compile" bench nonsense

# A user who is not root and has no sudo gets the line for root, and nothing is tried.
stub dpkg-query 'exit 1'
stub id 'echo 1000'
packages='g++ cmake ninja-build libxtensor-dev libxsimd-dev libfmt-dev catch2 zlib1g-dev libpng-dev nlohmann-json3-dev libcli11-dev'
missing='dev: error: these Debian packages are missing and installing them needs root:'
line='apt-get update && apt-get install --no-install-recommends'
clang='clang-14 libclang-rt-14-dev'
# expect_packages PACKAGES ARGUMENT...: exactly these are what the command needs.
expect_packages() {
  expect 1 "$missing $1
  run this as root, then try again:
  $line $1" "${@:2}"
}
expect_packages "$packages" build
expect_packages "$packages" build asan
expect_packages "$packages $clang" build tsan
expect_packages "$packages dataset-fashion-mnist graphviz gnuplot-nox" test
expect_packages "$packages $clang dataset-fashion-mnist graphviz gnuplot-nox" test clang
expect_packages "$packages dataset-fashion-mnist" train
expect_packages "$packages" train --data folder
expect_packages clang-format-14 format --check
expect_packages "$packages $clang clang-tidy-14" tidy
expect_packages "$packages" bench compile
expect_packages "$packages python3 dataset-fashion-mnist" bench
expect_packages "$packages python3" bench ops --threads 2
expect_packages "$packages python3 dataset-fashion-mnist" bench --rounds 1
# Who has the data needs no package for them.
advice='
  or name a directory with the four files of Fashion-MNIST, which needs no dataset-fashion-mnist:
  ./dev train --data DIRECTORY'
expect 1 "$line $packages dataset-fashion-mnist$advice" train
expect_not "$advice" train --data folder
expect_not "$advice" test
stub gnuplot 'exit 1'
expect_packages "$packages dataset-fashion-mnist graphviz" test
stub dpkg-query '[ "$4" != catch2 ] && echo installed'
expect 1 "$line catch2" build
expect_not "$advice" train
if [ -e "$stubs/apt-get-ran" ]; then
  echo 'apt-get ran without root' >&2
  failures=$((failures + 1))
fi

# Root installs; where apt fails, its output and the names are shown.
stub id 'echo 0'
stub env 'exec "${@:2}"'
stub apt-get 'echo "E: no network"; exit 100'
expect 1 'E: no network' build
expect 1 'dev: installing Debian packages: catch2' build

exit $((failures > 0))
