/* For the tests of trace/: gzip in memory, and traces rendered as text that a person can check. */
#ifndef TESTS_UNIT_TRACE_H
#define TESTS_UNIT_TRACE_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "trace/reader.h"

struct bytes {
    unsigned char *p;
    size_t n, cap;
};

static inline void put(struct bytes *b, const void *data, size_t n)
{
    if (b->n + n + 1 > b->cap) {
        b->cap = 2 * (b->n + n + 1);
        b->p = realloc(b->p, b->cap);
        cr_assert_not_null(b->p);
    }
    if (n > 0)
        memcpy(b->p + b->n, data, n);
    b->n += n;
    b->p[b->n] = '\0';
}

__attribute__((format(printf, 2, 3))) static inline void say(struct bytes *b, const char *fmt, ...)
{
    char line[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    put(b, line, strlen(line));
}

/* Appends one gzip member. */
static inline void put_member(struct bytes *b, const void *data, size_t n)
{
    z_stream z = {0};
    size_t bound;
    unsigned char *out;

    cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    bound = deflateBound(&z, n);
    out = malloc(bound);
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)n;
    z.next_out = out;
    z.avail_out = (unsigned)bound;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    put(b, out, z.total_out);
    free(out);
    deflateEnd(&z);
}

/* What a compressed trace says beyond what the same bytes say uncompressed: whose byte it is. */
static inline void forget_content(char *rendered)
{
    static const char words[] = " of the content";
    char *at;

    while ((at = strstr(rendered, words)) != NULL)
        memmove(at, at + strlen(words), strlen(at + strlen(words)) + 1);
}

/* The same content in members of `piece` bytes. A read ends with a member, so this is a stream that
 * delivers so much at a time. */
static inline struct bytes in_pieces(const void *data, size_t n, size_t piece)
{
    struct bytes b = {0};

    for (size_t at = 0; at < n; at += piece)
        put_member(&b, (const char *)data + at, n - at < piece ? n - at : piece);
    return b;
}

/* An event of an allocator: all its fields but those that are 0. */
static inline void render_allocation(struct bytes *out, const struct tide_reader *r,
                                     const struct tide_event *ev)
{
    const char *cache = tide_reader_file(r, ev->file);

    say(out, " %llx", (unsigned long long)ev->addr);
    if (ev->len != 0)
        say(out, " len %llu", (unsigned long long)ev->len);
    if (ev->new_addr != 0)
        say(out, " new %llx", (unsigned long long)ev->new_addr);
    if (ev->new_len != 0)
        say(out, " new_len %llu", (unsigned long long)ev->new_len);
    if (ev->number != 0)
        say(out, " number %u", ev->number);
    if (ev->prot != 0)
        say(out, " prot %u", ev->prot);
    if (ev->cpu != 0)
        say(out, " cpu %u", ev->cpu);
    if (ev->flags & TIDE_HEAP_NUMBERED)
        say(out, " numbered");
    if (ev->flags & TIDE_HEAP_ZEROED)
        say(out, " zeroed");
    if (ev->file != 0)
        say(out, " file%u(%s)", ev->file, cache != NULL ? cache : "?");
    say(out, "\n");
}

static inline void render_event(struct bytes *out, const struct tide_reader *r,
                                const struct tide_event *ev)
{
    const char *path = tide_reader_file(r, ev->file);

    say(out, "%s", tide_event_names[ev->type]);
    if (ev->process != 0)
        say(out, " of %u", ev->process);
    if (ev->type == TIDE_EV_PROCESS || ev->type == TIDE_EV_MADVISE)
        say(out, " %u", ev->number);
    if (ev->type >= TIDE_EV_MALLOC) {
        render_allocation(out, r, ev);
        return;
    }
    if (ev->addr != 0 || ev->len != 0)
        say(out, " %llx+%llx", (unsigned long long)ev->addr, (unsigned long long)ev->len);
    if (ev->type == TIDE_EV_REMAP)
        say(out, " to %llx+%llx", (unsigned long long)ev->new_addr,
            (unsigned long long)ev->new_len);
    if (ev->type == TIDE_EV_MAP || ev->type == TIDE_EV_PROTECT)
        say(out, " %c%c%c", ev->prot & 1 ? 'r' : '-', ev->prot & 2 ? 'w' : '-',
            ev->prot & 4 ? 'x' : '-');
    if (ev->flags & TIDE_MAP_SHARED)
        say(out, " shared");
    if (ev->flags & TIDE_MAP_FROM_LAYOUT)
        say(out, " layout");
    if (ev->flags & TIDE_MAP_POPULATE)
        say(out, " populate");
    if (ev->file != 0)
        say(out, " file%u(%s)@%llx", ev->file, path != NULL ? path : "?",
            (unsigned long long)ev->offset);
    say(out, "\n");
}

