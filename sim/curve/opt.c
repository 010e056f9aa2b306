/* OPT at every number of frames: see opt.h. */
#include "curve/opt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK = 126, MOST_TOGETHER = 96, FEWEST_GROUPS = 64 };

/* Sorted next uses keys[from] .. keys[to - 1]; never empty. */
struct tide_opt_chunk {
    uint32_t from, to;
    struct tide_opt_chunk *next; /* of the spare ones */
    uint64_t keys[CHUNK];
};

/* ---- chunks ---- */

static struct tide_opt_chunk *new_chunk(struct tide_opt_curve *c)
{
    struct tide_opt_chunk *chunk = c->spare;

    if (chunk != NULL)
        c->spare = chunk->next;
    else
        chunk = tide_malloc(sizeof *chunk);
    return chunk;
}

static void free_chunk(struct tide_opt_curve *c, struct tide_opt_chunk *chunk)
{
    chunk->next = c->spare;
    c->spare = chunk;
}

/* Places of keys below `key`, counted from `from`. */
static inline uint32_t rank(const struct tide_opt_chunk *chunk, uint64_t key)
{
    const uint64_t *keys = chunk->keys + chunk->from;
    uint32_t n = chunk->to - chunk->from, below = 0;

    while (n > 1) { /* without a branch that depends on keys */
        uint32_t half = n / 2;

        below += keys[below + half - 1] < key ? half : 0;
        n -= half;
    }
    return below + (keys[below] < key);
}

/* Inserts before place `at`, moving the shorter side; there is room. */
static inline void insert_at(struct tide_opt_chunk *chunk, uint32_t at, uint64_t key)
{
    uint64_t *keys = chunk->keys;
    uint32_t n = chunk->to - chunk->from;

    if (chunk->from > 0 && (at < n / 2 || chunk->to == CHUNK)) {
        chunk->from--;
        memmove(keys + chunk->from, keys + chunk->from + 1, at * sizeof *keys);
    } else if (chunk->to < CHUNK) {
        memmove(keys + chunk->from + at + 1, keys + chunk->from + at, (n - at) * sizeof *keys);
        chunk->to++;
    }
    keys[chunk->from + at] = key;
}

static inline bool full(const struct tide_opt_chunk *chunk)
{
    return chunk->from == 0 && chunk->to == CHUNK;
}

/* ---- groups ---- */

static int add_chunk(struct tide_opt_curve *c, struct tide_opt_group *g, size_t at,
                     struct tide_opt_chunk **out, struct tide_error *e)
{
    struct tide_opt_chunk **grown = tide_grow(g->chunks, &g->cap, g->n + 1, sizeof *grown);

    if (grown == NULL || (g->chunks = grown, *out = new_chunk(c)) == NULL)
        return tide_nomem(e);
    memmove(grown + at + 1, grown + at, (g->n - at) * sizeof *grown);
    grown[at] = *out;
    g->n++;
    return 0;
}

/* Halves a full chunk. */
static int split(struct tide_opt_curve *c, struct tide_opt_group *g, size_t at,
                 struct tide_error *e)
{
    struct tide_opt_chunk *low = g->chunks[at], *high;
    int rc = add_chunk(c, g, at + 1, &high, e);

    if (rc != 0)
        return rc;
    high->from = CHUNK / 4;
    high->to = high->from + CHUNK - CHUNK / 2;
    memcpy(high->keys + high->from, low->keys + CHUNK / 2, (CHUNK - CHUNK / 2) * sizeof *low->keys);
    low->to = CHUNK / 2;
    return 0;
}

/* A new group of one, at place `at`. */
static int add_group(struct tide_opt_curve *c, size_t at, uint64_t key, struct tide_error *e)
{
    struct tide_opt_group spare; /* a list of chunks that is empty */
    struct tide_opt_chunk *chunk;
    int rc;

    if (c->n == c->cap) {
        size_t cap = c->cap > 0 ? 2 * c->cap : FEWEST_GROUPS;
        uint64_t **arrays[] = {&c->first, &c->last, &c->sizes};
        struct tide_opt_group *groups = tide_realloc(c->groups, cap * sizeof *groups);

        if (groups == NULL)
            return tide_nomem(e);
        c->groups = groups;
        memset(groups + c->cap, 0, (cap - c->cap) * sizeof *groups);
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
            uint64_t *grown = tide_realloc(*arrays[i], cap * sizeof *grown);

            if (grown == NULL)
                return tide_nomem(e);
            *arrays[i] = grown;
        }
        c->cap = cap;
    }
    spare = c->groups[c->n];
    memmove(c->first + at + 1, c->first + at, (c->n - at) * sizeof *c->first);
    memmove(c->last + at + 1, c->last + at, (c->n - at) * sizeof *c->last);
    memmove(c->sizes + at + 1, c->sizes + at, (c->n - at) * sizeof *c->sizes);
    memmove(c->groups + at + 1, c->groups + at, (c->n - at) * sizeof *c->groups);
    c->groups[at] = spare;
    c->n++;
    c->sizes[at] = 1;
    c->first[at] = c->last[at] = key;
    rc = add_chunk(c, &c->groups[at], 0, &chunk, e);
    if (rc != 0) {
        c->sizes[at] = 0;
        return rc;
    }
    chunk->from = CHUNK / 2;
    chunk->to = CHUNK / 2 + 1;
    chunk->keys[CHUNK / 2] = key;
    return 0;
}

