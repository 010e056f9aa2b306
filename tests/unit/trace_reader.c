/* trace/reader and the formats addr and pages: finding the format, blocks, damage, memory. */
#include <malloc.h>
#include <stdlib.h>

#include "trace.h"

#define KNOWN                                                                                  \
    "lackey, addr, pages, pinatrace, itrace, din, csv, memtrace, drmemtrace, champsim, gem5, " \
    "oraclegeneral, rep, malloclog, ftrace, tide"

/* ---- finding the format ---- */

Test(reader, formats_are_found_by_content)
{
    static const struct {
        const char *head, *format; /* NULL: none */
    } cases[] = {
        {"I  04000000,3\n", "lackey"},
        {"==77== Lackey, an example Valgrind tool\n", "lackey"},
        {"hello\n L 1000,8", "lackey"},
        {"I  04000000 3\n", "lackey"}, /* damaged, but what else */
        {"0041f7a0 R\n13f5e2c0 W\n", "addr"},
        {"# a comment\n\n0x1000,w\n", "addr"},
        {"10 R\n20 Q\n30 W\n", "addr"}, /* damaged later on */
        {"10 W", "addr"},
        {"7 0 1w 2", "pages"},
        {"7", "pages"},
        {"0x7w\n", "pages"},
        {"1 2\n10 R\n", "pages"},
        {"# only a comment\n", NULL},
        {"a b c\n", NULL},
        {"1000\tread\n", NULL},
        {"--- a/file\n+++ b/file\n", NULL},
        {"\x7f"
         "ELF\x02\x01\x01",
         NULL},
        {"0x", NULL},
        {"R 0041f7a0\n", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned char *head = (const unsigned char *)cases[i].head;
        struct tide_error e = {0};
        const struct tide_format *f =
            tide_format_find(tide_formats, NULL, head, strlen(cases[i].head), true, &e);

        if (cases[i].format != NULL) {
            cr_assert_not_null(f, "%s", cases[i].head);
            cr_expect_str_eq(f->name, cases[i].format, "%s", cases[i].head);
        } else {
            cr_expect_null(f, "%s", cases[i].head);
            cr_expect_eq(e.code, TIDE_E_TRACE);
            cr_expect_not_null(strstr(e.remedy, "--format NAME (known: " KNOWN ")"), "%s",
                               e.remedy);
        }
    }
}

static int probe_50(const unsigned char *head, size_t n, bool whole)
{
    (void)head, (void)n, (void)whole;
    return 50;
}

static int probe_51(const unsigned char *head, size_t n, bool whole)
{
    (void)head, (void)n, (void)whole;
    return 51;
}

Test(reader, a_tie_is_not_decided)
{
    static const struct tide_format one = {.name = "one", .probe = probe_50},
                                    two = {.name = "two", .probe = probe_50},
                                    three = {.name = "three", .probe = probe_51};
    const struct tide_format *tied[] = {&one, &two, NULL}, *clear[] = {&one, &two, &three, NULL};
    struct tide_error e = {0};

    cr_expect_null(tide_format_find(tied, NULL, NULL, 0, false, &e));
    cr_expect_str_eq(e.what, "the format is not clear: it may be one or two");
    cr_expect_str_eq(e.remedy, "say --format NAME (known: one, two)");
    cr_expect_eq(tide_format_find(clear, NULL, NULL, 0, false, &e), &three);
    cr_expect_eq(tide_format_find(tied, "two", NULL, 0, false, &e), &two);
}

static int probe_100(const unsigned char *head, size_t n, bool whole)
{
    (void)head, (void)n, (void)whole;
    return 100;
}

Test(reader, magic_goes_before_all_probes)
{
    static const struct tide_format sure = {.name = "sure", .probe = probe_100},
                                    magic = {.name = "magic", .magic = "MAGIC"};
    const struct tide_format *list[] = {&sure, &sure, &magic, NULL};
    const unsigned char *head = (const unsigned char *)"MAGICAL";
    struct tide_error e = {0};

    cr_expect_eq(tide_format_find(list, NULL, head, 7, false, &e), &magic);
    cr_expect_eq(tide_format_find(list, NULL, head, 4, false, &e), &sure);
    cr_expect_eq(tide_format_find(list, NULL, head + 1, 6, false, &e), &sure);
}

Test(reader, a_wrong_name_of_a_format_is_wrong_usage)
{
    struct tide_error e = {0};
    struct tide_stream *s = tide_stream_memory("1 2", 3, "t", &e);

    cr_expect_null(tide_reader_open(s, "lacky", &e));
    cr_expect_eq(e.code, TIDE_E_USAGE);
    cr_expect_str_eq(e.what, "unknown trace format 'lacky'");
    cr_expect_str_eq(e.remedy, "did you mean 'lackey'? known: " KNOWN);
}

Test(reader, other_compressions_are_named)
{
    char *got = render("BZh91AY&SY", 10, NULL);
    struct bytes expected = {0};

    say(&expected,
        "error -4: t: the trace is compressed with bzip2; this build reads %s and plain\n",
        tide_stream_compressions());
    cr_expect_str_eq(got, (char *)expected.p);
    cr_expect_eq(strncmp(tide_stream_compressions(), "gzip", 4), 0);
    free(got);
    free(expected.p);
}

Test(reader, a_trace_without_an_access_is_an_error)
{
    struct bytes gz = {0};
    char *got;

    expect_trace("==5== nothing but talk\n", NULL,
                 "error -4: t: the trace holds no memory access\n");
    expect_trace("# nothing\n", "addr",
                 "process 0\nerror -4: t: the trace holds no memory access\n");
    put_member(&gz, "", 0);
    got = render(gz.p, gz.n, NULL);
    cr_expect_str_eq(got, "error -4: t: there is nothing in it: the trace is empty\n");
    free(got);
    free(gz.p);
}

/* ---- addr ---- */

Test(addr, records)
{
    expect_trace("0041f7a0 R\n0x13f5e2c0,W\n  FF\t,\tr \r\n\n# a comment\n1 w# and one more\n"
                 "ffffffffffffffff R",
                 NULL,
                 "process 0\nread 41f7a0 1\nwrite 13f5e2c0 1\nread ff 1\nwrite 1 1\n"
                 "read ffffffffffffffff 1\nend\n");
}

Test(addr, damage)
{
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"zz R\n", "byte 4: a hexadecimal address was expected: 'zz R'"},
        {"0x R\n", "byte 6: a hexadecimal address was expected: '0x R'"},
        {"10\n", "byte 6: R or W was expected behind the address: '10'"},
        {"10R\n", "byte 6: a blank or ',' was expected behind the hexadecimal address: '10R'"},
        {"10 X\n", "byte 7: R or W was expected behind the address: '10 X'"},
        {"10 RW\n", "byte 8: the end of the line was expected behind R or W: '10 RW'"},
        {"10 R 4\n", "byte 9: the end of the line was expected behind R or W: '10 R 4'"},
        {"11112222333344445 R\n",
         "byte 20: the address does not fit in 64 bits: '11112222333344445 R'"},
        {"10\x01 R\n", "byte 6: R or W was expected behind the address: '10\\x01 R'"},
        {"10 ", "byte 7: the trace is truncated inside a line: R or W was expected behind the "
                "address: '10 '"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100], expected[300];

        snprintf(text, sizeof text, "7 W\n%s", cases[i].line);
        snprintf(expected, sizeof expected, "process 0\nwrite 7 1\nerror -4: t: line 2, %s\n",
                 cases[i].error);
        if (strncmp(cases[i].line, "10\x01", 3) == 0)
            snprintf(expected, sizeof expected,
                     "process 0\nwrite 7 1\nerror -4: t: line 2, byte 6: a blank or ',' was "
                     "expected behind the hexadecimal address: '10\\x01 R'\n");
        expect_trace(text, "addr", expected);
    }
}

