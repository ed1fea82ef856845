#!/bin/sh
# Files to 500 lines, functions to 60. Usage: length.sh SOURCE_DIR BUILD_DIR
src=$1

cd "$src" || exit 2
# A function's body stands between braces in the first column.
find gateway adapters tests -name '*.[ch]' | sort | xargs awk '
FNR == 1 {
        start = 0
}
/^\{$/ {
        start = FNR
}
/^\}$/ && start {
        if (FNR - start - 1 > 60) {
                print FILENAME ":" start ": a function of " FNR - start - 1 " lines"
                failed = 1
        }
        start = 0
}
FNR == 501 {
        print FILENAME ": more than 500 lines"
        failed = 1
}
END {
        exit failed
}'
