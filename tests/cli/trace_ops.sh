#!/bin/sh
# trace tail, cut, cat, diff, generate and reduce as a user meets them.
. "$(dirname "$0")/lib.sh"

trace=$root/traces/tiny.lackey.gz

# accesses FILE: how many it holds
accesses()
{
    "$pagetide" trace info "$1" | sed -n 's/^  accesses *\([0-9]*\).*/\1/p'
}

# faults FILE ARGS...: the row of a comparison
faults()
{
    "$pagetide" compare "$@" | sed -n '/^faults/,/^$/p'
}

all=$(accesses "$trace")

# tail
run trace head "$trace" -n 1000000
tail -n 20 "$tmp/out" >"$tmp/last"
run trace tail "$trace"
equals "tail: the last 20 of head" "$tmp/last"
run trace tail "$trace" -n 3
tail -n 3 "$tmp/last" >"$tmp/last3"
equals "tail -n 3" "$tmp/last3"
printf '1 2 3\n' >"$tmp/three"
run trace tail "$tmp/three"
ok "tail of a short trace: all of it" [ "$(wc -l <"$tmp/out")" -eq 4 ]
printf '7 2\n3 x\n' >"$tmp/damaged"
run trace tail "$tmp/damaged"
ok "tail of a damaged trace: exit 4" [ "$code" -eq 4 ]
ok "tail of a damaged trace: what stands before" has out "0x000000003000"
fails "tail of nothing" 2 "FILE is missing" trace tail
fails "tail -n 0" 2 "-n: 0 is not within" trace tail "$trace" -n 0

# cut and cat
run trace cut "$trace" -o "$tmp/all.gz"
ok "cut of everything: exit 0" [ "$code" -eq 0 ]
run trace diff "$trace" "$tmp/all.gz"
ok "cut of everything: every record" [ "$code" -eq 0 ]
run trace cut "$trace" -o "$tmp/a.gz" --accesses ..10K
run trace cut "$trace" -o "$tmp/b.gz" --accesses 10K.. --no-preamble
ok "the parts are the whole" [ $(($(accesses "$tmp/a.gz") + $(accesses "$tmp/b.gz"))) -eq "$all" ]
run trace cat "$tmp/a.gz" "$tmp/b.gz" -o "$tmp/c.gz"
run trace diff "$trace" "$tmp/c.gz"
ok "cut and cat: the same again" [ "$code" -eq 0 ]
run trace cut "$trace" -o "$tmp/middle" --accesses 100..200
ok "a range" [ "$(accesses "$tmp/middle")" -eq 100 ]
ok "a range: its maps" [ "$("$pagetide" trace info "$tmp/middle" | grep -c 'maps\|layout *given')" -eq 2 ]
run trace cut "$trace" -o - --kinds write --to addr
ok "kinds: only writes" [ "$(grep -vc '^#' "$tmp/out")" -eq "$(grep -c ' W$' "$tmp/out")" ]
ok "kinds: there are some" [ "$(grep -c ' W$' "$tmp/out")" -gt 100 ]
run trace cut "$trace" -o - --addresses 401000..402000 --to pages
ok "addresses: one page" [ "$(grep -v '^#' "$tmp/out" | sort -u)" = 1025 ]
{ "$pagetide" trace cut "$trace" -o - --to din 2>"$tmp/err"; echo $? >"$tmp/code"; } | head -1 >"$tmp/out"
ok "closed pipe: exit 0" [ "$(cat "$tmp/code")" -eq 0 ]
ok "closed pipe: quiet" empty err
fails "cut without -o" 2 "-o FILE is missing" trace cut "$trace"
fails "cut onto itself" 2 "written over while it is read" trace cut "$tmp/all.gz" -o "$tmp/all.gz"
fails "cut of no range" 2 "is no range" trace cut "$trace" -o "$tmp/x" --accesses 100
fails "cut of an empty range" 2 "is empty" trace cut "$trace" -o "$tmp/x" --accesses 7..7
fails "cut of a strange kind" 2 "none of fetch, read" trace cut "$trace" -o "$tmp/x" --kinds reed
fails "cut of strange addresses" 2 "is no range" trace cut "$trace" -o "$tmp/x" --addresses 1..xyz
fails "cut beyond the end" 4 "no access is left" trace cut "$trace" -o "$tmp/x" --accesses 1G..
fails "cut to a strange format" 2 "did you mean 'din'?" trace cut "$trace" -o "$tmp/x" --to dim
fails "cut into no folder" 5 "No such file" trace cut "$trace" -o "$tmp/none/x"
fails "cut of a damaged trace" 4 "page number" trace cut "$tmp/damaged" -o "$tmp/x"
ok "no file after any of them" [ ! -e "$tmp/x" ]
ok "nor a temporary one" [ ! -e "$tmp/x.tmp" ]
if [ -w /dev/full ]; then
    "$pagetide" trace cut "$trace" -o - >/dev/full 2>"$tmp/err"
    code=$?
    ok "full disk: exit 5" [ "$code" -eq 5 ]
    ok "full disk: says so" has err "No space left"
