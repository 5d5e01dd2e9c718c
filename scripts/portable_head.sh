#!/bin/sh
# tsd, portable form: this script, then the bundled program (tar.gz), then Deno (gzip). The first start unpacks both into
# a private cache; later starts only look whether it is as it was (without starting a process) and become Deno.
# Names begin with an underscore: a variable of the caller's environment that has the same name would be changed.
_app=@APP@
_runtime=runtime-@RUNTIME@

case $1 in
  -v | --version)
    echo "tsd version @VERSION@"
    exit
    ;;
esac

# A running engine of this very build does most commands itself, on this process's streams, and no second program has to
# start: see docs/adr/0027. What is said to it and what it answers is told in src/command_server/slots.ts.
_calls=${TSD_HOST:-${DOCKER_HOST:-@SOCKET@}}
_calls=${_calls#unix://}.calls
# FIFOs are opened for both directions first: opening one for one direction waits for somebody at its other end, and an
# engine that was killed is nobody.
tell_engine() {
  { echo "$*" 1<>"$_calls/call"; } 2>/dev/null
}
take_seat() {
  for _seat in @SLOTS@; do
    # With -C the shell makes the file, or fails where somebody else has.
    set -C
    { echo "$$" >"$_calls/seat.$_seat"; } 2>/dev/null && _taken=1
    set +C
    [ -z "$_taken" ] || return 0
  done
  tell_engine full
  return 1
}
# Another engine may have come since the seat was taken, with a folder of its own.
sit_down() {
  { command exec 9<>"$_calls/answer.$_seat" 8<"$_calls/answer.$_seat" 9>&- && read -r _whose <"$_calls/seat.$_seat"; } 2>/dev/null
  [ "$_whose" = "$$" ] && [ -p /proc/self/fd/8 ] && [ -O /proc/self/fd/8 ]
}
free_descriptors() {
  for _number in 6 7 8 9; do
    [ ! -L "/proc/self/fd/$_number" ] || return 1
  done
}
got_signal() {
  _signalled=1
  tell_engine "$_seat $$ $1"
}
# Says what is left to do by a process of its own: all, nothing, or what the engine has said (in `resume`).
ask_engine() {
  _taken= _signalled= _caught= _once= _heard=
  # The engine writes to duplicates, as a shell's standard output is another one while it tells the engine something.
  command exec 7>&2 && { command exec 6>&1; } 2>/dev/null && take_seat && sit_down || return 0
  tell_engine "$_seat $$ $# $_app"
  while _signalled= && read -r _answer _words <&8 || [ -n "$_signalled" ]; do
    _heard=1
    case $_answer in
      exit) exit "$_words" ;;
      once) _once=$_words ;;
      resume)
        case $_words in "__resume "*) _resume=$_words ;; esac
        ;;
      catch)
        for _signal in $_words; do
          trap "got_signal $_signal" "$_signal"
          _caught="$_caught $_signal"
        done
        ;;
      no)
        tell_engine "$_seat $$ left"
        return 0
        ;;
    esac
    _answer=
  done
  # shellcheck disable=SC2086 # plain words
  [ -z "$_caught" ] || trap - $_caught
  # Nobody has listened: what an engine that was killed has left there.
  [ -n "$_heard" ] || return 0
  # The engine has gone away in the middle of it: what may be done again is, by a process that finds the next engine.
  export TSD_ENGINE_WENT_AWAY=1
  [ -n "$_once" ] && [ -z "$_resume" ] || return 0
  echo "tsd: The engine closed the connection in the middle of its answer" >&2
  exit "$_once"
}
case $1 in
  @SERVED@)
    # Nobody else can have put them there, and the caller's own descriptors (a lock, a file to read) stay as they are.
    if [ -p "$_calls/call" ] && [ -O / ] && [ -O "$_calls" ] && [ ! -L "$_calls" ] && free_descriptors; then
      _resume=
      ask_engine "$@"
      exec 6>&- 7>&- 8<&-
      # shellcheck disable=SC2086 # plain words
      [ -z "$_resume" ] || set -- $_resume
    fi
    ;;
