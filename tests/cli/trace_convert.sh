#!/bin/sh
# trace convert as a user meets it: what is kept between formats, and that what is lost is said.
. "$(dirname "$0")/lib.sh"

trace=$root/traces/tiny.lackey.gz
samples=$root/tests/fuzz/corpus/reader

# same NAME A B [ARGS]: no record differs
same()
{
    name=$1
    shift
    run trace diff "$@"
    ok "$name: every record" [ "$code" -eq 0 ]
}

# convert NAME ARGS...: works and says nothing of a loss
keeps()
{
    name=$1
    shift
    run trace convert "$@"
    ok "$name: exit 0" [ "$code" -eq 0 ]
    ok "$name: nothing on standard output" empty out
    ok "$name: no loss" lacks err "has no place for"
}

# a whole log
run trace convert "$trace" -o "$tmp/a.lackey"
ok "lackey to lackey: exit 0" [ "$code" -eq 0 ]
ok "lackey to lackey: calls that change no mapping" \
    [ "$(cat "$tmp/err")" = "pagetide: note: lackey has no place for: 7 other system calls" ]
same "lackey to lackey" "$trace" "$tmp/a.lackey"
run trace convert "$trace" -o "$tmp/a.lackey.gz"
ok "compressed by name" gzip -t "$tmp/a.lackey.gz"
same "lackey to lackey.gz" "$trace" "$tmp/a.lackey.gz"
ok "the command stays" grep -q '^==1000== Command: ./chase 4 1$' "$tmp/a.lackey"

# what a trace says about itself stays with it
cat >"$tmp/about" <<END
==7== Command: ./prog --with "words"
==7== Recorder: pagetide 0.1.0, valgrind-3.19.0
==7== Date: 2026-11-23T00:00:00Z
==7== Note: at most 10 accesses
==7== Page size: 4096
 L 00001000,8
END
keeps "about itself" "$tmp/about" -o "$tmp/about.lackey"
run trace info "$tmp/about.lackey"
ok "about itself: command" has out 'command     ./prog --with "words"'
ok "about itself: recorder" has out "recorder    pagetide 0.1.0, valgrind-3.19.0"
ok "about itself: date" has out "date        2026-11-23T00:00:00Z"
ok "about itself: note" has out "note        at most 10 accesses"
ok "about itself: page size" has out "host pages  4K"
run trace info "$tmp/a.lackey"
ok "Valgrind's version is the recorder" has out "recorder    valgrind-3.19.0"

# what a format can say comes through it
run trace convert "$trace" -o "$tmp/a.addr"
ok "addr: the loss is said" has err "addr has no place for: that 28617 accesses are fetches"
ok "addr: and events" has err "8 maps"
keeps "addr to addr" "$tmp/a.addr" -o "$tmp/b.addr"
same "addr to addr" "$tmp/a.addr" "$tmp/b.addr"
run trace convert "$trace" -o "$tmp/a.din"
ok "din: the loss is said" has err "62 modifies (each becomes a read and a write)"
ok "din: sizes are none" lacks err "sizes"
keeps "din to din" "$tmp/a.din" -o "$tmp/b.din"
same "din to din" "$tmp/a.din" "$tmp/b.din"
sed 's/^1 \(.*\) 0*\([0-9a-f]*\)$/w \1 \2/; s/^0 \(.*\) 0*\([0-9a-f]*\)$/r \1 \2/; s/^2 \(.*\) 0*\([0-9a-f]*\)$/i \1 \2/' \
    "$tmp/a.din" >"$tmp/x.din"
