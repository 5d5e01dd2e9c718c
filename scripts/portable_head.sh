#!/bin/sh
# tsd, portable form: this script, then the bundled program (tar.gz), then Deno (gzip). The first start unpacks both into
# a private cache; later starts only look whether it is as it was (without starting a process) and become Deno.
app=@APP@
runtime=runtime-@RUNTIME@

case $1 in
  -v | --version)
    echo "tsd version @VERSION@"
    exit
    ;;
esac

# A running engine of this very build does most commands itself, on this process's streams, and no second program has to
# start: see docs/adr/0027. What is said to it and what it answers is told in src/hosted/seats.ts.
calls=${TSD_HOST:-${DOCKER_HOST:-@SOCKET@}}
calls=${calls#unix://}.calls
# FIFOs are opened for both directions first: opening one for one direction waits for somebody at its other end, and an
# engine that was killed is nobody.
tell_engine() {
  { echo "$*" 1<>"$calls/call"; } 2>/dev/null
}
take_seat() {
  for seat in @SEATS@; do
    # With -C the shell makes the file, or fails where somebody else has.
    set -C
    { echo "$$" >"$calls/seat.$seat"; } 2>/dev/null && taken=1
    set +C
    [ -z "$taken" ] || return 0
  done
  tell_engine full
  return 1
}
# Another engine may have come since the seat was taken, with a folder of its own.
sit_down() {
  { command exec 9<>"$calls/answer.$seat" 8<"$calls/answer.$seat" 9>&- && read -r whose <"$calls/seat.$seat"; } 2>/dev/null
  [ "$whose" = "$$" ] && [ -p /proc/self/fd/8 ] && [ -O /proc/self/fd/8 ]
}
got_signal() {
  signalled=1
  tell_engine "$seat $$ $1"
}
# Says what is left to do by a process of its own: all, nothing, or what the engine has said (in `resume`).
ask_engine() {
  taken= signalled= once= heard=
  # The engine writes to duplicates, as a shell's standard output is another one while it tells the engine something.
  command exec 7>&2 && { command exec 6>&1; } 2>/dev/null && take_seat && sit_down || return 0
  tell_engine "$seat $$ $# $app"
  while signalled= && read -r answer words <&8 || [ -n "$signalled" ]; do
    heard=1
    case $answer in
      exit) exit "$words" ;;
      once) once=$words ;;
      resume) resume=$words ;;
      catch)
        for signal in $words; do
          trap "got_signal $signal" "$signal"
        done
        ;;
      no)
        tell_engine "$seat $$ left"
        return 0
        ;;
    esac
    answer=
  done
  # Nobody has listened: what an engine that was killed has left there.
  [ -n "$heard" ] || return 0
  # The engine has gone away in the middle of it: what may be done again is, by a process that finds the next engine.
  export TSD_ENGINE_WENT_AWAY=1
  [ -n "$once" ] && [ -z "$resume" ] || return 0
  echo "tsd: The engine closed the connection in the middle of its answer" >&2
  exit "$once"
}
case $1 in
  @HOSTED@)
    # Nobody else can have put them there.
    if [ -p "$calls/call" ] && [ -O / ] && [ -O "$calls" ] && [ ! -L "$calls" ]; then
      resume=
      ask_engine "$@"
      exec 6>&- 7>&- 8<&-
      # shellcheck disable=SC2086 # plain words
      [ -z "$resume" ] || set -- $resume
    fi
    ;;
esac

if [ -n "$TSD_CACHE_DIR" ]; then
  cache=$TSD_CACHE_DIR
elif [ -O / ]; then # true for root: what a shell can ask about who it is without starting a process
  cache=/var/cache/tsd
else
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/tsd
fi
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac

