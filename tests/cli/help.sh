#!/bin/sh
# Help of every command, the man pages beside it, and words that are not quite right.
. "$(dirname "$0")/lib.sh"

run
ok "no arguments: exit 2" [ "$code" -eq 2 ]
ok "no arguments: help on stderr" has err "Commands:"
ok "no arguments: nothing on stdout" empty out

run help
ok "help: exit 0" [ "$code" -eq 0 ]
ok "help begins with examples" [ "$(sed -n 1p "$tmp/out")" = "Examples:" ]
ok "help: two examples" [ "$(sed -n '2,3p' "$tmp/out" | grep -c '^  pagetide ')" -eq 2 ]
cp "$tmp/out" "$tmp/help"
run --help
equals "--help is help" "$tmp/help"

# the commands, as help itself lists them
sed -n '/^Commands:/,/^$/p' "$tmp/help" | sed -n 's/^  \(trace [a-z]*\|[a-z]*\) .*/\1/p' >"$tmp/commands"
ok "help lists every command" [ "$(wc -l <"$tmp/commands")" -ge 9 ]

while read -r command; do
    # shellcheck disable=SC2086 # a command may be two words
    run help $command
    ok "help $command: exit 0" [ "$code" -eq 0 ]
    ok "help $command: begins with examples" [ "$(sed -n 1p "$tmp/out")" = "Examples:" ]
    ok "help $command: usage" has out "Usage: pagetide $command"
    ok "help $command: 80 columns" [ -z "$(grep '.\{81\}' "$tmp/out")" ]
    cp "$tmp/out" "$tmp/one"
    run $command --help
    equals "$command --help is help $command" "$tmp/one"
    run $command --no-such-option
    ok "$command --no-such-option: exit 2" [ "$code" -eq 2 ]

    # every option that help names is in the man page, by both its names
    page=$root/sim/cli/man/pagetide-${command%% *}.1
    [ "$command" = help ] || [ "$command" = version ] && continue
    sed -n 's/^  \(-\([a-zA-Z]\), \)\{0,1\} *--\([a-z-]*\).*/\2 \3/p' "$tmp/one" |
        while read -r first second; do
            [ -n "$second" ] || { second=$first; first=; }
            [ -z "$first" ] || grep -q "Fl $first ,\|Fl $first Ar" "$page" || echo "-$first"
            grep -q -- "Fl -$second" "$page" || echo "--$second"
        done >"$tmp/missing"
    cp "$tmp/missing" "$tmp/err"
    ok "$(basename "$page") has every option" empty missing
done <"$tmp/commands"

run help trace
ok "help trace: both commands" grep -q "Usage: pagetide trace info" "$tmp/out"
ok "help trace: both commands" grep -q "Usage: pagetide trace head" "$tmp/out"

run version
ok "version: exit 0" [ "$code" -eq 0 ]
ok "version: one line" grep -qx 'pagetide [0-9.]*' "$tmp/out"
cp "$tmp/out" "$tmp/version"
run --version
equals "--version is version" "$tmp/version"

fails "comprae" 2 "did you mean 'compare'?" comprae
fails "trace inof" 2 "did you mean 'trace info'?" trace inof
fails "a group alone" 2 "see: pagetide help trace" trace
fails "a word that is like none" 2 "unknown command 'zzzzzz'" zzzzzz
fails "help of it" 2 "unknown command 'zzzzzz'" help zzzzzz
fails "a slip in an option" 2 "did you mean '--resume'?" run --resmue x.yaml
fails "an unknown letter" 2 "unknown option '-z'" run -z
fails "an option without its value" 2 "-j needs a value" run x.yaml -j
fails "a value for a switch" 2 "--resume takes no value" run x.yaml --resume=yes
fails "a list of what" 2 "did you mean 'policies'?" list polices
fails "no list" 2 "a list of what?" list
fails "too many lists" 2 "one list at a time" list tlbs formats
fails "run of nothing" 2 "CONFIG.yaml is missing" run
fails "check of nothing" 2 "CONFIG.yaml is missing" check
fails "compare of nothing" 2 "TRACE is missing" compare
fails "trace info of nothing" 2 "FILE is missing" trace info
fails "zero threads" 2 "-j: 0 is not within" run x.yaml -j 0
fails "threads that are no number" 2 "-j:" run x.yaml -j many
fails "an engine that is none" 2 "neither fast nor plain" run x.yaml --engine slow

finish
