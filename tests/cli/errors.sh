#!/bin/sh
# Bad input of every class: exit code, place, and no file under a final name.
. "$(dirname "$0")/lib.sh"

seq 1 5000 | sed 's/$/ 1 2w 3/' >"$tmp/good.pages"
gzip -c "$tmp/good.pages" >"$tmp/good.gz"
size=$(wc -c <"$tmp/good.gz")
head -c $((size / 2)) "$tmp/good.gz" >"$tmp/cut.gz"
: >"$tmp/empty"
: | gzip -c >"$tmp/empty.gz"
head -c 100000 /dev/urandom >"$tmp/random"
head -c 20000 "$pagetide" >"$tmp/binary"

# config NAME TRACE [LINES]: a configuration
config()
{
    printf 'experiment: %s\ntraces: [%s]\noutput: {dir: %s}\n%s\n' \
        "$1" "$2" "$tmp/$1-out" "$3" >"$tmp/$1.yaml"
}

no_tables()
{
    [ ! -e "$1/summary.csv" ] && [ ! -e "$1/run.json" ]
}

# configurations of any length up to the most that there may be
config long good.pages ''
seq 1 3000 | sed 's/^/# line /' >>"$tmp/long.yaml"
echo 'limit: 100' >>"$tmp/long.yaml"
run check "$tmp/long.yaml" --resolved
ok "long: exit 0" [ "$code" -eq 0 ]
ok "long: read to its end" has out "limit: 100"
head -c 1048576 /dev/zero | tr '\0' '#' >>"$tmp/long.yaml"
fails "too long" 5 "more than 1024 KiB" check "$tmp/long.yaml"

# traces: 4, or 5 where the file can't be read at all
for command in "trace info" "trace head" "compare"; do
    # shellcheck disable=SC2086
    fails "$command: empty file" 4 "empty" $command "$tmp/empty"
    fails "$command: empty gz" 4 "empty" $command "$tmp/empty.gz"
    fails "$command: binary" 4 "binary" $command "$tmp/binary"
    fails "$command: no such file" 5 "absent" $command "$tmp/absent"
    fails "$command: a directory" 5 "directory" $command "$tmp"
    if [ "$(id -u)" -ne 0 ]; then
        install -m 000 "$tmp/good.pages" "$tmp/locked"
        fails "$command: unreadable" 5 "locked" $command "$tmp/locked"
    fi
done
run trace info "$tmp/random"
ok "random bytes: exit 4" [ "$code" -eq 4 ]
fails "unknown format" 2 "did you mean 'pages'?" trace info --format page "$tmp/good.pages"

run trace info "$tmp/cut.gz"
ok "truncated gz: exit 4" [ "$code" -eq 4 ]
ok "truncated gz: place" grep -q "cut.gz.*byte" "$tmp/err"
ok "truncated gz: what was read is told" has out "accesses"
run compare "$tmp/cut.gz" -p lru -m 10f
ok "compare, truncated gz: exit 4" [ "$code" -eq 4 ]
ok "compare, truncated gz: partial" has err "partial"
ok "compare, truncated gz: said once" [ "$(grep -c 'error:' "$tmp/err")" -eq 1 ]
config cut "$tmp/cut.gz"
run run "$tmp/cut.yaml"
ok "run, truncated gz: exit 4" [ "$code" -eq 4 ]
ok "run, truncated gz: status partial in the file" grep -q partial "$tmp/cut-out/summary.csv"

# configurations: 3; the file itself unreadable: 5
printf 'machine: [\n' >"$tmp/syntax.yaml"
run check "$tmp/syntax.yaml"
ok "YAML syntax: exit 3" [ "$code" -eq 3 ]
ok "YAML syntax: line" grep -q 'syntax.yaml:[0-9]*:[0-9]*: error:' "$tmp/err"
config slip "$tmp/good.pages" 'machine: {polcy: lru, frames: 0}'
run check "$tmp/slip.yaml"
ok "unknown key and zero frames: exit 3" [ "$code" -eq 3 ]
ok "unknown key: suggestion" has err "policy"
ok "both errors at once" [ "$(grep -c 'error:' "$tmp/err")" -eq 2 ]
ok "a caret" has err "^~~"
run run "$tmp/slip.yaml"
ok "run: the same" [ "$code" -eq 3 ]
ok "run: no folder" [ ! -e "$tmp/slip-out" ]
for lines in 'machine: {frames: 64M}' 'machine: {policy: lur}' 'machine: {memory: 64}' \
    'machine: {frames: 10, memory: 64M}' 'machine: {tlb: [{name: a, entries: 10, ways: 3}]}' \
    'machine: {tlb: no-such-cpu}' 'limit: x' 'nonsense: 1' 'limit: 1
