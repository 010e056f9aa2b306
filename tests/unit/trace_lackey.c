/* trace/lackey: accesses on both paths, layout, system calls, talk, damage. */
#include <ctype.h>

#include "trace.h"

/* ---- the whole of a small log ---- */

static const char small_log[] =
    "--77:1:debuglog DebugLog system started by Stage 1, level 1 logging requested\n"
    "==77== Lackey, an example Valgrind tool\n"
    "==77== Command: /bin/x --flag\n"
    "==77== \n"
    "--77:1: aspacem allocated valgrind thread stack at 0x100278c000 size 1064960\n"
    "--77:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup (12 segments)\n"
    "--77:1: aspacem 2 segment names in 3 slots\n"
    "--77:1: aspacem freelist is empty\n"
    "--77:1: aspacem (0,4,9) /usr/libexec/valgrind/lackey-amd64-linux\n"
    "--77:1: aspacem (1,49,7) /bin/x\n"
    "--77:1: aspacem (2,67,0) [free slot: size=17  next=0]\n"
    "--77:1: aspacem   0: RSVN 0000000000-0000107fff 1081344 ----- SmFixed\n"
    "--77:1: aspacem   1: file 0000108000-000010afff   12288 r---- d=0xfe00 i=5  o=0       (1,49)\n"
    "--77:1: aspacem   2: file 000010b000-000011cfff   73728 r-xT- d=0xfe00 i=5  o=12288   (1,49)\n"
    "--77:1: aspacem   3: anon 000011d000-000011dfff    4096 rw---\n"
    "--77:1: aspacem   4: RSVN 000011e000-000091cfff    8188k ----- SmLower\n"
    "--77:1: aspacem   5:      0004835000-0057ffffff   1335m\n"
    "--77:1: aspacem   6: FILE 0058000000-0058000fff    4096 r---- d=0xfe00 i=6  o=0       (0,4)\n"
    "--77:1: aspacem   7: ANON 0058232000-0058c24fff      9m rw---\n"
    "--77:1: aspacem   8: shm  0059000000-0059000fff    4096 rw---\n"
    "--77:1: aspacem   9: RSVN 1ffe801000-1ffeffefff 8380416 ----- SmUpper\n"
    "--77:1: aspacem  10: anon 1ffefff000-1fff000fff    8192 rw---\n"
    "--77:1: aspacem  11: RSVN ffffffffff601000-ffffffffffffffff      9m ----- SmFixed\n"
    "--77:1: aspacem >>>\n"
    "I  0010b000,3\n"
    "SYSCALL[77,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x11d800) \n"
    " S 1fff000708,8\n"
    "SYSCALL[77,1](257) sys_openat ( 4294967196, 0x40(/lib/a), b.so), 524288 ) --> [async] ... \n"
    "SYSCALL[77,1](257) ... [async] --> Success(0x3) \n"
    "SYSCALL[77,1](9) sys_mmap ( 0x0, 16400, 1, 2050, 3, 0 ) --> [pre-success] "
    "Success(0x4837000) \n"
    "SYSCALL[77,1](9) sys_mmap ( 0x4838000, 4096, 5, 2066, 3, 4096 )--77:1:hashtabl resizing\n"
    "--77:1:mallocfr newSuperblock at 0x100371E000 (pszB 1048544)  owner VALGRIND/dinfo\n"
    " --> [pre-success] Success(0x4838000) \n"
    "SYSCALL[77,1](3) sys_close ( 3 )[sync] --> Success(0x0) \n"
    "SYSCALL[77,1](9) sys_mmap ( 0x0, 8192, 3, 34, 4294967295, 0 ) --> [pre-fail] Failure(0xc) \n"
    "SYSCALL[77,1](9) sys_mmap ( 0x0, 8192, 3, 32801, 4294967295, 0 ) --> [pre-success] "
    "Success(0x5000000) \n"
    "SYSCALL[77,1](9) sys_mmap ( 0x0, 4096, 1, 1, 8, 8192 ) --> [pre-success] "
    "Success(0x6000000) \n"
    "SYSCALL[77,1](10) sys_mprotect ( 0x4837000, 4096, 1 )[sync] --> Success(0x0) \n"
    "SYSCALL[77,1](334) unimplemented (by the kernel) syscall: 334! (ni_syscall)\n"
    " --> [pre-fail] Failure(0x26) \n"
    " M 0011d7ff,2\n"
    "SYSCALL[77,1](25) sys_mremap ( 0x5000000, 8192, 16384, 0x1 ) --> [pre-success] "
    "Success(0x7000000) \n"
    "SYSCALL[77,1](28) sys_madvise ( 0x7000000, 4096, 4 )[sync] --> Success(0x0) \n"
    "SYSCALL[77,1](11) sys_munmap ( 0x4837000, 16400 )--77:1: talk\n"
    "[sync] --> Success(0x0) \n"
    " L 0011d7ff,16\n"
    "SYSCALL[77,1](231) exit_group( 0 ) --> [pre-success] Success(0x0) \n"
    "--77:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client shutdown (57 segments)\n"
    "--77:1: aspacem   1: file 0000108000-000010afff   12288 r---- d=0xfe00 i=5  o=0       (1,49)\n"
    "--77:1: aspacem >>>\n"
    "    /var/vgdb-pipe-from-vgdb-to-77-by-someone\n"
    "==77== Exit code:       0\n";

