#!/bin/sh
# Records the traces of this folder again, with `pagetide record`, and rewrites PROVENANCE.md.
#
# Usage: traces/record.sh [NAME...]      all of them without a name
#   PAGETIDE   the program, ../build/sim/cli/pagetide by default
#
# Everything that could differ between two recordings is fixed: an empty environment, the C locale,
# no address randomisation, inputs made by this script, one neutral working directory, the date of
# SOURCE_DATE_EPOCH. What cannot be fixed is written over: process ids by 1000 and up. So on one
# machine a second recording touches the same pages in the same order; at most a few addresses differ
# inside a page, where the dynamic linker reads the kernel's random bytes on the stack. Another
# processor or another version of a program gives other accesses. Rows of traces that are not asked
# for stay as they are.
set -eu
LC_ALL=C
export LC_ALL
umask 022

here=$(cd "$(dirname "$0")" && pwd)
pagetide=${PAGETIDE:-$here/../build/sim/cli/pagetide}
pagetide=$(cd "$(dirname "$pagetide")" && pwd)/$(basename "$pagetide")
epoch=${SOURCE_DATE_EPOCH:-1795824000} # 2026-11-28
room=/tmp/pagetide-traces # its path is in the traces: keep it neutral
limit=$((3 * 1024 * 1024))

need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || missing="${missing-} $program"
    done
    if [ -n "${missing-}" ]; then
        echo "record.sh: not found:$missing" >&2
        echo "record.sh: apt-get install valgrind gcc libc6-dev tcc sqlite3 bzip2 mawk perl-base python3 xz-utils" >&2
        exit 1
    fi
}

# text WORDS: a text of lower-case words with a skewed distribution, twelve to a line.
text() {
    mawk -v words="$1" 'BEGIN {
        s = 12345
        for (i = 1; i <= words; i++) {
            s = (s * 16807) % 2147483647
            rank = int(400 ^ (s / 2147483647)) # log-uniform: few words make up most of the text
            w = ""
            for (r = rank * 7919 + 31; r > 0; r = int(r / 19))
                w = w substr("etaoinshrdlucmfwygp", r % 19 + 1, 1)
            printf "%s%s", w, i % 12 ? " " : "\n"
        }
    }'
}

# numbers COUNT LIMIT: pseudo-random numbers below LIMIT, one a line.
numbers() {
    mawk -v n="$1" -v limit="$2" 'BEGIN {
        s = 4711
        for (i = 0; i < n; i++) {
            s = (s * 16807) % 2147483647
            print int(s / 2147483647 * limit)
        }
    }'
}

inputs() {
    rm -rf "$room"
    mkdir "$room"
    cp "$here"/src/* "$room"
    cd "$room"
    text 30 >page
    text 360 >chapter
    text 9000 >book
    numbers 1500 1000000 >numbers
    numbers 20000 1000000 >many
    mawk 'BEGIN { for (i = 1; i <= 75; i++) print i, "city" i * 31 % 57 }' >customers
    numbers 220 90 | mawk '{ print NR, $1, $1 % 91 }' >orders
    gcc -O2 -static -o chase chase.c
    gcc -O2 -static -o hashjoin hashjoin.c
}

# neutral FILE PID: the process id of a lackey log written over
neutral() {
    own=$(sed -n '1s/^==\([0-9]*\)==.*/\1/p' "$1")
    sed -e "/^[I ]/!{s/^\(==\|--\|\*\*\)$own\([:=*]\)/\1$2\2/;s/^SYSCALL\[$own,/SYSCALL[$2,/;}" "$1" >"$1.neutral"
    mv "$1.neutral" "$1"
}

# record NAME WHAT VERSION-COMMAND INPUT OPTIONS COMMAND...; INPUT is the standard input, OPTIONS are
# those of pagetide record, in one word.
record() {
    name=$1 what=$2 version=$3 input=$4 options=$5
    shift 5
    case " $wanted " in
    *" $name "* | "  ") ;;
    *)
        grep "^| $name |" "$here/PROVENANCE.md" >>"$room/rows" || true # not asked for: as it was
        return 0
        ;;
    esac
    echo "recording $name: $*" >&2
    rm -rf logs
    mkdir logs
    # shellcheck disable=SC2086 # several options
    env -i PATH=/usr/bin:/bin LC_ALL=C PERL_HASH_SEED=0 PYTHONHASHSEED=0 SOURCE_DATE_EPOCH="$epoch" \
        setarch -R "$pagetide" record -q --to lackey -o logs/log.lackey $options -- "$@" \
        <"$input" >/dev/null || {
        echo "record.sh: $name did not run to a clean end" >&2
        exit 1
    }
    pid=1000
    for log in logs/log.lackey logs/log.*.lackey; do
        [ ! -e "$log" ] || neutral "$log" $pid
        pid=$((pid + 1))
    done
    if [ $pid -gt 1002 ]; then
        "$pagetide" trace cat logs/log.lackey logs/log.[0-9]*.lackey --interleave 10K --level 9 -o new.tide
    else
        "$pagetide" trace convert -q --level 9 logs/log.lackey -o new.tide
    fi
    bytes=$(wc -c <new.tide)
    if [ "$bytes" -gt $limit ]; then
        echo "record.sh: $name.tide has $bytes bytes, the limit is $limit" >&2
        exit 1
    fi
    shown=
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=-]*) word="'$word'" ;;
        esac
        shown="$shown${shown:+ }$word"
    done
    [ "$input" = /dev/null ] || shown="$shown <$input"
    printf '| %s | %s | `%s%s` | %s | %s | %s | %s | %s |\n' "$name" "$what" "${options:+$options -- }" \
        "$(echo "$shown" | sed 's/|/\\|/g')" "$(fact accesses)" "$(fact 'of 4K')" \
        "$(eval "$version" 2>&1 | head -n 1 | cut -d, -f1 | cut -c1-40)" "$(date -u -d "@$epoch" +%F)" \
        "$(zcat <new.tide | sha256sum | cut -d' ' -f1)" >>"$room/rows"
    mkdir -p "$(dirname "$here/$name")"
    mv new.tide "$here/$name.tide"
}