fi
fails "interleaved into a format of one process" 2 "several processes" \
    trace cat "$tmp/a.gz" "$tmp/three" -o "$tmp/x" --to addr --interleave 10
fails "turns of nothing" 2 "--interleave: 0" trace cat "$trace" -o "$tmp/x" --interleave 0
fails "cat of nothing" 2 "FILE is missing" trace cat -o "$tmp/x"

# every format that is written and read keeps the pages
want=$(faults "$trace" -p lru,opt -m 3f,10f,50%)
for format in pages addr din oraclegeneral; do
    run trace cut "$trace" -o "$tmp/as.$format" --to "$format"
    ok "$format: exit 0" [ "$code" -eq 0 ]
    ok "$format: the same faults" [ "$(faults "$tmp/as.$format" --format "$format" -p lru,opt -m 3f,10f,50%)" = "$want" ]
done

# diff
run trace diff "$trace" "$tmp/middle"
ok "diff: exit 1" [ "$code" -eq 1 ]
ok "diff: the place" has out "is the first that differs"
ok "diff: no error" empty err
printf '1 2 3 4\n' >"$tmp/four"
run trace diff "$tmp/three" "$tmp/four"
ok "diff: one ends: exit 1" [ "$code" -eq 1 ]
ok "diff: one ends: record 4 (a process, three accesses)" has out "record 4 is"
ok "diff: one ends: says so" has out "- the end"
run trace diff "$trace" "$tmp/as.din" --accesses
ok "diff --accesses: a modify is not a read and a write" [ "$code" -eq 1 ]
fails "diff of one" 2 "FILE is missing" trace diff "$trace"
fails "diff of three" 2 "two traces at a time" trace diff "$trace" "$trace" "$trace"
fails "diff with nothing" 5 "absent" trace diff "$trace" "$tmp/absent"

# generate
for pattern in sequential strided uniform zipf loop chase ramp scan-mix; do
    run trace generate "$pattern,accesses=20K,pages=40" -o "$tmp/g.$pattern"
    ok "$pattern: exit 0" [ "$code" -eq 0 ]
    ok "$pattern: so many" [ "$(accesses "$tmp/g.$pattern")" -eq 20000 ]
done
run trace generate zipf,pages=90,accesses=5K loop,accesses=1K --repeat 3 --seed 9 -o "$tmp/g1"
command=$("$pagetide" trace info "$tmp/g1" | sed -n 's/^command *pagetide //p')
# shellcheck disable=SC2086 # words of a command line
run $command -o "$tmp/g2"
ok "the recorded command makes it again" cmp "$tmp/g1" "$tmp/g2"
printf 'seed: 9\nrepeat: 3\nphases:\n  - {pattern: zipf, pages: 90, accesses: 5K}\n  - {pattern: loop, accesses: 1K}\n' >"$tmp/spec.yaml"
run trace generate --spec "$tmp/spec.yaml" -o "$tmp/g3"
ok "the same from YAML" cmp "$tmp/g1" "$tmp/g3"
run trace generate --spec "$tmp/spec.yaml" --seed 10 -o "$tmp/g4"
ok "another seed, another trace" [ "$code" -eq 0 ]
run trace diff "$tmp/g1" "$tmp/g4"
ok "another seed: differs" [ "$code" -eq 1 ]
printf 'seed: x\nphases:\n  - {pattern: zpf}\n  - {pattern: ramp, from: 9, pages: 3}\nrepat: 2\n' >"$tmp/bad.yaml"
fails "a wrong description" 3 "did you mean 'zipf'?" trace generate --spec "$tmp/bad.yaml" -o "$tmp/x"
ok "a wrong description: all at once" [ "$(grep -c 'error:' "$tmp/err")" -eq 4 ]
fails "no phases" 3 "phases is missing" trace generate --spec /dev/stdin -o "$tmp/x" <<END
seed: 1
END
fails "no such description" 5 "absent" trace generate --spec "$tmp/absent" -o "$tmp/x"
fails "no pattern" 2 "PHASE is missing" trace generate -o "$tmp/x"
fails "an unknown pattern" 2 "did you mean 'zipf'?" trace generate zip -o "$tmp/x"
fails "an unknown parameter" 2 "did you mean 'pages'?" trace generate zipf,page=3 -o "$tmp/x"
fails "a parameter without value" 2 "NAME=VALUE" trace generate zipf,pages -o "$tmp/x"
fails "parameters that do not fit" 2 "is above pages" trace generate ramp,pages=3,from=4 -o "$tmp/x"
fails "both ways" 2 "not from both" trace generate zipf --spec "$tmp/spec.yaml" -o "$tmp/x"

