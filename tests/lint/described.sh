#!/bin/sh
# A route without a risk label, a description or a schema of its answer does not compile.
# Usage: described.sh SOURCE_DIR BUILD_DIR
src=$1
build=$2
api=$src/gateway/api
own=$(mktemp -d) || exit 2
failed=0
trap 'rm -rf "$own"' EXIT
mkdir "$own/api"

compiles()
{
        ${CC:-cc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$own" \
                -I"$build/gateway/api/generated" -I"$src/gateway" -I"$src" -fsyntax-only \
                "$api/route.c" "$api/openapi_build.c" 2>"$own/why"
}

# Both tables as they are, and as a case changes them.
with()
{
        { cat "$api/route.def" && echo "$1"; } >"$own/api/route.def"
        { cat "$api/openapi.def" && echo "$2"; } >"$own/api/openapi.def"
}

refused()
{
        if compiles || grep -q "No such file" "$own/why"; then
                echo "gateway/api/route.def: a route $1 compiles"
                failed=1
        fi
}

with "" ""
compiles || { cat "$own/why"; failed=1; }
with 'ROUTE(METHOD_GET, "/v1/more", PUBLIC, 0, 1, openapi_get)' ""
refused "without a risk label"
with 'ROUTE(METHOD_GET, "/v1/more", PUBLIC, HARMLESS, 0, 1, openapi_get)' ""
refused "with a label that there is not"
with 'ROUTE(METHOD_GET, "/v1/more", PUBLIC, READS, 0, 1, limits_more)' ""
refused "without a DOC row"
with 'ROUTE(METHOD_GET, "/v1/more", PUBLIC, READS, 0, 1, limits_more)' 'DOC(limits_more, NONE, NONE, ServerTime)'
refused "without words and examples"
with "" ""
sed '/limits_time/d' "$api/route.def" >"$own/api/route.def"
refused "that is described and is none"
with "" ""
sed 's/DOC(limits_time,.*/DOC(limits_time, NONE, NONE, NoSchema)/' "$api/openapi.def" >"$own/api/openapi.def"
refused "whose answer has no schema"

# Words without a summary, codes or examples stop the build before that.
printf '{"operations": {"limits_more": {"tag": "Service", "summary": "More", "codes": []}}}' >"$own/more.json"
if cmake "-DIN=$own/more.json" -DOUT="$own/more.c" -DNAMES="$own/more.h" -P "$api/openapi.cmake" 2>/dev/null; then
        echo "gateway/api/openapi.cmake: words without examples are taken"
        failed=1
fi
exit $failed