/* ---- pages ---- */

Test(pages, records)
{
    expect_trace("7 0 1w\t0x2w\n\n 10 # 11 12\n#13\n4503599627370495", NULL,
                 "process 0\nread 7000 1\nread 0 1\nwrite 1000 1\nwrite 2000 1\nread a000 1\n"
                 "read fffffffffffff000 1\nend\n");
}

Test(pages, damage)
{
    static const struct {
        const char *words, *error;
    } cases[] = {
        {"4503599627370496", "line 2, byte 2: the page number is above 2^52-1: '4503599627370496'"},
        {"0x10000000000000", "line 2, byte 2: the page number is above 2^52-1: '0x10000000000000'"},
        {"99999999999999999999w",
         "line 2, byte 2: the page number is above 2^52-1: '99999999999999999999w'"},
        {"a", "line 2, byte 2: a page number was expected, decimal or 0x hexadecimal: 'a'"},
        {"0x", "line 2, byte 2: a page number was expected, decimal or 0x hexadecimal: '0x'"},
        {"w", "line 2, byte 2: a page number was expected, decimal or 0x hexadecimal: 'w'"},
        {"-1", "line 2, byte 2: a page number was expected, decimal or 0x hexadecimal: '-1'"},
        {"785d",
         "line 2, byte 5: white space, or w for a write, was expected behind the page number: "
         "'785d'"},
        {"1ww", "line 2, byte 4: white space, or w for a write, was expected behind the page "
                "number: '1ww'"},
        {"0000000000000000000000000000000000000000000000000000000000000000000000001",
         "line 2, byte 2: the page number is far too long: "
         "'000000000000000000000000000000000000000000000000...'"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100], expected[300];

        snprintf(text, sizeof text, "7\n%s 8", cases[i].words);
        snprintf(expected, sizeof expected, "process 0\nread 7000 1\nerror -4: t: %s\n",
                 cases[i].error);
        expect_trace(text, "pages", expected);
    }
}

