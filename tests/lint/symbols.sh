#!/bin/sh
# A file exports only names that begin with its own: hub.c exports hub_* and hub. A file split off
# another, such as hub_queue.c beside hub.h, may export hub_* too.
# Usage: symbols.sh SOURCE_DIR BUILD_DIR (reads the static libraries of BUILD_DIR)
src=$1
build=$2

# FILE:NAME, where the rule gives way: names that read as words of the language.
allowed="attr.c:must_failed keccak.c:keccak256 eip712.c:eip191_digest
mem.c:xcalloc mem.c:xmalloc mem.c:xrealloc mem.c:xstrdup mem.c:xstrndup mem.c:text_copy
hl_sign.c:hl_l1_digest hl_sign.c:hl_phantom_digest hl_sign.c:hl_phantom_typed_data plan.c:risk_source_name plan.c:step_status_name"

cd "$src" || exit 2
headers=$(find gateway adapters -name '*.h' -exec basename {} .h \; | sort -u)
archives=$(find "$build/gateway" "$build/adapters" -name 'lib*.a' 2>/dev/null)
if [ -z "$archives" ]; then
        echo "no static library in $build: build first"
        exit 1
fi
# Lines "library.a:file.c.o:0000 T name"; names that start with an underscore are the compiler's.
nm -A -g --defined-only $archives | awk -v allowed="$allowed" -v headers="$headers" '
BEGIN {
        split(allowed, a)
        for (i in a)
                may[a[i]] = 1
        split(headers, h)
        for (i in h)
                is_header[h[i]] = 1
}
function begins(name, stem) {
        return name == stem || index(name, stem "_") == 1
}
function fits(name, stem) {
        if (begins(name, stem))
                return 1
        while (sub(/_[^_]*$/, "", stem))
                if (is_header[stem] && begins(name, stem))
                        return 1
        return 0
}
NF == 3 {
        n = split($1, path, ":")
        file = path[n - 1]
        sub(/\.o$/, "", file)
        stem = file
        sub(/\.c$/, "", stem)
        name = $NF
        if (name ~ /^_/ || may[file ":" name] || fits(name, stem))
                next
        library = path[1]
        sub(/.*\//, "", library)
        print library ": " file " exports " name
        failed = 1
}
END {
        exit failed
}'
