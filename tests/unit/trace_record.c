/* trace/recorder and the splitting of standard error in trace/valgrind. */
#include "base/mem.h"
#include "trace.h"
#include "trace/recorder.h"
#include "trace/valgrind.h"

static char path[] = "/tmp/pagetide-record-XXXXXX";

static void make_path(void)
{
    cr_assert(mkstemp(path) >= 0);
}

static void remove_path(void)
{
    unlink(path);
}

static struct tide_sink *open_sink(void *context, const struct tide_trace_info *info,
                                   struct tide_error *e)
{
    const struct tide_sink_options options = {0};

    (void)info;
    ++*(unsigned *)context;
    return tide_sink_open("lackey", path, &options, e);
}

/* Puts the log through a recorder, `piece` bytes at a time, and renders what it wrote; "" where it
 * wrote nothing. */
static char *record(const char *log, size_t piece, struct tide_recorder_options o,
                    uint64_t *accesses)
{
    struct tide_error e = {0};
    struct tide_recorder *r;
    size_t n = strlen(log);
    unsigned opened = 0;
    int rc = 0;

    o.open = open_sink;
    o.context = &opened;
    r = tide_recorder_new(&o, &e);
    cr_assert_not_null(r);
    for (size_t at = 0; at < n;) {
        size_t room, now = n - at < piece ? n - at : piece;
        char *to = tide_recorder_room(r, &room);

        now = now < room ? now : room;
        memcpy(to, log + at, now);
        rc = tide_recorder_took(r, now, &e);
        cr_assert(rc >= 0, "%s: %s", e.where, e.what);
        at += now;
    }
    *accesses = tide_recorder_accesses(r);
    rc = tide_recorder_finish(r, &e);
    cr_assert_eq(rc, 0, "%s", e.what);
    tide_recorder_free(r);
    if (opened == 0 || *accesses == 0)
        return calloc(1, 1);
    {
        struct tide_stream *s = tide_stream_open(path, &e);

        return render_reader(tide_reader_open(s, NULL, &e));
    }
}

/* In pieces of every small size, and as a whole: the same. */
static void expect_record(const char *log, struct tide_recorder_options o, const char *expected,
                          uint64_t accesses)
{
    static const size_t pieces[] = {1, 2, 3, 7, 16, 61, 100000};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        uint64_t n;
        char *got = record(log, pieces[i], o, &n);

        cr_expect_str_eq(got, expected, "in pieces of %zu:\n%s", pieces[i], got);
        cr_expect_eq(n, accesses);
        free(got);
    }
}

static const char plain[] = "==5== Command: x\nI  00001000,3\n L 00002000,8\nI  00001003,2\n"
                            " S 00003000,4\n M 00003008,4\n==5== Exit code:       0\n";

Test(recorder, what_is_asked_for, .init = make_path, .fini = remove_path)
{
    expect_record(plain, (struct tide_recorder_options){0},
                  "process 5\nfetch 1000 3\nread 2000 8\nfetch 1003 2\nwrite 3000 4\n"
                  "modify 3008 4\nend\n",
                  5);
    expect_record(plain, (struct tide_recorder_options){.no_fetches = true},
                  "process 5\nread 2000 8\nwrite 3000 4\nmodify 3008 4\nend\n", 3);
    expect_record(plain, (struct tide_recorder_options){.skip = 1, .max = 2},
                  "process 5\nread 2000 8\nfetch 1003 2\nend\n", 2);
    expect_record(plain, (struct tide_recorder_options){.no_fetches = true, .skip = 1, .max = 1},
                  "process 5\nwrite 3000 4\nend\n", 1);
    expect_record(plain, (struct tide_recorder_options){.skip = 5}, "", 0);
}

Test(recorder, a_program_that_was_killed, .init = make_path, .fini = remove_path)
{
    expect_record("==5== Command: x\nI  00001000,3\n L 000020", (struct tide_recorder_options){0},
                  "process 5\nfetch 1000 3\nend\n", 1);
    expect_record("==5== Comm", (struct tide_recorder_options){0}, "", 0);
    expect_record("==5== Command: x\n==5== Exit\n", (struct tide_recorder_options){0}, "", 0);
}

/* The shim lies at 5000..8fff. Its instructions, what they access, what anybody accesses there, its
 * mappings and all between its marks go; the real allocator's accesses stay. */