/* ---- the frame ---- */

/* A trace of each format, and one with damage, in pieces of 1 to 9 bytes: the same records. */
Test(reader, records_do_not_depend_on_how_the_bytes_arrive)
{
    static const char *const traces[] = {
        "0041f7a0 R\r\n0x13f5e2c0,W\n # note\n77 r\n12 Q\n",
        "7 0 1w 0x2 # note\n 4503599627370495w 3\n4x 5",
        "==9== x\nI  04000000,3\n S 1fff000708,8\r\n M 7,16\nI  00000000,100\n L 9,",
    };

    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        char *whole = render(traces[i], strlen(traces[i]), NULL);

        cr_expect_not_null(strstr(whole, "error -4: t: line"));
        for (size_t piece = 1; piece < 10; piece++) {
            struct bytes gz = in_pieces(traces[i], strlen(traces[i]), piece);
            char *got = render(gz.p, gz.n, NULL);

            forget_content(got);
            cr_expect_str_eq(got, whole, "trace %zu, pieces of %zu", i, piece);
            free(got);
            free(gz.p);
        }
        free(whole);
    }
}

Test(reader, blocks_are_full_and_in_order)
{
    enum { RECORDS = 3 * TIDE_BLOCK_ACCESSES + 5 };
    static struct tide_block b;
    struct bytes text = {0};
    struct tide_error e = {0};
    struct tide_reader *r;

    for (unsigned i = 0; i < RECORDS; i++)
        say(&text, "%u%s", i, i % 10 == 9 ? "w\n" : " ");
    r = tide_reader_open(tide_stream_memory(text.p, text.n, "t", &e), NULL, &e);
    cr_assert_not_null(r);
    for (unsigned from = 0; from < RECORDS; from += TIDE_BLOCK_ACCESSES) {
        unsigned n = RECORDS - from < TIDE_BLOCK_ACCESSES ? RECORDS - from : TIDE_BLOCK_ACCESSES;

        cr_assert_eq(tide_reader_next(r, &b, &e), 1);
        cr_assert_eq(b.n_accesses, n);
        cr_expect_eq(b.first, from);
        for (unsigned i = 0; i < n; i++) {
            cr_assert_eq(b.accesses[i].addr, (uint64_t)(from + i) << 12);
            cr_assert_eq(b.accesses[i].kind, (from + i) % 10 == 9 ? TIDE_WRITE : TIDE_READ);
        }
    }
    cr_expect_eq(tide_reader_next(r, &b, &e), 0);
    cr_expect_eq(tide_reader_info(r)->accesses[TIDE_READ], RECORDS - RECORDS / 10);
    cr_expect_eq(tide_reader_info(r)->accesses[TIDE_WRITE], RECORDS / 10);
    cr_expect_eq(tide_reader_info(r)->events[TIDE_EV_PROCESS], 1);
    tide_reader_close(r);
    free(text.p);
}