# reduce
reduced=$root/traces/words.tide
run trace reduce "$reduced" --frames 20 -o "$tmp/sad.gz"
ok "reduce: exit 0" [ "$code" -eq 0 ]
ok "reduce: says what is left" has err "accesses are left"
run trace reduce "$reduced" --frames 20 -q -o "$tmp/sad.gz"
ok "reduce -q: says nothing" empty err
ok "reduce: a tenth at most is left" [ $(($(accesses "$tmp/sad.gz") * 10)) -lt "$(accesses "$reduced")" ]
for frames in 20f 21f 33f 60f 90%; do
    ok "reduce: faults at $frames" \
        [ "$(faults "$tmp/sad.gz" -p lru,opt -m $frames)" = "$(faults "$reduced" -p lru,opt -m $frames)" ]
done
fails "reduce: fewer frames" 3 "frames: 20 or more" compare "$tmp/sad.gz" -p lru -m 19f
fails "reduce: another policy" 3 "lru and opt only" compare "$tmp/sad.gz" -p clock -m 30f
fails "reduce: another page size" 3 "4096 bytes only" compare "$tmp/sad.gz" -p lru -m 30f --page-size 8K
fails "reduce: memory" 3 "frames: 20" compare "$tmp/sad.gz" -p lru -m 64M
fails "reduce twice" 4 "is a reduced one" trace reduce "$tmp/sad.gz" --frames 30 -o "$tmp/x"
run trace cut "$tmp/sad.gz" --accesses ..1K -o "$tmp/sadcut"
fails "reduce: a part of it is one too" 3 "20 or more" compare "$tmp/sadcut" -p lru -m 10f
fails "reduce: interleaved" 4 "holds for it alone" \
    trace cat "$tmp/sad.gz" "$trace" --interleave 5 -o "$tmp/x"

cat >"$tmp/tlb.yaml" <<END
experiment: tlb
traces: [$reduced, $tmp/tlb.gz]
machine: {frames: 2000, tlb: x86-skylake}
output: {dir: $tmp/tlb-out}
END
run trace reduce "$reduced" --tlb-sets 8 -o "$tmp/tlb.gz"
run run -q "$tmp/tlb.yaml"
ok "TLB filter: runs" [ "$code" -eq 0 ]
cut -d, -f2,5 "$tmp/tlb-out/tlb.csv" | tail -n +2 | sort | uniq -c >"$tmp/out"
ok "TLB filter: the same misses in every array" [ "$(grep -vc '^ *2 ' "$tmp/out")" -eq 0 ]
ok "TLB filter: there are arrays" [ "$(wc -l <"$tmp/out")" -ge 3 ]
fails "TLB filter: evictions" 3 "memory evicts nothing" compare "$tmp/tlb.gz" -p lru -m 10f
fails "TLB filter: few sets" 3 "8 sets or more" compare "$tmp/tlb.gz" -p lru -m 2000f --tlb none
fails "reduce for what" 2 "for what?" trace reduce "$trace" -o "$tmp/x"
fails "reduce for both" 2 "for what?" trace reduce "$trace" -o "$tmp/x" --frames 3 --tlb-sets 4
fails "reduce: sets" 2 "not a power of two" trace reduce "$trace" -o "$tmp/x" --tlb-sets 3
fails "reduce: page size" 2 "not a power of two" trace reduce "$trace" -o "$tmp/x" --frames 3 --page-size 3K
ok "no file after any of these" [ ! -e "$tmp/x" ]

finish