static const char small_log_says[] = "process 77\n"
                                     "map 108000+3000 r-- layout file2(/bin/x)@0\n"
                                     "map 10b000+12000 r-x layout file2(/bin/x)@3000\n"
                                     "map 11d000+1000 rw- layout\n"
                                     "heap 11d000+800000\n"
                                     "map 59000000+1000 rw- shared layout\n"
                                     "map 1ffefff000+2000 rw- layout\n"
                                     "stack 1ffe801000+800000\n"
                                     "fetch 10b000 3\n"
                                     "brk 11d800+0\n"
                                     "write 1fff000708 8\n"
                                     "map 4837000+4010 r-- file3(/lib/a), b.so)@0\n"
                                     "map 4838000+1000 r-x file3(/lib/a), b.so)@1000\n"
                                     "map 5000000+2000 rw- shared populate\n"
                                     "map 6000000+1000 r-- shared file4(?)@2000\n"
                                     "protect 4837000+1000 r--\n"
                                     "modify 11d7ff 2\n"
                                     "remap 5000000+2000 to 7000000+4000\n"
                                     "madvise 4 7000000+1000\n"
                                     "unmap 4837000+4010\n"
                                     "read 11d7ff 16\n"
                                     "exit\n"
                                     "end\n";

Test(lackey, a_small_log)
{
    struct tide_error e = {0};
    static struct tide_block b;
    const struct tide_trace_info *info;
    struct tide_reader *r;

    expect_trace(small_log, NULL, small_log_says);
    r = tide_reader_open(tide_stream_memory(small_log, sizeof small_log - 1, "t", &e), NULL, &e);
    cr_assert_not_null(r);
    while (tide_reader_next(r, &b, &e) > 0)
        continue;
    info = tide_reader_info(r);
    cr_expect_str_eq(info->format, "lackey");
    cr_expect_str_eq(info->command, "/bin/x --flag");
    cr_expect(info->has_layout && info->has_syscalls);
    cr_expect_eq(info->accesses[TIDE_FETCH], 1);
    cr_expect_eq(info->accesses[TIDE_READ], 1);
    cr_expect_eq(info->accesses[TIDE_WRITE], 1);
    cr_expect_eq(info->accesses[TIDE_MODIFY], 1);
    cr_expect_eq(info->events[TIDE_EV_MAP], 9);
    /* openat, close, number 334, and the mmap that failed */
    cr_expect_eq(info->events[TIDE_EV_SYSCALL], 4);
    cr_expect_eq(info->lost_results, 0);
    /* 3 ahead (not Command), 1 of aspacem, 4 of the layout that are neither name nor segment, 1
     * between the halves of the mmap, 5 at the end */
    cr_expect_eq(info->other_lines, 14);
    tide_reader_close(r);
}

Test(lackey, a_small_log_in_small_pieces)
{
    for (size_t piece = 1; piece < 40; piece++) {
        struct bytes gz = in_pieces(small_log, sizeof small_log - 1, piece);
        char *got = render(gz.p, gz.n, "lackey");

        cr_expect_str_eq(got, small_log_says, "pieces of %zu", piece);
        free(got);
        free(gz.p);
    }
}

Test(lackey, a_small_log_with_crlf)
{
    struct bytes text = {0};
    char *got;

    for (const char *p = small_log; *p != '\0'; p++)
        put(&text, *p == '\n' ? "\r\n" : p, *p == '\n' ? 2 : 1);
    got = render(text.p, text.n, NULL);
    cr_expect_str_eq(got, small_log_says);
    free(got);
    free(text.p);
}

/* ---- system calls ---- */

Test(lackey, file_descriptors_are_followed)
{
    expect_trace(
        "SYSCALL[5,1](2) sys_open ( 0x4(/a), 0 )[sync] --> Success(0x3) \n"
        "SYSCALL[5,1](32) sys_dup ( 3 )[sync] --> Success(0x4) \n"
        "SYSCALL[5,1](3) sys_close ( 3 )[sync] --> Success(0x0) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 1, 1, 2, 4, 0 ) --> [pre-success] Success(0x1000) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 1, 1, 2, 3, 0 ) --> [pre-success] Success(0x2000) \n"
        "SYSCALL[5,1](33) sys_dup2 ( 4, 7 )[sync] --> Success(0x7) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 1, 1, 2, 7, 0 ) --> [pre-success] Success(0x3000) \n"
        "SYSCALL[5,1](72) sys_fcntl[ARG3=='arg'] ( 7, 1030, 10 )[sync] --> Success(0xa) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 1, 1, 2, 10, 0 ) --> [pre-success] Success(0x4000) \n"
        "SYSCALL[5,1](257) sys_openat ( -100, 0x4(/a), 0 ) --> [async] ... \n"
        "SYSCALL[5,1](257) ... [async] --> Success(0x3) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 1, 1, 2, 3, 0 ) --> [pre-success] Success(0x5000) \n"
        "SYSCALL[5,1](257) sys_openat ( -100, 0x4(/b), 0 )[sync] --> Failure(0x2) \n"
        "SYSCALL[5,1](9) sys_mmap ( 0x0, 1, 1, 2, 4294967294, 0 ) --> [pre-success] "
        "Success(0x6000) \n"
        " L 1,1\n",
        NULL,
        "process 5\n"
        "map 1000+1 r-- file1(/a)@0\n"
        "map 2000+1 r-- file2(?)@0\n"
        "map 3000+1 r-- file1(/a)@0\n"
        "map 4000+1 r-- file1(/a)@0\n"
        "map 5000+1 r-- file1(/a)@0\n"
        "map 6000+1 r-- file3(?)@0\n"
        "read 1 1\nend\n");
}

