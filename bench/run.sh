#!/bin/sh
# What a replay costs beside inflating the same trace and doing nothing else; README.md explains.
#
# Usage: bench/run.sh PAGETIDE FOLDER      (`make bench` does that; FOLDER has the helpers)
#   BENCH_TRACES    names of shipped traces, "long/python long/cc1 long/hashjoin" by default, or paths of lackey .gz
#   BENCH_ACCESSES  a shipped trace is repeated until it has so many, 20000000 by default
#   BENCH_RUNS      an odd number, 5 by default; medians are reported
#   BENCH_CORES     two cores to pin to, "0,1" by default; one thread runs on the first
#   BENCH_ONLY      a pattern of awk: only rows that match are run
#   BENCH_XZ        1: also what xz -6 makes of the log (half a minute a trace)
#   CACHESIM, CHAMPSIM, DRMEMTRACE
#                   programs of libCacheSim (cachesim), ChampSim (champsim) and DynamoRIO
#                   (drmemtrace_launcher): run beside ours where they are given
set -eu
LC_ALL=C
export LC_ALL
pagetide=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
measure=$folder/measure inflate=$folder/inflate to_drmemtrace=$folder/drmemtrace
work=$folder/work
runs=${BENCH_RUNS:-5}
cores=${BENCH_CORES:-0,1}
core=${cores%%,*}
wanted=${BENCH_ACCESSES:-20000000}
mkdir -p "$work"

inflaters=zlib
! ldd "$pagetide" 2>/dev/null | grep -q libisal || inflaters="zlib igzip"
two=
[ "$(nproc)" -lt 2 ] || two=2

fact() { # fact FILE LABEL: a number of trace info
    "$pagetide" trace info "$1" | sed -n "s/^  $2  *\([0-9]*\).*/\1/p" | head -n 1
}

# ---- rows: a command each, run in turns so that a slower minute hits all of them ----

rows=0

# row WHAT TIME ACCESSES FILE COMMAND...: TIME is cpu on one core, or wall on two; of ACCESSES
# accesses that are read from FILE
row() {
    rows=$((rows + 1))
    printf '%s\n' "$1" "$2" "$3" "$4" >"$work/row.$rows"
    shift 4
    {
        for word in "$@"; do
            printf "'%s' " "$word"
        done
        echo
    } >"$work/command.$rows"
    : >"$work/times.$rows"
    if [ -n "${BENCH_ONLY-}" ] &&
        ! head -n 1 "$work/row.$rows" | awk -v only="$BENCH_ONLY" '$0 !~ only { exit 1 }'; then
        rows=$((rows - 1))
    fi
}

run_rows() {
    round=0
    while [ $round -lt "$runs" ]; do
        i=1
        while [ $i -le $rows ]; do
            on=$core
            [ "$(sed -n 2p "$work/row.$i")" = cpu ] || on=$cores
            eval "\"$measure\" $on $(cat "$work/command.$i")" >>"$work/times.$i" || {
                echo "run.sh: this failed: $(cat "$work/command.$i")" >&2
                exit 1
            }
            i=$((i + 1))
        done
        round=$((round + 1))
    done
}

median() { # median FILE FIELD
    sort -n -k"$2,$2" "$1" | awk -v field="$2" '{ v[NR] = $field } END { print v[int((NR + 1) / 2)] }'
}

# The first row is what the others are held against.
print_rows() {
    printf '%-38s %8s %8s %8s %8s %8s %8s\n' "$1" "seconds" "M acc/s" "ns/acc" "speed" "MiB" "B/acc"
    i=1
    base=
    while [ $i -le $rows ]; do
        what=$(sed -n 1p "$work/row.$i")
        field=1
        [ "$(sed -n 2p "$work/row.$i")" = wall ] || field=2
        seconds=$(median "$work/times.$i" $field)
        base=${base:-$seconds}
        file=$(sed -n 4p "$work/row.$i")
        awk -v what="$what" -v s="$seconds" -v base="$base" -v n="$(sed -n 3p "$work/row.$i")" \
            -v kib="$(median "$work/times.$i" 3)" -v bytes="$(wc -c <"$file")" 'BEGIN {
            if (s <= 0) s = 0.0001
            printf "%-38s %8.3f %8.1f %8.2f %8.2f %8.1f %8.4f\n", what, s, n / s / 1e6, s * 1e9 / n,
                base / s, kib / 1024, bytes / n }'
        i=$((i + 1))
    done
}

