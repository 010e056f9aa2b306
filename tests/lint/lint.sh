#!/bin/sh
# Rules that no compiler checks.
#
# Usage: lint.sh RULE [PAGETIDE]     in any folder; offences go to stdout as FILE:LINE: what
# Exit code 0: kept, 1: broken, 77: can't be checked here (a tool is missing).
set -u
LC_ALL=C
export LC_ALL
rule=${1-}
case ${2-} in
'' | /*) pagetide=${2-} ;;
*) pagetide=$PWD/$2 ;;
esac
cd "$(dirname "$0")/../.." || exit 1

c_files() {
    find sim tests bench traces/src -name '*.[ch]' | sort
}

# A folder of sim/ includes itself and the folders above it in the list of sim/README.md.
layers() {
    c_files | grep '^sim/' | xargs awk '
        BEGIN {
            while ((getline line < "sim/README.md") > 0)
                if (line ~ /^    [a-z]+\/ /) {
                    split(line, part, /[ \/]+/)
                    order[part[2]] = ++folders
                }
            if (folders < 10) {
                print "sim/README.md:1: the list of folders was not found"
                bad = 1
            }
        }
        /^#[ \t]*include[ \t]*"/ {
            split($0, quoted, "\"")
            split(FILENAME, at, "/")
            if (split(quoted[2], to, "/") < 2)
                next # a list that meson wrote for the folder itself
            if (!(at[2] in order) || !(to[1] in order)) {
                print FILENAME ":" FNR ": " at[2] "/ or " to[1] "/ is not in the list of sim/README.md"
                bad = 1
            } else if (order[to[1]] > order[at[2]]) {
                print FILENAME ":" FNR ": " at[2] "/ includes " quoted[2] ", which is below it"
                bad = 1
            }
        }
        END { exit bad }'
}

# Every source file begins with a comment that says in one line what it is.
heads() {
    c_files | xargs awk '
        FNR == 1 && !/^\/\* .........../ {
            print FILENAME ":1: no comment that says what the file is"
            bad = 1
        }
        END { exit bad }'
}

# Work that was put off does not get in.
words() {
    pattern='\b(TODO|FIXME|XXX|HACK)\b|[Pp]laceholder|not (yet )?implemented|[Cc]oming soon'
    ! find sim tests bench configs traces .ci Makefile README.md meson.build -type f \
        ! -name '*.gz' ! -name '*.tide' ! -path tests/lint/lint.sh -print0 | xargs -0 grep -nE "$pattern"
}

format() {
    # another version's taste differs
    clang-format --version 2>/dev/null | grep -q 'version 14\.' || {
        echo "clang-format 14 is not installed"
        exit 77
    }
    c_files | xargs clang-format --dry-run -Werror 2>&1
}

# Repositories stay small: 3 MB a trace, 15 MB in all; every trace has its row in PROVENANCE.md.
traces() {
    bad=0
    sum=0
    for trace in traces/*.gz traces/*.tide traces/long/*.tide; do
        bytes=$(wc -c <"$trace")
        sum=$((sum + bytes))
        name=$(echo "${trace#traces/}" | sed 's/\.lackey\.gz$//; s/\.tide$//')
        [ "$bytes" -le 3145728 ] || { echo "$trace:1: $bytes bytes, more than 3 MB" && bad=1; }
        digest=$(zcat <"$trace" | sha256sum | cut -d' ' -f1)
        grep -q "^| $name |.*| $digest |" traces/PROVENANCE.md ||
            { echo "$trace:1: no row with this name and digest in traces/PROVENANCE.md" && bad=1; }
    done
    [ "$sum" -le 15728640 ] || { echo "traces:1: $sum bytes in all, more than 15 MB" && bad=1; }
    return $bad
}

# Every experiment is accepted, and its first references run on every machine of it.
configs() {
    bad=0
    room=$(mktemp -d) || exit 1
    for config in configs/*.yaml; do
        "$pagetide" check "$config" >/dev/null || { echo "$config:1: refused" && bad=1 && continue; }
        "$pagetide" run -q "$config" -o "$room/out" -s limit=2K ||
            { echo "$config:1: does not run" && bad=1; }
        rm -rf "$room/out"
    done
    rm -rf "$room"
    return $bad
}

# What the README tells people to type exists: make targets, commands, files; what it shows is true.
readme() {
    bad=0
    for target in $(grep -oE '^ *(\$ )?make [a-z-]+' README.md | awk '{ print $NF }' | sort -u); do
        grep -q "^$target:" Makefile || { echo "README.md:1: no target '$target'" && bad=1; }
    done
    for verb in $(grep -oE '^    (\$ )?pagetide [a-z]+' README.md | awk '{ print $NF }' | sort -u); do
        "$pagetide" help "$verb" >/dev/null 2>&1 || { echo "README.md:1: no command '$verb'" && bad=1; }
    done
    # what is shown as the output of a command is its output
    shown=$(mktemp) || exit 1
    grep '^    \$ pagetide ' README.md | while read -r _ _ arguments; do
        eval "\"\$pagetide\" $arguments" | sed 's/^/    /; s/ *$//' | grep -v '^$' >"$shown"
        [ -s "$shown" ] || echo "README.md:1: no output: pagetide $arguments"
        grep -vxFf README.md "$shown" | sed 's/^ */README.md:1: not shown so: /'
    done | grep . && bad=1
    rm "$shown"
    for file in $(tr -s '` ,;:()"\n' '\n' <README.md | sed 's/\.$//' |
        grep -E '^(configs|traces|sim|tests|bench)/' | grep -v NAME | sort -u); do
        [ -e "$file" ] || { echo "README.md:1: no file '$file'" && bad=1; }
    done
    return $bad
}

case $rule in
layers | heads | words | format | traces | configs | readme) "$rule" ;;
*)
    echo "lint.sh: unknown rule '$rule'" >&2
    exit 2
    ;;
esac
