#!/bin/sh
# Holds our counts against other simulators', on traces that are not ours to ship.
#
# Usage: tests/peers/run.sh PAGETIDE     with these variables; what is absent is skipped:
#   TLB_PEER_TRACE   a lackey .gz
#   TLB_PEER_COUNTS  what DynamoRIO's TLB simulator counted on it, a CSV with the columns
#                    trace,config,level,entries,ways,policy,page_size,hits,misses,compulsory_misses:
#                    each config is three rows, L1I, L1D and L2
#   BZIP_TRACE       bzip.trace.gz of an operating-systems course, one million accesses, whose
#                    counts for 4 KiB pages are in print
# Exit code 0: all equal, 1: something differs, 77: nothing could be compared.
set -eu
LC_ALL=C
export LC_ALL
pagetide=$1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
compared=0
different=0

absolute() {
    echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
}

# The TLBs of the counts file become machines with all memory, so that no page ever leaves. They are
# one sweep: the trace is decoded once, and rows come in the order of the machines.
tlb_experiment() {
    echo "experiment: tlb-peers"
    echo "traces: ['$(absolute "$TLB_PEER_TRACE")']"
    echo "sweep:"
    echo "  machine:"
    awk -F, '
        NR == 1 { next }
        { sub(/\r$/, "") } # it may come from Python, whose CSV has CRLF
        $2 != config {
            config = $2
            print "    - page_size: " $7
            print "      frames: 100%"
            print "      policy: lru"
            print "      tlb:"
        }
        {
            use["L1I"] = "instruction"; use["L1D"] = "data"; use["L2"] = "both"
            printf "        - {name: %s, level: %d, for: %s, entries: %d, ways: %d, policy: %s, page_sizes: [%s]}\n",
                tolower($3), substr($3, 2, 1), use[$3], $4, $5, tolower($6), $7
        }' "$TLB_PEER_COUNTS"
    echo "output: {dir: '$room/tlb'}"
}

tlb_peer() {
    if [ ! -r "${TLB_PEER_TRACE-}" ] || [ ! -r "${TLB_PEER_COUNTS-}" ]; then
        echo "skipped: TLB counts of DynamoRIO (set TLB_PEER_TRACE and TLB_PEER_COUNTS)"
        return 0
    fi
    compared=1
    tlb_experiment >"$room/tlb.yaml"
    "$pagetide" run -q "$room/tlb.yaml"
    awk -F, '
        { sub(/\r$/, "") }
        FILENAME == ARGV[1] && FNR > 1 { n++; config[n] = $2; level[n] = tolower($3)
            want[n, "hits"] = $8; want[n, "misses"] = $9; want[n, "compulsory_misses"] = $10; next }
        FILENAME == ARGV[2] && FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        FILENAME == ARGV[2] {
            m++
            if ($at["level"] != level[m]) {
                print config[m] ": row " m " is of " $at["level"] ", not of " level[m]
                bad++
            }
            for (k = split("hits misses compulsory_misses", name, " "); k > 0; k--) {
                checked++
                if ($at[name[k]] != want[m, name[k]]) {
                    print config[m] " " level[m] " " name[k] ": " $at[name[k]] ", theirs " want[m, name[k]]
                    bad++
                }
            }
        }
        END {
            if (m != n) {
                print m " rows in tlb.csv for " n " of theirs"
                bad++
            }
            print "TLB counts of DynamoRIO: " checked - bad " of " checked " equal"
            exit bad > 0
        }' "$TLB_PEER_COUNTS" "$room/tlb/tlb.csv" || different=1
}

bzip_peer() {
    if [ ! -r "${BZIP_TRACE-}" ]; then
        echo "skipped: counts in print for bzip.trace.gz (set BZIP_TRACE)"
        return 0
    fi
    compared=1
    cat >"$room/bzip.yaml" <<END
experiment: bzip-peers
traces: ['$(absolute "$BZIP_TRACE")']
sweep:
  machine:
    - {page_size: 4K, policy: fifo, frames: 32}
    - {page_size: 4K, policy: lru, frames: 16}
output: {dir: '$room/bzip'}
END
    "$pagetide" run -q "$room/bzip.yaml"
    awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { got = got $at["policy"] " " $at["frames"] " frames: " $at["faults"] " faults, " $at["writebacks"] " write-backs\n" }
        END {
            want = "fifo 32 frames: 2497 faults, 851 write-backs\nlru 16 frames: 3344 faults, 1069 write-backs\n"
            if (got != want)
                printf "bzip.trace.gz, ours:\n%sin print:\n%s", got, want
            else
                print "counts in print for bzip.trace.gz: 4 of 4 equal"
            exit got != want
        }' "$room/bzip/summary.csv" || different=1
}

tlb_peer
bzip_peer
[ $compared = 1 ] || exit 77
exit $different