fact() { # fact LABEL: a number of trace info
    "$pagetide" trace info new.tide | sed -n "s/^  $1  *\([0-9]*\).*/\1/p" | head -n 1
}

provenance() {
    cat <<END
# Where the traces come from

Recorded by \`record.sh\` in this folder, which makes the inputs, runs each program under
\`pagetide record\` and writes this file. What stands in front of each of these commands is

    env -i PATH=/usr/bin:/bin LC_ALL=C PERL_HASH_SEED=0 PYTHONHASHSEED=0 SOURCE_DATE_EPOCH=$epoch \\
        setarch -R pagetide record --to lackey -o log.lackey [OPTIONS] -- COMMAND >/dev/null

with process ids made neutral and \`pagetide trace convert --level 9\` behind it; a trace of several
processes (\`--children\`) is joined from theirs by \`pagetide trace cat --interleave 10K\`.

Those of 2026-11-23 were logs of Valgrind itself, with layout and system calls
(\`valgrind -d --vgdb=no --tool=lackey --trace-mem=yes --trace-syscalls=yes --child-silent-after-fork=yes\`),
in the same environment, process ids, devices and inodes made neutral. \`pagetide trace convert
--level 9\` made them tide: every record is as it was (\`pagetide trace diff\` finds no difference), and
\`pagetide trace info\` says length and CRC-32 of the log that each was made from. \`tiny\` is still such a
log.

All that were tide by 2026-11-28 have since been written anew in version 2 of the layout, by deflate at
level 6 throughout.

Pages are distinct 4 KiB pages touched, fetches included. sha256 is that of the content
(\`zcat NAME.tide | sha256sum\`). Traces in \`long/\` are ten times as long as the others.

Recorded with $(valgrind --version), $(. /etc/os-release && echo "$PRETTY_NAME") $(cat /etc/debian_version), $(uname -m);
\`chase\` and \`hashjoin\` are compiled by $(gcc --version | head -n 1).

| Trace | What | Command | Accesses | Pages | Version | Date | sha256 |
|---|---|---|---:|---:|---|---|---|
END
    cat "$room/rows"
}

wanted=$*
need valgrind gcc mawk setarch
[ -n "$wanted" ] || need tcc sqlite3 bzip2 perl sort grep python3 xz
inputs

record chase "pointer chasing, no locality" "gcc --version" /dev/null "" \
    ./chase 384 3
record words "interpreter: Perl, word frequencies" "perl -e 'print \"perl \$^V\"'" page "" \
    /usr/bin/perl words.pl
record join "interpreter: awk, hash join" "mawk -W version" /dev/null "" \
    /usr/bin/mawk -f join.awk customers orders
record tcc "compiler: C to an object file" "tcc -v" /dev/null "" \
    /usr/bin/tcc -c heap.c -o heap.o
record sort "merge sort of 1500 lines" "sort --version" numbers "" \
    /usr/bin/sort
record sqlite "database: insert, index, aggregate" "echo sqlite3 \$(sqlite3 --version | cut -d' ' -f1)" \
    database.sql "" \
    /usr/bin/sqlite3 -batch -init /dev/null :memory:
record bzip2 "compressor: block sorting" "bzip2 --help 2>&1 | sed s/.*Version/bzip2/" chapter "" \
    /usr/bin/bzip2 -1 -c
record grep "regular expression search" "grep --version" book "" \
    /usr/bin/grep -nE '([aeiou][a-z])+s[aeiou]*t'
record heap "Perl again, with its calls of malloc and free" "perl -e 'print \"perl \$^V\"'" page "--heap" \
    /usr/bin/perl words.pl
record long/pipeline "four processes: a shell and its pipe" "sort --version" numbers "--children" \
    /bin/sh -c 'sort -n | uniq -c | sort -rn'
record long/python "interpreter: Python, word statistics" "python3 --version" /dev/null \
    "--max-accesses 15M" \
    /usr/bin/python3 -I -S report.py
record long/cc1 "compiler: C to optimised assembly" "gcc --version" /dev/null "--max-accesses 15M" \
    "$(gcc -print-prog-name=cc1)" -quiet -O2 heap.c -o heap.s
record long/hashjoin "hash join in C, random probes" "gcc --version" /dev/null "--max-accesses 15M" \
    ./hashjoin 30000 600000
record long/sort "merge sort of 20000 lines" "sort --version" many "--max-accesses 15M" \
    /usr/bin/sort
record long/xz "compressor: match finding and range coding" "xz --version" book "--max-accesses 15M" \
    /usr/bin/xz -1 -c -T1
grep "^| tiny |" "$here/PROVENANCE.md" >>"$room/rows"
provenance >"$here/.provenance"
mv "$here/.provenance" "$here/PROVENANCE.md"