# ---- traces ----

# access_lines NAME: of a shipped trace; a program that has unmapped its memory can't be repeated
# with its system calls
access_lines() {
    for trace in "$here/../traces/$1.tide" "$here/../traces/$1.lackey.gz"; do
        [ ! -e "$trace" ] || break
    done
    "$pagetide" trace convert -q "$trace" --to lackey -o - | grep -E '^(I | [LSM]) '
}

# prepare NAME: $work/NAME.lackey.gz and $work/NAME.tide, of the accesses alone
prepare() {
    if [ -e "$1" ]; then
        name=$(basename "$1" | sed 's/\..*//')
        [ "$1" -ef "$work/$name.lackey.gz" ] || cp "$1" "$work/$name.lackey.gz"
    else
        name=$(basename "$1")
        access_lines "$1" | gzip -6 >"$work/part.gz"
        n=$(zcat "$work/part.gz" | wc -l)
        : >"$work/$name.lackey.gz"
        while :; do
            cat "$work/part.gz" >>"$work/$name.lackey.gz"
            have=$((${have:-0} + n))
            [ $have -lt "$wanted" ] || break
        done
        have=0
        rm "$work/part.gz"
    fi
    "$pagetide" trace convert -q "$work/$name.lackey.gz" -o "$work/$name.tide"
}

# config NAME TRACE FRAMES [SWEEP]
config() {
    cat >"$work/$1.yaml" <<END
experiment: $1
traces: ['$2']
machine: {page_size: 4K, frames: $3, policy: clock, tlb: x86-skylake, page_table: {kind: radix, levels: 4}}
${4-}
output: {dir: '$work/results-$1', interval: 1M}
END
}

# The counts, without what names the trace.
counts() { # counts NAME FILE
    awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) drop[i] = $i == "run" || $i == "trace" }
        { for (i = 1; i <= NF; i++) if (drop[i]) $i = ""; print }' "$work/results-$1/$2"
}

pipeline() { # pipeline NAME
    gz=$work/$1.lackey.gz tide=$work/$1.tide
    n=$(fact "$tide" accesses)
    pages=$(fact "$tide" 'of 4K')
    echo
    echo "$1: $n accesses, $pages distinct pages, $((pages / 2)) frames"
    rows=0
    rm -rf "$work"/results-*
    config gz "$gz" $((pages / 2))
    config tide "$tide" $((pages / 2))
    config sixteen "$tide" $((pages / 2)) "sweep:
  machine.tlb: [x86-skylake, x86-zen4, x86-icelake, arm-neoverse-n1]
  machine.policy: [clock, lru]
  machine.frames: [$((pages / 4)), $((pages / 2))]"
    row "inflate with zlib, nothing else" cpu "$n" "$gz" "$inflate" "$gz"
    row "zcat" cpu "$n" "$gz" zcat "$gz"
    row "zcat | wc -l" cpu "$n" "$gz" sh -c "zcat $gz | wc -l"
    for input in gz tide; do
        file=$gz
        [ $input = gz ] || file=$tide
        for inflater in $inflaters; do
            row "$input, 1 thread, $inflater" cpu "$n" "$file" env "PAGETIDE_INFLATE=$inflater" \
                "$pagetide" run -q -j 1 "$work/$input.yaml"
        done
        for inflater in ${two:+$inflaters}; do
            row "$input, 2 threads, $inflater (wall)" wall "$n" "$file" env \
                "PAGETIDE_INFLATE=$inflater" "$pagetide" run -q -j 2 "$work/$input.yaml"
        done
    done
    row "tide, 1 machine, 1 thread" cpu "$n" "$tide" "$pagetide" run -q -j 1 "$work/tide.yaml"
    one=$rows
    row "tide, 16 machines, 1 thread" cpu "$n" "$tide" "$pagetide" run -q -j 1 "$work/sixteen.yaml"
    sixteen=$rows
    row "tide, trace info" wall "$n" "$tide" "$pagetide" trace info "$tide"
    row "pagetide version" wall "$n" "$tide" "$pagetide" version
    run_rows
    print_rows "$1"
    [ "$sixteen" -le "$one" ] || [ ! -s "$work/times.$sixteen" ] ||
        awk -v one="$(median "$work/times.$one" 2)" -v all="$(median "$work/times.$sixteen" 2)" \
            'BEGIN { printf "16 machines cost %.2f times one\n", all / one }'
    [ "${BENCH_XZ-}" != 1 ] || {
        bytes=$(zcat "$gz" | xz -6 -T1 | wc -c)
        awk -v bytes="$bytes" -v n="$n" -v ours="$(wc -c <"$tide")" 'BEGIN {
            printf "xz -6 of the log: %.4f bytes an access; tide is %.2f times that\n", bytes / n, ours / bytes }'
    }
    for file in summary.csv tlb.csv timeline.csv faults.csv; do
        [ ! -e "$work/results-gz/$file" ] || [ ! -e "$work/results-tide/$file" ] ||
            { counts gz $file >"$work/a" && counts tide $file | cmp -s "$work/a" -; } ||
            echo "NOT EQUAL: $file from lackey .gz and from tide"
    done
}