self=$0
case $self in /*) ;; *) self=$PWD/${self#./} ;; esac
[ ! -L "$self" ] || self=$(readlink -f "$self")

fail() {
  printf 'tsd: %s\n' "$*" >&2
  exit 125
}

# What is in the cache was looked at since the machine's boot, and nothing was changed in it since. A power cut may leave
# files that are shorter than they were, but not in the same boot. A file's time changes with its content, a folder's when
# something comes or goes; older than the stamp means: strictly. Modes, which only their owner can change, are looked at by
# `whole`: no shell can ask for them without starting a process.
stamp=$cache/$app/whole
unchanged() {
  { read -r boot </proc/sys/kernel/random/boot_id && read -r looked <"$stamp"; } 2>/dev/null || return 1
  [ "$looked" = "$boot" ] && [ -O "$cache" ] && [ -O "$cache/$app" ] && [ -O "$cache/$runtime" ] || return 1
  [ "$stamp" -nt "$cache/$app" ] && [ "$stamp" -nt "$cache/$runtime" ] || return 1
  for file in @FILES@; do
    [ -f "$file" ] && [ -O "$file" ] && [ "$stamp" -nt "$file" ] || return 1
  done
}

# Whether the folders are the caller's own with mode 0700 (`stat` doesn't follow links) and the files have their sizes.
# That is noted where it can be.
whole() {
  [ -O "$cache" ] && [ -O "$cache/$app" ] && [ -O "$cache/$runtime" ] || return 1
  facts=$(LC_ALL=C stat -c %a:%s "$cache" "$cache/$app" "$cache/$runtime" @FILES@ 2>/dev/null)
  case $facts in
    700:*"
"700:*"
"700:*"
@FACTS@") ;;
    *) return 1 ;;
  esac
  [ -z "$boot" ] || (umask 077 && printf '%s\n' "$boot" >"$stamp") 2>/dev/null || :
}

# Refuses a folder that somebody else could have filled.
private() {
  [ ! -L "$1" ] && [ -d "$1" ] && [ -O "$1" ] && [ "$(stat -c %a "$1")" = 700 ] ||
    fail "will not run code from $1: it has to be a folder of your own with mode 0700; remove it, or set TSD_CACHE_DIR"
}

unpack() {
  mask=$(umask)
  umask 077
  [ -d "$cache" ] || mkdir -p "$cache" || fail "cannot make the cache folder $cache; set TSD_CACHE_DIR to another one"
  private "$cache"
  [ -w "$cache" ] || fail "cannot write to the cache folder $cache; set TSD_CACHE_DIR to another one"
  # One process unpacks, the others wait for it. The lock ends with the process, however that ends.
  if ! command exec 9>"$cache/lock" || ! flock 9; then fail "cannot lock $cache/lock"; fi
  if whole; then
    exec 9>&-
    umask "$mask"
    return
  fi
  for folder in "$cache/$app" "$cache/$runtime"; do
    [ ! -e "$folder" ] && [ ! -L "$folder" ] || private "$folder"
  done
  size=$(stat -c %s "$self")
  [ "$size" = @SIZE@ ] || fail "$self is damaged: its size is $size, expected @SIZE@"
  rm -rf "$cache"/.unpack-*
  work=$cache/.unpack-$$
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  if ! fill; then
    fail "cannot unpack into $cache, which takes @ROOM@ MB there; TSD_CACHE_DIR names another folder"
  fi
  tidy
  rm -rf "$work"
  trap - EXIT INT TERM HUP
  exec 9>&-
  umask "$mask"
  [ -x "$cache/$runtime/tsd" ] || fail "cannot run programs from $cache (is it mounted noexec?); set TSD_CACHE_DIR"
  whole || fail "the cache in $cache is damaged and could not be repaired; remove it"
}

# Each folder is filled aside and renamed, so that it is never seen half full.
fill() {
  mkdir "$work" "$work/$app" "$work/$runtime" || return 1
  tail -c +@APP_START@ "$self" | head -c @APP_SIZE@ | tar -xzf - -C "$work/$app" || return 1
  replace "$app" || return 1
  [ "$(stat -c %s "$cache/$runtime/tsd" 2>/dev/null)" != @RUNTIME_SIZE@ ] || return 0
  tail -c +@RUNTIME_START@ "$self" | gzip -dc >"$work/$runtime/tsd" && chmod 700 "$work/$runtime/tsd" || return 1
  replace "$runtime"
}
replace() {
  [ ! -e "$cache/$1" ] || mv "$cache/$1" "$work/old-$1" || return 1
  mv "$work/$1" "$cache/$1"
}

# Each build has a folder of its own, so builds that nobody uses any more are removed when a new one comes: those that were
# not started for @UNUSED_DAYS@ days (the time of the last reading, which file systems keep to a day; where they don't keep
# it, that of unpacking), but for the newest few. One that is started again later is unpacked again.
# What runs must stay: an engine loads code from its folder for as long as it runs, and starts plugins by its Deno. All
# processes have their folders in their command lines. An engine that this process can't see (another PID namespace on the
# same cache) holds a lock on its folders, as all engines do since that is looked at: see src/engine/own_program.ts.
tidy() {
  running=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n')
  # Without /proc nobody can be seen, not even this process.
  case $running in *"$0"*) ;; *) return ;; esac
  newest=$(ls -t "$cache" | grep -x '[0-9a-f]*' | head -n @NEWEST@)
  removed=0
  (cd "$cache" && find . -mindepth 2 -maxdepth 2 -type f '(' -name mod.js -o -name tsd ')' -atime +@UNUSED_DAYS@) 2>/dev/null |
    while IFS= read -r file && [ "$removed" -lt @MOST_REMOVED@ ]; do
      folder=${file#./}
      folder=${folder%/*}
      digest=${folder#runtime-}
      case $digest in *[!0-9a-f]*) continue ;; esac
      [ "${#digest}" = "${#app}" ] || continue
      case "$running $newest $app $runtime" in *"$folder"*) continue ;; esac
      # It goes with the working folder.
      flock -n "$cache/$folder" mv "$cache/$folder" "$work/" 2>/dev/null && removed=$((removed + 1))
    done
}

unchanged || whole || unpack
[ -z "$TSD_CACHE_DIR" ] || export TSD_CACHE_DIR="$cache" # absolute, for the engine that this client may start
export TSD_EXECUTABLE="$self" DENO_DIR="$cache/$app/deno" DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
# Why these: scripts/v8_flags.ts.
v8=@CLIENT_FLAGS@
[ "$1" != daemon ] || v8=@ENGINE_FLAGS@
exec "$cache/$runtime/tsd" run --quiet -A --no-config --no-lock --no-remote --no-npm --cached-only --unstable-net "--v8-flags=$v8" "$cache/$app/mod.js" "$@"