/* What no kernel can have done is found at its line; what precedes it is delivered. */
Test(lackey, impossible_ranges_are_damage)
{
    static const struct {
        const char *call, *what;
    } cases[] = {
        {"(9) sys_mmap ( 0x0, 18446744073709551615, 3, 34, -1, 0 ) --> [pre-success] "
         "Success(0x1000)",
         "is larger than 2^57 bytes"},
        {"(9) sys_mmap ( 0x0, 0, 3, 34, -1, 0 ) --> [pre-success] Success(0x1000)", "is empty"},
        {"(11) sys_munmap ( 0x1001, 4096 )[sync] --> Success(0x0)",
         "does not start at a multiple of 4096"},
        {"(10) sys_mprotect ( 0xfffffffffffff000, 8192, 1 )[sync] --> Success(0x0)",
         "reaches beyond 2^64"},
        {"(25) sys_mremap ( 0x1000, 8192, 8192, 1, 0 ) --> [pre-success] Success(0x2000)",
         "goes to a place that overlaps it"},
        {"(12) sys_brk ( 0x0 ) --> [pre-success] Success(0xffffffffffff0000)", "lies above 2^57"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], want[256], *got;

        snprintf(text, sizeof text, " L 1000,8\nSYSCALL[5,1]%s \n L 2000,8\n", cases[i].call);
        snprintf(want, sizeof want,
                 "process 0\nread 1000 8\nerror -4: t: line 2, byte 10: what this line maps or "
                 "unmaps %s: ",
                 cases[i].what);
        got = render(text, strlen(text), "lackey");
        cr_expect_eq(strncmp(got, want, strlen(want)), 0, "%s, not %s", got, want);
        free(got);
    }
}

/* Thread 2 maps while thread 1 waits for a read; a call of another process changes nothing. */
Test(lackey, results_belong_to_threads_and_processes)
{
    static const char text[] =
        "SYSCALL[5,1](0) sys_read ( 3, 0x1, 8 ) --> [async] ... \n"
        "SYSCALL[5,2](11) sys_munmap ( 0x1000, 4096 ) --> [async] ... \n"
        " L 1,1\n"
        "SYSCALL[6,1](11) sys_munmap ( 0x9000, 4096 )[sync] --> Success(0x0) \n"
        "SYSCALL[6,2](11) ... [async] --> Success(0x0) \n"
        "SYSCALL[5,2](11) ... [async] --> Success(0x0) \n"
        " L 2,1\n"
        "SYSCALL[5,1](0) ... [async] --> Success(0x8) \n"
        "SYSCALL[5,2](11) sys_munmap ( 0x2000, 4096 ) --> [async] ... \n" /* never answered */
        "SYSCALL[5,2](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x7000) \n"
        "SYSCALL[5,1](11) sys_munmap ( 0x30--5-- broken inside\n"
        "[sync] --> Success(0x0) \n"
        " --> [pre-success] Success(0x0) \n" /* of nothing */
        "SYSCALL[5,1](231) exit_group( 0 )";
    struct tide_error e = {0};
    static struct tide_block b;
    struct tide_reader *r;

    expect_trace(text, NULL, "process 5\nread 1 1\nunmap 1000+1000\nread 2 1\nbrk 7000+0\nend\n");
    r = tide_reader_open(tide_stream_memory(text, sizeof text - 1, "t", &e), NULL, &e);
    while (tide_reader_next(r, &b, &e) > 0)
        continue;
    cr_expect_eq(tide_reader_info(r)->lost_results, 3);
    cr_expect_eq(tide_reader_info(r)->events[TIDE_EV_SYSCALL], 1);
    cr_expect_eq(tide_reader_info(r)->other_lines, 3);
    tide_reader_close(r);
}

Test(lackey, more_events_than_a_block_holds)
{
    enum { CALLS = 3 * TIDE_BLOCK_EVENTS };
    struct bytes text = {0}, expected = {0};
    char *got;

    say(&text, " L 1,1\n");
    say(&expected, "process 0\nread 1 1\n");
    for (unsigned i = 0; i < CALLS; i++) {
        say(&text, "SYSCALL[5,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x%x) \n", i + 1);
        say(&expected, "brk %x+0\n", i + 1);
    }
    say(&expected, "end\n");
    got = render(text.p, text.n, NULL);
    cr_expect_str_eq(got, (char *)expected.p);
    free(got);
    free(text.p);
    free(expected.p);
}

/* ---- the layout ---- */

#define LAYOUT "--5:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup (1 segments)\n"

Test(lackey, reservations_that_touch_no_segment_are_no_heap_and_no_stack)
{
    expect_trace(LAYOUT "--5:1: aspacem   1: anon 0000001000-0000001fff    4096 rw---\n"
                        "--5:1: aspacem   2: RSVN 0000003000-0000003fff    4096 ----- SmLower\n"
                        "--5:1: aspacem   3: ANON 0000004000-0000004fff    4096 rw---\n"
                        "--5:1: aspacem   4: RSVN 0000005000-0000005fff    4096 ----- SmLower\n"
                        "--5:1: aspacem   5: RSVN 0000006000-0000006fff    4096 ----- SmUpper\n"
                        "--5:1: aspacem   6: anon 0000008000-0000008fff    4096 rwx--\n"
                        "--5:1: aspacem >>>\n L 1,1\n",
                 NULL,
                 "process 5\nmap 1000+1000 rw- layout\nmap 8000+1000 rwx layout\nread 1 1\nend\n");
}

Test(lackey, layout_lines_that_cannot_be_read_are_errors)
{
    static const char *const lines[] = {
        "--5:1: aspacem   1: anon 0000001000-0000001fff    4096 rq---\n",
        "--5:1: aspacem   1: anon 0000001000+0000001fff    4096 rw---\n",
        "--5:1: aspacem   1: anon 0000002000-0000001fff    4096 rw---\n",
        "--5:1: aspacem   1: anon 0000001000-0000001fff    4096 r\n",
        "--5:1: aspacem   1: huge 0000001000-0000001fff    4096 rw---\n",
        "--5:1: aspacem   x: anon 0000001000-0000001fff    4096 rw---\n",
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[400];
        char *got;

        snprintf(text, sizeof text, "%s%s L 1,1\n", LAYOUT, lines[i]);
        got = render(text, strlen(text), NULL);
        cr_expect_not_null(strstr(got, "error -4: t: line 2, byte "), "%s", got);
        cr_expect_not_null(strstr(got, "this layout line can't be read"), "%s", got);
        free(got);
    }
}

