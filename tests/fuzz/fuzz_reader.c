/* Fuzz target: a trace, in memory, through the stream and a reader.
 *
 * Where the first line is a format's name, the rest is read as that; else all is, by content.
 * gzip is read by igzip and by zlib where both are built in, and must be the same (but see
 * codec_isal.c).
 * What reader.h promises of every block is checked here; memory errors are the sanitizers' to find.
 */
#include "trace/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

/* What a stream says: how it ended, and the content's identity. */
struct account {
    int code;
    uint64_t bytes;
    uint32_t crc;
    struct tide_error error;
};

static struct account drain(const uint8_t *data, size_t size, const char *inflate)
{
    struct account a = {0};
    struct tide_stream *s;
    char buf[4096];
    ssize_t got;

    setenv("PAGETIDE_INFLATE", inflate, 1);
    s = tide_stream_memory(data, size, "fuzz", &a.error);
    unsetenv("PAGETIDE_INFLATE");
    if (s == NULL)
        return a;
    while ((got = tide_stream_read(s, buf, sizeof buf, &a.error)) > 0)
        continue;
    a.code = (int)got;
    a.bytes = tide_stream_offset(s);
    a.crc = tide_stream_crc32(s);
    tide_stream_close(s);
    return a;
}

static void check_inflate(const uint8_t *data, size_t size)
{
    struct account zlib, other;

    if (size < 2 || data[0] != 0x1f || data[1] != 0x8b)
        return;
    zlib = drain(data, size, "zlib");
    other = drain(data, size, "igzip");
    check(zlib.code == other.code, "the code does not depend on the decompressor");
    check(strcmp(zlib.error.what, other.error.what) == 0, "nor does the cause");
    check(strncmp(zlib.error.where, other.error.where, strcspn(zlib.error.where, "(")) == 0,
          "nor does the place");
    if (zlib.code == 0) {
        check(zlib.bytes == other.bytes, "the length does not depend on the decompressor");
        check(zlib.crc == other.crc, "the checksum does not depend on the decompressor");
    } else {
        check(zlib.bytes <= other.bytes, "igzip delivers all that zlib does before damage");
    }
}

static void check_block(const struct tide_block *b, uint64_t first, const bool seen[1 << 16])
{
    size_t at = 0;

    check(b->n_accesses + b->n_events > 0, "a block is not empty");
    check(b->n_accesses <= TIDE_BLOCK_ACCESSES && b->n_events <= TIDE_BLOCK_EVENTS, "it fits");
    check(b->first == first, "ordinals have no gap");
    for (size_t i = 0; i < b->n_accesses; i++) {
        const struct tide_access *a = &b->accesses[i];

        check(a->kind < TIDE_KINDS && a->unused == 0, "an access has a kind");
        check(seen[a->process], "its process has been told of");
        check(tide_bad_extent(a->addr, a->size) == NULL, "it has an extent");
    }
    for (size_t k = 0; k < b->n_events; k++) {
        check(b->events[k].at >= at && b->events[k].at <= b->n_accesses, "events are in order");
        check(b->events[k].type < TIDE_EV_TYPES && b->events[k].type != TIDE_EV_SYSCALL,
              "an event has a type");
        at = b->events[k].at;
    }
}

static void read_all(struct tide_reader *r, struct tide_block *b)
{
    bool seen[1 << 16] = {false};
    struct tide_error e = {0};
    uint64_t first = 0;
    bool any = false;
    int rc;

    while ((rc = tide_reader_next(r, b, &e)) > 0) {
        if (!any)
            check(b->n_events > 0 && b->events[0].at == 0 && b->events[0].type == TIDE_EV_PROCESS,
                  "the first event is a process");
        any = true;
        for (size_t k = 0; k < b->n_events; k++) {
            seen[b->events[k].process] = true;
            tide_reader_file(r, b->events[k].file);
        }
        check_block(b, first, seen);
        first += b->n_accesses;
    }
    check(rc == 0 || (rc == e.code && e.what[0] != '\0'), "an error says what is wrong");
    check(rc != 0 || any, "an empty trace is an error");
    check(tide_reader_next(r, b, &e) == rc, "the end stays the end");
}

/* Takes the first line if it names a format. */
static const char *take_format(const uint8_t **data, size_t *size)
{
    for (size_t i = 0; tide_formats[i] != NULL; i++) {
        size_t n = strlen(tide_formats[i]->name);

        if (*size > n && memcmp(*data, tide_formats[i]->name, n) == 0 && (*data)[n] == '\n') {
            *data += n + 1;
            *size -= n + 1;
            return tide_formats[i]->name;
        }
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tide_block block;
    const char *format = take_format(&data, &size);
    struct tide_error e = {0};
    struct tide_stream *s;
    struct tide_reader *r;

    check_inflate(data, size);
    s = tide_stream_memory(data, size, "fuzz", &e);
    r = s != NULL ? tide_reader_open(s, format, &e) : NULL;
    if (r == NULL) {
        check(e.code < 0 && e.what[0] != '\0', "a failure says what is wrong");
        return 0;
    }
    read_all(r, &block);
    tide_reader_close(r);
    return 0;
}