same "din's sizes are those of extended din" "$tmp/a.din" "$tmp/x.din"
run trace convert "$trace" -o "$tmp/a.champsimtrace.gz"
ok "champsim: the loss is said" has err "the order of data accesses within an instruction"
keeps "champsim to champsim" "$tmp/a.champsimtrace.gz" -o "$tmp/b.champsim"
same "champsim to champsim" "$tmp/a.champsimtrace.gz" "$tmp/b.champsim"
run trace convert "$trace" -o "$tmp/a.oracleGeneral"
ok "oracleGeneral: the loss is said" has err "which accesses write"
run trace convert "$tmp/a.oracleGeneral" -o "$tmp/b.oracleGeneral"
ok "oracleGeneral to oracleGeneral: the same bytes" cmp "$tmp/a.oracleGeneral" "$tmp/b.oracleGeneral"
run trace convert "$trace" -o "$tmp/a.pages"
ok "pages: the loss is said" has err "places within pages"
run trace convert "$tmp/a.pages" --format pages -o "$tmp/b.pages"
ok "pages to pages: the same bytes" \
    sh -c 'grep -v "^#" "$1" >"$1.bare"; grep -v "^#" "$2" | cmp - "$1.bare"' sh "$tmp/a.pages" "$tmp/b.pages"
run trace convert -q "$trace" -o "$tmp/b.pages"
ok "-q: quiet" empty err

# every format that is read
for sample in lackey addr pages pinatrace itrace din csv memtrace memtrace-simple \
    drmemtrace champsim gem5 oraclegeneral; do
    run trace convert "$samples/$sample" -o "$tmp/s.lackey"
    if has err "several processes"; then
        ok "$sample: several processes are refused" [ "$code" -eq 2 ]
        continue
    fi
    ok "$sample: exit 0" [ "$code" -eq 0 ]
    same "$sample to lackey" "$samples/$sample" "$tmp/s.lackey" --accesses
done

# streams
"$pagetide" trace convert - -o - --to addr <"$trace" >"$tmp/out" 2>"$tmp/err"
code=$?
ok "a pipe: exit 0" [ "$code" -eq 0 ]
ok "a pipe: the same" cmp "$tmp/out" "$tmp/a.addr"
{ "$pagetide" trace convert "$trace" -o - --to lackey 2>"$tmp/err"; echo $? >"$tmp/code"; } | head -1 >"$tmp/out"
ok "closed pipe: exit 0" [ "$(cat "$tmp/code")" -eq 0 ]

# several
mkdir "$tmp/in" "$tmp/to"
printf '1 2 3\n' >"$tmp/in/one.pages"
printf '4 5w\n' >"$tmp/in/two.pages"
run trace convert "$tmp/in/one.pages" "$tmp/in/two.pages" --to addr -o "$tmp/to"
ok "into a folder: exit 0" [ "$code" -eq 0 ]
ok "into a folder: each" [ "$(cat "$tmp/to/one.addr" "$tmp/to/two.addr" | wc -l)" -eq 5 ]
fails "several into a file" 2 "pagetide trace cat" trace convert "$tmp/in/one.pages" "$tmp/in/two.pages" -o "$tmp/x"
fails "two of a name" 2 "would both become" trace convert "$tmp/in/one.pages" "$tmp/to/one.addr" -o "$tmp/to"
fails "into its own place" 2 "written over" trace convert "$tmp/in/one.pages" --to pages -o "$tmp/in"

# what cannot be
fails "nothing" 2 "FILE is missing" trace convert -o "$tmp/x"
fails "nowhere" 2 "-o FILE is missing" trace convert "$trace"
fails "onto itself" 2 "written over" trace convert "$tmp/a.addr" -o "$tmp/a.addr"
fails "to a strange format" 2 "did you mean 'addr'?" trace convert "$trace" -o "$tmp/x" --to adr
fails "of nothing there" 5 "absent" trace convert "$tmp/absent" -o "$tmp/x"
printf '7 2\n3 x\n' >"$tmp/damaged"
fails "of a damaged trace" 4 "page number" trace convert "$tmp/damaged" -o "$tmp/x"
fails "oracleGeneral to a pipe" 2 "plain file only" trace convert "$trace" --to oraclegeneral -o -
ok "no file after any of these" [ ! -e "$tmp/x" ]
ok "nor a temporary one" [ -z "$(find "$tmp" -name '*.tmp')" ]

finish
