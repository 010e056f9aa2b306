/* trace/sink, trace/out, trace/select, trace/generate: what is written reads back as the same. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "trace.h"
#include "trace/generate.h"
#include "trace/select.h"
#include "trace/sink.h"

static char dir[] = "/tmp/pagetide-sink-XXXXXX";

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[256];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct bytes contents(const char *path)
{
    struct bytes b = {0};
    char piece[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY);

    cr_assert(fd >= 0, "%s", path);
    put(&b, "", 0);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        put(&b, piece, (size_t)n);
    close(fd);
    return b;
}

static const char *path_of(const void *context, uint32_t file)
{
    return tide_reader_file(context, file);
}

/* Reads the text and writes it as `to`. */
static int convert(const char *text, const char *to, const char *path, struct tide_error *e)
{
    const struct tide_sink_options options = {.command = "prog -x", .note = "a note"};
    struct tide_stream *s = tide_stream_memory(text, strlen(text), "t", e);
    struct tide_reader *r = tide_reader_open(s, NULL, e);
    struct tide_block *b = malloc(sizeof *b);
    struct tide_sink *sink = tide_sink_open(to, path, &options, e);
    const struct tide_file_names names = {path_of, r};
    int rc = sink == NULL ? e->code : 0;

    cr_assert_not_null(r);
    while (rc == 0 && (rc = tide_reader_next(r, b, e)) > 0)
        rc = tide_sink_put(sink, b, &names, e);
    if (rc == 0)
        rc = tide_sink_finish(sink, e);
    else
        tide_sink_abandon(sink);
    tide_reader_close(r);
    free(b);
    return rc;
}

static const char log_text[] =
    "==77== Lackey, an example Valgrind tool\n"
    "==77== Command: sort -n\n"
    "--77:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup (9 segments)\n"
    "--77:1: aspacem (1,49,7) /usr/bin/sort\n"
    "--77:1: aspacem   0: RSVN 0000000000-0000107fff 1081344 ----- SmFixed\n"
    "--77:1: aspacem   1: file 0000108000-000010afff   12288 r---- d=0x1 i=2 o=0       (1,49)\n"
    "--77:1: aspacem   2: file 000010b000-000011cfff   73728 r-x-- d=0x1 i=2 o=12288   (1,49)\n"
    "--77:1: aspacem   3: anon 0004035000-0004035fff    4096 rwx--\n"
    "--77:1: aspacem   4: RSVN 0004036000-0004834fff 8384512 ----- SmLower\n"
    "--77:1: aspacem   5: RSVN 1ffe801000-1ffeffffff    8388608 ----- SmUpper\n"
    "--77:1: aspacem   6: anon 1fff000000-1fff000fff    4096 rw---\n"
    "--77:1: aspacem >>>\n"
    "I  0010b000,3\n"
    " S 1fff000ff8,8\n"
    "SYSCALL[77,1](257) sys_openat ( 4294967196, 0x4034(/etc/locale), 524288 ) --> [pre-success] "
    "Success(0x4)\n"
    "SYSCALL[77,1](  9) sys_mmap ( 0x0, 5000, 1, 2, 4, 4096 ) --> [pre-success] "
    "Success(0x4a00000)\n"
    "SYSCALL[77,1](  9) sys_mmap ( 0x0, 8192, 3, 32801, 4294967295, 0 ) --> [pre-success] "
    "Success(0x4b00000)\n"
    "SYSCALL[77,1]( 10) sys_mprotect ( 0x4b00000, 4096, 1 ) --> [pre-success] Success(0x0)\n"
    "SYSCALL[77,1]( 25) sys_mremap ( 0x4b00000, 8192, 16384, 1, 0x0 ) --> [pre-success] "
    "Success(0x4c00000)\n"
    "SYSCALL[77,1]( 12) sys_brk ( 0x4056000 ) --> [pre-success] Success(0x4056000)\n"
    "SYSCALL[77,1]( 28) sys_madvise ( 0x4a00000, 4096, 4 ) --> [pre-success] Success(0x0)\n"
    "**77** malloc(24) = 0x4A17040\n"
    "**77** calloc(2, 16) = 0x4A17080\n"
    "**77** memalign(64, 100) = 0x4A170C0\n"
    "**77** realloc(0x4a17040, 48) = 0x4A17140\n"
    "**78** malloc(1) = 0x1\n"
    "**77** free(0x4a17080)\n"
    " L 04a00000,1\n"
    " M 00108ffe,4\n"
    "SYSCALL[77,1]( 11) sys_munmap ( 0x4a00000, 5000 ) --> [pre-success] Success(0x0)\n"
    "SYSCALL[77,1](231) sys_exit_group ( 0 ) --> [pre-success] NoWriteResult\n"
    "I  1234567890abcdef,65536\n";