/* The group is empty, or its chunks belong to another one. */
static void remove_group(struct tide_opt_curve *c, size_t at)
{
    struct tide_opt_group spare = c->groups[at];
    size_t after = c->n - at - 1;

    memmove(c->first + at, c->first + at + 1, after * sizeof *c->first);
    memmove(c->last + at, c->last + at + 1, after * sizeof *c->last);
    memmove(c->sizes + at, c->sizes + at + 1, after * sizeof *c->sizes);
    memmove(c->groups + at, c->groups + at + 1, after * sizeof *c->groups);
    spare.n = 0;
    c->groups[--c->n] = spare;
}

/* Keys of `upper` go before those of `lower` where there are few: chunks must not stay small. */
static bool put_together(const struct tide_opt_chunk *upper, struct tide_opt_chunk *lower)
{
    uint32_t n = upper->to - upper->from, m = lower->to - lower->from;
    uint32_t from = (CHUNK - n - m) / 2;

    if (n + m > MOST_TOGETHER)
        return false;
    memmove(lower->keys + from + n, lower->keys + lower->from, m * sizeof *lower->keys);
    memcpy(lower->keys + from, upper->keys + upper->from, n * sizeof *lower->keys);
    lower->from = from;
    lower->to = from + n + m;
    return true;
}

/* Group `at` is all before the group below it, at - 1: they are one. */
static int join(struct tide_opt_curve *c, size_t at, struct tide_error *e)
{
    struct tide_opt_group *upper = &c->groups[at], *lower = &c->groups[at - 1];
    struct tide_opt_chunk **grown =
        tide_grow(lower->chunks, &lower->cap, lower->n + upper->n, sizeof *grown);

    if (grown == NULL)
        return tide_nomem(e);
    lower->chunks = grown;
    if (put_together(upper->chunks[upper->n - 1], lower->chunks[0]))
        free_chunk(c, upper->chunks[--upper->n]);
    memmove(grown + upper->n, grown, lower->n * sizeof *grown);
    memcpy(grown, upper->chunks, upper->n * sizeof *grown);
    lower->n += upper->n;
    c->first[at - 1] = c->first[at];
    c->sizes[at - 1] += c->sizes[at];
    remove_group(c, at);
    return 0;
}

/* Joins what has come to be in order. */
static int tidy(struct tide_opt_curve *c, struct tide_error *e)
{
    for (size_t at = c->n; at-- > 1;) {
        if (c->last[at] < c->first[at - 1]) {
            int rc = join(c, at, e);

            if (rc != 0)
                return rc;
        }
    }
    c->next_tidy = c->n + c->n / 2 + 8;
    return 0;
}

/* The key is sorted in, and the latest of the group, which is later, leaves. */
static int push_through(struct tide_opt_curve *c, size_t at, uint64_t *key, struct tide_error *e)
{
    struct tide_opt_group *g = &c->groups[at];
    struct tide_opt_chunk *end = g->chunks[g->n - 1];
    uint64_t moved = c->last[at];
    size_t low = 0, high = g->n - 1;
    struct tide_opt_chunk *chunk;
    uint32_t place;

    while (low < high) { /* the first chunk with a later key */
        size_t middle = (low + high) / 2;

        chunk = g->chunks[middle];
        if (chunk->keys[chunk->to - 1] < *key)
            low = middle + 1;
        else
            high = middle;
    }
    chunk = g->chunks[low];
    place = rank(chunk, *key);
    if (chunk == end) { /* within it: the latest makes room */
        uint64_t *keys = chunk->keys + chunk->from;
        uint32_t n = chunk->to - chunk->from;

        memmove(keys + place + 1, keys + place, (n - 1 - place) * sizeof *keys);
        keys[place] = *key;
        c->last[at] = keys[n - 1];
    } else {
        if (full(chunk)) {
            int rc = split(c, g, low, e);

            if (rc != 0)
                return rc;
            if (place > CHUNK / 2) {
                place -= CHUNK / 2;
                chunk = g->chunks[low + 1];
            }
        }
        insert_at(chunk, place, *key);
        if (--end->to == end->from) {
            free_chunk(c, end);
            g->n--;
            end = g->chunks[g->n - 1];
        }
        c->last[at] = end->keys[end->to - 1];
    }
    c->first[at] = *key < c->first[at] ? *key : c->first[at];
    *key = moved;
    return 0;
}

/* The key is later than all of the group. */
static int push_last(struct tide_opt_curve *c, size_t at, uint64_t key, struct tide_error *e)
{
    struct tide_opt_group *g = &c->groups[at];
    struct tide_opt_chunk *chunk = g->chunks[g->n - 1];

    if (full(chunk)) {
        int rc = add_chunk(c, g, g->n, &chunk, e);

        if (rc != 0)
            return rc;
        chunk->from = chunk->to = 0;
    }
    insert_at(chunk, chunk->to - chunk->from, key);
    c->last[at] = key;
    c->sizes[at]++;
    return 0;
}

