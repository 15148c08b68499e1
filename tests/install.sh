# Installs what the project is built and tested with. Read by ./dev and tests/run; plain sh.
# shellcheck shell=sh

# The packages that hold a thing: Debian and Ubuntu | Fedora | Alpine | macOS with Homebrew.
packages_of() {
  case $1 in
  c-compiler) echo 'gcc libc6-dev|gcc|gcc musl-dev|the command line tools: xcode-select --install' ;;
  openssl) echo 'openssl|openssl|openssl|openssl' ;;
  python) echo 'python3 python3-venv|python3|python3|python' ;;
  npm) echo 'nodejs npm|nodejs npm|nodejs npm|node' ;;
  readelf) echo 'binutils|binutils|binutils|binutils' ;;
  git) echo 'git|git|git|git' ;;
  chromium) echo 'chromium|chromium|chromium|chromium' ;;
  redis) echo 'redis-server|redis|redis|redis' ;;
  chinese-font) echo 'fontconfig fonts-wqy-microhei|fontconfig wqy-microhei-fonts|fontconfig font-wqy-zenhei|fontconfig' ;;
  *) stop "there is no list of packages for $1" ;;
  esac
}

# Succeeds where a thing works. A compiler without the headers of the C library does not.
works() {
  case $1 in
  c-compiler) printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | cc -x c -o /dev/null - ;;
  python) python3 -c 'import ensurepip, venv' ;;
  chromium) [ -x "${CHROMIUM:-/usr/bin/chromium}" ] ;;
  redis) command -v redis-server ;;
  chinese-font) [ -n "$(fc-list :lang=zh-cn)" ] ;;
  *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

# Installs those of the things that do not work yet, and stops where one still does not.
need() {
  missing='' debian='' fedora='' alpine='' macos=''
  for thing in "$@"; do
    if ! works "$thing"; then add_packages "$thing"; fi
  done
  [ -n "$missing" ] || return 0
  if command -v apt-get >/dev/null; then install_on_debian; else name_packages; fi
  for thing in $missing; do
    works "$thing" || stop "$thing still does not work, although its packages are installed"
  done
}

add_packages() {
  line=$(packages_of "$1")
  missing="$missing $1"
  debian="$debian ${line%%|*}" line=${line#*|}
  fedora="$fedora ${line%%|*}" line=${line#*|}
  alpine="$alpine ${line%%|*}" macos="$macos ${line#*|}"
}

install_on_debian() {
  as_root=''
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "missing:$missing. As root: apt-get install$debian"
    as_root=sudo
  fi
  echo "missing:$missing. Installing with: ${as_root:+$as_root }apt-get install$debian"
  # Unquoted: a list of words, and a command that may be empty.
  # shellcheck disable=SC2086
  {
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 $debian >/dev/null
  } || stop "the packages could not be installed:$debian"
}

# Where there is no apt-get, nothing is installed.
name_packages() {
  if command -v dnf >/dev/null; then
    stop "missing:$missing. Install: dnf install$fedora"
  elif command -v apk >/dev/null; then
    stop "missing:$missing. Install: apk add$alpine"
  elif command -v brew >/dev/null || [ "$(uname -s)" = Darwin ]; then
    stop "missing:$missing. Install with brew install, or by what is named:$macos"
  else
    stop "missing:$missing. Install what these packages of Debian hold:$debian"
  fi
}

stop() {
  echo "$0: $*" >&2
  exit 1
}
