#!/bin/sh
# Every header compiles alone, and twice. Usage: headers.sh SOURCE_DIR BUILD_DIR
src=$1
failed=0

cd "$src" || exit 2
for header in $(find gateway adapters -name '*.h' | sort); do
        printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
                ${CC:-cc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror \
                        -Igateway -I. -x c -fsyntax-only - || {
                echo "$header does not compile alone"
                failed=1
        }
done
exit $failed