Test(sink, lackey_keeps_every_record, .init = make_dir, .fini = remove_dir)
{
    struct tide_error e = {0};
    struct bytes b;
    char *before, *after;

    cr_assert_eq(convert(log_text, "lackey", in_dir("a"), &e), 0, "%s", e.what);
    b = contents(in_dir("a"));
    before = render(log_text, strlen(log_text), NULL);
    after = render(b.p, b.n, NULL);
    cr_expect_str_eq(after, before, "got:\n%s\nexpected:\n%s", after, before);
    cr_expect_not_null(strstr(before, "malloc"), "heap calls are read");
    cr_expect_not_null(strstr(before, "heap 4035000+"), "%s", before);
    cr_expect_not_null(strstr(before, "stack 1ffe801000+"), "%s", before);
    cr_expect_null(strstr(before, " 1+1"), "calls of other processes are not");
    free(before);
    free(after);
    free(b.p);
}

Test(sink, a_name_in_gz_is_compressed, .init = make_dir, .fini = remove_dir)
{
    struct tide_error e = {0};
    struct bytes plain, packed;
    char *one, *other;

    cr_assert_eq(convert(log_text, "lackey", in_dir("a"), &e), 0);
    plain = contents(in_dir("a"));
    cr_assert_eq(convert(log_text, "lackey", in_dir("a.gz"), &e), 0);
    packed = contents(in_dir("a.gz"));
    cr_assert(packed.n < plain.n && packed.p[0] == 0x1f && packed.p[1] == 0x8b);
    one = render(plain.p, plain.n, NULL);
    other = render(packed.p, packed.n, NULL);
    cr_expect_str_eq(one, other);
    free(one);
    free(other);
    free(plain.p);
    free(packed.p);
}

/* fetch in page 1, a read across pages 1 and 2, a write, a modify across pages 3 and 4 */
static const char four[] = "I  00001000,3\n L 00001ffe,4\n S 00003008,8\n M 00003fff,2\n";

static void expect_file(const char *to, const char *expected)
{
    struct tide_error e = {0};
    struct bytes b;

    cr_assert_eq(convert(four, to, in_dir(to), &e), 0, "%s: %s", to, e.what);
    b = contents(in_dir(to));
    cr_expect_str_eq((char *)b.p, expected, "%s:\n%s", to, (char *)b.p);
    free(b.p);
}

Test(sink, texts, .init = make_dir, .fini = remove_dir)
{
    expect_file("pages", "# command: prog -x\n# note: a note\n1\n1\n2\n3w\n3\n4\n3w\n4w\n");
    expect_file("addr", "# command: prog -x\n# note: a note\n00001000 R\n00001ffe R\n00002000 R\n"
                        "00003008 W\n00003fff R\n00004000 R\n00003fff W\n00004000 W\n");
    expect_file("din", "2 1000 03\n0 1ffe 04\n1 3008 08\n0 3fff 02\n1 3fff 02\n");
}

static uint64_t little(const unsigned char *p, unsigned n)
{
    return n == 0 ? 0 : p[0] | little(p + 1, n - 1) << 8;
}

