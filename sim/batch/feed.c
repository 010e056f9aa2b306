/* Feeding consumers: see feed.h. */
#include "batch/feed.h"

#include <inttypes.h>

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

enum { MOST_SLOTS = 4 }; /* two would do for one consumer; two more even out uneven ones */

struct slot {
    struct tide_block block;
    struct tide_block_runs *runs; /* one for each geometry */
};

struct work {
    struct tide_feed *feed;
    struct slot *slots[MOST_SLOTS]; /* block k lives in slot k % n_slots */
    size_t n_slots, n_geometries;
    const struct tide_geometry **geometries;

    pthread_mutex_t lock; /* over everything below, and the kept fields of consumers */
    pthread_cond_t changed;
    uint64_t decoded; /* blocks */
    bool decoding, ended;
    bool impossible; /* a consumer has found the trace damaged */
    int code;        /* the first failure; all threads stop */
    struct tide_error error;
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

/* The block that the slowest consumer takes next; UINT64_MAX when all have enough. */
static uint64_t slowest(const struct work *w)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < w->feed->n; i++) {
        const struct tide_consumer *c = &w->feed->consumers[i];

        if (!c->enough && c->next < least)
            least = c->next;
    }
    return least;
}

static bool may_decode(const struct work *w)
{
    uint64_t least = slowest(w);

    return !w->decoding && !w->ended && least != UINT64_MAX && w->decoded - least < w->n_slots;
}

/* The free consumer that is farthest behind and has a block to take. */
static struct tide_consumer *waiting(const struct work *w)
{
    struct tide_consumer *found = NULL;

    for (size_t i = 0; i < w->feed->n; i++) {
        struct tide_consumer *c = &w->feed->consumers[i];

        if (!c->enough && !c->busy && c->next < w->decoded &&
            (found == NULL || c->next < found->next))
            found = c;
    }
    return found;
}

static void fail(struct work *w, int code, const struct tide_error *e)
{
    if (w->code == 0) {
        w->code = code;
        w->error = *e;
    }
}

/* What an event says can't be: it is the trace that is wrong, whatever the machine. */
static void damage(struct work *w, struct tide_consumer *c, uint64_t access,
                   const struct tide_error *e)
{
    struct tide_feed *f = w->feed;

    c->damaged = w->impossible = true;
    f->trace_code = TIDE_E_TRACE;
    f->trace_error = *e;
    tide_error_where(&f->trace_error, "%s: among the %d accesses from number %" PRIu64,
                     tide_stream_name(tide_reader_stream(f->reader)), TIDE_BLOCK_ACCESSES, access);
}

/* Called with the lock held, which it drops while it works; so does replay(). */
static void decode(struct work *w)
{
    struct tide_feed *f = w->feed;
    struct slot *slot = w->slots[w->decoded % w->n_slots];
    struct tide_error error = {0};
    int rc;

    w->decoding = true;
    pthread_mutex_unlock(&w->lock);
    rc = tide_reader_next(f->reader, &slot->block, &error);
    if (rc > 0) {
        for (size_t g = 0; g < w->n_geometries; g++)
            tide_block_runs_cut(&slot->runs[g], &slot->block);
        f->accesses += slot->block.n_accesses;
        if (f->progress != NULL)
            f->progress(f->progress_context, f->reader, f->accesses);
    }
    pthread_mutex_lock(&w->lock);
    w->decoding = false;
    if (rc > 0) {
        w->decoded++;
    } else {
        w->ended = true;
        if (rc == TIDE_E_NOMEM)
            fail(w, rc, &error);
        if (!w->impossible) {
            f->trace_code = rc;
            f->trace_error = error;
        }
    }
    pthread_cond_broadcast(&w->changed);
}

/* Stays with the consumer while it has blocks: its tables are in this core's cache. */
static void replay(struct work *w, struct tide_consumer *c)
{
    c->busy = true;
    while (c->next < w->decoded && !c->enough && w->code == 0) {
        const struct slot *slot = w->slots[c->next % w->n_slots];
        struct tide_error error = {0};
        int rc;

        pthread_mutex_unlock(&w->lock);
        rc = c->take(c->context, &slot->block, c->geometry != NULL ? &slot->runs[c->runs] : NULL,
                     &error);
        pthread_mutex_lock(&w->lock);
        c->next++;
        if (rc <= 0)
            c->enough = true;
        if (rc == TIDE_E_TRACE) /* each consumer finds that for itself, so the others go on */
            damage(w, c, slot->block.first, &error);
        else if (rc < 0)
            fail(w, rc, &error);
        pthread_cond_broadcast(&w->changed);
    }
    c->busy = false;
}

/* Nothing is left to do, or to wait for. */
static bool over(const struct work *w)
{
    uint64_t least = slowest(w);

    return w->code != 0 || least == UINT64_MAX || (w->ended && least == w->decoded);
}

static void *run(void *context)
{
    struct work *w = context;

    pthread_mutex_lock(&w->lock);
    while (!over(w)) {
        struct tide_consumer *c;

        if (may_decode(w))
            decode(w);
        else if ((c = waiting(w)) != NULL)
            replay(w, c);
        else
            pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void fini(struct work *w)
{
    for (size_t i = 0; i < w->n_slots; i++) {
        if (w->slots[i] != NULL)
            free(w->slots[i]->runs);
        free(w->slots[i]);
    }
    free(w->geometries);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
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
    *w = (struct work){.feed = f, .n_slots = f->jobs > 1 ? MOST_SLOTS : 1};
    pthread_mutex_init(&w->lock, NULL); /* with default attributes these can't fail on Linux */
    pthread_cond_init(&w->changed, NULL);
    w->geometries = tide_calloc(f->n, sizeof *w->geometries);
    if (w->geometries == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < f->n; i++) {
        struct tide_consumer *c = &f->consumers[i];

        c->next = 0;
        c->busy = c->enough = false;
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
    struct work w;
    pthread_t *threads = NULL;
    size_t started = 0, helpers = f->jobs > 1 ? f->jobs - 1 : 0;
    int rc;

    f->accesses = 0;
    f->trace_code = 0;
    rc = init(&w, f, e);
    if (rc != 0)
        goto out;
    /* One thread decodes and each consumer keeps one busy: more would only wait. */
    if (helpers > f->n)
        helpers = f->n;
    threads = tide_calloc(helpers, sizeof *threads);
    if (threads == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    /* Where the system gives fewer threads, those that there are do the work. */
    while (started < helpers && pthread_create(&threads[started], NULL, run, &w) == 0)
        started++;
    run(&w);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    rc = w.code;
    if (rc != 0 && e != NULL)
        *e = w.error;
    /* Damage behind what everyone wanted is found or not by how far reading ran ahead. */
    if (slowest(&w) == UINT64_MAX && !w.impossible)
        f->trace_code = 0;
out:
    free(threads);
    fini(&w);
    return rc;
}
