#!/bin/sh
# A library is seen by its own folder only. Usage: includes.sh SOURCE_DIR BUILD_DIR
src=$1
failed=0

# only HEADER_REGEX FOLDER...: no file of another folder includes it.
only() {
        header=$1
        shift
        folders=$(echo "$*" | tr ' ' '|')
        found=$(grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($header)[>\"]" \
                gateway adapters | grep -vE "^($folders)/")
        if [ -n "$found" ]; then
                echo "$found"
                echo "    belongs in: $*"
                failed=1
        fi
}

# never FOLDER PREFIX...: no file of FOLDER includes a header of these folders.
never() {
        folder=$1
        shift
        folders=$(echo "$*" | tr ' ' '|')
        found=$(grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*\"($folders)/" "$folder")
        if [ -n "$found" ]; then
                echo "$found"
                echo "    $folder must not know: $*"
                failed=1
        fi
}

cd "$src" || exit 2
only 'libwebsockets\.h' gateway/edge gateway/loop
only 'ev\.h|uv\.h|curl/.*' gateway/loop
only 'sqlite3\.h|libpq-fe\.h' gateway/store
only 'jansson\.h' gateway/api gateway/compat adapters
only 'yaml\.h' gateway/brand
only 'secp256k1.*' gateway/sign
only 'nettle/.*' gateway/sign

upper='loop edge store journal auth brand plan api compat ops adapters'
never gateway/base $upper sign risk
never gateway/sign $upper risk
never gateway/loop $(echo $upper | sed 's/loop //') sign risk
never gateway/store edge journal auth brand plan api
never gateway/journal edge auth brand plan api
never gateway/plan loop edge store journal auth api
never gateway/mirror loop edge store journal auth brand api ops
never gateway/stream $upper sign risk
never gateway/risk loop edge store journal auth api
never gateway/api compat
never adapters/hyperliquid edge store journal auth api
never adapters/paper store journal auth brand plan api
exit $failed