Test(sink, oraclegeneral, .init = make_dir, .fini = remove_dir)
{
    /* page references 1 1 2 3 3 4 3 4: number of the next one to the page, from 1 */
    static const uint64_t pages[] = {1, 1, 2, 3, 3, 4, 3, 4};
    static const int64_t next[] = {2, -1, -1, 5, 7, 8, -1, -1};
    struct tide_error e = {0};
    struct bytes b;

    cr_assert_eq(convert(four, "oraclegeneral", in_dir("o"), &e), 0);
    b = contents(in_dir("o"));
    cr_assert_eq(b.n, 8 * 24);
    for (size_t i = 0; i < 8; i++) {
        const unsigned char *r = b.p + 24 * i;

        cr_expect_eq(little(r, 4), 0);
        cr_expect_eq(little(r + 4, 8), pages[i], "record %zu", i);
        cr_expect_eq(little(r + 12, 4), 4096);
        cr_expect_eq((int64_t)little(r + 16, 8), next[i], "record %zu", i);
    }
    free(b.p);
    cr_expect_eq(convert(four, "oraclegeneral", in_dir("o.gz"), &e), TIDE_E_USAGE);
    cr_expect_neq(access(in_dir("o.gz"), F_OK), 0);
}

/* The next reference may be patched in the file, in the buffer, or across the border of both. */
Test(sink, oraclegeneral_far_apart, .init = make_dir, .fini = remove_dir)
{
    const struct tide_sink_options options = {0};
    struct tide_error e = {0};
    struct tide_sink *s = tide_sink_open("oraclegeneral", in_dir("o"), &options, &e);
    struct tide_block *b = calloc(1, sizeof *b);
    struct bytes file;
    enum { ROUND = 5000, ROUNDS = 2 };

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (b->n_accesses = 0; b->n_accesses < ROUND; b->n_accesses++)
            b->accesses[b->n_accesses] =
                (struct tide_access){.addr = 4096 * b->n_accesses, .size = 1};
        cr_assert_eq(tide_sink_put(s, b, NULL, &e), 0);
    }
    cr_assert_eq(tide_sink_finish(s, &e), 0);
    file = contents(in_dir("o"));
    cr_assert_eq(file.n, ROUNDS * ROUND * 24);
    for (uint64_t i = 0; i < ROUNDS * ROUND; i++)
        cr_assert_eq(little(file.p + 24 * i + 16, 8), i < ROUND ? i + ROUND + 1 : UINT64_MAX,
                     "record %zu", (size_t)i);
    free(file.p);
    free(b);
}

Test(sink, champsim, .init = make_dir, .fini = remove_dir)
{
    /* an instruction with 5 loads and a modify needs two records; data alone has ip 0 */
    static const char text[] = " S 00000500,8\nI  00001000,3\n L 00000101,8\n L 00000102,8\n"
                               " L 00000103,8\n L 00000104,8\n L 00000105,8\n M 00000200,8\n";
    static const uint64_t expected[3][7] = {/* ip, stores, loads */
                                            {0, 0x500, 0, 0, 0, 0, 0},
                                            {0x1000, 0, 0, 0x101, 0x102, 0x103, 0x104},
                                            {0x1000, 0x200, 0, 0x105, 0x200, 0, 0}};
    static const unsigned at[7] = {0, 16, 24, 32, 40, 48, 56};
    struct tide_error e = {0};
    struct bytes b;

    cr_assert_eq(convert(text, "champsim", in_dir("c"), &e), 0);
    b = contents(in_dir("c"));
    cr_assert_eq(b.n, 3 * 64);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 7; k++)
            cr_expect_eq(little(b.p + 64 * i + at[k], 8), expected[i][k], "record %zu field %zu", i,
                         k);
    free(b.p);
    cr_expect_eq(convert(" L 00000000,8\n", "champsim", in_dir("z"), &e), TIDE_E_TRACE);
}

