/* Reading ahead: see read_ahead.h.
 *
 * Content is always made in whole pieces, by whichever thread: so what is asked of a decompressor
 * does not depend on when the threads run, nor does what it makes before damage.
 */
#include "trace/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PIECES = 16, ENOUGH = PIECES / 2, PIECE_BYTES = 128 * 1024 };

struct piece {
    size_t length, taken;
    uint64_t raw_offset; /* of its end */
    unsigned char bytes[PIECE_BYTES];
};

struct tide_read_ahead {
    struct tide_read_ahead_source source;
    uint64_t taken, raw_offset; /* of the thread that takes */
    pthread_mutex_t lock;       /* over what follows; pieces belong to who fills or takes them */
    pthread_cond_t made;
    bool making; /* a thread is in source.read() */
    bool ended;  /* that has returned 0, or failed */
    size_t first, n;
    struct piece pieces[PIECES]; /* n of them from `first` on, round about, wait to be taken */
};

struct tide_read_ahead *tide_read_ahead_new(struct tide_read_ahead_source source)
{
    struct tide_read_ahead *a = tide_malloc(sizeof *a);

    if (a == NULL)
        return NULL;
    a->source = source;
    a->taken = 0;
    a->raw_offset = source.raw_offset(source.context);
    a->making = a->ended = false;
    a->first = a->n = 0;
    pthread_mutex_init(&a->lock, NULL); /* with default attributes these can't fail on Linux */
    pthread_cond_init(&a->made, NULL);
    return a;
}

void tide_read_ahead_free(struct tide_read_ahead *a)
{
    if (a == NULL)
        return;
    pthread_cond_destroy(&a->made);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* Fills the next piece. Returns as the source's read(). */
static ssize_t fill(struct tide_read_ahead *a, struct piece *p)
{
    struct tide_error e;
    ssize_t got = 1;

    for (p->length = p->taken = 0; p->length < PIECE_BYTES && got > 0;) {
        got = a->source.read(a->source.context, p->bytes + p->length, PIECE_BYTES - p->length, &e);
        p->length += got > 0 ? (size_t)got : 0;
    }
    p->raw_offset = a->source.raw_offset(a->source.context);
    return got;
}

/* Makes pieces until so many wait, or the source has ended. With the lock held, which it drops
 * meanwhile; no other thread is making any. */
static void make(struct tide_read_ahead *a, size_t enough)
{
    a->making = true;
    while (a->n < enough && !a->ended) {
        struct piece *p = &a->pieces[(a->first + a->n) % PIECES];
        ssize_t got;

        pthread_mutex_unlock(&a->lock);
        got = fill(a, p);
        pthread_mutex_lock(&a->lock);
        a->n += p->length > 0;
        a->ended = got <= 0;
    }
    a->making = false;
    /* Waking a thread takes about as long as a piece: one that waits gets several at once. */
    pthread_cond_signal(&a->made);
}

static size_t take_piece(struct tide_read_ahead *a, struct piece *p, void *buf, size_t n)
{
    if (n > p->length - p->taken)
        n = p->length - p->taken;
    memcpy(buf, p->bytes + p->taken, n);
    p->taken += n;
    a->raw_offset = p->raw_offset;
    if (p->taken == p->length) {
        pthread_mutex_lock(&a->lock);
        a->first = (a->first + 1) % PIECES;
        a->n--;
        pthread_mutex_unlock(&a->lock);
    }
    return n;
}

ssize_t tide_read_ahead_take(struct tide_read_ahead *a, void *buf, size_t n, struct tide_error *e)
{
    bool waits;
    size_t got;

    pthread_mutex_lock(&a->lock);
    if (a->n == 0)
        while (a->making)
            pthread_cond_wait(&a->made, &a->lock);
    if (a->n == 0 && !a->ended)
        make(a, 1);
    waits = a->n > 0;
    pthread_mutex_unlock(&a->lock);
    if (!waits) { /* it says once more how it ended */
        a->raw_offset = a->source.raw_offset(a->source.context);
        return a->source.read(a->source.context, buf, n, e);
    }
    got = take_piece(a, &a->pieces[a->first], buf, n);
    a->taken += got;
    return (ssize_t)got;
}

bool tide_read_ahead_make(struct tide_read_ahead *a)
{
    bool starts;

    pthread_mutex_lock(&a->lock);
    starts = !a->making && !a->ended && a->n < PIECES;
    if (starts)
        make(a, a->n < ENOUGH ? ENOUGH : a->n + 1);
    pthread_mutex_unlock(&a->lock);
    return starts;
}

bool tide_read_ahead_lags(struct tide_read_ahead *a)
{
    bool lags;

    pthread_mutex_lock(&a->lock);
    lags = !a->making && !a->ended && a->n <= ENOUGH;
    pthread_mutex_unlock(&a->lock);
    return lags;
}

bool tide_read_ahead_would_wait(struct tide_read_ahead *a)
{
    bool waits;

    pthread_mutex_lock(&a->lock);
    waits = a->n == 0 && a->making;
    pthread_mutex_unlock(&a->lock);
    return waits;
}

uint64_t tide_read_ahead_taken(const struct tide_read_ahead *a)
{
    return a->taken;
}

uint64_t tide_read_ahead_raw_offset(const struct tide_read_ahead *a)
{
    return a->raw_offset;
}
