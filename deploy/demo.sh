#!/bin/sh
# Builds perpgate and starts its demo: two sample brands on a paper venue, on this machine only.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/deploy/deps.sh"

usage()
{
  cat <<'EOF'
Usage: sh deploy/demo.sh [--story] [OPTION...]

  --story        play a trader's day against a demo of its own, tell it, and end with its result
  --http PORT    port of the API and the brands' pages (0: a free one)
  --paper PORT   port of the paper venue (0: a free one)
  --data DIR     where the demo keeps its database and keys
  --seed N       seed of the paper venue's prices
  --help         this text
EOF
}

# The value of a text member in the one line of JSON that perpgate prints.
member()
{
  printf '%s\n' "$ready" | sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p"
}

brands()
{
  printf '%s\n' "$ready" | sed 's/.*"brands"://' | tr '{' '\n' |
    sed -n 's/.*"id":"\([^"]*\)".*"host":"\([^"]*\)".*/\1 \2/p'
}

welcome()
{
  http=$(member http)
  port=${http##*:}
  printf '\nperpgate is running. Two brands, one gateway, a paper venue behind it:\n\n'
  brands | while read -r id host; do
    printf '  %-10s http://%s:%s/\n' "$id" "$host" "$port"
  done
  first=$(brands | sed -n '1s/.* //p')
  cat <<EOF

Open either in a browser on this machine, or ask from another terminal:

  curl -s http://$first:$port/v1/brand
  curl -s http://$first:$port/v1/markets/BTC
  curl -s -H 'Host: $first' $http/v1/markets     (where *.localhost does not resolve)

Whoever watches it:    curl -s $(member admin)/metrics
The paper venue:       curl -s $(member paper)/info -H 'content-type: application/json' -d '{"type":"allMids"}'
A trader's whole day:  sh deploy/demo.sh --story

Ctrl-C ends it.
EOF
}

story=no
for option in "$@"; do
  case $option in
  --help | -h)
    usage
    exit 0
    ;;
  --story) story=yes ;;
  esac
done

# shellcheck disable=SC2086
deps_install $DEPS_BUILD
[ -x "$root/build/perpgate" ] || echo "Building into build/ ..."

if [ "$story" = yes ]; then
  deps_build build release perpgate perpgate-story
  # The option is ours: pass on the others.
  n=$#
  while [ "$n" -gt 0 ]; do
    option=$1
    shift
    [ "$option" = --story ] || set -- "$@" "$option"
    n=$((n - 1))
  done
  exec "$root/build/perpgate-story" "$@"
fi

deps_build build release perpgate
folder=$(mktemp -d)
mkfifo "$folder/ready"
"$root/build/perpgate" demo "$@" >"$folder/ready" &
pid=$!
trap 'kill -TERM "$pid" 2>/dev/null || true' INT TERM HUP
exec 3<"$folder/ready"
rm -rf "$folder"
if IFS= read -r ready <&3; then
  welcome
fi
# A signal ends the first wait early; the second one sees the drain through.
status=0
wait "$pid" || status=$?
if kill -0 "$pid" 2>/dev/null; then
  status=0
  wait "$pid" || status=$?
fi
exit "$status"
