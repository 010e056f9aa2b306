/* Fuzz target: the decoder of the tide format behind its checksums.
 *
 * The input is content whose heads are made right first: magic, version, checksums, and lengths
 * that fit. Then it is read as accesses and as fragments, which must agree in everything, the error
 * included, and keep the promises of block.h and fragments.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/codec.h"
#include "trace/reader.h"
#include "trace/tide_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static void make_right(uint8_t *p, size_t n)
{
    for (size_t at = 0; n - at >= TIDE_HEAD_BYTES;) {
        struct tide_chunk c;

        tide_chunk_get(p + at, &c);
        c.version = TIDE_LAYOUT_VERSION;
        if (c.length > n - at - TIDE_HEAD_BYTES)
            c.length = (uint32_t)(n - at - TIDE_HEAD_BYTES);
        c.crc = tide_crc32(0, p + at + TIDE_HEAD_BYTES, c.length);
        tide_chunk_put(p + at, &c);
        at += TIDE_HEAD_BYTES + c.length;
    }
}

static void check_fragments(const struct tide_block *b)
{
    const struct tide_dictionary *d = b->dictionary;
    size_t n = 0, data = 0, event = 0;

    for (size_t k = 0; k < b->n_fragments; k++) {
        const struct tide_fragment *f = &d->fragments[b->ids[k]];
        uint64_t bytes = 0;

        check(f->fetches + f->data > 0 && f->fetches + f->data <= TIDE_FRAGMENT_ACCESSES,
              "a fragment has accesses");
        check(b->starts[k] == n && b->data_starts[k] == data, "fragments follow one another");
        for (; event < b->n_events && b->events[event].at < n + f->fetches + f->data; event++)
            check(b->events[event].at <= n, "no event falls inside a fragment");
        for (unsigned i = 0; i < f->fetches; i++)
            bytes += d->lengths[f->first_length + i];
        check(bytes == 0 || f->pc >> 12 == (f->pc + (bytes - 1)) >> 12 ||
                  (f->fetches == 1 && f->flags == TIDE_FRAGMENT_CROSSES),
              "fetches lie in one page");
        for (unsigned i = 0; i < f->data; i++) {
            const struct tide_slot *slot = &d->slots[f->first_slot + i];

            check(slot->kind > TIDE_FETCH && slot->kind < TIDE_KINDS, "a slot is data");
            check(tide_bad_extent(b->data[data + i], slot->size) == NULL, "it has an extent");
        }
        n += (size_t)f->fetches + f->data;
        data += f->data;
    }
    check(n == b->n_accesses && data == b->n_data, "they are all of the block");
}

/* What one of the two readings has delivered so far, summed up. */
struct account {
    uint64_t accesses, events, sum;
    int code;
    struct tide_error error;
    struct tide_trace_info info;
};

static void add(struct account *a, const void *p, size_t n)
{
    a->sum = a->sum * 31 + tide_crc32(0, p, n);
}

static void take(struct account *a, struct tide_block *b)
{
    size_t k = 0;

    if (b->dictionary != NULL) {
        check_fragments(b);
        tide_block_unfold(b);
    }
    for (size_t i = 0; i <= b->n_accesses; i++) {
        for (; k < b->n_events && b->events[k].at == i; k++, a->events++) {
            struct tide_event v = b->events[k];

            v.at = 0;
            add(a, &v, sizeof v);
        }
        if (i == b->n_accesses)
            break;
        add(a, &b->accesses[i], sizeof b->accesses[i]);
        a->accesses++;
    }
    check(k == b->n_events, "events are in order");
}

static void read_all(const uint8_t *p, size_t n, bool fragments, struct account *a)
{
    static struct tide_block blocks[2];
    struct tide_stream *s = tide_stream_memory(p, n, "fuzz", &a->error);
    struct tide_reader *r = s != NULL ? tide_reader_open(s, "tide", &a->error) : NULL;

    a->code = a->error.code;
    if (r == NULL)
        return;
    if (fragments)
        tide_reader_take_fragments(r);
    for (unsigned i = 0; (a->code = tide_reader_next(r, &blocks[i % 2], &a->error)) > 0; i++)
        take(a, &blocks[i % 2]);
    a->info = *tide_reader_info(r);
    tide_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct account one = {0}, two = {0};
    uint8_t *p = malloc(size > 0 ? size : 1);

    if (p == NULL)
        abort();
    if (size > 0)
        memcpy(p, data, size);
    make_right(p, size);
    read_all(p, size, false, &one);
    read_all(p, size, true, &two);
    check(one.code == two.code && strcmp(one.error.what, two.error.what) == 0 &&
              strcmp(one.error.where, two.error.where) == 0,
          "both forms end alike");
    check(one.accesses == two.accesses && one.events == two.events && one.sum == two.sum,
          "both forms are the same trace");
    check(memcmp(one.info.accesses, two.info.accesses, sizeof one.info.accesses) == 0 &&
              memcmp(one.info.events, two.info.events, sizeof one.info.events) == 0,
          "both are counted alike");
    free(p);
    return 0;
}