# ---- instructions: the same on every run ----

# instructions FILE INFLATER: of the run without its beginning, by callgrind
instructions() {
    for limit in 100K 1100K; do
        PAGETIDE_INFLATE=$2 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
            "$pagetide" run -q -j 1 "$work/$1.yaml" -s limit=$limit 2>&1 >/dev/null |
            sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
    done | awk '{ v[NR] = $1 } END { printf "%.1f", (v[2] - v[1]) / 1e6 }'
}

instruction_table() { # instruction_table NAME
    command -v valgrind >/dev/null || return 0
    for input in gz tide; do
        for inflater in $inflaters; do
            printf 'instructions a reference, %s, %s, %s: %s\n' "$1" $input "$inflater" \
                "$(instructions $input "$inflater")"
        done
    done
}

# ---- memory must not grow with the length of the trace ----

memory() { # memory NAME
    long=$work/long.lackey.gz
    : >"$long"
    for i in 1 2 3 4 5 6 7 8 9 10; do
        cat "$work/$1.lackey.gz" >>"$long"
    done
    config long "$long" 256
    "$measure" "$core" "$pagetide" run "$work/long.yaml" -q -j 1 >"$work/long.time"
    rm "$long"
    awk -v name="$1" -v pages="$(fact "$work/$1.tide" 'of 4K')" '{
        printf "peak memory for %s ten times over: %.1f MiB; limit %.1f MiB (64 MiB and 64 bytes a page)\n",
            name, $3 / 1024, 64 + pages * 64 / 1048576 }' "$work/long.time"
}

# ---- peers ----

# libCacheSim: LRU on page references. Its miss ratio has four decimals.
cachesim() { # cachesim NAME FRAMES
    oracle=$work/$1.oracleGeneral
    "$pagetide" trace convert -q "$work/$1.tide" -o "$oracle"
    n=$(($(wc -c <"$oracle") / 24))
    rows=0
    cat >"$work/lru.yaml" <<END
experiment: lru
traces: ['$work/$1.tide']
machine: {frames: $2, policy: lru, tlb: none}
output: {dir: '$work/results-lru'}
END
    row "cachesim, LRU, $2 pages" cpu "$n" "$oracle" "$CACHESIM" "$oracle" oracleGeneral lru "$2" \
        --ignore-obj-size 1
    row "pagetide, LRU, $2 frames, from tide" cpu "$n" "$work/$1.tide" "$pagetide" run -q -j 1 \
        "$work/lru.yaml"
    run_rows
    print_rows "libCacheSim (per page reference)"
    theirs=$("$CACHESIM" "$oracle" oracleGeneral lru "$2" --ignore-obj-size 1 2>/dev/null |
        sed -n 's/.*miss ratio \([0-9.]*\).*/\1/p' | tail -n 1)
    awk -F, -v theirs="$theirs" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        NR == 2 { ours = sprintf("%.4f", $at["faults"] / $at["references"])
            printf "miss ratio: ours %s, theirs %s: %s\n", ours, theirs,
                ours == theirs ? "equal" : "NOT EQUAL" }' "$work/results-lru/summary.csv"
    rm "$oracle"
}

