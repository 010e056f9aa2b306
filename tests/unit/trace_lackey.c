/* trace/lackey: accesses on both paths, layout, system calls, talk, damage. */
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

/* Random accesses, printed in every way that is accepted, come back as they are: ordinary lines
 * and those that only the plain path takes, mixed. */
Test(lackey, accesses_come_back_as_they_were_printed)
{
    static const char *const heads[TIDE_KINDS] = {"I  ", " L ", " S ", " M "};
    static const char *const names[TIDE_KINDS] = {"fetch", "read", "write", "modify"};

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
