/* trace/stream: members of each compression, damage at every place, files that are none; igzip
 * and zlib tell the same.  The zstd and xz samples are made by the libraries' one-call encoders. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef TIDE_WITH_ZSTD
#include <zstd.h>
#endif
#ifdef TIDE_WITH_XZ
#include <lzma.h>
#endif

#include "trace.h"

static const char content[] = "I  04000000,3\n S 1fff000708,8\n L 1fff000708,8\nI  04000003,5\n";
enum { CONTENT = sizeof content - 1 };

/* Reads all, `step` bytes at a time. Returns the last code; *got has what was delivered. */
static int drain(struct tide_stream *s, size_t step, struct bytes *got, struct tide_error *e)
{
    unsigned char buf[256];
    ssize_t n;

    put(got, "", 0);
    while ((n = tide_stream_read(s, buf, step, e)) > 0)
        put(got, buf, (size_t)n);
    cr_assert_eq(tide_stream_offset(s), got->n);
    cr_assert_eq(tide_stream_crc32(s), crc32_z(0, got->p, got->n));
    cr_assert_eq(tide_stream_read(s, buf, step, e), n, "the end, or the error, stays");
    return (int)n;
}

/* Makes content ahead until told to stop. */
struct helper {
    struct tide_stream *stream;
    atomic_bool stop;
    atomic_size_t made; /* times */
};

static void *help(void *context)
{
    struct helper *h = context;

    while (!atomic_load(&h->stop))
        atomic_fetch_add(&h->made, tide_stream_make_ahead(h->stream));
    return NULL;
}

/* As drain(), while another thread makes content ahead; it has begun. */
static int drain_helped(struct tide_stream *s, size_t step, struct bytes *got, struct tide_error *e)
{
    struct helper h = {.stream = s};
    pthread_t thread;
    int rc;

    cr_assert_eq(tide_stream_read_ahead(s, e), 0);
    cr_assert_eq(pthread_create(&thread, NULL, help, &h), 0);
    while (atomic_load(&h.made) == 0)
        sched_yield();
    rc = drain(s, step, got, e);
    atomic_store(&h.stop, true);
    pthread_join(thread, NULL);
    return rc;
}

static void expect_content(const void *raw, size_t n, const char *what)
{
    for (size_t step = 1; step <= 64; step += 9) {
        struct tide_error e = {0};
        struct tide_stream *s = tide_stream_memory(raw, n, "t", &e);
        struct bytes got = {0};

        cr_assert_not_null(s, "%s", what);
        cr_expect_eq(drain(s, step, &got, &e), 0, "%s: %s", what, e.what);
        cr_expect_eq(got.n, CONTENT, "%s", what);
        cr_expect_arr_eq(got.p, content, CONTENT, "%s", what);
        cr_expect_eq(tide_stream_raw_offset(s), n, "%s", what);
        cr_expect_eq(tide_stream_raw_size(s), n, "%s", what);
        tide_stream_close(s);
        free(got.p);
    }
}

static void expect_failure(const void *raw, size_t n, const char *where, const char *what)
{
    struct tide_error e = {0};
    struct tide_stream *s = tide_stream_memory(raw, n, "t", &e);
    struct bytes got = {0};

    cr_assert_not_null(s);
    cr_expect_eq(drain(s, 100, &got, &e), TIDE_E_TRACE);
    cr_expect_eq(got.n, CONTENT, "what precedes the damage is delivered");
    cr_expect_str_eq(e.where, where);
    cr_expect_not_null(strstr(e.what, what), "%s", e.what);
    tide_stream_close(s);
    free(got.p);
}

Test(stream, plain_gzip_members_and_padding_are_the_same_content)
{
    struct bytes one = {0}, two = {0};
    char zeros[512] = {0};

    expect_content(content, CONTENT, "plain");
    put_member(&one, content, CONTENT);
    expect_content(one.p, one.n, "one member");
    put(&one, zeros, sizeof zeros);
    expect_content(one.p, one.n, "zero padding");
    put_member(&two, content, 20);
    put_member(&two, "", 0);
    put_member(&two, content + 20, CONTENT - 20);
    expect_content(two.p, two.n, "three members, one of them empty");
    free(one.p);
    free(two.p);
}