/* ---- access lines ---- */

static const char *const heads[TIDE_KINDS] = {"I  ", " L ", " S ", " M "};
static const char *const names[TIDE_KINDS] = {"fetch", "read", "write", "modify"};

/* Random accesses, printed in every way that is accepted, come back as they are: ordinary lines
 * and those that are read one by one, mixed. */
Test(lackey, accesses_come_back_as_they_were_printed)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bytes text = {0}, expected = {0}, gz;
        struct tide_rng rng;
        char *got;

        tide_rng_init(&rng, seed, "lackey");
        say(&expected, "process 0\n");
        for (unsigned i = 0; i < 3000; i++) {
            static const char *const forms[] = {"%s%08llx,%u%s", "%s%llx,%u%s", "%s%llX,%u%s",
                                                "%s%016llx,%u%s", "%s%020llx,%u%s"};
            unsigned kind = (unsigned)tide_rng_below(&rng, TIDE_KINDS);
            const char *form = forms[tide_rng_below(&rng, 10) < 7 ? 0 : tide_rng_below(&rng, 5)];
            uint64_t addr = tide_rng_next(&rng) >> tide_rng_below(&rng, 64);
            uint64_t most = tide_rng_below(&rng, 8) == 0 ? TIDE_ACCESS_MAX_BYTES : 120;
            unsigned size = 1 + (unsigned)tide_rng_below(&rng, most);

            if (addr > UINT64_MAX - (size - 1))
                addr = UINT64_MAX - (size - 1); /* up to the last byte there is */
            say(&text, form, heads[kind], (unsigned long long)addr, size,
                tide_rng_below(&rng, 20) == 0 ? "\r\n" : "\n");
            say(&expected, "%s %llx %u\n", names[kind], (unsigned long long)addr, size);
        }
        say(&expected, "end\n");
        got = render(text.p, text.n, NULL);
        cr_expect_str_eq(got, (char *)expected.p, "seed %llu", (unsigned long long)seed);
        free(got);
        gz = in_pieces(text.p, text.n, 1 + tide_rng_below(&rng, 100));
        got = render(gz.p, gz.n, NULL);
        cr_expect_str_eq(got, (char *)expected.p, "seed %llu, in pieces", (unsigned long long)seed);
        free(got);
        free(gz.p);
        free(text.p);
        free(expected.p);
    }
}

Test(lackey, damaged_accesses)
{
    static const struct {
        const char *line, *error; /* the line begins at byte 8 */
    } cases[] = {
        {" L 1fff0xx,8\n", "byte 16: ',' was expected behind the hexadecimal address"},
        {" L 1fff000708 8\n", "byte 21: ',' was expected behind the hexadecimal address"},
        {" L 1fff000708\n", "byte 21: ',' was expected behind the hexadecimal address"},
        {" L ,8\n", "byte 11: a hexadecimal address was expected"},
        {"I  \n", "byte 11: a hexadecimal address was expected"},
        {"I   4000000,3\n", "byte 11: a hexadecimal address was expected"},
        {" S 1fff000708,\n", "byte 22: a decimal size was expected behind ','"},
        {" S 1fff000708,x\n", "byte 22: a decimal size was expected behind ','"},
        {" S 1fff000708,0\n", "byte 22: the size is not within 1..65536 bytes"},
        {" S 1fff000708,00\n", "byte 22: the size is not within 1..65536 bytes"},
        {" S 1fff000708,65537\n", "byte 22: the size is not within 1..65536 bytes"},
        {" S 1fff000708,99999999999999999999999\n",
         "byte 22: the size is not within 1..65536 bytes"},
        {" M 1fff000708,8 \n", "byte 23: the end of the line was expected behind the size"},
        {" M 1fff000708,8a\n", "byte 23: the end of the line was expected behind the size"},
        {" M 1fff000708,8,8\n", "byte 23: the end of the line was expected behind the size"},
        {" L 10000000000000000,1\n", "byte 27: the address does not fit in 64 bits"},
        {" L ffffffffffffffff,2\n", "byte 11: address plus size do not fit in 64 bits"},
        {" L fffffffffffffff9,8\n", "byte 11: address plus size do not fit in 64 bits"},
        {" L 1fff0\xb1\xb2,8\n", "byte 16: ',' was expected behind the hexadecimal address"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200], expected[200];
        char *got;

        snprintf(text, sizeof text, " L 1,1\n%s L 2,2\n", cases[i].line);
        snprintf(expected, sizeof expected, "process 0\nread 1 1\nerror -4: t: line 2, %s: '",
                 cases[i].error);
        /* The table counts from 8, the line begins at byte 7. */
        snprintf(strstr(expected, "byte "), sizeof expected / 2, "byte %d%s: '",
                 atoi(strstr(cases[i].error, " ")) - 1, strchr(cases[i].error, ':'));
        got = render(text, strlen(text), NULL);
        cr_expect_eq(strncmp(got, expected, strlen(expected)), 0, "%s\n%s\n%s", text, got,
                     expected);
        free(got);
    }
}

/* A log cut at any byte: whole lines are delivered, and half an access is no clean end. */
Test(lackey, a_line_cut_in_two)
{
    static const char text[] = " L 1,1\nI  04000000,3\n S 1fff000708,16\n";

    for (size_t n = 7; n < sizeof text; n++) {
        char *got = render(text, n, NULL);
        const char *fetch = n >= 20 ? "fetch 4000000 3\n" : "";
        const char *write = n >= 37   ? "write 1fff000708 16\n"
                            : n == 36 ? "write 1fff000708 1\n"
                                      : "";
        bool clean = n == 7 || n == 20 || n == 21 || n >= 36;
        char expected[200];

        snprintf(expected, sizeof expected, "process 0\nread 1 1\n%s%s%s", fetch, write,
                 clean ? "end\n" : "error -4: t: line ");
        cr_expect_eq(strncmp(got, expected, strlen(expected)), 0, "%zu bytes: %s", n, got);
        if (!clean)
            cr_expect_not_null(strstr(got, "the trace is truncated inside a line: "), "%s", got);
        free(got);
    }
}

