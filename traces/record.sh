#!/bin/sh
# Records the traces of this folder again and rewrites PROVENANCE.md.
#
# Usage: traces/record.sh [NAME...]      all of them without a name
#
# Everything that could differ between two recordings is fixed: an empty environment, the C locale,
# no address randomisation, inputs made by this script, one neutral working directory. What cannot be
# fixed is written over: the process id by 1000, a mapped file's device and inode by its number in
# the layout. So on one machine a second recording touches the same pages in the same order; at most a
# few addresses differ inside a page, where the dynamic linker reads the kernel's random bytes on the
# stack. Another processor or another version of a program gives other accesses.
#
# Valgrind writes its layout (-d) and its log to standard error, lackey one write(2) for each line:
# hence the pipe, a plain file would be slower.
set -eu
LC_ALL=C
export LC_ALL
umask 022

here=$(cd "$(dirname "$0")" && pwd)
room=/tmp/pagetide-traces # its path is in the traces: keep it neutral
limit=$((3 * 1024 * 1024))

need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || missing="${missing-} $program"
    done
    if [ -n "${missing-}" ]; then
        echo "record.sh: not found:$missing" >&2
        echo "record.sh: apt-get install valgrind gcc libc6-dev tcc sqlite3 bzip2 mawk perl-base" >&2
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
    mawk 'BEGIN { for (i = 1; i <= 75; i++) print i, "city" i * 31 % 57 }' >customers
    numbers 220 90 | mawk '{ print NR, $1, $1 % 91 }' >orders
    gcc -O2 -static -o chase chase.c
}

# record NAME WHAT VERSION-COMMAND INPUT COMMAND...; INPUT is the standard input.
record() {
    name=$1 what=$2 version=$3 input=$4
    shift 4
    case " $wanted " in
    *" $name "* | "  ") ;;
    *)
        grep "^| $name |" "$here/PROVENANCE.md" >>"$room/rows" # not asked for: as it was
        return 0
        ;;
    esac
    echo "recording $name: $*" >&2
    env -i PATH=/usr/bin:/bin LC_ALL=C PERL_HASH_SEED=0 setarch -R \
        valgrind -d --vgdb=no --tool=lackey --trace-mem=yes --trace-syscalls=yes \
        --child-silent-after-fork=yes "$@" <"$input" 2>&1 >/dev/null |
        mawk '
            NR == 1 { split($0, part, /[-:]+/); pid = part[2]; hex = sprintf("0x%x", pid) }
            /^(I | [LSM]) / { print; next }
            {
                gsub("--" pid ":", "--1000:") # also inside a line that the layout log broke into
                sub("^==" pid, "==1000")
                sub("^SYSCALL\\[" pid, "SYSCALL[1000")
                if (/ d=0x[0-9a-f]+ i=[0-9]+ /) { # the file, not where this disk keeps it
                    split($0, part, /[(,]/)
                    sub(/d=0x[0-9a-f]+ i=[0-9]+ */, "d=0x1 i=" part[2] + 1 " ")
                }
                if (/set_tid_address|getpid|gettid/)
                    sub("Success\\(" hex "\\)", "Success(0x3e8)")
                print
            }' >"$name.lackey"
    grep -q "^==1000== Exit code:       0$" "$name.lackey" || {
        echo "record.sh: $name did not run to a clean end" >&2
        exit 1
    }
    gzip -9 -n <"$name.lackey" >"$name.lackey.gz"
    bytes=$(wc -c <"$name.lackey.gz")
    if [ "$bytes" -gt $limit ]; then
        echo "record.sh: $name.lackey.gz has $bytes bytes, the limit is $limit" >&2
        exit 1
    fi
    # accesses, and distinct 4 KiB pages, an access across a border counting for both
    counts=$(perl -ne '
        next unless /^(?:I | [LSM]) ([0-9a-f]+),(\d+)/;
        $accesses++;
        my ($first, $last) = (hex($1) >> 12, hex($1) + $2 - 1 >> 12);
        $seen{$_} = 1 for $first .. $last;
        END { print $accesses, " | ", scalar keys %seen }' "$name.lackey")
    shown=
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=-]*) word="'$word'" ;;
        esac
        shown="$shown${shown:+ }$word"
    done
    [ "$input" = /dev/null ] || shown="$shown <$input"
    printf '| %s | %s | `%s` | %s | %s | %s | %s |\n' "$name" "$what" "$shown" "$counts" \
        "$(eval "$version" 2>&1 | head -n 1 | cut -d, -f1 | cut -c1-40)" "$(date -u +%F)" \
        "$(sha256sum <"$name.lackey" | cut -d' ' -f1)" >>"$room/rows"
    rm "$name.lackey"
    mv "$name.lackey.gz" "$here/"
}

provenance() {
    cat <<END
# Where the traces come from

Recorded by \`record.sh\` in this folder, which makes the inputs, runs each program under Valgrind
and writes this file. Each trace is a complete Valgrind log: the initial layout (\`-d\`), every
access, every system call. The command that stands in front of each of these commands is

    env -i PATH=/usr/bin:/bin LC_ALL=C PERL_HASH_SEED=0 setarch -R valgrind -d --vgdb=no --tool=lackey \\
        --trace-mem=yes --trace-syscalls=yes --child-silent-after-fork=yes COMMAND 2>&1 >/dev/null

with the process id, devices and inodes made neutral. sha256 is that of the content (\`zcat NAME.lackey.gz |
sha256sum\`). Pages are distinct 4 KiB pages touched, fetches included.

Recorded with $(valgrind --version), $(. /etc/os-release && echo "$PRETTY_NAME") $(cat /etc/debian_version), $(uname -m);
\`chase\` is compiled by $(gcc --version | head -n 1).

| Trace | What | Command | Accesses | Pages | Version | Date | sha256 |
|---|---|---|---:|---:|---|---|---|
END
    cat "$room/rows"
}

need valgrind gcc tcc sqlite3 bzip2 mawk perl sort grep setarch
wanted=$*
inputs

record tiny "pointer chasing on four pages, for tests" "gcc --version" \
    /dev/null ./chase 4 1
record chase "pointer chasing, no locality" "gcc --version" \
    /dev/null ./chase 384 3
record words "interpreter: Perl, word frequencies" "perl -e 'print \"perl \$^V\"'" \
    page /usr/bin/perl words.pl
record join "interpreter: awk, hash join" "mawk -W version" \
    /dev/null /usr/bin/mawk -f join.awk customers orders
record tcc "compiler: C to an object file" "tcc -v" \
    /dev/null /usr/bin/tcc -c heap.c -o heap.o
record sort "merge sort of 1500 lines" "sort --version" \
    numbers /usr/bin/sort
record sqlite "database: insert, index, aggregate" "echo sqlite3 \$(sqlite3 --version | cut -d' ' -f1)" \
    database.sql /usr/bin/sqlite3 -batch -init /dev/null :memory:
record bzip2 "compressor: block sorting" "bzip2 --help 2>&1 | sed s/.*Version/bzip2/" \
    chapter /usr/bin/bzip2 -1 -c
record grep "regular expression search" "grep --version" \
    book /usr/bin/grep -nE '([aeiou][a-z])+s[aeiou]*t'
provenance >"$here/.provenance"
mv "$here/.provenance" "$here/PROVENANCE.md"