Test(recorder, the_shim_is_taken_out, .init = make_path, .fini = remove_path)
{
    static const char log[] =
        "==5== Command: x\n"
        "I  00001000,3\n"
        "SYSCALL[5,1](257) sys_openat ( 4294967196, 0x1(/lib/shim.so), 524288 ) --> [pre-success] "
        "Success(0x3)\n"
        "SYSCALL[5,1](  9) sys_mmap ( 0x0, 16000, 1, 2050, 3, 0 ) --> [pre-success] "
        "Success(0x5000)\n"
        "SYSCALL[5,1](  9) sys_mmap ( 0x6000, 4096, 5, 2066, 3, 4096 ) --> [pre-success] "
        "Success(0x6000)\n"
        "SYSCALL[5,1](  9) sys_mmap ( 0x8000, 100, 3, 34, 4294967295, 0 ) --> [pre-success] "
        "Success(0x8000)\n"
        "SYSCALL[5,1]( 10) sys_mprotect ( 0x7000, 4096, 1 ) --> [pre-success] Success(0x0)\n"
        "SYSCALL[5,1]( 10) sys_mprotect ( 0x9000, 4096, 1 ) --> [pre-success] Success(0x0)\n"
        "I  00001003,3\n"
        " L 00005010,8\n" /* the linker reads the shim's symbols */
        "I  00001006,5\n"
        " S 1ffe0000,8\n"
        "I  00006000,3\n"
        " S 1ffe0008,8\n"
        "**5** pagetide shim begins\n"
        "I  00002000,3\n"
        " L 00003000,8\n"
        "**5** pagetide shim ends\n"
        "I  00006003,5\n"
        " S 1ffe0010,8\n"
        "I  00004000,3\n" /* the allocator */
        " S 00003010,8\n"
        "I  00006008,1\n"
        "**5** malloc(24) = 0x3020\n"
        " L 1ffe0010,8\n"
        "I  0000100b,3\n"
        " L 00003020,8\n";

    expect_record(log, (struct tide_recorder_options){.shim = "/lib/shim.so"},
                  "process 5\nfetch 1000 3\nprotect 9000+1000 r--\nfetch 1003 3\nfetch 1006 5\n"
                  "write 1ffe0000 8\nfetch 4000 3\nwrite 3010 8\nmalloc 3020 len 24\nfetch 100b 3\n"
                  "read 3020 8\nend\n",
                  8);
}

Test(recorder, out_of_memory, .init = make_path, .fini = remove_path)
{
    int rc = TIDE_E_NOMEM;

    for (long n = 1; rc == TIDE_E_NOMEM; n++) {
        struct tide_error e = {0};
        unsigned opened = 0;
        struct tide_recorder *r;
        size_t room;

        cr_assert(n < 100);
        tide_mem_fail_after(n);
        r = tide_recorder_new(
            &(struct tide_recorder_options){.open = open_sink, .context = &opened}, &e);
        rc = r == NULL ? e.code : 0;
        if (rc == 0) {
            memcpy(tide_recorder_room(r, &room), plain, sizeof plain - 1);
            rc = tide_recorder_took(r, sizeof plain - 1, &e);
        }
        if (rc == 0)
            rc = tide_recorder_finish(r, &e);
        tide_mem_fail_after(0);
        tide_recorder_free(r);
    }
    cr_expect_eq(rc, 0);
}

/* ---- standard error ---- */

struct both {
    struct bytes program, talk;
};

static int to_program(void *context, const char *bytes, size_t n, struct tide_error *e)
{
    (void)e;
    put(&((struct both *)context)->program, bytes, n);
    return 0;
}

static int to_talk(void *context, const char *bytes, size_t n, struct tide_error *e)
{
    (void)e;
    put(&((struct both *)context)->talk, bytes, n);
    return 0;
}

static void expect_split(const char *text, const char *program, const char *talk)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct both b = {0};
        struct tide_error e = {0};
        struct tide_stderr_split s = {.program = to_program, .talk = to_talk, .context = &b};

        put(&b.program, "", 0);
        put(&b.talk, "", 0);
        for (size_t at = 0; at < strlen(text); at += piece)
            cr_assert_eq(tide_stderr_split(&s, text + at,
                                           strlen(text) - at < piece ? strlen(text) - at : piece,
                                           &e),
                         0);
        cr_assert_eq(tide_stderr_split_end(&s, &e), 0);
        cr_expect_str_eq((char *)b.program.p, program, "in pieces of %zu: %s", piece,
                         (char *)b.program.p);
        cr_expect_str_eq((char *)b.talk.p, talk, "in pieces of %zu: %s", piece, (char *)b.talk.p);
        free(b.program.p);
        free(b.talk.p);
    }
}

Test(stderr_split, valgrinds_lines_are_taken_out)
{
    expect_split("--77:1: aspacem (1,2) x\nhello\n--77:1:syswrap- end\n", "hello\n",
                 "--77:1: aspacem (1,2) x\n--77:1:syswrap- end\n");
    expect_split("partial --77:1:  gdbsrv bye\nrest", "partial rest", "--77:1:  gdbsrv bye\n");
    expect_split("----77:1:    main x\n", "--", "--77:1:    main x\n");
    expect_split("a -- b --1 --2: --3:4 --5:6: --option --7:x: end --8:1:Capital! x\n--",
                 "a -- b --1 --2: --3:4 --5:6: --option --7:x: end --8:1:Capital! x\n--", "");
    expect_split("--12345678901:1:    main x\n", "--12345678901:1:    main x\n", "");
}