/* ---- code that is known by its text ---- */

/* A log, and what it says. */
struct script {
    struct bytes text, says;
    struct tide_rng rng;
    const char *form; /* of a line: what begins it, width, address, size */
};

/* One access line, padded to so many digits, mostly as lackey prints it. */
static void script_line(struct script *s, unsigned kind, uint64_t addr, unsigned size, int digits)
{
    static const char *const odd[] = {"%s%0*llx,%u\r\n", "%s%0*llX,%u\n", "%s%0*llx,0%u\n"};
    const char *form = s->form;

    if (tide_rng_below(&s->rng, 300) == 0)
        form = odd[tide_rng_below(&s->rng, 3)];
    say(&s->text, form, heads[kind], digits, (unsigned long long)addr, size);
    say(&s->says, "%s %llx %u\n", names[kind], (unsigned long long)addr, size);
}

/* A program of small blocks of code that jump to each other: its instructions change now and then,
 * cross pages, run over 48 accesses, and what they access is near and far. */
static struct script program(uint64_t seed, unsigned accesses)
{
    enum { BLOCKS = 24, LONGEST = 60, DATA = 7 };
    static struct {
        uint64_t pc;
        unsigned n;
        struct {
            unsigned size, data, kind[DATA], bytes[DATA], bits[DATA];
        } code[LONGEST];
    } blocks[BLOCKS];
    struct script s = {.form = seed % 4 == 0 ? "%s%0*llx,%u\r\n" : "%s%0*llx,%u\n"};
    struct tide_rng *rng = &s.rng;

    tide_rng_init(rng, seed, "program");
    for (unsigned i = 0; i < BLOCKS; i++) {
        /* some begin alike: the same address */
        blocks[i].pc = i % 3 == 2 ? blocks[i - 1].pc
                                  : 0x400000 + tide_rng_below(rng, 0x4000) +
                                        (tide_rng_below(rng, 8) == 0 ? UINT64_C(1) << 44 : 0);
        blocks[i].n = 1 + (unsigned)tide_rng_below(rng, i % 8 == 0 ? LONGEST : 12);
        for (unsigned k = 0; k < LONGEST; k++) {
            blocks[i].code[k].size = 1 + (unsigned)tide_rng_below(rng, 15);
            blocks[i].code[k].data =
                tide_rng_below(rng, 2) == 0 ? 0 : (unsigned)tide_rng_below(rng, DATA + 1);
            for (unsigned d = 0; d < DATA; d++) {
                blocks[i].code[k].kind[d] = 1 + (unsigned)tide_rng_below(rng, 3);
                blocks[i].code[k].bytes[d] = 1u << tide_rng_below(rng, 5);
                blocks[i].code[k].bits[d] = tide_rng_below(rng, 5) == 0
                                                ? 30 + (unsigned)tide_rng_below(rng, 30)
                                                : 30 + 8 * (unsigned)tide_rng_below(rng, 2);
            }
        }
    }
    say(&s.says, "process 0\n");
    for (unsigned done = 0; done < accesses;) {
        unsigned i = (unsigned)tide_rng_below(rng, BLOCKS), turns = 1, n = blocks[i].n;

        if (tide_rng_below(rng, 3) == 0)
            turns += (unsigned)tide_rng_below(rng, 6);
        if (tide_rng_below(rng, 30) == 0) /* other code at the same place */
            blocks[i].code[tide_rng_below(rng, n)].size = 1 + (unsigned)tide_rng_below(rng, 15);
        if (tide_rng_below(rng, 60) == 0)
            say(&s.text, "==5== talk\n");
        for (; turns > 0; turns--) {
            uint64_t pc = blocks[i].pc;
            unsigned last = tide_rng_below(rng, 4) == 0 ? (unsigned)tide_rng_below(rng, n) : n - 1;

            for (unsigned k = 0; k <= last; k++) {
                script_line(&s, TIDE_FETCH, pc, blocks[i].code[k].size, 8);
                pc += blocks[i].code[k].size;
                done++;
                for (unsigned d = 0; d < blocks[i].code[k].data; d++, done++) {
                    unsigned bits = blocks[i].code[k].bits[d];
                    uint64_t addr = tide_rng_next(rng) >> (64 - bits);
                    unsigned size = blocks[i].code[k].bytes[d];

                    if (tide_rng_below(rng, 200) == 0)
                        addr = UINT64_MAX - tide_rng_below(rng, 1 << 20) * 32 - 31;
                    if (tide_rng_below(rng, 200) == 0)
                        size = 100 + (unsigned)tide_rng_below(rng, 1000);
                    if (tide_rng_below(rng, 4000) == 0)
                        size = TIDE_ACCESS_MAX_BYTES;
                    if (addr > UINT64_MAX - (size - 1))
                        addr = 0x1000;
                    script_line(&s, blocks[i].code[k].kind[d], addr, size,
                                tide_rng_below(rng, 300) == 0 ? 1 + (int)(addr % 18) : 8);
                }
            }
        }
    }
    say(&s.says, "end\n");
    return s;
}

static void script_free(struct script *s)
{
    free(s->text.p);
    free(s->says.p);
}

