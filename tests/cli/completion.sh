#!/bin/sh
# The words that bash would offer.
. "$(dirname "$0")/lib.sh"

if ! command -v bash >/dev/null; then
    skip "completion" "no bash here"
    finish
fi

# offers WORDS... : what completes the last word, on stdout
offers()
{
    PATH="$(dirname "$pagetide"):$PATH" bash -c '
        . "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _pagetide
        printf "%s\n" "${COMPREPLY[@]}"' - "$root/sim/cli/completion.bash" "$@" \
        >"$tmp/out" 2>"$tmp/err"
    code=$?
}

offers pagetide ex
ok "commands" grep -qx explain "$tmp/out"
offers pagetide trace he
ok "commands of a group" grep -qx head "$tmp/out"
offers pagetide run --res
ok "options" grep -qx -- --resume "$tmp/out"
offers pagetide trace head --rec
ok "options of a group's command" grep -qx -- --records "$tmp/out"
offers pagetide explain -p cl
ok "policies" grep -qx clock "$tmp/out"
offers pagetide compare --format la
ok "formats" grep -qx lackey "$tmp/out"
offers pagetide trace ver
ok "new commands" grep -qx verify "$tmp/out"
offers pagetide trace convert --to ti
ok "formats that are written" grep -qx tide "$tmp/out"
offers pagetide list pol
ok "lists" grep -qx policies "$tmp/out"
offers pagetide help co
ok "help" grep -qx compare "$tmp/out"
ok "nothing on stderr" empty err

finish