esac

if [ -n "$TSD_CACHE_DIR" ]; then
  _cache=$TSD_CACHE_DIR
elif [ -O / ]; then # true for root: what a shell can ask about who it is without starting a process
  _cache=/var/cache/tsd
else
  _cache=${XDG_CACHE_HOME:-$HOME/.cache}/tsd
fi
case $_cache in /*) ;; *) _cache=$PWD/$_cache ;; esac

_self=$0
case $_self in /*) ;; *) _self=$PWD/${_self#./} ;; esac
[ ! -L "$_self" ] || _self=$(readlink -f "$_self")

fail() {
  printf 'tsd: %s\n' "$*" >&2
  exit 125
}

# What is in the cache was looked at since the machine's boot, and nothing was changed in it since. A power cut may leave
# files that are shorter than they were, but not in the same boot. A file's time changes with its content, a folder's when
# something comes or goes; older than the stamp means: strictly. Modes, which only their owner can change, are looked at by
# `whole`: no shell can ask for them without starting a process.
_stamp=$_cache/$_app/whole
unchanged() {
  { read -r _boot </proc/sys/kernel/random/boot_id && read -r _looked <"$_stamp"; } 2>/dev/null || return 1
  [ "$_looked" = "$_boot" ] && [ -O "$_cache" ] && [ -O "$_cache/$_app" ] && [ -O "$_cache/$_runtime" ] || return 1
  [ "$_stamp" -nt "$_cache/$_app" ] && [ "$_stamp" -nt "$_cache/$_runtime" ] || return 1
  for _file in @FILES@; do
    [ -f "$_file" ] && [ -O "$_file" ] && [ "$_stamp" -nt "$_file" ] || return 1
  done
}

# Whether the folders are the caller's own with mode 0700 (`stat` doesn't follow links) and the files have their sizes.
# That is noted where it can be.
whole() {
  [ -O "$_cache" ] && [ -O "$_cache/$_app" ] && [ -O "$_cache/$_runtime" ] || return 1
  _facts=$(LC_ALL=C stat -c %a:%s "$_cache" "$_cache/$_app" "$_cache/$_runtime" @FILES@ 2>/dev/null)
  case $_facts in
    700:*"
"700:*"
"700:*"
@INFO@") ;;
    *) return 1 ;;
  esac
  [ -z "$_boot" ] || (umask 077 && printf '%s\n' "$_boot" >"$_stamp") 2>/dev/null || :
}

# Refuses a folder that somebody else could have filled.
private() {
  [ ! -L "$1" ] && [ -d "$1" ] && [ -O "$1" ] && [ "$(stat -c %a "$1")" = 700 ] ||
    fail "will not run code from $1: it has to be a folder of your own with mode 0700; remove it, or set TSD_CACHE_DIR"
}

unpack() {
  _mask=$(umask)
  umask 077
  [ -d "$_cache" ] || mkdir -p "$_cache" || fail "cannot make the cache folder $_cache; set TSD_CACHE_DIR to another one"
  private "$_cache"
  [ -w "$_cache" ] || fail "cannot write to the cache folder $_cache; set TSD_CACHE_DIR to another one"
  # One process unpacks, the others wait for it. The lock ends with the process, however that ends.
  if ! command exec 9>"$_cache/lock" || ! flock 9; then fail "cannot lock $_cache/lock"; fi
  if whole; then
    exec 9>&-
    umask "$_mask"
    return
  fi
  for _folder in "$_cache/$_app" "$_cache/$_runtime"; do
    [ ! -e "$_folder" ] && [ ! -L "$_folder" ] || private "$_folder"
  done
  _size=$(stat -c %s "$_self")
  [ "$_size" = @SIZE@ ] || fail "$_self is damaged: its size is $_size, expected @SIZE@"
  rm -rf "$_cache"/.unpack-*
  _work=$_cache/.unpack-$$
  trap 'rm -rf "$_work"' EXIT
  trap 'exit 130' INT TERM HUP
  if ! fill; then
    fail "cannot unpack into $_cache, which takes @ROOM@ MB there; TSD_CACHE_DIR names another folder"
  fi
  tidy
  rm -rf "$_work"
  trap - EXIT INT TERM HUP
  exec 9>&-
  umask "$_mask"
  [ -x "$_cache/$_runtime/tsd" ] || fail "cannot run programs from $_cache (is it mounted noexec?); set TSD_CACHE_DIR"
  whole || fail "the cache in $_cache is damaged and could not be repaired; remove it"
}

# Each folder is filled aside and renamed, so that it is never seen half full.
fill() {
  mkdir "$_work" "$_work/$_app" "$_work/$_runtime" || return 1
  tail -c +@APP_START@ "$_self" | head -c @APP_SIZE@ | tar -xzf - -C "$_work/$_app" || return 1
  replace "$_app" || return 1
  [ "$(stat -c %s "$_cache/$_runtime/tsd" 2>/dev/null)" != @RUNTIME_SIZE@ ] || return 0
  tail -c +@RUNTIME_START@ "$_self" | gzip -dc >"$_work/$_runtime/tsd" && chmod 700 "$_work/$_runtime/tsd" || return 1
  replace "$_runtime"
}
replace() {
  [ ! -e "$_cache/$1" ] || mv "$_cache/$1" "$_work/old-$1" || return 1
  mv "$_work/$1" "$_cache/$1"
}

# Each build has a folder of its own, so builds that nobody uses any more are removed when a new one comes: those that were
# not started for @UNUSED_DAYS@ days (the time of the last reading, which file systems keep to a day; where they don't keep
# it, that of unpacking), but for the newest few. One that is started again later is unpacked again.
# What runs must stay: an engine loads code from its folder for as long as it runs, and starts plugins by its Deno. All
# processes have their folders in their command lines. An engine that this process can't see (another PID namespace on the
# same cache) holds a lock on its folders, as all engines do since that is looked at: see src/engine/lifecycle/executable_lock.ts.
tidy() {
  _running=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n')
  # Without /proc nobody can be seen, not even this process.
  case $_running in *"$0"*) ;; *) return ;; esac
  _newest=$(ls -t "$_cache" | grep -x '[0-9a-f]*' | head -n @NEWEST@)
  _removed=0
  (cd "$_cache" && find . -mindepth 2 -maxdepth 2 -type f '(' -name mod.js -o -name tsd ')' -atime +@UNUSED_DAYS@) 2>/dev/null |
    while IFS= read -r _file && [ "$_removed" -lt @MOST_REMOVED@ ]; do
      _folder=${_file#./}
      _folder=${_folder%/*}
      _digest=${_folder#runtime-}
      case $_digest in *[!0-9a-f]*) continue ;; esac
      [ "${#_digest}" = "${#_app}" ] || continue
      case "$_running $_newest $_app $_runtime" in *"$_folder"*) continue ;; esac
      # It goes with the working folder.
      flock -n "$_cache/$_folder" mv "$_cache/$_folder" "$_work/" 2>/dev/null && _removed=$((_removed + 1))
    done
}

unchanged || whole || unpack
[ -z "$TSD_CACHE_DIR" ] || export TSD_CACHE_DIR="$_cache" # absolute, for the engine that this client may start
export TSD_EXECUTABLE="$_self" DENO_DIR="$_cache/$_app/deno" DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
# Why these: scripts/v8_flags.ts.
_v8=@CLIENT_FLAGS@
[ "$1" != daemon ] || _v8=@ENGINE_FLAGS@
exec "$_cache/$_runtime/tsd" run --quiet -A --no-config --no-lock --no-remote --no-npm --cached-only --unstable-net "--v8-flags=$_v8" "$_cache/$_app/mod.js" "$@"