Test(lackey, programs_come_back_as_they_ran)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct script s = program(seed, 30000);

        for (unsigned flags = 0; flags <= RENDER_FRAGMENTS; flags++) {
            struct bytes gz = in_pieces(s.text.p, s.text.n, 500 + 800 * (size_t)seed);
            char *got = render_as(s.text.p, s.text.n, NULL, flags);

            cr_expect(strcmp(got, (char *)s.says.p) == 0, "seed %llu", (unsigned long long)seed);
            free(got);
            got = render_as(gz.p, gz.n, NULL, flags);
            cr_expect(strcmp(got, (char *)s.says.p) == 0, "seed %llu, in pieces",
                      (unsigned long long)seed);
            free(got);
            free(gz.p);
        }
        script_free(&s);
    }
}

/* How a log is cut into blocks and fragments, in one number. */
static uint64_t cuts(const struct bytes *log)
{
    struct tide_error e = {0};
    struct tide_block *b = calloc(1, sizeof *b);
    struct tide_reader *r = tide_reader_open(tide_stream_memory(log->p, log->n, "t", &e), NULL, &e);
    uint64_t sum = 0;

    tide_reader_take_fragments(r);
    while (tide_reader_next(r, b, &e) > 0) {
        cr_assert(b->n_accesses + b->n_events > 0);
        sum = sum * 31 + b->n_accesses;
        for (size_t i = 0; b->dictionary != NULL && i < b->n_fragments; i++)
            sum = sum * 31 + b->starts[i];
    }
    tide_reader_close(r);
    free(b);
    return sum;
}

/* A line, and a fragment, may end anywhere in what a read delivers. */
Test(lackey, blocks_do_not_depend_on_how_the_bytes_arrive)
{
    struct script s = program(77, 40000);
    uint64_t whole = cuts(&s.text);

    for (size_t piece = 600; piece < 3000; piece += 777) {
        struct bytes gz = in_pieces(s.text.p, s.text.n, piece);

        cr_expect_eq(cuts(&gz), whole, "pieces of %zu", piece);
        free(gz.p);
    }
    script_free(&s);
}

Test(lackey, fragments_come_where_they_are_taken)
{
    static const char text[] = "I  04000000,3\n S 1fff000708,16\n";
    struct tide_block *b = calloc(1, sizeof *b);

    for (int take = 0; take < 2; take++) {
        struct tide_stream *s = tide_stream_memory(text, sizeof text - 1, "t", NULL);
        struct tide_reader *r = tide_reader_open(s, NULL, NULL);

        if (take)
            tide_reader_take_fragments(r);
        cr_assert_eq(tide_reader_next(r, b, NULL), 1);
        cr_expect_eq(b->n_accesses, 2);
        cr_expect_eq(b->dictionary != NULL, take);
        tide_reader_close(r);
    }
    free(b);
}

/* What is complete is delivered before the error, however little of a fragment that is. */
Test(lackey, the_file_ends_inside_its_second_member)
{
    struct script s = program(3, 3000);

    for (size_t n = s.text.n / 2; n < s.text.n / 2 + 300; n += 7) {
        struct bytes gz = {0};
        size_t whole = n;
        char *got, *expected;

        put_member(&gz, s.text.p, n);
        put(&gz, "\x1f\x8b\x08", 3);
        while (s.text.p[whole - 1] != '\n')
            whole--;
        expected = render(s.text.p, whole, NULL);
        got = render_as(gz.p, gz.n, NULL, RENDER_FRAGMENTS);
        cr_expect_eq(strncmp(got, expected, strlen(expected) - strlen("end\n")), 0, "%zu", n);
        cr_expect_eq(strncmp(got + strlen(expected) - strlen("end\n"), "error -4: ", 10), 0);
        free(expected);
        free(got);
        free(gz.p);
    }
    script_free(&s);
}

/* What a line says, by the letter of the format: an access, something else, or damage. */
static void say_line(struct bytes *says, const char *p, size_t n, unsigned number)
{
    unsigned kind = 0;
    uint64_t addr = 0, size = 0;
    size_t i = 3, from;

    if (n > 0 && p[n - 1] == '\r')
        n--;
    while (kind < TIDE_KINDS && (n < 3 || memcmp(p, heads[kind], 3) != 0))
        kind++;
    if (kind == TIDE_KINDS) {
        for (i = 0; i < n; i++)
            if (p[i] == '\0' || p[i] == '\x01')
                break;
        if (i < n)
            say(says, "damage in line %u\n", number);
        return;
    }
    for (; i < n && isxdigit((unsigned char)p[i]); i++)
        addr = addr << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    from = i + 1;
    if (i > 3 && i < n && p[i] == ',')
        for (i++; i < n && isdigit((unsigned char)p[i]); i++)
            size = size * 10 + (unsigned)(p[i] - '0');
    if (i == 3 || i < n || i <= from || size == 0 || size > TIDE_ACCESS_MAX_BYTES)
        say(says, "damage in line %u\n", number);
    else
        say(says, "%s %llx %llu\n", names[kind], (unsigned long long)addr,
            (unsigned long long)size);
}

/* Errors as say_line() has them. */
static void shorten_errors(char *rendered)
{
    char *from = rendered, *to = rendered;

    while (*from != '\0') {
        size_t n = strcspn(from, "\n") + 1;
        unsigned line;

        if (sscanf(from, "error -4: t: line %u", &line) == 1)
            to += sprintf(to, "damage in line %u\n", line);
        else
            to = (char *)memmove(to, from, n) + n;
        from += n;
    }
    *to = '\0';
}

/* Straight code is read until it is known, and then once more with one byte changed: any byte, to
 * anything that may look right. */
