#!/bin/sh
# pagetide curve, and output.curves of experiments.
. "$(dirname "$0")/lib.sh"

osc="7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
echo "$osc" >"$tmp/osc.pages"

# Silberschatz's string: 12 faults of LRU and 9 of OPT with 3 frames are in print
run curve "$tmp/osc.pages" -o "$tmp/c" --tau 4,10 --interval 8
ok "exit 0" [ "$code" -eq 0 ]
ok "says where the files are" has err "$tmp/c"
ok "references and pages" has out "20 references to 6 pages of 4096 bytes"
ok "table of misses" has out "lru faults"
ok "table of windows" has out "vmin pages"
ok "table of reuse distances" has out "reuse distance"
ok "mrc.csv: LRU with 3 frames" grep -qx 'osc.pages,4096,lru,3,12' "$tmp/c/mrc.csv"
ok "mrc.csv: OPT with 3 frames" grep -qx 'osc.pages,4096,opt,3,9' "$tmp/c/mrc.csv"
ok "mrc.csv: all sizes of both" [ "$(wc -l <"$tmp/c/mrc.csv")" -eq 13 ]
ok "mrc.csv: header" grep -qx 'trace,page_bytes,policy,frames,faults' "$tmp/c/mrc.csv"
ok "reuse.csv: first touches" grep -qx 'osc.pages,4096,,6' "$tmp/c/reuse.csv"
ok "reuse.csv: all references" \
    [ "$(awk -F, 'NR > 1 { n += $4 } END { print n }' "$tmp/c/reuse.csv")" -eq 20 ]
ok "wss.csv: a window of one reference" grep -q '^osc.pages,4096,1,1,1,1,1,0$' "$tmp/c/wss.csv"
ok "wss.csv: up to all references" [ "$(wc -l <"$tmp/c/wss.csv")" -eq 21 ]
ok "wst.csv: two windows at each time, and at the end" [ "$(wc -l <"$tmp/c/wst.csv")" -eq 7 ]
ok "wst.csv: the last four references are to three pages" \
    grep -qx 'osc.pages,20,4,3,4096' "$tmp/c/wst.csv"
ok "schema.csv has the columns" grep -q '^wss.csv,vmin_pages,pages,' "$tmp/c/schema.csv"
ok "no other files" [ "$(ls -A "$tmp/c" | tr '\n' ' ')" = \
    "mrc.csv reuse.csv schema.csv wss.csv wst.csv " ]
"$pagetide" curve - -q -j 1 -o "$tmp/stdin" <"$tmp/osc.pages" >"$tmp/out" 2>"$tmp/err"
code=$?
ok "standard input, one pass: no notice" empty err
sed 's/^osc.pages,/stdin,/' "$tmp/c/mrc.csv" >"$tmp/expected"
ok "standard input: the same" cmp "$tmp/stdin/mrc.csv" "$tmp/expected"
ok "without --tau: no wst.csv" [ ! -e "$tmp/stdin/wst.csv" ]
run curve "$tmp/osc.pages" --curves opt -q
ok "--curves opt: no LRU" lacks out lru
ok "--curves opt: no windows" lacks out tau

# warm-up: pages are in memory, and nothing counts
run curve "$tmp/osc.pages" --warmup 12 -o "$tmp/w" -q
ok "--warmup: with all pages, none of the last 8 references faults" \
    grep -qx 'osc.pages,4096,lru,6,0' "$tmp/w/mrc.csv"
run compare "$tmp/osc.pages" -p lru -m 2f --warmup 12 --tlb none -q
lru=$(awk '/^lru/ { print $2; exit }' "$tmp/out")
ok "--warmup: as compare counts" grep -qx "osc.pages,4096,lru,2,$lru" "$tmp/w/mrc.csv"
run curve "$tmp/osc.pages" --warmup 500
ok "--warmup beyond the end: nothing counts" has out "0 references to 6 pages"
ok "--warmup beyond the end: says so" has err "the curves counted nothing"
ok "--warmup beyond the end: no sizes to tell" lacks out "the fewest faults"
run curve "$tmp/osc.pages" --skip 17 --curves lru
ok "few faults: at one frame, not at none" has out "(3) at 1 frame, 1.1 times"