Test(sink, what_cannot_be_said_is_refused, .init = make_dir, .fini = remove_dir)
{
    const struct tide_sink_options options = {0};
    struct tide_error e = {0};
    struct tide_block *b = calloc(1, sizeof *b);
    struct tide_sink *s = tide_sink_open("addr", in_dir("a"), &options, &e);

    b->n_accesses = 1;
    b->accesses[0] = (struct tide_access){.addr = 1, .size = 1, .process = 1};
    cr_expect_eq(tide_sink_put(s, b, NULL, &e), TIDE_E_USAGE);
    cr_expect_not_null(strstr(e.remedy, "trace cut --process"));
    tide_sink_abandon(s);
    s = tide_sink_open("addr", in_dir("a"), &options, &e);
    cr_expect_eq(tide_sink_finish(s, &e), TIDE_E_TRACE, "no access");
    cr_expect_neq(access(in_dir("a"), F_OK), 0);
    cr_expect_neq(access(in_dir("a.tmp"), F_OK), 0);
    cr_expect_null(tide_sink_open("adr", in_dir("a"), &options, &e));
    cr_expect_eq(e.code, TIDE_E_USAGE);
    cr_expect_not_null(strstr(e.remedy, "did you mean 'addr'?"), "%s", e.remedy);
    cr_expect_null(tide_sink_open("addr", "/nosuch/folder/a", &options, &e));
    cr_expect_eq(e.code, TIDE_E_IO);
    cr_expect_null(tide_sink_open("addr", dir, &options, &e));
    cr_expect_eq(e.code, TIDE_E_IO, "a folder is there already");
    free(b);
}

Test(sink, out_of_memory_leaves_no_file, .init = make_dir, .fini = remove_dir)
{
    static const char *const formats[] = {"lackey", "pages", "oraclegeneral", "champsim"};
    const struct tide_sink_options options = {0};
    struct tide_block *b = calloc(1, sizeof *b);

    for (b->n_accesses = 0; b->n_accesses < 3; b->n_accesses++)
        b->accesses[b->n_accesses] =
            (struct tide_access){.addr = 4096 * (b->n_accesses + 1), .size = 1};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        int rc = TIDE_E_NOMEM;

        for (long n = 1; rc == TIDE_E_NOMEM; n++) {
            struct tide_error e = {0};
            struct tide_sink *s;

            cr_assert(n < 100);
            tide_mem_fail_after(n);
            s = tide_sink_open(formats[f], in_dir(formats[f]), &options, &e);
            rc = s == NULL ? e.code : tide_sink_put(s, b, NULL, &e);
            if (rc == 0)
                rc = tide_sink_finish(s, &e);
            else
                tide_sink_abandon(s);
            tide_mem_fail_after(0);
            cr_expect_eq(access(in_dir(formats[f]), F_OK) == 0, rc == 0, "%s, %ld", formats[f], n);
        }
        cr_assert_eq(rc, 0);
    }
    free(b);
}

/* ---- select ---- */

/* f0 r1 | unmap | w2 m3 f4 (at 0x1000 * (i + 1), 8 bytes), after a PROCESS */
static struct tide_block *five(void)
{
    static const uint8_t kinds[] = {TIDE_FETCH, TIDE_READ, TIDE_WRITE, TIDE_MODIFY, TIDE_FETCH};
    struct tide_block *b = calloc(1, sizeof *b);

    for (b->n_accesses = 0; b->n_accesses < 5; b->n_accesses++)
        b->accesses[b->n_accesses] = (struct tide_access){.addr = 0x1000 * (b->n_accesses + 1),
                                                          .size = 8,
                                                          .kind = kinds[b->n_accesses],
                                                          .process = b->n_accesses == 4};
    b->first = 100;
    b->events[0] = (struct tide_event){.type = TIDE_EV_PROCESS};
    b->events[1] = (struct tide_event){.type = TIDE_EV_UNMAP, .at = 2};
    b->n_events = 2;
    return b;
}

