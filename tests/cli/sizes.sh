#!/bin/sh
# Many sizes in one pass: what compare and curve -p print and write is what whole machines count.
. "$(dirname "$0")/lib.sh"

trace=$root/traces/tiny.lackey.gz
fixed=fifo,lru,mru,clock,esc,nru,aging,lfu,gclock,random,opt,sfifo,slru,lru-k,2q,arc,car,sieve
fixed=$fixed,s3-fifo,w-tinylfu,lirs,clock-pro,lrfu,lecar,cacheus,wsclock,freebsd,mglru

# the fast road against whole machines, one reference at a time
same() # NAME ARGS...
{
    what=$1
    shift
    "$pagetide" compare "$@" --engine plain >"$tmp/plain" 2>"$tmp/plain-err"
    plain_code=$?
    run compare "$@"
    equals "compare: $what: the same table" "$tmp/plain"
    ok "compare: $what: the same exit code" [ "$code" -eq "$plain_code" ]
    ok "compare: $what: the same words" cmp "$tmp/err" "$tmp/plain-err"
}

same "all policies" "$trace" -p "$fixed" -m 1f,3f,10%,50%,100f
same "collapsed" "$trace" -p "$fixed" -m 2f,25% --references collapsed
same "options, seed" "$trace" -p "{name: clock, initial_bit: 0},{name: nru, tick: 77},random" \
    -m 7f,40% --seed 5
same "part of the trace" "$trace" -p clock,arc,lru,opt -m 5f,30% --skip 3000 --warmup 5000 \
    --limit 20000
same "a part that is not there" "$trace" -p clock,lru,opt -m 5f --warmup 100M
same "large pages" "$trace" -p clock,lirs,lru,opt -m 2f,50% --page-size 64K
same "huge pages" "$trace" -p fifo,lru,opt -m 1f --page-size 2M
zcat "$trace" | head -n 9000 | gzip >"$tmp/cut.gz"
head -c 20000 "$tmp/cut.gz" >"$tmp/damaged.gz"
same "a damaged trace" "$tmp/damaged.gz" -p fifo,arc,opt -m 4f,16f
printf '7 0w 1 2 0 3w 0 4 2 3 0 3w 2 1 2 0 1 7 0 1\n' >"$tmp/osc.pages"
same "a textbook's string" "$tmp/osc.pages" -p fifo,lru,opt -m 3f,4f
"$pagetide" compare "$trace" -p "$fixed" -m 10%,50% -j 1 >"$tmp/one"
run compare "$trace" -p "$fixed" -m 10%,50% -j 3
equals "compare: the same with any number of threads" "$tmp/one"

# curve -p: the points are those of compare
run curve "$trace" -p clock,arc,lru -m 5f,25%,20f --curves opt -o "$tmp/c"
ok "curve -p: exit 0" [ "$code" -eq 0 ]
"$pagetide" compare "$trace" -p clock,arc,lru,opt -m 5f,25%,20f >"$tmp/table"
for policy in clock arc lru opt; do
    for column in 2 3 4; do
        frames=$(awk -v c=$column '$1 == "frames" { print $c }' "$tmp/table")
        faults=$(awk -v c=$column -v p=$policy '$1 == p { print $c; exit }' "$tmp/table")
        ok "curve -p: $policy with $frames frames" \
            grep -qx "tiny.lackey.gz,4096,$policy,$frames,$faults" "$tmp/c/mrc.csv"
    done
done
ok "curve -p: sizes once, ascending" [ "$(awk -F, '$3 == "arc" { print $4 }' "$tmp/c/mrc.csv" |
    tr '\n' ' ')" = "$(awk -F, '$3 == "arc" { print $4 }' "$tmp/c/mrc.csv" | sort -nu | tr '\n' ' ')" ]
run curve "$trace" -p clock,fifo,sieve -m all --curves opt -o "$tmp/e" -q
ok "curve -m all: exit 0" [ "$code" -eq 0 ]
pages=$(awk -F, '$3 == "opt"' "$tmp/e/mrc.csv" | wc -l)
ok "curve -m all: every size" [ "$(awk -F, '$3 == "sieve"' "$tmp/e/mrc.csv" | wc -l)" -eq "$pages" ]
ok "curve -m all: none beats OPT" awk -F, '
    NR == FNR { if ($3 == "opt") least[$4] = $5; next }
    FNR > 1 && $5 < least[$4] { bad = 1 }
    END { exit bad }' "$tmp/e/mrc.csv" "$tmp/e/mrc.csv"
"$pagetide" curve "$trace" -p all -j 1 -q -o "$tmp/j1" >"$tmp/one"
run curve "$trace" -p all -j 3 -q -o "$tmp/j3"
equals "curve -p all: the same with any number of threads" "$tmp/one"
ok "curve -p all: the same rows" cmp "$tmp/j1/mrc.csv" "$tmp/j3/mrc.csv"
run curve - -p clock -m 10% -q --curves lru <"$trace"
ok "curve -p: standard input" [ "$code" -eq 0 ]

fails "curve -p ws" 2 "as many frames as it wants" curve "$trace" -p ws
fails "curve -p of no policy" 2 "did you mean 'clock'" curve "$trace" -p clck
fails "curve -m memory" 2 "curves are over frames" curve "$trace" -p clock -m 64M
fails "curve -m alone" 2 "-m goes with -p" curve "$trace" -m 10%
fails "curve -p twice" 2 "is there twice" curve "$trace" -p clock,clock
fails "curve --references" 2 "collapsed" curve "$trace" -p clock --references collasped
"$pagetide" trace generate loop,pages=5000,accesses=6000 -o "$tmp/loop.gz" 2>"$tmp/err"
fails "curve -m all of many pages" 3 "too much" curve "$tmp/loop.gz" -p clock -m all --curves lru

finish