Test(lackey, text_that_is_nearly_known)
{
    static const char code[] = "I  04001a0b,3\n S 1fff000708,8\nI  04001a0e,2\nI  04001a10,11\n"
                               " L 04a9f010,16\n M 0fedcba98765432,4\nI  04001a1b,5\n";
    static const char bytes[] =
        "0189afgGAF:/`{,\n\r ILSM\x01\x80\xff"; /* and the zero at the end */
    struct bytes text = {0}, says = {0};
    unsigned number = 1;

    for (size_t at = 0; at + 1 < sizeof code; at++)
        for (size_t i = 0; i < sizeof bytes; i++) {
            put(&text, code, sizeof code - 1);
            put(&text, code, sizeof code - 1);
            text.p[text.n - (sizeof code - 1) + at] = (unsigned char)bytes[i];
        }
    put(&text, code, sizeof code - 1);
    say(&says, "process 0\n");
    for (size_t at = 0; at < text.n; number++) {
        size_t n = (size_t)((unsigned char *)memchr(text.p + at, '\n', text.n - at) - text.p) - at;

        say_line(&says, (char *)text.p + at, n, number);
        at += n + 1;
    }
    say(&says, "end\n");
    for (unsigned flags = 0; flags <= RENDER_FRAGMENTS; flags++) {
        char *got = render_as(text.p, text.n, NULL, RENDER_GOES_ON | flags);

        shorten_errors(got);
        cr_expect(strcmp(got, (char *)says.p) == 0);
        free(got);
    }
    free(text.p);
    free(says.p);
}

/* Accesses that are read one by one, so many that their hashes collide with each other's and with
 * those of text. */
Test(lackey, many_accesses_that_are_read_one_by_one)
{
    struct bytes text = {0}, says = {0};

    say(&says, "process 0\n");
    for (unsigned i = 0; i < 60000; i++) {
        unsigned long long pc = 0xab000000 + 16 * i, size = 1 + i % 3;
        unsigned kind = TIDE_READ + i % 3, bytes = 1 + i / 3;

        if (i % 4 == 0) { /* other code at the same place */
            say(&text, "I  %08llX,%llu\n", pc, size + 5);
            say(&says, "fetch %llx %llu\n", pc, size + 5);
        }

        say(&text, "I  %08llx,%llu\n L 0000beef,8\n", pc, size);
        say(&says, "fetch %llx %llu\nread beef 8\n", pc, size);
        say(&text, "I  %08llX,%llu\n%s%08X,%u\n", pc, size, heads[kind], 0xbeef, bytes);
        say(&says, "fetch %llx %llu\n%s beef %u\n", pc, size, names[kind], bytes);
    }
    say(&says, "end\n");
    for (unsigned flags = 0; flags <= RENDER_FRAGMENTS; flags++) {
        char *got = render_as(text.p, text.n, NULL, flags);

        cr_expect(strcmp(got, (char *)says.p) == 0);
        free(got);
    }
    free(text.p);
    free(says.p);
}

/* Access i of a log with more code than a dictionary holds, run again and again. */
static struct tide_access of_much_code(size_t i, size_t pieces, unsigned fetches)
{
    size_t piece = i / (fetches + 1) % pieces, k = i % (fetches + 1);

    if (k == fetches)
        return (struct tide_access){
            .addr = 0x1ffe000000 + 8 * (i % 5000), .size = 8, .kind = TIDE_READ};
    return (struct tide_access){
        .addr = 0x7f0000000000 + 4096 * piece + 7 * k, .size = 7, .kind = TIDE_FETCH};
}

Test(lackey, more_code_than_a_dictionary_holds)
{
    enum { BLOCKS = 3 };
    /* many pieces, and much text */
    static const struct {
        size_t pieces, turns;
        unsigned fetches;
    } cases[] = {{TIDE_FRAGMENTS_MAX + 5000, 6, 1}, {20000, 2, 43}};

    for (size_t c = 0; c < 2; c++) {
        size_t n = cases[c].turns * cases[c].pieces * (cases[c].fetches + 1), at = 0;
        struct tide_block *b = calloc(BLOCKS, sizeof *b);
        const struct tide_dictionary *seen[BLOCKS + 1] = {NULL}, *last = NULL;
        size_t changes = 0, dictionaries = 0, k = 0;
        struct tide_error e = {0};
        struct bytes text = {0};
        struct tide_reader *r;

        for (size_t i = 0; i < n; i++) {
            struct tide_access a = of_much_code(i, cases[c].pieces, cases[c].fetches);
            char line[40];

            put(&text, line,
                (size_t)snprintf(line, sizeof line, "%s%08llx,%u\n", heads[a.kind],
                                 (unsigned long long)a.addr, a.size));
        }
        r = tide_reader_open(tide_stream_memory(text.p, text.n, "t", &e), NULL, &e);
        tide_reader_take_fragments(r);
        /* a block is looked at when two more have been filled */
        for (; at < n; k++) {
            struct tide_block *old = &b[(k + 1) % BLOCKS];
            size_t i = 0;

            if (tide_reader_next(r, &b[k % BLOCKS], &e) > 0)
                cr_assert_not_null(b[k % BLOCKS].dictionary);
            if (k < BLOCKS - 1)
                continue;
            changes += old->dictionary != last;
            last = old->dictionary;
            while (i < dictionaries && seen[i] != last)
                i++;
            cr_assert_lt(i, BLOCKS + 1, "those that no block has are used again");
            seen[i] = last;
            dictionaries += i == dictionaries;
            check_fragments(old);
            tide_block_unfold(old);
            for (i = 0; i < old->n_accesses; i++, at++) {
                struct tide_access a = of_much_code(at, cases[c].pieces, cases[c].fetches);

                cr_assert(old->accesses[i].addr == a.addr && old->accesses[i].size == a.size &&
                              old->accesses[i].kind == a.kind,
                          "access %zu", at);
            }
        }
        cr_expect_geq(changes, cases[c].turns);
        cr_expect_eq(tide_reader_info(r)->accesses[TIDE_FETCH] +
                         tide_reader_info(r)->accesses[TIDE_READ],
                     n);
        tide_reader_close(r);
        free(text.p);
        free(b);
    }
}

