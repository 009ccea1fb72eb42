#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# usage: compile.sh FOLDER: configures a release build in FOLDER and compiles the files of the library there, one by one
# and without a cache, then a user's program. Prints the processor time of each; exit status 1 when one is over budget.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$1
unit_budget=25    # seconds for a file of the library
program_budget=3  # seconds for a program with <fathom/fathom.hpp>, g++ -O2
program=$root/tests/packaging/consumer/main.cpp

# seconds COMMAND: processor time, which other programs on the machine disturb less than they do the clock.
seconds() {
  local TIMEFORMAT='%U %S' times
  times=$({ time bash -c "$1" >&2; } 2>&1) || {
    printf '%s\n' "$times" >&2
    return 1
  }
  awk '{printf "%.1f\n", $1 + $2}' <<<"${times##*$'\n'}"
}

is_over() { awk -v seconds="$1" -v budget="$2" 'BEGIN {exit !(seconds > budget)}'; }

env -u CMAKE_CXX_COMPILER_LAUNCHER cmake -S "$root" -B "$folder" -G Ninja -D CMAKE_BUILD_TYPE=Release \
    -D FATHOM_TESTS=OFF -D FATHOM_EXAMPLES=OFF -D CMAKE_CXX_COMPILER_LAUNCHER= >"$folder.log" 2>&1 || {
  cat "$folder.log" >&2
  exit 1
}
cd "$folder"

table=''
total=0
over=0
while read -r command; do
  [[ $command =~ \ -o\ [^\ ]*fathom\.dir/([^\ ]*)\.o ]] || continue
  unit=${BASH_REMATCH[1]}
  mkdir -p "CMakeFiles/fathom.dir/$(dirname "$unit")"
  time=$(seconds "$command")
  table+="$time $unit"$'\n'
  total=$(awk -v a="$total" -v b="$time" 'BEGIN {print a + b}')
  ! is_over "$time" $unit_budget || over=1
done < <(ninja -t commands libfathom.a)
[ -n "$table" ] || { echo "no commands that compile the library in $folder" >&2; exit 1; }
sort -rn <<<"${table%$'\n'}" | awk '{printf "%7.1f s  %s\n", $1, $2}'
printf '%7.1f s  all\n\n' "$total"

time=$(seconds "${CXX:-g++} -std=c++20 -O2 -I include -c '$program' -o program.o")
! is_over "$time" $program_budget || over=1
printf 'slowest file of the library: %s s (budget %s s)\n' "$(sort -rn <<<"$table" | head -n 1 | cut -d ' ' -f 1)" $unit_budget
printf 'program with <fathom/fathom.hpp>, -O2: %s s (budget %s s)\n' "$time" $program_budget
if [ $over -ne 0 ]; then
  echo 'over budget' >&2
  exit 1
fi
