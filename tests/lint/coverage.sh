#!/bin/sh
# Everything that is offered is in tests/COVERAGE.md with the test that exercises it: each route of
# route.def, each action, info request and channel that the paper venue knows by name. A row names test
# files that exist and that speak of it, or says "not offered" and why.
# Usage: coverage.sh SOURCE_DIR BUILD_DIR
src=$1
table=tests/COVERAGE.md
failed=0

cd "$src" || exit 2

# rows SECTION: "name|second cell" of the rows below that heading.
rows() {
        awk -v section="## $1" '
        /^## / { is_in = $0 == section }
        is_in && /^\| `/ {
                split($0, cell, / *\| */)
                gsub(/`/, "", cell[2])
                print cell[2] "|" cell[3]
        }' $table
}

# complain TEXT
complain() {
        echo "$table: $1"
        failed=1
}

# is_spoken_of FILE NAME: whether the file has the name as a word, or the route as a path, whatever
# stands where the route has a {parameter}.
is_spoken_of() {
        case $2 in
        *' /') return 0 ;;
        *' /'*)
                path=$(echo "${2#* }" | sed -e 's/[.]/[.]/g' -e 's/{[a-zA-Z]*}/[^\/"?` ]+/g')
                # Reads are asked for in several ways; whatever else names its method beside the path.
                [ "${2% *}" = GET ] || path="${2% *}\\>.*$path"
                grep -qE "$path([^a-zA-Z/-]|\$)" "$1"
                ;;
        *) grep -qw -- "$2" "$1" ;;
        esac
}

# check SECTION: the names that must be there are in $scratch/names; of these, what the venue does more with than
# refuse it by name in $scratch/offered.
check() {
        section=$1
        rows "$section" >"$scratch/rows"
        cut -d'|' -f1 "$scratch/rows" | sort >"$scratch/listed"
        [ -s "$scratch/names" ] || complain "$section: no name was found in the sources"
        while read -r name; do
                grep -qxF -- "$name" "$scratch/listed" || complain "$section: no row for $name"
        done <"$scratch/names"
        uniq -d "$scratch/listed" >"$scratch/twice"
        while read -r name; do
                complain "$section: two rows for $name"
        done <"$scratch/twice"
        while IFS='|' read -r name cell; do
                check_row "$section" "$name" "$cell"
                if [ "${cell#not offered}" != "$cell" ] && grep -qxF -- "$name" "$scratch/offered"; then
                        complain "$section: $name is offered"
                fi
        done <"$scratch/rows"
}

# check_row SECTION NAME CELL
check_row() {
        case $3 in
        'not offered: '?*) ;;
        'not offered'*)
                complain "$1: $2 is not offered without a reason"
                return
                ;;
        *'`'*) ;;
        *)
                complain "$1: $2 has no test"
                return
                ;;
        esac
        for file in $(echo "$3" | grep -o '`[^`]*`' | tr -d '`'); do
                if [ ! -f "tests/$file" ]; then
                        complain "$1: $2: there is no tests/$file"
                elif ! is_spoken_of "tests/$file" "$2"; then
                        complain "$1: $2: tests/$file does not speak of it"
                fi
        done
}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

sed -nE 's/^ROUTE\(METHOD_([A-Z]+), *"([^"]+)".*/\1 \2/p' gateway/api/route.def >"$scratch/names"
cp "$scratch/names" "$scratch/offered"
check Routes
{
        sed -nE 's/.*METHOD_([A-Z]+), +"(\/[a-z]+)".*/\1 \2/p' gateway/compat/compat.c
        sed -nE 's/^#define COMPAT_WS_PATH "(.+)"/GET \1/p' gateway/compat/compat_ws.h
} >"$scratch/names"
cp "$scratch/names" "$scratch/offered"
check "Hyperliquid's wire"
{
        sed -nE '/^const char \*hl_action_type_name/,/^}/s/.*return "([^"]+)";.*/\1/p' \
                adapters/hyperliquid/hl_action.c
        sed -nE 's/.*strcmp\(type, "([^"]+)"\).*/\1/p' adapters/paper/paper_transfer.c
        echo multiSig
} >"$scratch/offered"
{
        cat "$scratch/offered"
        sed -nE '/ types\[\] = /,/^};/s/^        \{"([^"]+)",.*/\1/p' adapters/hyperliquid/hl_raw_user.c
        sed -nE '/ other_l1\[\] = /,/^};/s/^ *"([^"]+)",$/\1/p' adapters/hyperliquid/hl_raw.c
} | sort -u >"$scratch/names"
check Actions
sed -nE 's/^ *\{"([A-Za-z0-9]+)", [a-z0-9_]+\},$/\1/p' adapters/paper/paper_info*.c >"$scratch/names"
cp "$scratch/names" "$scratch/offered"
check 'Info requests'
sed -nE 's/^ *\{"([A-Za-z0-9]+)", PAPER_SUB_[A-Z0-9_]+,.*/\1/p' adapters/paper/paper_ws.c >"$scratch/names"
cp "$scratch/names" "$scratch/offered"
check Channels
exit $failed