# DynamoRIO's TLB simulator: LRU in both levels, its default sizes.
drmemtrace() { # drmemtrace NAME
    packed=$work/$1.trace.gz
    "$pagetide" trace convert -q "$work/$1.tide" --to din -o - | "$to_drmemtrace" | gzip -6 >"$packed"
    n=$(fact "$work/$1.tide" accesses)
    rows=0
    cat >"$work/dr.yaml" <<END
experiment: dr
traces: ['$work/$1.tide']
machine:
  frames: 100%
  policy: lru
  tlb:
    - {name: l1i, level: 1, for: instruction, entries: 32, ways: 32}
    - {name: l1d, level: 1, for: data, entries: 32, ways: 32}
    - {name: l2, level: 2, for: both, entries: 1024, ways: 4}
output: {dir: '$work/results-dr'}
END
    set -- "$DRMEMTRACE" -infile "$packed" -simulator_type TLB -page_size 4096 \
        -TLB_L1I_entries 32 -TLB_L1I_assoc 32 -TLB_L1D_entries 32 -TLB_L1D_assoc 32 \
        -TLB_L2_entries 1024 -TLB_L2_assoc 4 -TLB_replace_policy LRU
    row "drmemtrace, TLBs" cpu "$n" "$packed" "$@"
    row "pagetide, TLBs and page table" cpu "$n" "$packed" "$pagetide" run -q -j 1 "$work/dr.yaml"
    run_rows
    print_rows "DynamoRIO"
    # its figures stand under the names of the arrays, with commas: Hits, Misses
    "$@" 2>&1 | awk '
        /L1I0|L1I/ { array = "l1i" } /L1D0|L1D/ { array = "l1d" } /LL|L2/ { array = "l2" }
        { gsub(",", "") }
        /^ *Hits:/ { print array, "hits", $2 }
        /^ *Misses:/ { print array, "misses", $2 }' >"$work/theirs"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { print $at["level"], "hits", $at["hits"]; print $at["level"], "misses", $at["misses"] }' \
        "$work/results-dr/tlb.csv" >"$work/ours"
    awk 'NR == FNR { theirs[$1 " " $2] = $3; next }
        { t = theirs[$1 " " $2]; printf "%s %s: ours %s, theirs %s: %s\n", $1, $2, $3, t,
            $3 == t ? "equal" : "NOT EQUAL" }' "$work/theirs" "$work/ours"
    rm "$packed"
}

# ChampSim: two million instructions of the whole core. Its TLBs are others, so of its counts only
# the number of instructions can be equal.
champsim() { # champsim NAME
    packed=$work/$1.champsimtrace.gz instructions=2000000
    "$pagetide" trace convert -q "$work/$1.tide" -o "$packed"
    rows=0
    row "champsim" cpu $instructions "$packed" "$CHAMPSIM" --warmup-instructions 0 \
        --simulation-instructions $instructions "$packed"
    row "pagetide, from the same file" cpu "$(fact "$packed" accesses)" "$packed" "$pagetide" run -q \
        -j 1 "$work/tide.yaml" -s "traces=['$packed']"
    run_rows
    print_rows "ChampSim (its row: per instruction)"
    "$CHAMPSIM" --warmup-instructions 0 --simulation-instructions $instructions "$packed" 2>/dev/null |
        grep -E '^(cpu0->)?cpu0_.?TLB TOTAL' || true
    rm "$packed"
}

# ---- all of it ----

echo "$(uname -m), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores; $("$pagetide" version); $(date -u +%F)"
echo "medians of $runs; speed: times as fast as the first row; seconds of CPU on core $core, or wall on $cores"
first=
for trace in ${BENCH_TRACES:-long/python long/cc1 long/hashjoin}; do
    prepare "$trace"
    first=${first:-$name}
    pipeline "$name"
    instruction_table "$name"
done
echo
memory "$first"
half=$(($(fact "$work/$first.tide" 'of 4K') / 2))
config tide "$work/$first.tide" $half
[ -z "${CACHESIM-}" ] || { echo && cachesim "$first" $half; }
[ -z "${DRMEMTRACE-}" ] || { echo && drmemtrace "$first"; }
[ -z "${CHAMPSIM-}" ] || { echo && champsim "$first"; }