/* What precedes damage of the stream comes first, also where the damage is in the first bytes. */
Test(reader, records_before_a_truncation_are_delivered)
{
    static const char text[] = "0041f7a0 R\n13f5e2c0 W\n05e78900 R\n";
    struct bytes gz = {0};
    char *got;

    put_member(&gz, text, 15);
    put_member(&gz, text + 15, sizeof text - 1 - 15);
    for (size_t n = 2; n < gz.n; n++) {
        got = render(gz.p, n, NULL);
        cr_expect_not_null(strstr(got, "error -4: t: "), "%zu: %s", n, got);
        if (n == gz.n - 1)
            cr_expect_not_null(strstr(got, "process 0\nread 41f7a0 1\nwrite 13f5e2c0 1\n"
                                           "read 5e78900 1\nerror -4: t: byte "),
                               "%s", got);
        free(got);
    }
    free(gz.p);
}

/* Reads a gzip lackey log of n rounds, each with an open, a mapping, a close and accesses, and
 * returns the most bytes that were allocated at any time between two blocks. */
static size_t peak_bytes(unsigned rounds)
{
    static struct tide_block b;
    struct bytes text = {0}, gz = {0};
    struct tide_error e = {0};
    struct tide_reader *r;
    size_t before, peak = 0;
    int rc;

    say(&text, "==5== Command: x\n");
    for (unsigned i = 0; i < rounds; i++) {
        say(&text,
            "SYSCALL[5,1](257) sys_openat ( 4294967196, 0x4(/f%u), 0 ) --> [async] ... \n"
            "SYSCALL[5,1](257) ... [async] --> Success(0x3) \n"
            "SYSCALL[5,1](9) sys_mmap ( 0x0, 4096, 1, 2, 3, 0 ) --> [pre-success] "
            "Success(0x4000) \n"
            "SYSCALL[5,1](3) sys_close ( 3 )[sync] --> Success(0x0) \n",
            i % 4);
        for (unsigned k = 0; k < 20; k++)
            say(&text, " L %08x,8\n", k * 4096 + i);
    }
    put_member(&gz, text.p, text.n);
    free(text.p);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    r = tide_reader_open(tide_stream_memory(gz.p, gz.n, "t", &e), NULL, &e);
    cr_assert_not_null(r);
    while ((rc = tide_reader_next(r, &b, &e)) == 1) {
        size_t now = mallinfo2().uordblks + mallinfo2().hblkhd - before;

        peak = now > peak ? now : peak;
    }
    cr_assert_eq(rc, 0, "%s", e.what);
    cr_assert_eq(tide_reader_info(r)->events[TIDE_EV_MAP], rounds);
    tide_reader_close(r);
    free(gz.p);
    return peak;
}

