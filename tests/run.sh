#!/bin/sh
# Installs what is missing, builds, and runs the tests. The last line holds the totals.
#   sh tests/run.sh          everything: release and sanitized builds, lint, end to end
#   sh tests/run.sh quick    the release build's unit tests and lint
#   sh tests/run.sh fuzz     every fuzz target for FUZZ_SECONDS (60), with clang
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/deploy/deps.sh"

passed=0
failed=0
skipped=0

count() # PASSED FAILED SKIPPED
{
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + $3))
}

# Prints "passed failed skipped" from CTest's log. A cmocka program counts case by case; another
# program, and one that ended without telling which case failed, counts as one.
ctest_totals()
{
  awk '
    function close_test() {
      if (!open) return
      if (status == "fail" && bad == 0) bad = 1
      if (status == "skip" && ok + bad + skip == 0) skip = 1
      if (status == "pass" && ok + bad + skip == 0) ok = 1
      P += ok; F += bad; S += skip
      open = 0
    }
    /^[0-9]+\/[0-9]+ Testing: / { close_test(); open = 1; summary = 0; ok = bad = skip = 0; status = "fail" }
    /^\[==========\] .* test\(s\) run\./ { summary = 1 }
    !summary && /^\[       OK \]/ { ok++ }
    !summary && /^\[  FAILED  \]/ { bad++ }
    !summary && /^\[  SKIPPED \]/ { skip++ }
    /^Test Passed\.$/ { status = "pass" }
    /^Test Skipped/ || /^Test not run/ { status = "skip" }
    END { close_test(); print P + 0, F + 0, S + 0 }
  ' "$1"
}

run_ctest() # FOLDER PRESET [CTEST OPTION...]
{
  tree=$1
  echo "== build and tests in $tree/"
  if ! deps_build "$tree" "$2"; then
    count 0 1 0
    return
  fi
  shift 2
  log="$root/$tree/Testing/Temporary/LastTest.log"
  rm -f "$log"
  status=0
  (cd "$root/$tree" && ctest --output-on-failure --parallel "$(nproc 2>/dev/null || echo 2)" \
    --timeout 300 "$@") >"$root/$tree/ctest.log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    cat "$root/$tree/ctest.log"
  fi
  if [ ! -f "$log" ]; then
    echo "CTest ran nothing in $tree/."
    count 0 1 0
    return
  fi
  # shellcheck disable=SC2046
  set -- $(ctest_totals "$log")
  echo "   $1 passed, $2 failed, $3 skipped"
  count "$1" "$2" "$3"
  if [ "$status" -ne 0 ] && [ "$2" -eq 0 ]; then
    count 0 1 0
  fi
}

# A folder of node_modules that is as new as the lock file is used as it is.
install_npm() # FOLDER
{
  cd "$1"
  if [ -n "$(find node_modules/.package-lock.json -newer package-lock.json 2>/dev/null)" ]; then
    return 0
  fi
  npm ci --no-audit --no-fund --loglevel=error
}

# The end-to-end tests, and the linter of the API's description.
install_e2e()
{
  deps_install_node
  (install_npm "$root/tests/openapi") && (install_npm "$root/tests/e2e")
}

tap_value() # NAME FILE
{
  sed -n "s/^# $1 \\([0-9][0-9]*\\)\$/\\1/p" "$2" | tail -n 1
}

# Each test that failed: its line and what it says of the reason, but not what passed.
tap_failures() # FILE
{
  awk '
    /^ *(not )?ok [0-9]+ / { telling = /^ *not ok/ && !/# (SKIP|TODO)/; left = 40 }
    /^ *# Subtest: / { telling = 0 }
    telling && left-- > 0
  ' "$1"
}

run_e2e()
{
  echo "== end to end"
  cd "$root/tests/e2e"
  if ! install_e2e >"$root/build/npm.log" 2>&1; then
    tail -n 20 "$root/build/npm.log"
    count 0 1 0
    return
  fi
  # shellcheck disable=SC2046
  set -- $(find . -name node_modules -prune -o -type f \
    \( -name 'test_*.mjs' -o -name '*.test.mjs' -o -name '*_test.mjs' \) -print | sort)
  if [ $# -eq 0 ]; then
    echo "   no tests in tests/e2e"
    count 0 1 0
    return
  fi
  status=0
  PERPGATE_BUILD="$root/build" node --test --test-reporter=tap "$@" >"$root/build/e2e.tap" 2>&1 ||
    status=$?
  if [ "$status" -ne 0 ]; then
    tap_failures "$root/build/e2e.tap"
  fi
  ok=$(tap_value pass "$root/build/e2e.tap")
  bad=$(tap_value fail "$root/build/e2e.tap")
  cancelled=$(tap_value cancelled "$root/build/e2e.tap")
  off=$(tap_value skipped "$root/build/e2e.tap")
  bad=$((${bad:-0} + ${cancelled:-0}))
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
  fi
  echo "   ${ok:-0} passed, $bad failed, ${off:-0} skipped"
  count "${ok:-0}" "$bad" "${off:-0}"
}

# What a target finds lands beside its binary, as crash-* or leak-*.
run_fuzz()
{
  if ! deps_build build-fuzz fuzz; then
    count 0 1 0
    return
  fi
  for target in "$root"/build-fuzz/tests/fuzz_*; do
    name=${target##*/fuzz_}
    echo "== fuzz $name"
    mkdir -p "$root/build-fuzz/corpus/$name"
    if (cd "$root/build-fuzz/tests" && "$target" -max_total_time="${FUZZ_SECONDS:-60}" \
        "$root/build-fuzz/corpus/$name" "$root/tests/fuzz/corpus/$name") \
        >"$root/build-fuzz/fuzz_$name.log" 2>&1; then
      count 1 0 0
    else
      tail -n 60 "$root/build-fuzz/fuzz_$name.log"
      count 0 1 0
    fi
  done
}

tier=${1:-full}
case $tier in
quick)
  # shellcheck disable=SC2086
  deps_install $DEPS_BUILD $DEPS_TESTS
  run_ctest build release
  ;;
full)
  # shellcheck disable=SC2086
  deps_install $DEPS_BUILD $DEPS_TESTS
  run_ctest build release
  run_ctest build-dev dev -LE lint
  if [ -f "$root/tests/e2e/package.json" ]; then
    run_e2e
  fi
  ;;
fuzz)
  # shellcheck disable=SC2086
  deps_install $DEPS_BUILD $DEPS_FUZZ
  run_fuzz
  ;;
*) deps_fail "Usage: sh tests/run.sh [quick|full|fuzz]" ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