Test(stream, bytes_behind_the_last_member_are_refused)
{
    struct bytes gz = {0};
    char where[100];
    size_t n;

    put_member(&gz, content, CONTENT);
    n = gz.n;
    put(&gz, "x", 1);
    snprintf(where, sizeof where, "t: byte %zu (byte %d of the content)", n, CONTENT);
    expect_failure(gz.p, gz.n, where, "follow the end of the gzip data");

    gz.n = n;
    put(&gz, "\0\0\0\x1f\x8b", 5); /* a member does not follow padding */
    snprintf(where, sizeof where, "t: byte %zu (byte %d of the content)", n + 3, CONTENT);
    expect_failure(gz.p, gz.n, where, "follow the end of the gzip data");

    gz.n = n;
    put(&gz, "\x1f\x8cxx", 4);
    snprintf(where, sizeof where, "t: byte %zu (byte %d of the content)", n + 2, CONTENT);
    expect_failure(gz.p, gz.n, where, "incorrect header check");
    free(gz.p);
}

Test(stream, truncation_is_found_at_every_byte)
{
    struct bytes gz = {0};
    size_t first;

    put_member(&gz, content, 30);
    first = gz.n;
    put_member(&gz, content + 30, CONTENT - 30);
    for (size_t n = 2; n < gz.n; n++) {
        struct tide_error e = {0};
        struct tide_stream *s = tide_stream_memory(gz.p, n, "t", &e);
        struct bytes got = {0};
        char where[100];
        int rc;

        cr_assert_not_null(s);
        rc = drain(s, 7, &got, &e);
        cr_expect_arr_eq(got.p, content, got.n);
        if (n == first) { /* a whole file by itself */
            cr_expect_eq(rc, 0);
            cr_expect_eq(got.n, 30);
        } else {
            snprintf(where, sizeof where, "t: byte %zu (byte %zu of the content)", n, got.n);
            cr_expect_eq(rc, TIDE_E_TRACE, "%zu bytes", n);
            cr_expect_str_eq(e.where, where);
            cr_expect_not_null(strstr(e.what, "truncated"), "%zu bytes: %s", n, e.what);
        }
        tide_stream_close(s);
        free(got.p);
    }
    free(gz.p);
}

Test(stream, no_flipped_bit_changes_the_content_unseen)
{
    struct bytes gz = {0};

    put_member(&gz, content, CONTENT);
    for (size_t i = 0; i < gz.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct tide_error e = {0};
            struct tide_stream *s;
            struct bytes got = {0};
            int rc;

            gz.p[i] ^= (unsigned char)(1u << bit);
            s = tide_stream_memory(gz.p, gz.n, "t", &e);
            cr_assert_not_null(s);
            rc = drain(s, 100, &got, &e);
            if (i < 2) /* not gzip any more: the bytes themselves are the content */
                cr_expect(rc == 0 && got.n == gz.n);
            else if (rc == 0)
                cr_expect(got.n == CONTENT && memcmp(got.p, content, CONTENT) == 0,
                          "byte %zu, bit %u", i, bit);
            if (i >= gz.n - 8)
                cr_expect_eq(rc, TIDE_E_TRACE, "checksum or length, byte %zu, bit %u", i, bit);
            gz.p[i] ^= (unsigned char)(1u << bit);
            tide_stream_close(s);
            free(got.p);
        }
    }
    free(gz.p);
}

Test(stream, things_that_are_no_traces)
{
    static const struct {
        const char *path, *what;
        int code;
    } cases[] = {{"/tmp", "this is a directory, not a trace", TIDE_E_IO},
                 {"/nowhere/trace.gz", "No such file or directory", TIDE_E_IO},
                 {"/dev/null", "there is nothing in it: the trace is empty", TIDE_E_TRACE},
                 {"/proc/self/mem", "Input/output error", TIDE_E_IO}};
    struct tide_error e;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_null(tide_stream_open(cases[i].path, &e), "%s", cases[i].path);
        cr_expect_eq(e.code, cases[i].code, "%s", cases[i].path);
        cr_expect_str_eq(e.where, cases[i].path);
        cr_expect_str_eq(e.what, cases[i].what);
    }
    cr_expect_null(tide_stream_memory("", 0, "t", &e));
    cr_expect_eq(e.code, TIDE_E_TRACE);
}

Test(stream, a_file_that_may_not_be_read)
{
    char path[] = "/tmp/tide-XXXXXX";
    struct tide_error e;
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, content, CONTENT), CONTENT);
    cr_assert_eq(fchmod(fd, 0), 0);
    close(fd);
    if (geteuid() == 0) /* root may read it */
        cr_assert_eq(seteuid(65534), 0);
    cr_expect_null(tide_stream_open(path, &e));
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    cr_expect_eq(e.code, TIDE_E_IO);
    cr_expect_str_eq(e.what, "Permission denied");
    unlink(path);
}