static void expect_selected(const struct tide_select *s, const char *expected, bool goes_on)
{
    struct tide_block *b = five();
    char got[128];
    size_t n = 0, k = 0;
    bool more = tide_select_apply(s, b);

    got[0] = '\0';
    for (size_t i = 0; i <= b->n_accesses; i++) {
        for (; k < b->n_events && b->events[k].at == i; k++)
            n += (size_t)snprintf(got + n, sizeof got - n, "%c",
                                  b->events[k].type == TIDE_EV_UNMAP ? 'U' : 'P');
        if (i < b->n_accesses)
            n += (size_t)snprintf(got + n, sizeof got - n, "%llu",
                                  (unsigned long long)b->accesses[i].addr / 0x1000 - 1);
    }
    cr_expect_str_eq(got, expected, "got %s, expected %s", got, expected);
    cr_expect_eq(more, goes_on, "%s", expected);
    free(b);
}

Test(select, parts)
{
    struct tide_select s = TIDE_SELECT_ALL;

    expect_selected(&s, "P01U234", true);
    s.first = 101, s.end = 103;
    expect_selected(&s, "P1U2", false);
    s.first = 103, s.end = 104;
    expect_selected(&s, "PU3", false);
    s.no_preamble = true;
    expect_selected(&s, "P3", false);
    s = TIDE_SELECT_ALL;
    s.end = 102;
    expect_selected(&s, "P01", false);
    s = TIDE_SELECT_ALL;
    s.kinds = 1u << TIDE_FETCH | 1u << TIDE_MODIFY;
    expect_selected(&s, "P0U34", true);
    s = TIDE_SELECT_ALL;
    s.lowest = 0x2007, s.highest = 0x4000; /* the last byte of 1 and the first of 3 */
    expect_selected(&s, "P1U23", true);
    s.lowest = 0x2008, s.highest = 0x3fff;
    expect_selected(&s, "PU2", true);
    s = TIDE_SELECT_ALL;
    s.process = 1;
    expect_selected(&s, "4", true);
}

/* ---- generate ---- */

/* The pages of the first accesses, from the region's start. */
static void expect_pages(struct tide_phase p, const char *expected)
{
    struct tide_error e = {0};
    struct tide_generator *g = tide_generator_new(&p, 1, 1, 1, &e);
    struct tide_block *b = calloc(1, sizeof *b);
    char got[256];
    size_t n = 0;

    cr_assert_eq(tide_phase_check(&p, &e), 0, "%s", e.what);
    cr_assert_eq(tide_generator_next(g, b, &e), 1);
    cr_assert_eq(b->n_accesses, p.accesses);
    for (size_t i = 0; i < b->n_accesses; i++)
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%llu", i > 0 ? " " : "",
                              (unsigned long long)(b->accesses[i].addr - TIDE_GENERATE_BASE) /
                                  TIDE_GENERATE_PAGE);
    cr_expect_str_eq(got, expected, "%s: %s", tide_pattern_names[p.pattern], got);
    cr_expect_eq(tide_generator_next(g, b, &e), 0);
    tide_generator_free(g);
    free(b);
}

Test(generate, patterns_without_chance)
{
    struct tide_phase p;

    tide_phase_init(&p, TIDE_PATTERN_LOOP);
    p.accesses = 7, p.pages = 3;
    expect_pages(p, "0 1 2 0 1 2 0");
    tide_phase_init(&p, TIDE_PATTERN_SEQUENTIAL);
    p.accesses = 7, p.pages = 3, p.size = 2048;
    expect_pages(p, "0 0 1 1 2 2 0");
    tide_phase_init(&p, TIDE_PATTERN_STRIDED);
    p.accesses = 6, p.pages = 4, p.stride = 3 * 4096;
    expect_pages(p, "0 3 2 1 0 3");
}

