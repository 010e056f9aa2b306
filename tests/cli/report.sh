#!/bin/sh
# pagetide report and plot on results of an experiment.
. "$(dirname "$0")/lib.sh"

if ! command -v gnuplot >/dev/null; then
    echo "1..0 # SKIP gnuplot draws, and it is not installed"
    exit 0
fi

i=0
while [ $i -lt 3000 ]; do
    echo "$((i % 7)) $((i % 11))w $((i % 40))"
    i=$((i + 1))
done >"$tmp/mixed.pages"
cat >"$tmp/report.yaml" <<END
experiment: report
traces: [mixed.pages]
sweep:
  machine.policy: [fifo, clock, {name: clock, initial_bit: 0}, arc]
  machine.frames: [10%, 50%]
output: {dir: r, interval: 1K, curves: [lru, opt, working-set, reuse], tau: [100]}
END
run run "$tmp/report.yaml" -q
ok "run" [ "$code" -eq 0 ]

# rows of a figure are named 'fifo, 10%', and % means something to gnuplot
run report "$tmp/r"
ok "report: shares of memory in names" [ "$code" -eq 0 ]
ok "report: one file" [ -s "$tmp/r/report.html" ]
cp "$tmp/r/report.html" "$tmp/page"
ok "report: pictures" [ "$(grep -c '<svg' "$tmp/page")" -gt 5 ]
ok "report: rows are named" grep -q 'fifo, 10%' "$tmp/page"
ok "report: no network" [ -z "$(grep -oE '(src|href)="[a-z]+:[^"]*' "$tmp/page")" ]

# options are named where they tell runs apart, and nowhere else
ok "report: clock comes with two options" grep -q 'clock, initial_bit=0' "$tmp/page"
ok "report: both are named" grep -q 'clock, initial_bit=1' "$tmp/page"
ok "report: ARC's tell nothing" [ "$(grep -c '>arc, arith=real' "$tmp/page")" -eq 0 ]

# policies that have some sizes only, beside the whole curves: panels of six
run curve "$tmp/mixed.pages" -p all -m 25%,50% -o "$tmp/c" -q
ok "curve -p all" [ "$code" -eq 0 ]
run report "$tmp/c"
ok "report of curves alone" [ "$code" -eq 0 ]
cp "$tmp/c/report.html" "$tmp/page"
ok "report of curves: OPT is whole" grep -q '>opt, every size<' "$tmp/page"
ok "report of curves: FIFO is not" [ "$(grep -c '>fifo, every size<' "$tmp/page")" -eq 0 ]
ok "report of curves: FIFO is there" grep -q '>fifo<' "$tmp/page"
ok "report of curves: panels" grep -q 'Miss curves (2 of' "$tmp/page"

# ticks of large numbers: exact, with the unit of each
run plot "$tmp/r/timeline.csv" --x vtime_refs --y faults --by policy --where frames_setting=50%
ok "plot: small numbers" [ "$code" -eq 0 ]
echo "a,b" >"$tmp/large.csv"
echo "0,-30000" >>"$tmp/large.csv"
echo "1200000,70000" >>"$tmp/large.csv"
run plot "$tmp/large.csv" --x a --y b
ok "plot: large numbers" [ "$code" -eq 0 ]
ok "plot: 800k" grep -q '>800k<' "$tmp/out"
ok "plot: 1.2M" grep -q '>1.2M<' "$tmp/out"
ok "plot: below zero" grep -q '>-20k<' "$tmp/out"
ok "plot: no zeros that say nothing" lacks out "0000k"
echo "1e18,1000000000000000001" >"$tmp/row"
{ echo "a,b"; cat "$tmp/row"; } >"$tmp/one.csv"
run plot "$tmp/one.csv" --x a --y b
ok "plot: one huge point" [ "$code" -eq 0 ]
finish