Test(stream, identity_does_not_depend_on_compression)
{
    char plain[] = "/tmp/tide-XXXXXX", packed[] = "/tmp/tide-XXXXXX";
    struct bytes gz = {0};
    struct tide_error e = {0};
    uint32_t crc;
    uint64_t bytes;
    int fd;

    put_member(&gz, content, 11);
    put_member(&gz, content + 11, CONTENT - 11);
    cr_assert_geq(fd = mkstemp(plain), 0);
    cr_assert_eq(write(fd, content, CONTENT), CONTENT);
    close(fd);
    cr_assert_geq(fd = mkstemp(packed), 0);
    cr_assert_eq(write(fd, gz.p, gz.n), gz.n);
    cr_assert_eq(tide_stream_identify(plain, &crc, &bytes, &e), 0);
    cr_expect_eq(crc, crc32_z(0, (const unsigned char *)content, CONTENT));
    cr_expect_eq(bytes, CONTENT);
    crc = 0;
    bytes = 0;
    cr_assert_eq(tide_stream_identify(packed, &crc, &bytes, &e), 0);
    cr_expect_eq(crc, crc32_z(0, (const unsigned char *)content, CONTENT));
    cr_expect_eq(bytes, CONTENT);
    cr_assert_eq(ftruncate(fd, (off_t)gz.n - 1), 0);
    close(fd);
    cr_expect_eq(tide_stream_identify(packed, &crc, &bytes, NULL), TIDE_E_TRACE);
    cr_expect_eq(tide_stream_identify("/nowhere", &crc, &bytes, NULL), TIDE_E_IO);
    unlink(plain);
    unlink(packed);
    free(gz.p);
}

/* A pipe that hands over one byte at a time, as standard input. */
Test(stream, standard_input_in_small_pieces)
{
    struct bytes gz = {0}, got = {0};
    struct tide_error e = {0};
    struct tide_stream *s;
    int ends[2], saved = dup(STDIN_FILENO);
    pid_t child;

    put_member(&gz, content, CONTENT);
    cr_assert_eq(pipe(ends), 0);
    if ((child = fork()) == 0) {
        for (size_t i = 0; i < gz.n; i++) {
            if (write(ends[1], gz.p + i, 1) != 1)
                _exit(1);
            usleep(100);
        }
        _exit(0);
    }
    close(ends[1]);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    s = tide_stream_open("-", &e);
    cr_assert_not_null(s, "%s", e.what);
    cr_expect_str_eq(tide_stream_name(s), "standard input");
    cr_expect_eq(tide_stream_raw_size(s), 0);
    cr_expect_eq(drain(s, 100, &got, &e), 0, "%s", e.what);
    cr_expect_eq(got.n, CONTENT);
    cr_expect_arr_eq(got.p, content, CONTENT);
    tide_stream_close(s);
    cr_expect_geq(fcntl(STDIN_FILENO, F_GETFD), 0, "standard input is left open");
    dup2(saved, STDIN_FILENO);
    free(gz.p);
    free(got.p);
}

/* ---- other compressions ---- */

#ifdef TIDE_WITH_ZSTD
static void put_zstd(struct bytes *b, const void *data, size_t n)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(n), made;
    unsigned char *out = malloc(room);

    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    made = ZSTD_compress2(c, out, room, data, n);
    cr_assert_not(ZSTD_isError(made));
    put(b, out, made);
    free(out);
    ZSTD_freeCCtx(c);
}
#endif

#ifdef TIDE_WITH_XZ
static void put_xz(struct bytes *b, const void *data, size_t n)
{
    size_t room = lzma_stream_buffer_bound(n), made = 0;
    unsigned char *out = malloc(room);

    cr_assert_eq(lzma_easy_buffer_encode(3, LZMA_CHECK_CRC64, NULL, data, n, out, &made, room),
                 LZMA_OK);
    put(b, out, made);
    free(out);
}
#endif

struct packer {
    const char *name;
    void (*put)(struct bytes *b, const void *data, size_t n);
};

static const struct packer packers[] = {
    {"gzip", put_member},
#ifdef TIDE_WITH_ZSTD
    {"zstd", put_zstd},
#endif
#ifdef TIDE_WITH_XZ
    {"xz", put_xz},
#endif
};

enum { PACKERS = sizeof packers / sizeof *packers };

