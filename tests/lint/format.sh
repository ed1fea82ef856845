#!/bin/sh
# Every C file is as clang-format writes it. Usage: format.sh SOURCE_DIR BUILD_DIR
src=$1

cd "$src" || exit 2
command -v clang-format >/dev/null || {
        echo "clang-format is not there"
        exit 1
}
find gateway adapters tests -name node_modules -prune -o -name '*.[ch]' -print | sort | xargs clang-format --dry-run --Werror 2>&1 |
        sed -n 's/^\([^: ]*:[0-9]*\):.*error: .*/\1: not as clang-format writes it/p' | sort -u -t: -k1,1 |
        grep . && exit 1
exit 0
