#!/bin/sh
# trace verify as a user meets it: findings with their place, exit codes, and what repair keeps.
. "$(dirname "$0")/lib.sh"

trace=$root/traces/tiny.lackey.gz

# accesses FILE: how many it holds
accesses()
{
    "$pagetide" trace info "$1" | sed -n 's/^  accesses *\([0-9]*\).*/\1/p'
}

# whole traces
run trace verify "$trace"
ok "intact: exit 0" [ "$code" -eq 0 ]
ok "intact: one line" [ "$(cat "$tmp/out")" = "$trace: 35828 accesses in 35846 records: intact" ]
run trace verify - <"$trace"
ok "standard input: exit 0" [ "$code" -eq 0 ]
run trace verify "$trace" "$root"/traces/*.tide
ok "several: exit 0" [ "$code" -eq 0 ]
ok "several: all that we ship is intact" [ "$(grep -c ': intact$' "$tmp/out")" -ge 9 ]
ok "several: a line each" [ "$(wc -l <"$tmp/out")" -eq "$(grep -c ': intact$' "$tmp/out")" ]

# damaged lines: reading goes on
zcat "$trace" | grep -n '^ L ' | sed -n '100p' | cut -d: -f1 >"$tmp/line"
line=$(cat "$tmp/line")
zcat "$trace" | sed "${line}s/.*/ L xyz,8/; $((line + 10))s/.*/I  12345,/" >"$tmp/lines"
run trace verify "$tmp/lines"
ok "damaged lines: exit 4" [ "$code" -eq 4 ]
ok "damaged lines: each is told" [ "$(grep -c 'damage:' "$tmp/out")" -eq 2 ]
ok "damaged lines: where" has out "lines: line $line, byte"
ok "damaged lines: a summary" has out "damaged in 2 places"
ok "damaged lines: no error besides" empty err
run trace verify "$tmp/lines" --findings 1
ok "a limit: one is told" [ "$(grep -c 'damage:' "$tmp/out")" -eq 1 ]
ok "a limit: that there are more" has out "more is not listed"
ok "a limit: both are counted" has out "damaged in 2 places"
run trace verify "$tmp/lines" --repair "$tmp/repaired.lackey"
ok "repaired lines: exit 4, for the trace is damaged" [ "$code" -eq 4 ]
ok "repaired lines: also those behind" has err "also those behind damaged lines"
run trace verify "$tmp/repaired.lackey"
ok "repaired lines: intact" [ "$code" -eq 0 ]
zcat "$trace" | sed "${line}d; $((line + 10))d" >"$tmp/without"
run trace diff "$tmp/without" "$tmp/repaired.lackey"
ok "repaired lines: all but the damaged" [ "$code" -eq 0 ]
gzip -c "$tmp/lines" >"$tmp/lines.gz"
run trace verify "$tmp/lines.gz" --repair "$tmp/again.lackey"
ok "damaged before it was compressed: reading goes on" [ "$(accesses "$tmp/again.lackey")" -eq 35826 ]
printf '7 2 3 x 1w\n5 9y 2\n' >"$tmp/p.pages"
run trace verify --format pages "$tmp/p.pages" --repair "$tmp/q.pages" --to pages
ok "damaged words: each is told" [ "$(grep -c 'damage:' "$tmp/out")" -eq 2 ]
ok "damaged words: the others are kept" [ "$(grep -v '^#' "$tmp/q.pages" | tr '\n' ' ')" = "7 2 3 1w 5 2 " ]

# a damaged file around the lines: what precedes it
head -c 20000 "$trace" >"$tmp/cut.gz"
run trace verify "$tmp/cut.gz" --repair "$tmp/cut.lackey"
ok "cut: exit 4" [ "$code" -eq 4 ]
ok "cut: where" has out "cut.gz: byte 20000"
ok "cut: none behind" has err "none behind it"
n=$(accesses "$tmp/cut.lackey")
ok "cut: much is kept" [ "$n" -gt 10000 ]
"$pagetide" trace cut "$trace" -o "$tmp/first.lackey" --accesses "..$n"
run trace diff "$tmp/first.lackey" "$tmp/cut.lackey"
ok "cut: it is the beginning" [ "$code" -eq 0 ]
cp "$trace" "$tmp/flipped.gz"
printf '\377' | dd of="$tmp/flipped.gz" bs=1 seek=20000 conv=notrunc 2>/dev/null
run trace verify "$tmp/flipped.gz" --repair "$tmp/flipped.lackey"
ok "a flipped byte: exit 4" [ "$code" -eq 4 ]
ok "a flipped byte: found" has out "damaged in 1 place"
run trace verify "$tmp/flipped.lackey"
ok "a flipped byte: what is left is intact" [ "$code" -eq 0 ]
printf 'nothing of a trace\n' >"$tmp/foreign"
run trace verify "$tmp/foreign" "$trace"
ok "foreign: exit 4" [ "$code" -eq 4 ]
ok "foreign: the others are looked at" has out "tiny.lackey.gz: 35828 accesses"