Test(stream, every_compression_delivers_the_same_content)
{
    for (size_t i = 0; i < PACKERS; i++) {
        struct bytes one = {0}, three = {0};
        struct tide_error e = {0};
        struct tide_stream *s;
        char zeros[512] = {0};

        cr_assert_not_null(strstr(tide_stream_compressions(), packers[i].name));
        packers[i].put(&one, content, CONTENT);
        expect_content(one.p, one.n, packers[i].name);
        s = tide_stream_memory(one.p, one.n, "t", &e);
        cr_expect_str_eq(tide_stream_compression(s), packers[i].name);
        tide_stream_close(s);
        put(&one, zeros, sizeof zeros);
        expect_content(one.p, one.n, "zero padding");
        packers[i].put(&three, content, 20);
        packers[i].put(&three, "", 0);
        packers[i].put(&three, content + 20, CONTENT - 20);
        expect_content(three.p, three.n, "three members, one of them empty");
        free(one.p);
        free(three.p);
    }
}

Test(stream, every_compression_tells_truncation_from_the_end)
{
    for (size_t i = 0; i < PACKERS; i++) {
        struct bytes b = {0};
        size_t first;

        packers[i].put(&b, content, 30);
        first = b.n;
        packers[i].put(&b, content + 30, CONTENT - 30);
        for (size_t n = 6; n < b.n; n++) {
            struct tide_error e = {0};
            struct tide_stream *s = tide_stream_memory(b.p, n, "t", &e);
            struct bytes got = {0};
            char where[100], what[100];
            int rc;

            cr_assert_not_null(s, "%s, %zu bytes: %s", packers[i].name, n, e.what);
            rc = drain(s, 7, &got, &e);
            cr_expect_arr_eq(got.p, content, got.n);
            snprintf(where, sizeof where, "t: byte %zu (byte %zu of the content)", n, got.n);
            snprintf(what, sizeof what, "the %s data is truncated: the file ends inside it",
                     packers[i].name);
            cr_expect_eq(rc, n == first ? 0 : TIDE_E_TRACE, "%s, %zu bytes", packers[i].name, n);
            if (n != first) {
                cr_expect_str_eq(e.where, where, "%s, %zu bytes", packers[i].name, n);
                cr_expect_str_eq(e.what, what, "%s, %zu bytes", packers[i].name, n);
            }
            tide_stream_close(s);
            free(got.p);
        }
        free(b.p);
    }
}

/* All compressions have a checksum here: no flipped bit gets through, and none crashes. */
Test(stream, every_compression_finds_flipped_bits)
{
    for (size_t i = 0; i < PACKERS; i++) {
        struct bytes b = {0};

        packers[i].put(&b, content, CONTENT);
        for (size_t bit = 8 * 6; bit < 8 * b.n; bit++) {
            struct tide_error e = {0};
            struct tide_stream *s;
            struct bytes got = {0};
            int rc;

            b.p[bit / 8] ^= (unsigned char)(1u << bit % 8);
            s = tide_stream_memory(b.p, b.n, "t", &e);
            cr_assert_not_null(s);
            rc = drain(s, 100, &got, &e);
            cr_expect(rc == TIDE_E_TRACE ||
                          (rc == 0 && got.n == CONTENT && memcmp(got.p, content, CONTENT) == 0),
                      "%s, bit %zu: %d", packers[i].name, bit, rc);
            b.p[bit / 8] ^= (unsigned char)(1u << bit % 8);
            tide_stream_close(s);
            free(got.p);
        }
        put(&b, "x", 1);
        {
            char where[100], what[100];

            snprintf(where, sizeof where, "t: byte %zu (byte %d of the content)", b.n - 1, CONTENT);
            snprintf(what, sizeof what, "bytes that are not %s follow", packers[i].name);
            expect_failure(b.p, b.n, where, what);
        }
        free(b.p);
    }
}

#ifdef TIDE_WITH_ZSTD
/* pzstd writes one before each frame; the seekable format has one at the end. */
Test(stream, skippable_zstd_frames_are_skipped)
{
    struct bytes b = {0};

    put(&b, "\x50\x2a\x4d\x18\x04\0\0\0abcd", 12);
    put_zstd(&b, content, CONTENT);
    put(&b, "\x5e\x2a\x4d\x18\x01\0\0\0x", 9);
    expect_content(b.p, b.n, "skippable frames");
    free(b.p);
}
#endif

/* ---- igzip and zlib ---- */

