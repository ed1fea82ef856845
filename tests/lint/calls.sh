#!/bin/sh
# Calls that lose exactness, bounds or errors. Usage: calls.sh SOURCE_DIR BUILD_DIR
src=$1

cd "$src" || exit 2
! grep -rnwE --include='*.[ch]' \
        '(strtod|strtof|strtold|atof|atoi|atol|atoll|v?f?s?scanf|strcpy|stpcpy|strcat|v?sprintf|gets|strtok) ?\(' \
        gateway adapters tests
