/* Feeding consumers: see feed.h. */
#include "batch/feed.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "batch/inflate_ahead.h"

struct slot {
    struct tide_block block;
    struct tide_block_runs *runs; /* one for each geometry */
};

struct work {
    struct tide_feed *feed;
    struct slot *slots[TIDE_RING_SLOTS];
    struct tide_block *own; /* of the thread that reads; NULL: slots are filled where they are */
    size_t n_slots, n_geometries;
    const struct tide_geometry **geometries;
    struct tide_ring_consumer *consumers;
    bool impossible; /* a consumer has found the trace damaged */
    int read_code;   /* how reading ended */
    struct tide_error read_error;
};

static bool same_geometry(const struct tide_geometry *a, const struct tide_geometry *b)
{
    return a->page_shift == b->page_shift && a->va_bits == b->va_bits;
}

static size_t geometry_index(struct work *w, const struct tide_geometry *g)
{
    for (size_t i = 0; i < w->n_geometries; i++) {
        if (same_geometry(w->geometries[i], g))
            return i;
    }
    w->geometries[w->n_geometries] = g;
    return w->n_geometries++;
}

/* What an event says can't be: it is the trace that is wrong, whatever the machine. */
static void damage(void *context, const void *slot, const struct tide_error *e)
{
    struct work *w = context;
    struct tide_feed *f = w->feed;

    w->impossible = true;
    f->trace_code = TIDE_E_TRACE;
    f->trace_error = *e;
    tide_error_where(&f->trace_error, "%s: among the %d accesses from number %" PRIu64,
                     tide_stream_name(tide_reader_stream(f->reader)), TIDE_BLOCK_ACCESSES,
                     ((const struct slot *)slot)->block.first);
}

static int decode(void *context, void *into, struct tide_error *e)
{
    struct work *w = context;
    struct tide_feed *f = w->feed;
    struct slot *slot = into;
    struct tide_block *block = w->own != NULL ? w->own : &slot->block;
    int rc = tide_reader_next(f->reader, block, &w->read_error);

    if (rc <= 0) {
        w->read_code = rc;
        if (rc != TIDE_E_NOMEM)
            return 0;
        *e = w->read_error;
        return rc;
    }
    if (w->own != NULL)
        tide_reader_move(f->reader, &slot->block, w->own);
    for (size_t g = 0; g < w->n_geometries; g++)
        tide_block_runs_cut(&slot->runs[g], &slot->block);
    f->accesses += slot->block.n_accesses;
    if (f->progress != NULL)
        f->progress(f->progress_context, f->reader, f->accesses);
    return 1;
}

static void ended(void *context)
{
    struct work *w = context;

    if (w->impossible)
        return;
    w->feed->trace_code = w->read_code;
    w->feed->trace_error = w->read_error;
}

static int take(void *context, const void *from, struct tide_error *e)
{
    struct tide_consumer *c = context;
    const struct slot *slot = from;

    return c->take(c->context, &slot->block, c->geometry != NULL ? &slot->runs[c->runs] : NULL, e);
}

static void fini(struct work *w)
{
    for (size_t i = 0; i < w->n_slots; i++) {
        if (w->slots[i] != NULL)
            free(w->slots[i]->runs);
        free(w->slots[i]);
    }
    free(w->own);
    free(w->geometries);
    free(w->consumers);
}

/* No consumer wants the accesses themselves written down. */
static bool fragments_will_do(const struct work *w)
{
    for (size_t i = 0; i < w->feed->n; i++)
        if (w->feed->consumers[i].accesses)
            return false;
    for (size_t g = 0; g < w->n_geometries; g++)
        if (!tide_block_runs_take_fragments(*w->geometries[g]))
            return false;
    return true;
}

static int init(struct work *w, struct tide_feed *f, struct tide_error *e)
{
    *w = (struct work){.feed = f, .n_slots = tide_ring_slots(f->jobs)};
    w->geometries = tide_calloc(f->n, sizeof *w->geometries);
    w->consumers = tide_calloc(f->n, sizeof *w->consumers);
    if (w->n_slots > 1)
        w->own = tide_calloc(1, sizeof *w->own);
    if (w->geometries == NULL || w->consumers == NULL || (w->n_slots > 1 && w->own == NULL))
        return tide_nomem(e);
    for (size_t i = 0; i < f->n; i++) {
        struct tide_consumer *c = &f->consumers[i];

        w->consumers[i] = (struct tide_ring_consumer){.context = c, .take = take};
        if (c->geometry != NULL)
            c->runs = geometry_index(w, c->geometry);
    }
    if (fragments_will_do(w))
        tide_reader_take_fragments(f->reader);
    for (size_t i = 0; i < w->n_slots; i++) {
        struct slot *s = w->slots[i] = tide_calloc(1, sizeof *s);

        if (s == NULL || (s->runs = tide_calloc(w->n_geometries, sizeof *s->runs)) == NULL)
            return tide_nomem(e);
        for (size_t g = 0; g < w->n_geometries; g++)
            tide_block_runs_init(&s->runs[g], *w->geometries[g]);
    }
    return 0;
}

int tide_feed_run(struct tide_feed *f, struct tide_error *e)
{
    struct tide_ring ring;
    struct work w;
    int rc;

    f->accesses = 0;
    f->trace_code = 0;
    rc = init(&w, f, e);
    if (rc != 0)
        goto out;
    ring = (struct tide_ring){.slots = (void *const *)w.slots,
                              .consumers = w.consumers,
                              .n = f->n,
                              .jobs = f->jobs,
                              .context = &w,
                              .produce = decode,
                              .damage = damage,
                              .ended = ended};
    if ((rc = tide_inflate_ahead(&ring, f->reader, e)) != 0)
        goto out;
    rc = tide_ring_run(&ring, e);
    for (size_t i = 0; i < f->n; i++) {
        f->consumers[i].enough = w.consumers[i].enough;
        f->consumers[i].damaged = w.consumers[i].damaged;
    }
    /* Damage behind what everyone wanted is found or not by how far reading ran ahead. */
    if (ring.all_have_enough && !w.impossible)
        f->trace_code = 0;
out:
    fini(&w);
    return rc;
}
