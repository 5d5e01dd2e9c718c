/**
 * Completion scripts for shells. Each script passes the typed words to `tsd __complete`, which knows the commands, and offers
 * the returned candidates. So a script works with every version of tsd.
 */
import type { SHELLS } from "./values.ts";

/** A dollar sign before a brace, which would otherwise start a substitution of the template literal. */
const DOLLAR = "$";

const BASH = String.raw`# Completion of tsd for bash.
_tsd() {
  local line=${DOLLAR}{COMP_LINE:0:COMP_POINT} current cut candidate
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=${DOLLAR}{words[${DOLLAR}{#words[@]} - 1]}
  # bash replaces only what follows the last of these characters.
  cut=${DOLLAR}{current%"${DOLLAR}{current##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "${DOLLAR}{current##*=}")
    else
      [[ $candidate == *[=:] ]] && compopt -o nospace 2>/dev/null
      COMPREPLY+=("${DOLLAR}{candidate#"$cut"}")
    fi
  done < <("${DOLLAR}{words[0]/#\~/$HOME}" __complete -- "${DOLLAR}{words[@]:1}" 2>/dev/null </dev/null)
}
complete -F _tsd tsd
`;

const ZSH = String.raw`#compdef tsd
# Completion of tsd for zsh.
_tsd() {
  local line
  local -a lines items
  lines=("${DOLLAR}{(@f)$("${DOLLAR}{(Q)words[1]}" __complete -- "${DOLLAR}{(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  for line in "${DOLLAR}{lines[@]}"; do
    if [[ $line == :files ]]; then
      _files
    elif [[ $line == *$'\t'* ]]; then
      items+=("${DOLLAR}{${DOLLAR}{line%%$'\t'*}//:/\\:}:${DOLLAR}{line#*$'\t'}")
    elif [[ -n $line ]]; then
      items+=("${DOLLAR}{line//:/\\:}")
    fi
  done
  (( ${DOLLAR}{#items} )) && _describe tsd items
}
if [[ $funcstack[1] == _tsd ]]; then
  _tsd "$@"
else
  compdef _tsd tsd
fi
`;

const FISH = String.raw`# Completion of tsd for fish.
function __tsd_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete -- $words "$current" 2>/dev/null </dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c tsd -f -a '(__tsd_complete)'
`;

/** The script of each shell. */
export const COMPLETION_SCRIPTS: Readonly<Record<typeof SHELLS[number], string>> = { bash: BASH, zsh: ZSH, fish: FISH };