/* What a stream says of n bytes, in one string: content, code, place, cause. */
static char *account(const void *raw, size_t n, size_t step, const char *inflate)
{
    struct tide_error e = {0};
    struct tide_stream *s;
    struct bytes got = {0};
    int rc;

    setenv("PAGETIDE_INFLATE", inflate, 1);
    s = tide_stream_memory(raw, n, "t", &e);
    cr_assert_not_null(s);
    rc = drain(s, step, &got, &e);
    say(&got, "|%d %s: %s", rc, e.where, e.what);
    say(&got, "|%08x of %llu", tide_stream_crc32(s), (unsigned long long)tide_stream_offset(s));
    tide_stream_close(s);
    unsetenv("PAGETIDE_INFLATE");
    return (char *)got.p;
}

static void expect_same_account(const struct bytes *b, size_t n, size_t step, const char *what,
                                size_t place)
{
    char *zlib = account(b->p, n, step, "zlib"), *other = account(b->p, n, step, "igzip");

    cr_expect_str_eq(other, zlib, "%s %zu, %zu at a time\n%s\n%s", what, place, step, other, zlib);
    free(zlib);
    free(other);
}

/* 40 KiB and more, so that history wraps and blocks are of all kinds. */
static void make_long(struct bytes *b, uint64_t seed)
{
    struct tide_rng r;
    struct bytes text = {0};

    tide_rng_init(&r, seed, "stream");
    for (unsigned i = 0; i < 3000; i++)
        say(&text, "I  %08llx,%llu\n", (unsigned long long)tide_rng_below(&r, i % 100 + 1) * 4099,
            (unsigned long long)tide_rng_below(&r, 9));
    for (unsigned i = 0; i < 2000; i++)
        say(&text, "%c", (int)(1 + tide_rng_below(&r, 127)));
    put_member(b, text.p, 11);
    put_member(b, text.p + 11, text.n - 11);
    free(text.p);
}