# tide: by block, also behind damage
# jumps from one instruction to the next: each is a fragment, so the dictionary fills often and the
# groups are short
good=$tmp/good.tide
awk 'BEGIN { for (i = 0; i < 400000; i++) printf "I  %08x,4\n S 1fff%06x,8\n", 4194304 + 64 * i, 8 * (i * 7919 % 99991) }' |
    "$pagetide" trace convert -q - --format lackey -o "$good"
bytes=$(wc -c <"$good")
cp "$good" "$tmp/bad.tide"
printf '\377\377\377' | dd of="$tmp/bad.tide" bs=1 seek=$((bytes / 3)) conv=notrunc 2>/dev/null
run trace verify "$tmp/bad.tide" --repair "$tmp/mended.tide"
ok "tide: exit 4" [ "$code" -eq 4 ]
ok "tide: byte, block and record" has out "bad.tide: byte "
ok "tide: a summary" has out " are lost: damaged in 1 place"
ok "tide: said" has err "also those behind damage"
run trace verify "$tmp/mended.tide"
ok "tide: the new file is intact" [ "$code" -eq 0 ]
ok "tide: what it lacks stands in it" sh -c '"$1" trace info "$2" | grep -q "^note .*lost"' sh "$pagetide" "$tmp/mended.tide"
ok "tide: some is kept, some is not" \
    sh -c '[ "$1" -gt 100000 ] && [ "$1" -lt 800000 ]' sh "$(accesses "$tmp/mended.tide")"
head -c $((bytes * 9 / 10)) "$good" >"$tmp/short.tide"
run trace verify "$tmp/short.tide" --repair "$tmp/mended.tide"
ok "tide, cut: exit 4" [ "$code" -eq 4 ]
ok "tide, cut: said" has out "its end is missing"
ok "tide, cut: nothing is behind it" [ -z "$(grep 'also those behind' "$tmp/err")" ]
n=$(accesses "$tmp/mended.tide")
"$pagetide" trace cut "$good" --accesses "..$n" -o "$tmp/first.tide"
run trace diff "$tmp/first.tide" "$tmp/mended.tide" --accesses
ok "tide, cut: the beginning is kept" [ "$code" -eq 0 ]
fails "tide into another format" 2 "is repaired into a tide file" trace verify "$tmp/bad.tide" --repair "$tmp/x.lackey"
printf 'TIDE' >"$tmp/none.tide"
run trace verify "$tmp/none.tide"
ok "tide, nothing left: exit 4" [ "$code" -eq 4 ]

# damage in the first block, behind the member of the header: nothing precedes it
cp "$root/traces/sort.tide" "$tmp/first-block.tide"
printf '\377\377\377' | dd of="$tmp/first-block.tide" bs=1 seek=180 conv=notrunc 2>/dev/null
run trace verify "$tmp/first-block.tide" --repair "$tmp/none-left.tide"
ok "first block: exit 4" [ "$code" -eq 4 ]
ok "first block: nothing is left" has out "nothing can be used: $tmp/none-left.tide is not written"
ok "first block: no file" [ ! -e "$tmp/none-left.tide" ]
run compare "$tmp/first-block.tide" -p lru -m 10f
ok "first block, read: exit 4" [ "$code" -eq 4 ]
ok "first block, read: nothing precedes it" [ -z "$(grep 'can be used' "$tmp/err")" ]
run compare "$tmp/short.tide" -p lru -m 10f
ok "a later one, read: something does" has err "what precedes this place can be used"
head -c 100 "$trace" >"$tmp/head.gz"
run trace verify "$tmp/head.gz" --repair "$tmp/none-left.lackey"
ok "cut in the head: nothing is left" has out "nothing can be used: $tmp/none-left.lackey is not written"

# records that make no sense
zcat "$trace" >"$tmp/ended"
echo ' L 1fff000000,8' >>"$tmp/ended"
run trace verify "$tmp/ended"
ok "an access behind the exit: exit 4" [ "$code" -eq 4 ]
ok "an access behind the exit: which" has out "record 35846, access 35828: damage: after-exit"
zcat "$trace" | sed "${line}s/.*/ L 00007000,8/" >"$tmp/outside"
run trace verify "$tmp/outside"
ok "a segmentation fault: exit 0" [ "$code" -eq 0 ]
ok "a segmentation fault: strange" has out "strange: outside: read at 0x7000"
run trace verify --strict "$tmp/outside"
ok "a segmentation fault, --strict: exit 4" [ "$code" -eq 4 ]

# usage
fails "of nothing" 2 "FILE is missing" trace verify
fails "of nothing there" 5 "absent" trace verify "$tmp/absent"
fails "repair of several" 2 "one trace at a time" trace verify "$trace" "$trace" --repair "$tmp/x"
fails "repair onto itself" 2 "written over" trace verify "$tmp/lines" --repair "$tmp/lines"
fails "repair to standard output" 2 "is for the findings" trace verify "$trace" --repair -
ok "no file after any of these" [ ! -e "$tmp/x" ]

finish