/* Every page is passed once before any comes again. */
Test(generate, chase_is_one_cycle)
{
    enum { PAGES = 64 };
    struct tide_error e = {0};
    struct tide_block *b = calloc(1, sizeof *b);

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct tide_generator *g;
        struct tide_phase p;
        bool seen[PAGES] = {false};

        tide_phase_init(&p, TIDE_PATTERN_CHASE);
        p.pages = PAGES, p.accesses = 2 * PAGES;
        g = tide_generator_new(&p, 1, 1, seed, &e);
        cr_assert_eq(tide_generator_next(g, b, &e), 1);
        for (size_t i = 0; i < 2 * PAGES; i++) {
            size_t page = (b->accesses[i].addr - TIDE_GENERATE_BASE) / TIDE_GENERATE_PAGE;

            cr_assert(page < PAGES);
            cr_assert(i >= PAGES || !seen[page], "seed %llu", (unsigned long long)seed);
            seen[page] = true;
            if (i >= PAGES)
                cr_assert_eq(b->accesses[i].addr, b->accesses[i - PAGES].addr);
        }
        tide_generator_free(g);
    }
    free(b);
}

/* Counts of each rank against 1/r^s, with room for 4 standard deviations. */
Test(generate, zipf_has_its_shares)
{
    enum { PAGES = 20, N = 16384 };
    static const uint64_t skews[] = {0, 100, 200, 300};

    for (size_t k = 0; k < 4; k++) {
        struct tide_error e = {0};
        struct tide_block *b = calloc(1, sizeof *b);
        struct tide_generator *g;
        struct tide_phase p;
        unsigned counts[PAGES] = {0};
        double sum = 0;

        tide_phase_init(&p, TIDE_PATTERN_ZIPF);
        p.pages = PAGES, p.accesses = N, p.skew = skews[k];
        g = tide_generator_new(&p, 1, 1, 42, &e);
        cr_assert_eq(tide_generator_next(g, b, &e), 1);
        for (size_t i = 0; i < N; i++)
            counts[(b->accesses[i].addr - TIDE_GENERATE_BASE) / TIDE_GENERATE_PAGE]++;
        for (size_t i = 1; i < PAGES; i++) /* by rank */
            for (size_t j = i; j > 0 && counts[j] > counts[j - 1]; j--) {
                unsigned held = counts[j];

                counts[j] = counts[j - 1];
                counts[j - 1] = held;
            }
        for (unsigned r = 1; r <= PAGES; r++) {
            double weight = 1;

            for (uint64_t s = 0; s < skews[k]; s += 100)
                weight /= r;
            sum += weight;
        }
        for (unsigned r = 1; r <= PAGES; r++) {
            /* by skew 0 the order of counts is chance: all are held against the mean */
            double expected, off, weight = 1;

            for (uint64_t s = 0; s < skews[k]; s += 100)
                weight *= r;
            expected = N / sum / weight;
            off = counts[r - 1] - expected;
            cr_expect(off * off < 16 * expected, "skew %u, rank %u: %u, expected about %.0f",
                      (unsigned)skews[k], r, counts[r - 1], expected);
        }
        tide_generator_free(g);
        free(b);
    }
}

Test(generate, ramp_and_scan_stay_where_they_belong)
{
    struct tide_error e = {0};
    struct tide_block *b = calloc(1, sizeof *b);
    struct tide_generator *g;
    struct tide_phase p;
    uint64_t scan = 50;

    tide_phase_init(&p, TIDE_PATTERN_RAMP);
    p.accesses = 10000, p.pages = 100, p.from = 10;
    g = tide_generator_new(&p, 1, 1, 3, &e);
    cr_assert_eq(tide_generator_next(g, b, &e), 1);
    for (size_t i = 0; i < 10000; i++)
        cr_assert((b->accesses[i].addr - TIDE_GENERATE_BASE) / TIDE_GENERATE_PAGE <
                  10 + (100 - 10 + 1) * i / 10000);
    tide_generator_free(g);
    tide_phase_init(&p, TIDE_PATTERN_SCAN_MIX);
    p.accesses = 10000, p.pages = 100;
    g = tide_generator_new(&p, 1, 1, 3, &e);
    cr_assert_eq(tide_generator_next(g, b, &e), 1);
    for (size_t i = 0; i < 10000; i++) {
        uint64_t page = (b->accesses[i].addr - TIDE_GENERATE_BASE) / TIDE_GENERATE_PAGE;

        if (page >= 50) { /* the scan goes page by page, and around */
            cr_assert_eq(page, scan);
            scan = scan == 99 ? 50 : scan + 1;
        }
    }
    cr_expect(scan != 50);
    tide_generator_free(g);
    free(b);
}

