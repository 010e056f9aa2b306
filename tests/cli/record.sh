#!/bin/sh
# record as a user meets it: small programs under Valgrind.
. "$(dirname "$0")/lib.sh"

cd "$tmp" || exit 1

# what needs no Valgrind
fails "record of nothing" 2 "PROGRAM is missing" record
fails "record to standard output" 2 "standard output is the program's" record -o - true
fails "record to a strange format" 2 "did you mean 'lackey'?" record --to lacky true
fails "record into no folder" 5 "No such file" record -o "$tmp/none/x.gz" true
mkdir "$tmp/empty"
PATH=$tmp/empty "$pagetide" record /bin/true >"$tmp/out" 2>"$tmp/err"
code=$?
ok "without valgrind: exit 1" [ "$code" -eq 1 ]
ok "without valgrind: what to install" has err "install the package valgrind"
ok "without valgrind: no file" [ ! -e true.tide ]

if ! command -v valgrind >/dev/null; then
    skip "recording" "valgrind is not installed"
    finish
fi

# accesses FILE KIND: how many
count()
{
    "$pagetide" trace info "$1" | sed -n "s/^  $2 *\([0-9]*\).*/\1/p"
}

# the program's streams and exit code
printf 'hello\n' >in
"$pagetide" record -q -o sh.gz -- sh -c 'read word; echo "out $word"; echo "--err $word" >&2; exit 7' \
    <in >"$tmp/out" 2>"$tmp/err"
code=$?
ok "exit code" [ "$code" -eq 7 ]
ok "standard input and output" [ "$(cat "$tmp/out")" = "out hello" ]
ok "standard error" [ "$(cat "$tmp/err")" = "--err hello" ]
run trace info sh.gz
ok "the trace: exit 0" [ "$code" -eq 0 ]
ok "the trace: command" has out "sh -c read word"
ok "the trace: layout and calls" has out "from the layout and the system calls"
ok "the trace: nothing outside mappings" lacks out "segmentation faults"
ok "the trace: fetches" [ "$(count sh.gz fetches)" -gt 10000 ]
ok "compressed" gzip -t sh.gz

run record -- true
ok "the default name and format" gzip -t true.tide
ok "a note, no counter" [ "$(wc -l <"$tmp/err")" -eq 1 ]
SOURCE_DATE_EPOCH=1000000000 "$pagetide" record -q -o sh.tide -- sh -c 'exit 7' 2>"$tmp/err"
code=$?
ok "tide: exit code" [ "$code" -eq 7 ]
run trace info sh.tide
ok "tide: format" has out "format      tide"
ok "tide: command" has out "command     sh -c exit 7"
ok "tide: recorder" has out ", valgrind-"
ok "tide: date by SOURCE_DATE_EPOCH" has out "date        2001-09-09T01:46:40Z"
ok "tide: page size of the host" has out "host pages  "
ok "tide: layout and calls" has out "from the layout and the system calls"
ok "tide: pages by segment" has out "  stack "
run trace verify sh.tide
ok "tide: intact" [ "$code" -eq 0 ]
SOURCE_DATE_EPOCH=soon "$pagetide" record -q -o x.tide true >"$tmp/out" 2>"$tmp/err"
code=$?
ok "a strange SOURCE_DATE_EPOCH: exit 2" [ "$code" -eq 2 ]

# parts
run record -q -o part.gz --skip 1K --max-accesses 5K --no-instructions -- sleep 1000
ok "--max-accesses: exit 0" [ "$code" -eq 0 ]
ok "--max-accesses: so many" [ "$(count part.gz accesses)" -eq 5000 ]
ok "--no-instructions" [ "$(count part.gz fetches)" -eq 0 ]
run record -q -o part.tide --skip 1K --max-accesses 5K --no-instructions -- sleep 1000
ok "parts in tide: exit 0" [ "$code" -eq 0 ]
ok "parts in tide: so many" [ "$(count part.tide accesses)" -eq 5000 ]
ok "parts in tide: no fetches" [ "$(count part.tide fetches)" -eq 0 ]
run trace verify part.tide
ok "parts in tide: intact" [ "$code" -eq 0 ]
run trace info part.tide
ok "parts in tide: said" has out "note        without instruction fetches; from access 1000 on; at most 5000 accesses"
run record -q -o data.gz --skip 10G -- true
ok "all is skipped: exit 1" [ "$code" -eq 1 ]
ok "all is skipped: no file" [ ! -e data.gz ]

# ends before its time
for file in killed.gz killed.tide; do
    run record -q -o $file -- sh -c 'kill -SEGV $$'
    ok "a crash: exit 139" [ "$code" -eq 139 ]
    "$pagetide" trace verify $file >"$tmp/out" 2>"$tmp/err"
    ok "a crash: $file is complete" [ $? -eq 0 ]