/* The key is sooner than all of the group. */
static int push_first(struct tide_opt_curve *c, size_t at, uint64_t key, struct tide_error *e)
{
    struct tide_opt_group *g = &c->groups[at];
    struct tide_opt_chunk *chunk = g->chunks[0];

    if (full(chunk)) {
        int rc = add_chunk(c, g, 0, &chunk, e);

        if (rc != 0)
            return rc;
        chunk->from = chunk->to = CHUNK;
    }
    insert_at(chunk, 0, key);
    c->first[at] = key;
    c->sizes[at]++;
    return 0;
}

/* The first of the group leaves; true: the group is empty. */
static bool pop_first(struct tide_opt_curve *c, size_t at)
{
    struct tide_opt_group *g = &c->groups[at];
    struct tide_opt_chunk *chunk = g->chunks[0];

    c->sizes[at]--;
    if (++chunk->from == chunk->to) {
        free_chunk(c, chunk);
        g->n--;
        memmove(g->chunks, g->chunks + 1, g->n * sizeof *g->chunks);
        if (g->n == 0)
            return true;
        chunk = g->chunks[0];
    }
    c->first[at] = chunk->keys[chunk->from];
    return false;
}

/* ---- references ---- */

/* The referenced page has left the front of group `at`: its place goes to what has come down, which
 * is later than all above. */
static int fill_place(struct tide_opt_curve *c, size_t at, uint64_t key, struct tide_error *e)
{
    bool empty = pop_first(c, at);

    if (!empty && key < c->first[at])
        return push_first(c, at, key, e);
    if (empty)
        remove_group(c, at);
    else
        at++;
    return at < c->n ? push_last(c, at, key, e) : add_group(c, at, key, e);
}

/* What has come down from the places on top goes on through the groups, until the referenced page's
 * place. Returns the page's depth in *depth, 0 for a first touch. */
static int go_down(struct tide_opt_curve *c, uint64_t key, uint64_t *depth, struct tide_error *e)
{
    uint64_t above = TIDE_OPT_TOP;
    int rc;

    *depth = 0;
    for (size_t at = c->n; at-- > 0;) {
        if (c->first[at] == c->now) {
            *depth = above + 1;
            return fill_place(c, at, key, e);
        }
        above += c->sizes[at];
        if (c->last[at] > key) {
            rc = push_through(c, at, &key, e);
            if (rc != 0)
                return rc;
        }
    }
    if (key == TIDE_NEVER) /* the end of the stack is as good as a frame that is free */
        return 0;
    c->below++;
    return c->n > 0 ? push_last(c, 0, key, e) : add_group(c, 0, key, e);
}

/* The page goes to the top; place by place as long as that is quick. Returns its depth, 0: it is
 * farther down than that, where *key goes on. */
static inline uint64_t on_top(struct tide_opt_curve *c, uint64_t next, uint64_t *key)
{
    uint64_t *top = c->top, now = c->now, down = top[0];

    top[0] = next;
    if (down == now)
        return 1;
    for (unsigned i = 1; i < TIDE_OPT_TOP; i++) {
        uint64_t here = top[i];

        if (here == now) {
            top[i] = down;
            return i + 1;
        }
        top[i] = here < down ? here : down;
        down = here < down ? down : here;
    }
    *key = down;
    return 0;
}

int tide_opt_curve_take(struct tide_opt_curve *c, const struct tide_next_use *uses, size_t n,
                        struct tide_error *e)
{
    int rc = tide_distances_reserve(&c->distances, TIDE_OPT_TOP + c->below + n, e);
    uint64_t *counts = c->distances.counts;

    if (!c->begun) /* frames that are free */
        for (unsigned i = 0; i < TIDE_OPT_TOP; i++)
            c->top[i] = TIDE_NEVER;
    c->begun = true;
    for (size_t i = 0; i < n && rc == 0; i++, c->now++) {
        uint64_t key, depth;

        if (uses[i].id == TIDE_NOBODY) {
            tide_distances_clear(&c->distances);
            continue;
        }
        depth = on_top(c, uses[i].next, &key);
        if (depth == 0) {
            rc = go_down(c, key, &depth, e);
            if (c->n > c->next_tidy && rc == 0)
                rc = tidy(c, e);
        }
        counts[depth]++;
    }
    return rc;
}

void tide_opt_curve_fini(struct tide_opt_curve *c)
{
    struct tide_opt_chunk *next;

    tide_distances_fini(&c->distances);
    for (size_t i = 0; i < c->cap; i++) {
        for (size_t k = 0; k < c->groups[i].n; k++)
            free(c->groups[i].chunks[k]);
        free(c->groups[i].chunks);
    }
    for (struct tide_opt_chunk *chunk = c->spare; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(c->groups);
    free(c->first);
    free(c->last);
    free(c->sizes);
    *c = (struct tide_opt_curve){0};
}
