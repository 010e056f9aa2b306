#!/bin/sh
# What run, compare, check, list and trace print and write.
. "$(dirname "$0")/lib.sh"

belady="1 2 3 4 1 2 5 1 2 3 4 5"
echo "$belady" >"$tmp/belady.pages"

# compare: the anomaly's table; the numbers are those of tests/cli/explain.sh
cat >"$tmp/expected" <<END
faults  3f  4f
frames   3   4
fifo     9  10
lru     10   8

fault_ratio     3f     4f
fifo          0.75  0.833
lru          0.833  0.667
END
run compare "$tmp/belady.pages" -p fifo,lru -m 3f,4f
ok "compare: exit 0" [ "$code" -eq 0 ]
equals "compare: table" "$tmp/expected"
ok "compare: quiet where stderr is no terminal" empty err
"$pagetide" compare - -p fifo,lru -m 3f,4f --quiet <"$tmp/belady.pages" >"$tmp/out" 2>"$tmp/err"
equals "compare: standard input" "$tmp/expected"
run compare "$tmp/belady.pages" -p fifo,lru -m 3f,4f --engine plain -j 1
equals "compare: plain engine" "$tmp/expected"
run compare "$tmp/belady.pages" -p "{name: aging, tick: 4},lru" -m 50%,64M --tlb none
ok "compare: options, shares, memory" [ "$code" -eq 0 ]
ok "compare: 50% of 5 pages is 2 frames" grep -q '^frames  *2 ' "$tmp/out"
run compare "$tmp/belady.pages" -p lru -m 1f --page-size 2M
ok "compare: other page size, TLB by default" [ "$code" -eq 0 ]
run compare "$tmp/belady.pages" -p lru -m 3f --skip 4 --warmup 3 --limit 2
ok "compare: warm-up and limit: pages 1 and 2 are in memory after 1 2 5" \
    grep -qx 'lru  *0' "$tmp/out"

# compare -o writes the files of run
run compare "$tmp/belady.pages" -p fifo,lru -m 3f,4f -o "$tmp/c"
equals "compare -o: the same table" "$tmp/expected"
cat >"$tmp/belady.yaml" <<END
experiment: belady
traces: [belady.pages]
sweep:
  machine.policy: [fifo, lru]
  machine.frames: [3, 4]
output: {dir: r}
END
run run "$tmp/belady.yaml"
ok "run: exit 0" [ "$code" -eq 0 ]
ok "run: says where the files are" has err "$tmp/r"
ok "run: a table" grep -q '^fifo  *3  *9 ' "$tmp/out"
for file in summary tlb processes faults timeline buddy slab schema; do
    ok "compare -o and run: $file.csv is the same" cmp "$tmp/c/$file.csv" "$tmp/r/$file.csv"
done
ok "run.json" [ -s "$tmp/r/run.json" ]
ok "no temporary files" [ -z "$(find "$tmp/r" "$tmp/c" -name '*.tmp' -o -name '.unfinished')" ]
run run "$tmp/belady.yaml" -j 1 -o "$tmp/one" -q
ok "run -q: no words" empty err
ok "run -q: no table" empty out
ok "run -j 1 -o: the same bytes" cmp "$tmp/one/summary.csv" "$tmp/r/summary.csv"
run run "$tmp/belady.yaml" -s machine.frames=7 -o "$tmp/seven"
ok "run -s: covers the sweep's key" [ "$(grep -c '^' "$tmp/seven/summary.csv")" -eq 3 ]

# two experiments in one file, one folder each below -o
cat >"$tmp/two.yaml" <<END
defaults: {traces: [belady.pages], machine: {frames: 3}}
experiments:
  - {experiment: first, machine: {policy: fifo}, output: {dir: first}}
  - {experiment: second, machine: {policy: lru}, output: {dir: second}}
END
run run "$tmp/two.yaml" -o "$tmp/both"
ok "two experiments: exit 0" [ "$code" -eq 0 ]
ok "two experiments: first" [ -s "$tmp/both/first/summary.csv" ]
ok "two experiments: second" [ -s "$tmp/both/second/summary.csv" ]

# check
run check "$tmp/belady.yaml"
ok "check: exit 0" [ "$code" -eq 0 ]
ok "check: counts the runs" has out "4 runs"
run check "$tmp/belady.yaml" --resolved
ok "check --resolved: every machine" [ "$(grep -c '^machine:' "$tmp/out")" -eq 4 ]
ok "check --resolved: defaults" has out "page_size: 4K"
ok "check --resolved: writes nothing" [ ! -e "$tmp/resolved" ]

