# What a build needs, and how it is installed and run; read by demo.sh and tests/run.sh with ".".
# Expects $root, the top of the source tree. POSIX sh.
# shellcheck shell=sh disable=SC2034,SC2154

DEPS_BUILD="gcc cmake ninja-build pkg-config ca-certificates
  libwebsockets-dev libwebsockets-evlib-ev libev-dev libcurl4-openssl-dev libjansson-dev libsodium-dev
  libssl-dev libsecp256k1-dev libsqlite3-dev nettle-dev libyaml-dev zlib1g-dev
  libcmocka-dev"
DEPS_TESTS="clang-format"
DEPS_FUZZ="clang libclang-rt-14-dev"

deps_fail()
{
  echo "$*" >&2
  exit 1
}

# Prints those of the given packages that are not installed.
deps_missing()
{
  for package in "$@"; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
    installed) ;;
    *) echo "$package" ;;
    esac
  done
}

# Installs what is missing of the given packages. Quiet and quick when nothing is.
deps_install()
{
  if ! command -v dpkg-query >/dev/null 2>&1; then
    command -v cmake >/dev/null 2>&1 && return 0
    deps_fail "This is not a Debian system. Install the equivalents of: $*"
  fi
  missing=$(deps_missing "$@" | tr '\n' ' ')
  [ -z "$missing" ] && return 0
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
      deps_fail "Packages are missing. As root, run: apt-get install $missing"
    as_root=sudo
  fi
  echo "Installing: $missing"
  log=$(mktemp)
  # A stale package list is no reason to stop; the install tells whether it was.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 || true
  # shellcheck disable=SC2086
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends $missing >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    deps_fail "The packages could not be installed: $missing"
  fi
  rm -f "$log"
}

# Node and npm, where neither the system's packages nor another installation has them.
deps_install_node()
{
  if ! command -v node >/dev/null 2>&1; then
    deps_install nodejs npm
  elif ! command -v npm >/dev/null 2>&1; then
    deps_install npm
  fi
}

# The settings of a preset, for a CMake without Ninja: presets name their generator.
deps_settings() # PRESET
{
  case $1 in
  release) echo "-DCMAKE_BUILD_TYPE=RelWithDebInfo" ;;
  dev) echo "-DCMAKE_BUILD_TYPE=Debug -DPERPGATE_SANITIZE=ON" ;;
  fuzz)
    echo "-DCMAKE_BUILD_TYPE=Debug -DPERPGATE_SANITIZE=ON -DPERPGATE_FUZZ=ON -DCMAKE_C_COMPILER=clang"
    ;;
  esac
}

# deps_configure FOLDER PRESET: once; CMake itself notices later what changed.
deps_configure()
{
  folder=$1
  preset=$2
  if [ -f "$root/$folder/build.ninja" ] || [ -f "$root/$folder/Makefile" ]; then
    return 0
  fi
  set -- --log-level=WARNING
  [ "$preset" = fuzz ] || set -- "$@" -DCMAKE_C_COMPILER=gcc
  if command -v ccache >/dev/null 2>&1; then
    set -- "$@" -DCMAKE_C_COMPILER_LAUNCHER=ccache
  fi
  if command -v ninja >/dev/null 2>&1; then
    set -- --preset "$preset" "$@"
  else
    # shellcheck disable=SC2046
    set -- -B "$folder" -G "Unix Makefiles" $(deps_settings "$preset") "$@"
  fi
  if ! (cd "$root" && cmake "$@") >/dev/null; then
    echo "The build in $folder/ could not be configured." >&2
    return 1
  fi
}

# deps_build FOLDER PRESET [TARGET...]: everything without targets. Tells the output only when it
# fails.
deps_build()
{
  deps_configure "$1" "$2" || return 1
  folder=$1
  shift 2
  log=$(mktemp)
  jobs=$(nproc 2>/dev/null || echo 2)
  if [ $# -gt 0 ]; then
    set -- --target "$@"
  fi
  if cmake --build "$root/$folder" --parallel "$jobs" "$@" >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  # Without what went well, which is most of it.
  grep -v '^\[[ 0-9]*[/%]' "$log" | tail -n 80 >&2
  rm -f "$log"
  echo "The build in $folder/ failed." >&2
  return 1
}
