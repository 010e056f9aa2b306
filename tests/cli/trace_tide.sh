#!/bin/sh
# The native format between the commands: what is kept, what the index leads to.
. "$(dirname "$0")/lib.sh"

log=$root/traces/tiny.lackey.gz
samples=$root/tests/fuzz/corpus/reader

same()
{
    name=$1
    shift
    run trace diff "$@"
    ok "$name" [ "$code" -eq 0 ]
}

# what info prints of the trace, not of the file
facts()
{
    grep -vE '^(file|format|content|on disk|made from) ' "$1"
}

# lossless, metadata included
run trace convert "$log" -o "$tmp/tiny.tide"
ok "a log: exit 0" [ "$code" -eq 0 ]
ok "a log: nothing is lost" empty err
same "a log: every record" "$log" "$tmp/tiny.tide"
ok "the file is gzip" gzip -t "$tmp/tiny.tide"
"$pagetide" trace info "$log" >"$tmp/a"
"$pagetide" trace info "$tmp/tiny.tide" >"$tmp/b"
facts "$tmp/a" >"$tmp/a.facts"
facts "$tmp/b" >"$tmp/b.facts"
ok "info: the same facts of a log and of tide" cmp "$tmp/a.facts" "$tmp/b.facts"
ok "info: there are facts" [ "$(wc -l <"$tmp/a.facts")" -gt 25 ]
"$pagetide" trace info - <"$tmp/tiny.tide" >"$tmp/c"
facts "$tmp/c" >"$tmp/c.facts"
ok "info: the same without the index" cmp "$tmp/b.facts" "$tmp/c.facts"
ok "info: the source's length and checksum" grep -q '^made from  *[0-9]* bytes, CRC-32 [0-9a-f]\{8\}$' "$tmp/b"
run trace convert "$tmp/tiny.tide" -o "$tmp/back.lackey"
ok "back to a log: what is lost" [ "$(cat "$tmp/err")" = "pagetide: note: lackey has no place for: 7 other system calls" ]
same "back to a log: every record" "$log" "$tmp/back.lackey"
"$pagetide" trace convert "$log" -o - >"$tmp/piped.tide"
"$pagetide" trace convert - -o - --to lackey <"$tmp/piped.tide" >"$tmp/piped.lackey" 2>"$tmp/err"
ok "through pipes: the same log" cmp "$tmp/back.lackey" "$tmp/piped.lackey"

# every format that is read, lossless
for sample in lackey addr pages pinatrace itrace din csv memtrace memtrace-simple drmemtrace champsim \
    gem5 oraclegeneral; do
    run trace convert "$samples/$sample" -o "$tmp/s.tide"
    ok "$sample: exit 0" [ "$code" -eq 0 ]
    ok "$sample: nothing is lost" empty err
    same "$sample: every record" "$samples/$sample" "$tmp/s.tide"
done

# the index: the same as reading all of it, on both sides of the border between two groups, with
# events behind it
group=4194304
"$pagetide" trace generate "loop,accesses=$((group - 1000))" -o "$tmp/g.tide"
run trace cat "$tmp/g.tide" "$tmp/tiny.tide" "$tmp/tiny.tide" -o "$tmp/long.tide"
long=$tmp/long.tide
for from in 1 1048576 $((group - 1000)) $((group - 1)) $group $((group + 1)) $((group + 34829)); do
    "$pagetide" trace head "$long" --skip $from -n 30 >"$tmp/a"
    run trace head - --skip $from -n 30 <"$long"
    equals "head --skip $from" "$tmp/a"
    ok "head --skip $from: there are some" grep -q " $from " "$tmp/a"
    "$pagetide" trace cut "$long" --accesses $from..$((from + 5000)) --no-preamble -o "$tmp/part.tide"
    "$pagetide" trace cut - --accesses $from..$((from + 5000)) --no-preamble -o "$tmp/part2.tide" <"$long"
    same "cut $from, no preamble" "$tmp/part.tide" "$tmp/part2.tide"
    "$pagetide" trace cut "$long" --accesses $from..$((from + 5000)) -o "$tmp/part.tide"
    "$pagetide" trace convert "$long" -o - --to lackey 2>"$tmp/err" |
        "$pagetide" trace cut - --accesses $from..$((from + 5000)) -o "$tmp/part2.tide"
    same "cut $from, with its maps" "$tmp/part.tide" "$tmp/part2.tide" --accesses
done
for n in 1 20 3000 35000 36000 71000; do
    "$pagetide" trace tail - -n $n <"$long" >"$tmp/a"
    run trace tail "$long" -n $n
    equals "tail -n $n" "$tmp/a"
done
run trace cut "$root/traces/sqlite.tide" --accesses 4M.. --no-preamble -o "$tmp/part.tide"
run trace info "$tmp/part.tide"
ok "cut: the command stays" has out "command     /usr/bin/sqlite3"
run trace head "$long" --skip 5M
ok "head --skip beyond the end: nothing" empty out
ok "head --skip beyond the end: exit 0" [ "$code" -eq 0 ]

# the others, in and out
"$pagetide" trace cut "$tmp/tiny.tide" --accesses ..10K -o "$tmp/p1.tide"
"$pagetide" trace cut "$tmp/tiny.tide" --accesses 10K.. --no-preamble -o "$tmp/p2.tide"
run trace cat "$tmp/p1.tide" "$tmp/p2.tide" -o "$tmp/whole.tide"
same "cut and cat" "$log" "$tmp/whole.tide"
run trace cat "$tmp/tiny.tide" "$tmp/p1.tide" --interleave 1K -o "$tmp/two.tide"
ok "interleaved: exit 0" [ "$code" -eq 0 ]
run trace info "$tmp/two.tide"
ok "interleaved: two processes" grep -q '^  processes  *2$' "$tmp/out"
run trace cut "$tmp/two.tide" --process 1 -o "$tmp/second.tide"
same "one of them again" "$tmp/p1.tide" "$tmp/second.tide"
run trace generate zipf,pages=90,accesses=5K loop,accesses=1K --seed 9 -o "$tmp/g.tide"
run trace generate zipf,pages=90,accesses=5K loop,accesses=1K --seed 9 -o "$tmp/g.lackey"
same "generate" "$tmp/g.tide" "$tmp/g.lackey" --accesses
command=$("$pagetide" trace info "$tmp/g.tide" | sed -n 's/^command *pagetide //p')
# shellcheck disable=SC2086 # words of a command line
run $command -o "$tmp/g2.tide"
ok "generate: the same bytes from the recorded command" cmp "$tmp/g.tide" "$tmp/g2.tide"
run trace reduce "$tmp/tiny.tide" --frames 20 -o "$tmp/r.tide"
run trace reduce "$log" --frames 20 -o "$tmp/r.lackey"
same "reduce" "$tmp/r.tide" "$tmp/r.lackey" --accesses
fails "reduce: what holds is in the file" 3 "frames: 20 or more" compare "$tmp/r.tide" -p lru -m 19f

finish