/* What a block of fragments promises. */
static inline void check_fragments(const struct tide_block *b)
{
    const struct tide_dictionary *d = b->dictionary;
    size_t n = 0, data = 0, event = 0;

    for (size_t k = 0; k < b->n_fragments; k++) {
        const struct tide_fragment *f = &d->fragments[b->ids[k]];
        unsigned kinds = f->fetches > 0 ? 1 << TIDE_FETCH : 0, tail = 0;
        uint64_t bytes = 0;

        cr_assert(f->fetches + f->data > 0 && f->fetches + f->data <= TIDE_FRAGMENT_ACCESSES);
        cr_assert_eq(b->starts[k], n);
        cr_assert_eq(b->data_starts[k], data);
        for (unsigned i = 0; i < f->fetches; i++)
            bytes += d->lengths[f->first_length + i];
        for (unsigned i = 0; i < f->data; i++) {
            const struct tide_slot *slot = &d->slots[f->first_slot + i];

            kinds |= 1u << slot->kind;
            tail += slot->fetches == f->fetches;
            cr_assert(i == 0 || slot->fetches >= slot[-1].fetches);
        }
        cr_assert_eq(f->kinds, kinds);
        cr_assert_eq(f->tail, tail);
        if (bytes > 0 && f->pc >> 12 != (f->pc + bytes - 1) >> 12) {
            cr_assert_eq(f->fetches, 1);
            cr_assert(f->flags & TIDE_FRAGMENT_CROSSES);
        } else {
            cr_assert_eq(f->flags & TIDE_FRAGMENT_CROSSES, 0);
        }
        for (; event < b->n_events && b->events[event].at < n + f->fetches + f->data; event++)
            cr_assert_leq(b->events[event].at, n, "no event falls inside a fragment");
        n += (size_t)f->fetches + f->data;
        data += f->data;
    }
    cr_assert_eq(n, b->n_accesses);
    cr_assert_eq(data, b->n_data);
}

/* The events and accesses of a block, one line each. Checks what holds for all blocks. */
static inline void render_block(struct bytes *out, const struct tide_reader *r,
                                struct tide_block *b, uint64_t first)
{
    static const char *const kinds[TIDE_KINDS] = {"fetch", "read", "write", "modify"};
    size_t k = 0;

    cr_assert(b->n_accesses + b->n_events > 0);
    cr_assert_eq(b->first, first);
    if (b->dictionary != NULL) {
        check_fragments(b);
        tide_block_unfold(b);
    }
    for (size_t i = 0; i <= b->n_accesses; i++) {
        for (; k < b->n_events && b->events[k].at == i; k++)
            render_event(out, r, &b->events[k]);
        if (i < b->n_accesses) {
            const struct tide_access *a = &b->accesses[i];

            cr_assert_eq(a->unused, 0);
            cr_assert(a->size >= 1 && a->size <= TIDE_ACCESS_MAX_BYTES);
            cr_assert(a->addr + (a->size - 1) >= a->addr);
            say(out, "%s %llx %u", kinds[a->kind], (unsigned long long)a->addr, a->size);
            if (a->process != 0)
                say(out, " of %u", a->process);
            say(out, "\n");
        }
    }
    cr_assert_eq(k, b->n_events, "events are in order");
}

/* Everything a reader delivers, one line each: events and accesses in order, then `end`, or the
 * error, or all of them where it goes on behind damage. A block is looked at when the next one has
 * been filled. Closes the reader. */
static inline char *render_reader(struct tide_reader *r)
{
    struct tide_block *b = malloc(2 * sizeof *b);
    struct bytes out = {0};
    struct tide_error e = {0};
    uint64_t first = 0;
    size_t n = 0, waits = 0; /* blocks that came, that wait to be looked at */
    int rc;

    say(&out, "%s", "");
    do {
        rc = tide_reader_next(r, &b[n % 2], &e);
        if (waits > 0) {
            render_block(&out, r, &b[(n + 1) % 2], first);
            first += b[(n + 1) % 2].n_accesses;
        }
        waits = rc > 0;
        n += waits;
        if (rc == 0)
            say(&out, "end\n");
        else if (rc < 0)
            say(&out, "error %d: %s: %s\n", rc, e.where, e.what);
    } while (rc > 0 || (rc < 0 && tide_reader_goes_on(r)));
    cr_assert_eq(tide_reader_next(r, b, &e), rc, "the end stays the end");
    tide_reader_close(r);
    free(b);
    return (char *)out.p;
}

enum { RENDER_FRAGMENTS = 1, RENDER_GOES_ON = 2 };

/* flags: whether fragments are taken, and damage is passed over. */
static inline char *render_as(const void *data, size_t n, const char *format, unsigned flags)
{
    struct tide_error e = {0};
    struct tide_stream *s = tide_stream_memory(data, n, "t", &e);
    struct tide_reader *r = s != NULL ? tide_reader_open(s, format, &e) : NULL;
    struct bytes out = {0};

    if (r != NULL && (flags & RENDER_FRAGMENTS) != 0)
        tide_reader_take_fragments(r);
    if (r != NULL && (flags & RENDER_GOES_ON) != 0)
        cr_assert(tide_reader_go_on(r));
    if (r != NULL)
        return render_reader(r);
    say(&out, "error %d: %s: %s\n", e.code, e.where, e.what);
    return (char *)out.p;
}

static inline char *render(const void *data, size_t n, const char *format)
{
    return render_as(data, n, format, 0);
}

static inline void expect_trace(const char *text, const char *format, const char *expected)
{
    char *got = render(text, strlen(text), format);

    cr_expect_str_eq(got, expected, "of:\n%s\ngot:\n%s\nexpected:\n%s", text, got, expected);
    free(got);
}

#endif