/* Equal seeds make equal traces; phases draw apart, so changing one leaves the next as it was. */
Test(generate, seeds)
{
    struct tide_error e = {0};
    struct tide_block *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct tide_phase p[2];
    struct tide_generator *g, *h;

    tide_phase_init(&p[0], TIDE_PATTERN_ZIPF);
    tide_phase_init(&p[1], TIDE_PATTERN_UNIFORM);
    p[0].accesses = p[1].accesses = 1000;
    for (unsigned other = 0; other < 3; other++) {
        struct tide_phase q[2] = {p[0], p[1]};

        if (other == 2)
            q[0].writes = (struct tide_amount){0};
        g = tide_generator_new(p, 2, 2, 5, &e);
        h = tide_generator_new(q, 2, 2, other == 1 ? 6 : 5, &e);
        cr_assert_eq(tide_generator_next(g, a, &e), 1);
        cr_assert_eq(tide_generator_next(h, b, &e), 1);
        cr_assert_eq(a->n_accesses, 4000);
        cr_expect_eq(memcmp(a->accesses, b->accesses, 4000 * sizeof *a->accesses) == 0, other == 0);
        cr_expect_eq(memcmp(a->accesses + 1000, b->accesses + 1000, 1000 * sizeof *a->accesses) ==
                         0,
                     other != 1);
        cr_expect_neq(memcmp(a->accesses, a->accesses + 2000, 1000 * sizeof *a->accesses), 0,
                      "a round is not the one before");
        tide_generator_free(g);
        tide_generator_free(h);
    }
    free(a);
    free(b);
}

Test(generate, wrong_parameters)
{
    struct tide_error e = {0};
    struct tide_phase p;
    enum tide_pattern pattern;

    tide_phase_init(&p, TIDE_PATTERN_RAMP);
    p.from = p.pages + 1;
    cr_expect_eq(tide_phase_check(&p, &e), TIDE_E_CONFIG);
    tide_phase_init(&p, TIDE_PATTERN_SCAN_MIX);
    p.pages = 1;
    cr_expect_eq(tide_phase_check(&p, &e), TIDE_E_CONFIG);
    tide_phase_init(&p, TIDE_PATTERN_LOOP);
    p.writes = (struct tide_amount){.value = 3};
    cr_expect_eq(tide_phase_check(&p, &e), TIDE_E_CONFIG);
    cr_expect_eq(tide_pattern_find("zip", &pattern, &e), TIDE_E_CONFIG);
    cr_expect_not_null(strstr(e.remedy, "did you mean 'zipf'?"));
}

Test(generate, out_of_memory)
{
    struct tide_block *b = calloc(1, sizeof *b);
    int rc = TIDE_E_NOMEM;

    for (long n = 1; rc == TIDE_E_NOMEM; n++) {
        struct tide_error e = {0};
        struct tide_generator *g;
        struct tide_phase p;

        cr_assert(n < 100);
        tide_phase_init(&p, TIDE_PATTERN_SCAN_MIX);
        tide_mem_fail_after(n);
        g = tide_generator_new(&p, 1, 1, 1, &e);
        rc = g == NULL ? e.code : tide_generator_next(g, b, &e);
        tide_mem_fail_after(0);
        tide_generator_free(g);
    }
    cr_expect_eq(rc, 1);
    free(b);
}
