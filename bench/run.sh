#!/bin/sh
# The whole pipeline against `zcat FILE | wc -l`: CPU time as a ratio in one run, and peak memory.
#
# Usage: bench/run.sh PAGETIDE MEASURE FOLDER      (`make bench` does that)
#   BENCH_TRACE  a lackey .gz of 20 million accesses or more; without it one is put together in
#                FOLDER from the access lines of the shipped traces
#   BENCH_CORE   the core to pin to, 0 by default
#   BENCH_RUNS   an odd number, 5 by default; medians are reported
set -eu
LC_ALL=C
export LC_ALL
pagetide=$1 measure=$2 folder=$3
core=${BENCH_CORE:-0}
runs=${BENCH_RUNS:-5}
repeats=2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

if [ -n "${BENCH_TRACE-}" ]; then
    trace=$(cd "$(dirname "$BENCH_TRACE")" && pwd)/$(basename "$BENCH_TRACE")
else
    # Only accesses: a program that has unmapped its memory can't be repeated with its system calls.
    trace=$folder/accesses.lackey.gz
    part=$folder/part.lackey.gz
    zcat "$here"/../traces/*.lackey.gz | grep -E '^(I | [LSM]) ' | gzip -6 >"$part"
    i=0
    while [ $i -lt $repeats ]; do
        cat "$part"
        i=$((i + 1))
    done >"$trace"
    rm "$part"
fi

config() { # config TRACE NAME
    cat >"$folder/$2.yaml" <<END
experiment: $2
traces: ['$1']
machine: {page_size: 4K, frames: 256, policy: clock, tlb: x86-skylake, page_table: {kind: radix, levels: 4}}
output: {dir: '$folder/$2'}
END
}

cell() { # cell NAME COLUMN: of the first row of its summary.csv
    awk -F, -v column="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
        NR == 2 { print $at }' "$folder/$1/summary.csv"
}

median() { # median FILE FIELD
    sort -n -k"$2,$2" "$1" | awk -v field="$2" '{ v[NR] = $field } END { print v[int((NR + 1) / 2)] }'
}

config "$trace" speed
: >"$folder/zcat"
: >"$folder/pagetide"
i=0
while [ $i -lt "$runs" ]; do # alternating, so that a slower minute hits both
    "$measure" "$core" sh -c 'zcat "$1" | wc -l' sh "$trace" >>"$folder/zcat"
    "$measure" "$core" "$pagetide" run "$folder/speed.yaml" -q -j 1 >>"$folder/pagetide"
    i=$((i + 1))
done

zcat_seconds=$(median "$folder/zcat" 1)
our_seconds=$(median "$folder/pagetide" 1)
accesses=$(cell speed accesses)
pages=$(cell speed distinct_pages)
echo "trace         $accesses accesses, $pages distinct pages, $(wc -c <"$trace") bytes gz"
echo "zcat | wc -l  $zcat_seconds s CPU (median of $runs)"
echo "pagetide run  $our_seconds s CPU (median of $runs): frames 256, clock, x86-skylake, radix"
awk -v ours="$our_seconds" -v zcat="$zcat_seconds" -v n="$accesses" 'BEGIN {
    printf "ratio         %.2f\nspeed         %.1f M accesses/s\n", ours / zcat, n / ours / 1e6 }'

# Memory must not grow with the length of the trace.
long=$folder/long.lackey.gz
: >"$long"
for i in 1 2 3 4 5 6 7 8 9 10; do
    cat "$trace" >>"$long"
done
config "$long" memory
"$measure" "$core" "$pagetide" run "$folder/memory.yaml" -q -j 1 >"$folder/pagetide-long"
rm "$long"
awk -v one="$(median "$folder/pagetide" 2)" -v ten="$(median "$folder/pagetide-long" 2)" \
    -v pages="$pages" 'BEGIN {
    printf "peak memory   %.1f MiB; %.1f MiB for a trace ten times as long\n", one / 1024, ten / 1024
    printf "limit         %.1f MiB (64 MiB and 64 bytes for each distinct page)\n", 64 + pages * 64 / 1048576 }'