# list
for topic in policies tlbs presets formats outputs metrics; do
    run list $topic
    ok "list $topic" [ "$code" -eq 0 ]
    ok "list $topic: something" [ -s "$tmp/out" ]
done
run list metrics
ok "list metrics: as schema.csv" [ "$(grep -c '^  ' "$tmp/out")" -eq $(($(wc -l <"$tmp/r/schema.csv") - 1)) ]

# trace
run trace info "$tmp/belady.pages"
ok "trace info: 12 accesses" grep -q '^  accesses  *12$' "$tmp/out"
ok "trace info: 5 pages of 4K" grep -q '^  of 4K  *5 ' "$tmp/out"
ok "trace info: 1 page of 2M" grep -q '^  of 2M  *1 ' "$tmp/out"
ok "trace info: mappings inferred" has out "inferred"
ok "trace info: span" has out "addresses from 0x1000 to 0x5"
gzip -c "$tmp/belady.pages" >"$tmp/belady.gz"
run trace info "$tmp/belady.gz"
ok "trace info: gzip" has out "of gzip"
run trace head "$tmp/belady.pages" -n 3
ok "trace head -n 3: 3 lines" [ "$(wc -l <"$tmp/out")" -eq 3 ]
run trace head "$tmp/belady.pages"
ok "trace head: a read of page 1" grep -q '^ *0 read  *0x000000001000' "$tmp/out"
ok "trace head: the twelfth access" grep -q '^ *11 ' "$tmp/out"
trace=$root/traces/tiny.lackey.gz
run trace info "$trace"
ok "trace info of a real program: layout" has out "from the layout and the system calls"
ok "trace info of a real program: segments" grep -q '^  stack  *[1-9]' "$tmp/out"
accesses=$(zcat "$trace" | grep -cE '^(I | [LSM]) ')
ok "trace info of a real program: every access line" \
    grep -q "^  accesses  *$accesses\$" "$tmp/out"

# interrupted and resumed; the shell lets background jobs ignore SIGINT, so SIGTERM
awk 'BEGIN { for (i = 0; i < 3000000; i++) print i * 7919 % 5003 }' >"$tmp/large.pages"
cat >"$tmp/large.yaml" <<END
experiment: large
traces: [belady.pages, large.pages]
machine: {frames: 1000}
sweep: {machine.policy: [lru, aging]}
output: {dir: large}
END
"$pagetide" run "$tmp/large.yaml" -j 1 --engine plain >"$tmp/out" 2>"$tmp/err" &
child=$!
tries=0
while [ -z "$(ls "$tmp/large/.unfinished" 2>/dev/null)" ] && [ $tries -lt 200 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
kill -TERM $child 2>/dev/null
wait $child
code=$?
ok "interrupted: ends by the signal" [ "$code" -eq 143 ]
ok "interrupted: says how to go on" has err "--resume"
ok "interrupted: no tables yet" [ ! -e "$tmp/large/summary.csv" ]
run run "$tmp/large.yaml" --resume
ok "resumed: exit 0" [ "$code" -eq 0 ]
run run "$tmp/large.yaml" -o "$tmp/whole"
ok "resumed: the same bytes as without interruption" \
    cmp "$tmp/large/summary.csv" "$tmp/whole/summary.csv"

# on a terminal: a progress line, erased at the end
if command -v script >/dev/null; then
    script -qec "$pagetide run $tmp/large.yaml -o $tmp/tty" /dev/null >"$tmp/out" 2>"$tmp/err"
    code=$?
    ok "terminal: exit 0" [ "$code" -eq 0 ]
    ok "terminal: progress" has out "replaying"
    printf '\r\033[K' >"$tmp/erase"
    ok "terminal: erased before the table" \
        [ -n "$(tr '\n' '\r' <"$tmp/out" | grep -F "$(cat "$tmp/erase")")" ]
    ok "NO_COLOR: no colour" [ -z "$(NO_COLOR=1 script -qec "$pagetide nonsense" /dev/null |
        grep "$(printf '\033')")" ]
    ok "colour otherwise" [ -n "$(TERM=xterm script -qec "$pagetide nonsense" /dev/null |
        grep "$(printf '\033')")" ]
else
    skip "terminal" "no script(1) here"
fi

finish
