#!/bin/sh
# explain: whole tables against explain/NAME.txt, and totals of strings whose answers are in print.
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")/explain

# table NAME ARGS...: the whole output. Each file was checked by hand: against the figure where a
# book prints it, else against the policy's definition.
table()
{
    name=$1
    shift
    run explain "$@"
    ok "$name: exit 0" [ "$code" -eq 0 ]
    equals "$name: table" "$here/$name.txt"
}

# totals POLICY FRAMES STRING FAULTS [WRITE-BACKS]
totals()
{
    run explain -p "$1" -f "$2" "$3"
    ok "$1, $2 frames, '$3': $4 faults" grep -q "^faults  *$4 " "$tmp/out"
    [ -z "$5" ] || ok "$1, $2 frames, '$3': $5 write-backs" grep -qx "write-backs $5" "$tmp/out"
}

# Silberschatz, Galvin, Gagne: Operating System Concepts, figures of chapter 9 (7e-9e), 10 (10e)
osc="7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
table osc-fifo -p fifo -f 3 "$osc"
table osc-lru -p lru -f 3 "$osc"
table osc-opt -p opt -f 3 "$osc"
totals fifo 3 "$osc" 15
totals lru 3 "$osc" 12
totals opt 3 "$osc" 9

# Belady, Nelson and Shedler 1969: more frames, more faults
belady="1 2 3 4 1 2 5 1 2 3 4 5"
totals fifo 3 "$belady" 9
totals fifo 4 "$belady" 10
totals fifo 7 "$belady" 5

# Stallings, Operating Systems, figure 8.15
totals opt 3 "2 3 2 1 5 2 4 5 3 2 5 2" 6
totals lru 3 "2 3 2 1 5 2 4 5 3 2 5 2" 7
totals fifo 3 "2 3 2 1 5 2 4 5 3 2 5 2" 9
totals clock 3 "2 3 2 1 5 2 4 5 3 2 5 2" 8

# answer files of a course (schin279/Virtual-Memory-Simulator): writes, and hexadecimal pages
writes="0w 1 2 3 2w 4 3 3w 0 1 5 2"
totals clock 4 "$writes" 9 3
totals lru 4 "$writes" 9 3
totals clock 8 "$writes" 6 0
hexadecimal="0w 1w 2w 3w 4 2 2w 6w 7w 2w 4 8w 7w 4 4 8w 9 a a 9w"
totals clock 6 "$hexadecimal" 10 4
totals lru 6 "$hexadecimal" 10 4
table writes-lru -p lru -f 4 "$writes"

# every policy that fills a number of frames explains itself: a victim has a reason
"$pagetide" list policies | sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p' >"$tmp/policies"
ok "list policies" [ "$(wc -l <"$tmp/policies")" -ge 11 ]
while read -r policy; do
    case $policy in
    ws | pff | vmin)
        fails "$policy has no number of frames" 3 "number of frames" explain -p "$policy" -f 2 "1 2"
        continue
        ;;
    esac
    run explain -p "$policy" -f 2 --states "1 2w 3 1 2 3 3 1"
    ok "$policy: exit 0" [ "$code" -eq 0 ]
    ok "$policy: says why" grep -q '^  *3  *3  *[12]  .*  [a-z]' "$tmp/out"
done <"$tmp/policies"

# notations
run explain -f 2 "a b a C"
ok "letters" grep -q '^reference  *a b a C$' "$tmp/out"
run explain -f 2 7,0 0x1fw "2"
ok "commas, several words, 0x" grep -q '^reference  *7  *0  *0x1fw  *2$' "$tmp/out"
run explain -f 2 "10 a 0xA"
ok "a letter makes all hexadecimal: 3 references to 2 pages" has out "3 references to 2 pages"
run explain -f 2 "16 0x10 w w"
ok "w alone is no page among numbers" [ "$code" -eq 2 ]
run explain -f 3 "w W w"
ok "w and W are letters, two pages" has out "3 references to 2 pages"

# options of a policy, wrapping at 80 columns
run explain -p "{name: aging, tick: 4}" -f 3 "1 2 3 4 1 2"
ok "options of a policy" [ "$code" -eq 0 ]
long=$(seq 1 100 | tr '\n' ' ')
run explain -f 3 "$long"
ok "a long string: exit 0" [ "$code" -eq 0 ]
ok "a long string: no line beyond 80 columns" [ "$(awk 'length > 80' "$tmp/out" | wc -l)" -eq 0 ]
ok "a long string: all references" grep -q '^time .* 100$' "$tmp/out"

fails "no frames" 2 "-f is missing" explain "1 2 3"
fails "zero frames" 2 "-f: 0 is not within" explain -f 0 "1 2 3"
fails "no string" 2 "reference string is missing" explain -f 3
fails "a blank string" 2 "reference string is empty" explain -f 3 " , "
fails "no page" 2 "'1z' is not a page" explain -f 3 "1 1z"
fails "a page too large" 2 "is too large" explain -f 3 "99999999999999999999"
fails "an unknown policy" 2 "did you mean 'lru'?" explain -p lur -f 3 "1 2"
fails "an unknown option of a policy" 2 "tick" explain -p "{name: aging, tik: 4}" -f 3 "1 2"

finish