limit: 2'; do
    config wrong "$tmp/good.pages" "$lines"
    run check "$tmp/wrong.yaml"
    ok "$(echo "$lines" | tr '\n' ' '): exit 3" [ "$code" -eq 3 ]
    ok "$(echo "$lines" | tr '\n' ' '): place" grep -q 'wrong.yaml:[0-9]*:[0-9]*: error:' "$tmp/err"
done
run check "$tmp/binary"
ok "a binary as YAML: exit 3" [ "$code" -eq 3 ]
run check "$tmp/absent.yaml"
ok "no such configuration: exit 5" [ "$code" -eq 5 ]
ok "no such configuration: named" has err "absent.yaml"
run check "$tmp"
ok "a directory as configuration: exit 5" [ "$code" -eq 5 ]
config good "$tmp/good.pages"
run run "$tmp/good.yaml" -s machine.policy=clok
ok "-s with a slip: exit 3" [ "$code" -eq 3 ]
ok "-s with a slip: suggestion" has err "clock"
config gone "$tmp/absent.pages"
run run "$tmp/gone.yaml"
ok "a trace that is not there: fails" [ "$code" -ne 0 ]
ok "a trace that is not there: named" has err "absent.pages"
ok "a trace that is not there: no tables" no_tables "$tmp/gone-out"

# the command line of compare: 2
fails "compare -m 10" 2 "10f is frames" compare "$tmp/good.pages" -m 10
fails "compare -m 0f" 2 "-m 0f" compare "$tmp/good.pages" -m 0f
fails "compare -m 10x" 2 "-m 10x" compare "$tmp/good.pages" -m 10x
fails "compare -m ''" 2 "empty" compare "$tmp/good.pages" -m "10f,,20f"
fails "compare -p lur" 2 "did you mean 'lru'?" compare "$tmp/good.pages" -p lur
fails "compare --page-size 5K" 2 "power of two" compare "$tmp/good.pages" --page-size 5K
fails "compare of two" 2 "one trace at a time" compare "$tmp/good.pages" "$tmp/good.gz"

# output: 5
: >"$tmp/file"
run run "$tmp/good.yaml" -o "$tmp/file/below"
ok "a file where the folder should be: exit 5" [ "$code" -eq 5 ]
if [ "$(id -u)" -ne 0 ]; then
    mkdir -m 555 "$tmp/readonly"
    run run "$tmp/good.yaml" -o "$tmp/readonly"
    ok "a folder that can't be written: exit 5" [ "$code" -eq 5 ]
    ok "a folder that can't be written: named" has err "$tmp/readonly"
else
    skip "a folder that can't be written" "root writes everywhere"
fi
if [ -w /dev/full ]; then
    for command in help "list policies" "explain -f 2 1,2,3" "trace info $tmp/good.pages" \
        "compare $tmp/good.pages -p lru -m 10f"; do
        # shellcheck disable=SC2086
        "$pagetide" $command >/dev/full 2>"$tmp/err"
        code=$?
        ok "full disk, ${command%% /*}: exit 5" [ "$code" -eq 5 ]
        ok "full disk, ${command%% /*}: says so" has err "No space left"
    done
else
    skip "full disk" "no /dev/full here"
fi

# a reader that leaves is no error; 100000 lines fill the pipe for certain
seq 1 100000 >"$tmp/long.pages"
{ "$pagetide" trace head "$tmp/long.pages" -n 100000 2>"$tmp/err"; echo $? >"$tmp/code"; } |
    head -1 >"$tmp/out"
code=$(cat "$tmp/code")
ok "closed pipe: exit 0" [ "$code" -eq 0 ]
ok "closed pipe: quiet" empty err
ok "closed pipe: the line came" [ "$(wc -l <"$tmp/out")" -eq 1 ]

finish
