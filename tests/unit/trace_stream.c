/* trace/stream: gzip members, damage at every place, files that are none. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