done
"$pagetide" record -q -o term.tide -- sh -c 'echo ready; while :; do :; done' >ready 2>"$tmp/err" &
pid=$!
tries=0
while [ ! -s ready ] && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -TERM $pid
wait $pid
code=$?
ok "SIGTERM is the program's: exit 143" [ "$code" -eq 143 ]
ok "SIGTERM: the trace is complete" gzip -t term.tide
"$pagetide" trace verify term.tide >"$tmp/out" 2>"$tmp/err"
ok "SIGTERM: it can be read" [ $? -eq 0 ]
if env --default-signal=INT true 2>/dev/null; then
    # a shell has its background ignore SIGINT
    : >ready
    env --default-signal=INT "$pagetide" record -q -o int.tide -- sh -c 'trap "exit 9" INT; echo ready; while :; do :; done' >ready 2>"$tmp/err" &
    pid=$!
    tries=0
    while [ ! -s ready ] && [ $tries -lt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -INT $pid
    wait $pid
    code=$?
    ok "SIGINT is the program's: exit 9" [ "$code" -eq 9 ]
    "$pagetide" trace verify int.tide >"$tmp/out" 2>"$tmp/err"
    ok "SIGINT: the trace is complete" [ $? -eq 0 ]
else
    skip "SIGINT" "env cannot set signals back"
fi
ok "no temporary files" [ -z "$(find . -name '*.tmp')" ]
run record -o none.gz -- ./no-such-program
ok "no such program: exit 127" [ "$code" -eq 127 ]
ok "no such program: Valgrind says so" has err "no-such-program"
ok "no such program: no file" [ ! -e none.gz ]

# the log never touches the disk: a log of 2000000 lines would be 30 MB
ok "no plain log was written" [ -z "$(find . -size +2000k)" ]

# children
run record -q --children -o kids.lackey.gz -- sh -c '/bin/true; sh -c "exit 3"; exit 4'
ok "--children: exit code" [ "$code" -eq 4 ]
ok "--children: a file each" [ "$(find . -name 'kids*.gz' | wc -l)" -eq 3 ]
for file in kids.lackey.gz kids.1.lackey.gz kids.2.lackey.gz; do
    "$pagetide" trace info "$file" >"$tmp/out" 2>"$tmp/err"
    ok "$file" [ $? -eq 0 ]
done
"$pagetide" trace info kids.1.lackey.gz >"$tmp/out"
ok "--children: the child's command" has out "/bin/true"

run record -q --children -o kids.tide -- sh -c '/bin/true; exit 4'
for file in kids.tide kids.1.tide; do
    "$pagetide" trace verify "$file" >"$tmp/out" 2>"$tmp/err"
    ok "$file" [ $? -eq 0 ]
done

# heap calls
run record --heap -q -o heap.gz -- sh -c :
if [ "$code" -eq 5 ] && grep -q "heap shim is not there" "$tmp/err"; then
    skip "--heap" "the shim was not built: no valgrind/valgrind.h"
    finish
fi
ok "--heap: exit 0" [ "$code" -eq 0 ]
if ! command -v cc >/dev/null; then
    skip "--heap: events" "no C compiler"
    finish
fi
cat >heap.c <<'END'
#include <stdlib.h>
int main(void)
{
    char *volatile p = malloc(1234);
    void *q = NULL;

    p[7] = 1;
    p = realloc(p, 54321);
    free(p);
    p = calloc(11, 13);
    free(p);
    if (posix_memalign(&q, 256, 777) != 0)
        return 1;
    free(q);
    return 0;
}
END
cc -O1 -o heap heap.c
run record -q -o plain.gz -- ./heap
run record -q --heap -o heap.gz -- ./heap
ok "--heap: exit 0" [ "$code" -eq 0 ]
"$pagetide" trace head heap.gz -n 10000000 | grep -E 'malloc|realloc|free' >"$tmp/out"
ok "--heap: malloc" has out " 1234 bytes"
ok "--heap: realloc" has out " 54321 bytes"
ok "--heap: calloc" has out " 143 bytes zeroed"
ok "--heap: memalign" has out " 777 bytes"
ok "--heap: three times free" [ "$(grep -c free "$tmp/out")" -eq 3 ]
ok "--heap: the block that is freed is the one that realloc gave" \
    [ "$(sed -n 's/.*realloc.* to \([0-9a-f]*\),.*/\1/p' "$tmp/out")" = "$(sed -n 's/.*free *\([0-9a-f]*\)$/\1/p' "$tmp/out" | head -1)" ]
run record -q --heap -o heap.tide -- ./heap
"$pagetide" trace head heap.tide -n 10000000 | grep -E 'malloc|realloc|free' | sed 's/0x[0-9a-f]*//g' >"$tmp/out"
ok "--heap in tide: malloc" has out " 1234 bytes"
ok "--heap in tide: calloc" has out " 143 bytes zeroed"
"$pagetide" trace verify heap.tide >"$tmp/out"
ok "--heap in tide: intact, nothing strange" [ "$(grep -c strange "$tmp/out")" -eq 0 ]
"$pagetide" trace info heap.gz >"$tmp/out"
ok "--heap: nothing outside mappings" lacks out "segmentation faults"
ok "--heap: the shim is not in the trace" [ "$(zcat heap.gz | grep -c '/pagetide-heap_shim.so' )" -eq 0 ]
ok "--heap: the same pages as without, within 3 percent" \
    [ $(($(count heap.gz 'of 4K') * 100)) -le $(($(count plain.gz 'of 4K') * 103 + 100)) ]
ok "--heap: said in the trace" [ "$(zcat heap.gz | grep -c '^==[0-9]*== Note: with heap calls')" -eq 1 ]

finish