Test(reader, ten_times_the_trace_takes_the_same_memory)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("the sanitizer's allocator does not tell");
#endif
    size_t once = peak_bytes(3000), ten_times = peak_bytes(30000);

    cr_expect_gt(once, 256 * 1024, "the window alone has more");
    /* The C library counts what it keeps in its free lists; one leaked call would be 16 bytes for
     * each of 27000 more rounds. */
    cr_expect_leq(ten_times, once + 4096, "%zu, %zu", ten_times, once);
}

/* Whichever allocation fails: an error, and nothing leaks (the sanitizer build tells). */
Test(reader, every_allocation_may_fail)
{
    static const char text[] =
        "--5:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup (2 segments)\n"
        "--5:1: aspacem (1,49,7) /bin/x\n"
        "--5:1: aspacem   1: file 0000108000-000010afff   12288 r---- d=0x1 i=2 o=0  (1,49)\n"
        "--5:1: aspacem   2: file 000010b000-000010bfff    4096 r---- d=0x1 i=3 o=0  (-1,-1)\n"
        "--5:1: aspacem >>>\n"
        "SYSCALL[5,1](257) sys_openat ( 4294967196, 0x4(/lib/y), 0 )[sync] --> Success(0x3) \n"
        "SYSCALL[5,1](32) sys_dup ( 3 )[sync] --> Success(0x9) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 4096, 1, 2, 9, 0 ) --> [pre-success] Success(0x4000) \n"
        " L 1000,8\n";
    struct bytes gz = {0};
    int last = -1;
    unsigned n;

    put_member(&gz, text, sizeof text - 1);
    for (n = 1; last != 0; n++) {
        static struct tide_block b;
        struct tide_error e = {0};
        struct tide_stream *s;
        struct tide_reader *r;

        cr_assert_lt(n, 100);
        tide_mem_fail_after(n);
        s = tide_stream_memory(gz.p, gz.n, "t", &e);
        r = s != NULL ? tide_reader_open(s, NULL, &e) : NULL;
        last = e.code;
        if (r != NULL) {
            while ((last = tide_reader_next(r, &b, &e)) > 0)
                continue;
            if (last == 0)
                cr_expect_str_eq(tide_reader_file(r, 3), "/lib/y");
        }
        tide_mem_fail_after(0);
        if (last != 0)
            cr_expect(last == TIDE_E_NOMEM && e.code == TIDE_E_NOMEM, "allocation %u: %d %s", n,
                      last, e.what);
        tide_reader_close(r);
    }
    cr_expect_gt(n, 15, "allocations were made");
    free(gz.p);
}

/* Bits flipped all over a compressed log: whatever record looks wrong, the file is to blame, with
 * its byte. (A flip in the gzip header's name or time is no damage.) */
Test(reader, corrupt_gzip_is_blamed_for_the_records_it_spoils)
{
    struct bytes text = {0};
    int blamed = 0, found = 0;

    for (int i = 0; i < 3000; i++)
        say(&text, "I  %08x,%d\n L 1fff%06x,8\n", 0x4000000 + 3 * i, 1 + i % 9,
            i * 7919 % 0xffffff);
    for (size_t k = 1; k < 200; k++) {
        struct bytes gz = {0};
        char *got;

        put_member(&gz, text.p, text.n);
        gz.p[10 + k * (gz.n - 20) / 200] ^= (unsigned char)(1u << k % 8);
        got = render(gz.p, gz.n, "lackey");
        if (strstr(got, "error -4") != NULL) {
            found++;
            blamed +=
                strstr(got, "the gzip data is damaged") != NULL && strstr(got, ": byte ") != NULL;
        }
        free(got);
        free(gz.p);
    }
    cr_expect_geq(found, 195, "%d", found);
    cr_expect_eq(blamed, found, "%d of %d", blamed, found);
    free(text.p);
}