# curves of a run's folder join it
cat >"$tmp/x.yaml" <<END
experiment: x
traces: [osc.pages]
machine: {frames: 3}
sweep: {machine.policy: [fifo, clock], machine.page_size: [4K, 8K]}
output: {dir: r, interval: 8, curves: [lru, opt, working-set, reuse], tau: [4, 10]}
END
run run "$tmp/x.yaml"
ok "experiment: exit 0" [ "$code" -eq 0 ]
for file in mrc wss wst reuse; do
    grep -v ',8192' "$tmp/r/$file.csv" >"$tmp/of4k"
    ok "experiment: $file.csv is that of curve" cmp "$tmp/of4k" "$tmp/c/$file.csv"
done
ok "experiment: each page size" grep -q '^osc.pages,8192,opt,3,' "$tmp/r/mrc.csv"
ok "experiment: run.json" [ -s "$tmp/r/run.json" ]
run curve "$tmp/osc.pages" -q -o "$tmp/r"
ok "curve into a run's folder keeps it" [ -s "$tmp/r/summary.csv" ]
run report --no-plots "$tmp/r"
ok "report of both" [ "$code" -eq 0 ]
touch "$tmp/r/mrc.csv.tmp" # as a batch leaves it that was killed
run run "$tmp/x.yaml" -s output.curves='[]' -s output.tau='[]'
ok "experiment without curves: old ones go" [ ! -e "$tmp/r/mrc.csv" ]
ok "experiment without curves: unfinished ones too" [ ! -e "$tmp/r/mrc.csv.tmp" ]
run check "$tmp/x.yaml" -s output.curves='[lru, opd]'
ok "unknown curve: exit 3" [ "$code" -eq 3 ]
ok "unknown curve: nearest" has err "did you mean 'opt'"
run check "$tmp/x.yaml" -s output.interval=0 -s output.tau='[0]'
ok "window of nothing: exit 3" [ "$code" -eq 3 ]
run check "$tmp/x.yaml" -s sweep.skip='[0, 2]'
ok "different parts of one page size: exit 3" [ "$code" -eq 3 ]
ok "different parts: says what to do" has err "an experiment without curves"

# damage: what was read, exit 4
zcat "$root/traces/tiny.lackey.gz" | head -c 300000 | gzip >"$tmp/whole.gz"
head -c 20000 "$tmp/whole.gz" >"$tmp/cut.gz"
run curve "$tmp/cut.gz" -o "$tmp/d"
ok "truncated: exit 4" [ "$code" -eq 4 ]
ok "truncated: said once" [ "$(grep -c 'error:' "$tmp/err")" -eq 1 ]
ok "truncated: the table says so" has out "the trace is damaged"
ok "truncated: curves of what was read" [ -s "$tmp/d/mrc.csv" ]

# the command line
fails "no trace" 2 "TRACE is missing" curve
fails "two traces" 2 "one trace at a time" curve "$tmp/osc.pages" "$tmp/osc.pages"
fails "unknown curve" 2 "did you mean 'lru'" curve "$tmp/osc.pages" --curves lur
fails "--tau without -o" 2 "without -o" curve "$tmp/osc.pages" --tau 10
fails "--interval without --tau" 2 "which windows" curve "$tmp/osc.pages" --interval 10 -o "$tmp/e"
fails "--tau twice" 2 "twice" curve "$tmp/osc.pages" --tau 10,10 -o "$tmp/e"
fails "--tau 0" 2 "--tau" curve "$tmp/osc.pages" --tau 0 -o "$tmp/e"
fails "page size" 2 "power of two" curve "$tmp/osc.pages" --page-size 5K
fails "no such trace" 5 "No such file" curve "$tmp/nothing"
echo not >"$tmp/file"
fails "output into a file" 5 "$tmp/file" curve "$tmp/osc.pages" -o "$tmp/file"
run trace reduce "$tmp/osc.pages" -o "$tmp/reduced" --frames 2
ok "reduced" [ "$code" -eq 0 ]
fails "a reduced trace" 3 "not those of the whole trace" curve "$tmp/reduced"
finish
