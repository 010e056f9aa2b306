/* One producer, many consumers: see ring.h. */
#include "batch/ring.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct work {
    struct tide_ring *ring;
    size_t n_slots;       /* production k is in slot k % n_slots */
    pthread_mutex_t lock; /* over everything below, and the kept fields of consumers */
    pthread_cond_t changed;
    uint64_t produced;
    bool producing, ended;
    int code; /* the first failure; all threads stop */
    struct tide_error error;
};

/* Waking a thread takes longer than a slot: a thread that has nothing to do sleeps until the ring
 * is half full, or half empty. Whoever fills or empties it that far goes on by itself, so nothing
 * waits for good. */

/* What the slowest consumer takes next; UINT64_MAX when all have enough. */
static uint64_t slowest(const struct work *w)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < w->ring->n; i++) {
        const struct tide_ring_consumer *c = &w->ring->consumers[i];

        if (!c->enough && c->next < least)
            least = c->next;
    }
    return least;
}

static bool prepares(const struct work *w)
{
    return w->ring->preparation.prepare != NULL;
}

static bool lags(const struct work *w)
{
    return prepares(w) && w->ring->preparation.lags(w->ring->preparation.context);
}

static bool may_produce(const struct work *w)
{
    uint64_t least = slowest(w);

    return !w->producing && !w->ended && least != UINT64_MAX && w->produced - least < w->n_slots &&
           !(prepares(w) && w->ring->preparation.starves(w->ring->preparation.context));
}

/* The free consumer that is farthest behind and has something to take. */
static struct tide_ring_consumer *waiting(const struct work *w)
{
    struct tide_ring_consumer *found = NULL;

    for (size_t i = 0; i < w->ring->n; i++) {
        struct tide_ring_consumer *c = &w->ring->consumers[i];

        if (!c->enough && !c->busy && c->next < w->produced &&
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

/* Called with the lock held, which it drops while it works; so does consume(). */
static void produce(struct work *w)
{
    struct tide_ring *r = w->ring;
    struct tide_error error = {0};
    int rc;

    w->producing = true;
    pthread_mutex_unlock(&w->lock);
    rc = r->produce(r->context, r->slots[w->produced % w->n_slots], &error);
    pthread_mutex_lock(&w->lock);
    w->producing = false;
    w->produced += rc > 0;
    w->ended = rc <= 0;
    if (rc < 0)
        fail(w, rc, &error);
    else if (rc == 0 && r->ended != NULL)
        r->ended(r->context);
    if (w->ended || w->produced - slowest(w) >= w->n_slots / 2 || lags(w))
        pthread_cond_broadcast(&w->changed);
}

/* Stays with the consumer while there is something for it: its tables are in this core's cache. */
static void consume(struct work *w, struct tide_ring_consumer *c)
{
    c->busy = true;
    while (c->next < w->produced && !c->enough && w->code == 0) {
        const void *slot = w->ring->slots[c->next % w->n_slots];
        struct tide_error error = {0};
        int rc;

        pthread_mutex_unlock(&w->lock);
        rc = c->take(c->context, slot, &error);
        pthread_mutex_lock(&w->lock);
        c->next++;
        if (rc <= 0)
            c->enough = true;
        if (rc == TIDE_E_TRACE) { /* each consumer finds that for itself, so the others go on */
            c->damaged = true;
            w->ring->damage(w->ring->context, slot, &error);
        } else if (rc < 0) {
            fail(w, rc, &error);
        }
        if (c->enough || w->code != 0 || w->produced - slowest(w) <= w->n_slots / 2)
            pthread_cond_broadcast(&w->changed);
    }
    c->busy = false;
}

/* Nothing is left to do, or to wait for. */
static bool over(const struct work *w)
{
    uint64_t least = slowest(w);

    return w->code != 0 || least == UINT64_MAX || (w->ended && least == w->produced);
}

/* Drops the lock as well: whatever comes of it, the thread has to look round again. */
static bool prepare(struct work *w)
{
    const struct tide_ring_preparation *p = &w->ring->preparation;
    bool did;

    pthread_mutex_unlock(&w->lock);
    did = p->prepare(p->context);
    pthread_mutex_lock(&w->lock);
    if (did) /* production may have starved */
        pthread_cond_broadcast(&w->changed);
    return did;
}

static void *run(void *context)
{
    struct work *w = context;
    bool tried = false; /* to prepare, and in vain, since anything else was done */

    pthread_mutex_lock(&w->lock);
    while (!over(w)) {
        struct tide_ring_consumer *c;

        if (lags(w)) {
            prepare(w);
        } else if (may_produce(w)) {
            produce(w);
        } else if ((c = waiting(w)) != NULL) {
            consume(w, c);
        } else if (prepares(w) && !tried) {
            tried = !prepare(w);
            continue;
        } else {
            pthread_cond_wait(&w->changed, &w->lock);
        }
        tried = false;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

size_t tide_ring_slots(unsigned jobs)
{
    return jobs > 1 ? TIDE_RING_SLOTS : 1;
}

int tide_ring_run(struct tide_ring *r, struct tide_error *e)
{
    struct work w = {.ring = r, .n_slots = tide_ring_slots(r->jobs)};
    size_t started = 0, helpers = r->jobs > 1 ? r->jobs - 1 : 0;
    pthread_t *threads;

    for (size_t i = 0; i < r->n; i++) {
        struct tide_ring_consumer *c = &r->consumers[i];

        c->next = 0;
        c->busy = c->enough = c->damaged = false;
    }
    /* One thread produces, one prepares and each consumer keeps one busy: more would only wait. */
    if (helpers > r->n + prepares(&w))
        helpers = r->n + prepares(&w);
    threads = tide_calloc(helpers + 1, sizeof *threads);
    if (threads == NULL)
        return tide_nomem(e);
    pthread_mutex_init(&w.lock, NULL); /* with default attributes these can't fail on Linux */
    pthread_cond_init(&w.changed, NULL);
    /* Where the system gives fewer threads, those that there are do the work. */
    while (started < helpers && pthread_create(&threads[started], NULL, run, &w) == 0)
        started++;
    run(&w);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    free(threads);
    r->all_have_enough = slowest(&w) == UINT64_MAX;
    if (w.code != 0 && e != NULL)
        *e = w.error;
    return w.code;
}