/* Wherever memory ends: all of the log, or what precedes the error. */
Test(lackey, memory_ends)
{
    struct script s = program(5, 20000);
    bool complete = false;

    for (long at = 1; !complete; at++) {
        struct tide_error e = {0};
        struct tide_stream *stream = tide_stream_memory(s.text.p, s.text.n, "t", &e);
        struct tide_reader *r = tide_reader_open(stream, NULL, &e);
        char *got, *error;

        cr_assert(at < 100 && r != NULL);
        tide_reader_take_fragments(r);
        tide_mem_fail_after(at);
        got = render_reader(r);
        tide_mem_fail_after(0);
        error = strstr(got, "error");
        complete = error == NULL && at > 20;
        if (error != NULL) {
            cr_expect_not_null(strstr(error, "memory"), "%s", error);
            *error = '\0';
            cr_expect_eq(strncmp(got, (char *)s.says.p, strlen(got)), 0);
        } else {
            cr_expect(strcmp(got, (char *)s.says.p) == 0);
        }
        free(got);
    }
    script_free(&s);
}

/* ---- talk ---- */

Test(lackey, printable_lines_are_talk)
{
    static const char text[] = "hello, world\n\n L 1,1\n\ttabs\x1b[31m red\n"
                               "caf\xc3\xa9 and caf\xe9\nINFO  started\n X 12,3\nI am\n L\n"
                               "SYSCALL of a book\n==no pid== Command: y\n --> arrow\n L 2,2\n"
                               "the end without a line end";
    struct tide_error e = {0};
    static struct tide_block b;
    struct tide_reader *r;

    expect_trace(text, NULL, "process 0\nread 1 1\nread 2 2\nend\n");
    r = tide_reader_open(tide_stream_memory(text, sizeof text - 1, "t", &e), NULL, &e);
    while (tide_reader_next(r, &b, &e) > 0)
        continue;
    cr_expect_eq(tide_reader_info(r)->other_lines, 12);
    cr_expect(!tide_reader_info(r)->has_layout && !tide_reader_info(r)->has_syscalls);
    tide_reader_close(r);
}

Test(lackey, what_is_no_text_is_damage)
{
    expect_trace(" L 1,1\nab\x01"
                 "cd\n L 2,2\n",
                 NULL,
                 "process 0\nread 1 1\nerror -4: t: line 2, byte 9: byte 0x01 is not text: this is "
                 "not a lackey log, or damaged\n");
}

Test(lackey, random_bytes_are_refused)
{
    struct tide_rng rng;

    tide_rng_init(&rng, 1, "bytes");
    for (unsigned i = 0; i < 50; i++) {
        uint64_t words[1000];
        char *got;

        for (size_t k = 0; k < 1000; k++)
            words[k] = tide_rng_next(&rng);
        got = render(words, sizeof words, "lackey");
        cr_expect_eq(strncmp(got, "error -4: t: line ", 18), 0, "%s", got);
        free(got);
        got = render(words, sizeof words, NULL);
        cr_expect_str_eq(got, "error -4: t: the content is in no known trace format\n");
        free(got);
    }
}

/* A megabyte without a line end is skipped as it passes; it may not be an access. */
Test(lackey, lines_of_a_megabyte)
{
    struct bytes text = {0}, gz;
    char *got;

    put(&text, " L 1,1\n", 7);
    for (unsigned i = 0; i < 1 << 17; i++)
        put(&text, "I  4,1 x", 8); /* what looks like an access inside the line is none */
    text.p[7] = 'x';
    put(&text, "\n L 2,2\n", 8);
    got = render(text.p, text.n, NULL);
    cr_expect_str_eq(got, "process 0\nread 1 1\nread 2 2\nend\n");
    free(got);
    gz = in_pieces(text.p, text.n, 4999);
    got = render(gz.p, gz.n, NULL);
    cr_expect_str_eq(got, "process 0\nread 1 1\nread 2 2\nend\n");
    free(got);
    free(gz.p);

    text.p[7] = 'I';
    memset(text.p + 10, '0', 1 << 19);
    got = render(text.p, text.n, NULL);
    cr_expect_str_eq(got, "process 0\nread 1 1\nerror -4: t: line 2, byte 10: the line is far too "
                          "long for an access: "
                          "'I  000000000000000000000000000000000000000000000...'\n");
    free(got);
    free(text.p);
}

/* Whatever happens to a log: no crash (the sanitizers watch), and the same from small pieces. */
Test(lackey, damaged_logs_read_the_same_in_pieces)
{
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct bytes text = {0}, gz;
        struct tide_rng rng;
        char *whole, *got;

        tide_rng_init(&rng, seed, "damage");
        put(&text, small_log, sizeof small_log - 1);
        for (uint64_t n = 1 + tide_rng_below(&rng, 8); n > 0; n--) {
            static const char bytes[] = "\n\r ,()[]-=0x9fILSM\x80\x01";
            size_t at = tide_rng_below(&rng, text.n);

            if (tide_rng_below(&rng, 4) == 0) {
                text.n -= tide_rng_below(&rng, text.n - at);
                memmove(text.p + at, text.p + at + (text.p[text.n] != '\0'), text.n - at);
            } else {
                text.p[at] = (unsigned char)bytes[tide_rng_below(&rng, sizeof bytes - 1)];
            }
        }
        whole = render(text.p, text.n, "lackey");
        gz = in_pieces(text.p, text.n, 1 + tide_rng_below(&rng, 60));
        got = render(gz.p, gz.n, "lackey");
        forget_content(got);
        cr_expect_str_eq(got, whole, "seed %llu", (unsigned long long)seed);
        free(got);
        free(whole);
        free(gz.p);
        free(text.p);
    }
}