Test(stream, igzip_and_zlib_tell_the_same)
{
    static const size_t steps[] = {1, 100, 256};
    struct bytes small = {0}, large = {0};

    put_member(&small, content, 30);
    put_member(&small, content + 30, CONTENT - 30);
    make_long(&large, 1);
    for (size_t k = 0; k < 3; k++) {
        for (size_t n = 2; n <= small.n; n++)
            expect_same_account(&small, n, steps[k], "cut to", n);
        for (size_t bit = 16; bit < 8 * small.n; bit++) {
            small.p[bit / 8] ^= (unsigned char)(1u << bit % 8);
            expect_same_account(&small, small.n, steps[k], "bit", bit);
            small.p[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
    for (size_t n = 2; n < large.n; n += 97)
        expect_same_account(&large, n, 256, "cut to", n);
    for (size_t bit = 16; bit < 8 * large.n; bit += 509) {
        large.p[bit / 8] ^= (unsigned char)(1u << bit % 8);
        expect_same_account(&large, large.n, 256, "bit", bit);
        large.p[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    expect_same_account(&large, large.n, 256, "whole", 0);
    free(small.p);
    free(large.p);
}

/* The same from files, which are read again from the member on; a pipe can't be. */
Test(stream, damage_in_files_and_pipes)
{
    char path[] = "/tmp/tide-XXXXXX", *expected;
    struct bytes b = {0}, got = {0};
    struct tide_error e = {0};
    struct tide_stream *s;
    int fd = mkstemp(path), ends[2], saved;
    pid_t child;
    size_t in_memory;

    make_long(&b, 2);
    b.p[b.n / 2] ^= 4;
    cr_assert_eq(write(fd, b.p, b.n), b.n);
    close(fd);
    s = tide_stream_memory(b.p, b.n, path, &e);
    cr_assert_eq(drain(s, 256, &got, &e), TIDE_E_TRACE);
    tide_stream_close(s);
    in_memory = got.n;
    expected = strdup(e.where);
    got.n = 0;
    s = tide_stream_open(path, &e);
    cr_expect_eq(drain(s, 256, &got, &e), TIDE_E_TRACE);
    cr_expect_str_eq(e.where, expected);
    cr_expect_eq(got.n, in_memory);
    tide_stream_close(s);

    cr_assert_eq(pipe(ends), 0);
    if ((child = fork()) == 0)
        _exit(write(ends[1], b.p, b.n) == (ssize_t)b.n ? 0 : 1);
    close(ends[1]);
    saved = dup(STDIN_FILENO);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    got.n = 0;
    s = tide_stream_open("-", &e);
    cr_expect_eq(drain(s, 256, &got, &e), TIDE_E_TRACE);
    cr_expect_not_null(strstr(e.what, "the gzip data is damaged ("), "%s", e.what);
    tide_stream_close(s);
    dup2(saved, STDIN_FILENO);
    unlink(path);
    free(expected);
    free(got.p);
    free(b.p);
}

Test(stream, every_allocation_may_fail)
{
    for (size_t i = 0; i < PACKERS; i++) {
        struct bytes b = {0};
        int rc = TIDE_E_NOMEM;

        packers[i].put(&b, content, CONTENT);
        b.n--; /* truncated: igzip's judge allocates, too */
        for (long n = 1; rc == TIDE_E_NOMEM; n++) {
            struct tide_error e = {0};
            struct tide_stream *s;
            char buf[100];

            cr_assert_lt(n, 50);
            tide_mem_fail_after(n);
            s = tide_stream_memory(b.p, b.n, "t", &e);
            rc = s == NULL ? e.code : 1;
            while (rc > 0)
                rc = (int)tide_stream_read(s, buf, sizeof buf, &e);
            tide_mem_fail_after(0);
            cr_expect(rc == e.code && (rc == TIDE_E_NOMEM || n > 2), "%s, %ld: %d", packers[i].name,
                      n, rc);
            tide_stream_close(s);
        }
        cr_expect_eq(rc, TIDE_E_TRACE);
        free(b.p);
    }
}

/* 3 MiB of lines that do not repeat, in members of less than a piece and of several. */
static struct bytes long_content(const struct packer *packer, struct bytes *packed)
{
    struct tide_rng rng;
    struct bytes all = {0};
    size_t at = 0;

    tide_rng_init(&rng, 7, "lines");
    while (all.n < 3u << 20)
        say(&all, " L %08x,%d\n", (unsigned)tide_rng_next(&rng), (int)(all.n % 8 + 1));
    for (size_t part = 1000; at < all.n; at += part) {
        part = part * 8 < all.n - at ? part * 8 : all.n - at;
        packer->put(packed, all.p + at, part);
    }
    return all;
}

/* What two threads deliver of n bytes is what one does; `step`: bytes asked for at a time by one.
 */
static void expect_same_helped(const struct bytes *packed, size_t n, size_t step, int code,
                               const struct bytes *all, const char *what)
{
    struct bytes expected = {0}, got = {0};
    struct tide_error e = {0}, helped = {0};
    struct tide_stream *plain = tide_stream_memory(packed->p, n, "t", &e);
    struct tide_stream *ahead = tide_stream_memory(packed->p, n, "t", &helped);

    cr_assert(plain != NULL && ahead != NULL);
    cr_expect_eq(drain_helped(ahead, 250, &got, &helped), code, "%s", what);
    cr_expect_eq(drain(plain, step, &expected, &e), code, "%s", what);
    cr_expect_eq(got.n, expected.n, "%s: %zu and %zu bytes", what, got.n, expected.n);
    cr_expect_eq(memcmp(got.p, expected.p, got.n < expected.n ? got.n : expected.n), 0, "%s", what);
    cr_expect_eq(memcmp(got.p, all->p, code == 0 ? all->n : 1000), 0, "%s", what);
    cr_expect_str_eq(helped.what, e.what, "%s", what);
    cr_expect_str_eq(helped.where, e.where, "%s", what);
    cr_expect_eq(tide_stream_raw_offset(ahead), tide_stream_raw_offset(plain), "%s", what);
    tide_stream_close(plain);
    tide_stream_close(ahead);
    free(expected.p);
    free(got.p);
}

Test(stream, what_another_thread_makes_ahead_is_the_same)
{
    for (size_t i = 0; i < PACKERS; i++) {
        struct bytes packed = {0}, all = long_content(&packers[i], &packed);

        expect_same_helped(&packed, packed.n, 250, 0, &all, packers[i].name);
        expect_same_helped(&packed, packed.n / 3, 250, TIDE_E_TRACE, &all, packers[i].name);
        packed.p[packed.n / 2] ^= 1;
        expect_same_helped(&packed, packed.n, 250, TIDE_E_TRACE, &all, packers[i].name);
        packed.p[packed.n / 3] ^= 1;
        expect_same_helped(&packed, packed.n, 99, TIDE_E_TRACE, &all, packers[i].name);
        free(packed.p);
        free(all.p);
    }
}
