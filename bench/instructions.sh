#!/bin/sh
# Guards against getting slower: instructions a reference, counted by callgrind on a fixed input.
#
# Usage: instructions.sh PAGETIDE      Exit code: 0, 1: above a bound, 77: it can't be counted here
# The bounds are generous: other compilers and libraries make other code. What is asked for is that
# nothing becomes several times as slow unseen.
set -eu
pagetide=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v valgrind >/dev/null || {
    echo "valgrind is not installed"
    exit 77
}

# count TRACE LIMIT: instructions of a whole run
count() {
    cat >"$work/run.yaml" <<END
experiment: guard
traces: ['$1']
machine: {frames: 32, policy: clock, tlb: x86-skylake}
output: {dir: '$work/results', interval: 10K}
END
    PAGETIDE_INFLATE=zlib valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$pagetide" run -q -j 1 "$work/run.yaml" -s limit="$2" 2>&1 >/dev/null |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

failed=0
# guard TRACE BOUND: of references 5,000 to 35,000
guard() {
    few=$(count "$1" 5K)
    many=$(count "$1" 35K)
    [ -n "$few" ] && [ -n "$many" ] || {
        echo "callgrind does not run here"
        exit 77
    }
    each=$(((many - few) / 30000))
    echo "$(basename "$1"): $each instructions a reference, at most $2"
    [ "$each" -le "$2" ] || failed=1
}

"$pagetide" trace convert -q "$here/../traces/tiny.lackey.gz" -o "$work/tiny.tide"
guard "$here/../traces/tiny.lackey.gz" 400
guard "$work/tiny.tide" 300
exit $failed
