/* FIFO, CLOCK and enhanced second chance, bit by bit: see sliced.h. */
#include "curve/sliced.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A page's bits at all sizes. The first two are all that a hit looks at. */
struct hot {
    uint64_t resident, referenced;
};

struct cold {
    uint64_t dirty;
    uint64_t marked; /* ESC: R was cleared while the page was clean, so it may be (0,0) */
    uint32_t life;   /* how often the page was forgotten: entries of queues from before are void */
};

struct entry {
    uint32_t id, life;
};

/* A size's pages in a circle. Void entries are left standing until they come to the front or fill
 * the circle, so it has room for half as many more; for ESC it has not: then it is full, without a
 * void entry, whenever a victim is looked for, and the hand can go anywhere without moving any. */
struct queue {
    struct entry *entries;
    size_t room, first, n; /* entries, void ones included */
    uint32_t *marks;       /* ESC: places of marked pages, in the order of the circle */
    uint32_t first_mark, n_marks;
    uint32_t capacity, resident;
    struct tide_size_counts counts;
};

struct tide_sliced {
    enum tide_sliced_kind kind;
    bool initial_bit, collapsed;
    bool started; /* what comes counts */
    uint64_t all; /* a bit for each size */
    struct hot *hot;
    struct cold *cold;
    size_t hot_cap, cold_cap;
    uint32_t n;
    struct queue queues[TIDE_SLICED_MOST];
};

/* ---- queues ---- */

static inline size_t behind(const struct queue *q, size_t i)
{
    i += q->first;
    return i < q->room ? i : i - q->room;
}

static inline bool is_void(const struct tide_sliced *s, struct entry entry)
{
    return s->cold[entry.id].life != entry.life;
}

static inline struct entry pop(struct queue *q)
{
    struct entry entry = q->entries[q->first];

    if (++q->first == q->room)
        q->first = 0;
    q->n--;
    return entry;
}

static void find_marks(const struct tide_sliced *s, struct queue *q)
{
    uint64_t bit = UINT64_C(1) << (q - s->queues);

    q->first_mark = q->n_marks = 0;
    for (size_t i = 0; i < q->n; i++)
        if ((s->cold[q->entries[behind(q, i)].id].marked & bit) != 0)
            q->marks[q->n_marks++] = (uint32_t)behind(q, i);
}

/* Takes out void entries; there are many where this is called, but for ESC. */
static void compact(const struct tide_sliced *s, struct queue *q)
{
    size_t n = q->n, kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct entry entry = q->entries[behind(q, i)];

        if (!is_void(s, entry))
            q->entries[behind(q, kept++)] = entry;
    }
    q->n = kept;
    if (s->kind == TIDE_SLICED_ESC)
        find_marks(s, q);
}

static inline void push(const struct tide_sliced *s, struct queue *q, struct entry entry)
{
    if (q->n == q->room)
        compact(s, q);
    q->entries[behind(q, q->n++)] = entry;
}

/* ---- victims: at the front of the queue afterwards ---- */

static void find_referenced_not(struct tide_sliced *s, struct queue *q, uint64_t bit)
{
    for (;;) {
        struct entry entry = q->entries[q->first];
        struct hot *page = &s->hot[entry.id];

        if (is_void(s, entry)) {
            pop(q);
            continue;
        }
        if ((page->referenced & bit) == 0)
            return;
        page->referenced &= ~bit;
        push(s, q, pop(q));
    }
}

/* The two steps of replacement/esc.c. */
static bool find_clean(struct tide_sliced *s, struct queue *q, uint64_t bit)
{
    while (q->first_mark < q->n_marks) {
        uint32_t at = q->marks[q->first_mark++];
        struct entry entry = q->entries[at];

        if (is_void(s, entry))
            continue;
        s->cold[entry.id].marked &= ~bit;
        if (((s->hot[entry.id].referenced | s->cold[entry.id].dirty) & bit) == 0) {
            q->first = at;
            return true;
        }
    }
    return false;
}

static bool find_dirty(struct tide_sliced *s, struct queue *q, uint64_t bit)
{
    q->first_mark = q->n_marks = 0;
    for (size_t i = 0; i < q->n; i++) {
        size_t at = behind(q, i);
        uint32_t id = q->entries[at].id;

        if ((s->hot[id].referenced & bit) == 0) {
            q->first = at;
            return true;
        }
        s->hot[id].referenced &= ~bit;
        if ((s->cold[id].dirty & bit) == 0) {
            s->cold[id].marked |= bit;
            q->marks[q->n_marks++] = (uint32_t)at;
        }
    }
    return false;
}

static void evict(struct tide_sliced *s, struct queue *q, uint64_t bit)
{
    struct entry entry;

    if (s->kind == TIDE_SLICED_CLOCK)
        find_referenced_not(s, q, bit);
    else if (s->kind == TIDE_SLICED_ESC)
        while (!find_clean(s, q, bit) && !find_dirty(s, q, bit))
            continue;
    do
        entry = pop(q);
    while (is_void(s, entry));
    q->resident--;
    q->counts.evictions++;
    q->counts.writebacks += (s->cold[entry.id].dirty & bit) != 0;
    s->hot[entry.id].resident &= ~bit;
    s->hot[entry.id].referenced &= ~bit;
    s->cold[entry.id].dirty &= ~bit;
}

/* ---- references ---- */

static __attribute__((noinline)) void fault(struct tide_sliced *s, uint32_t id, uint64_t missing)
{
    const struct entry entry = {.id = id, .life = s->cold[id].life};

    for (uint64_t left = missing; left != 0; left &= left - 1) {
        struct queue *q = &s->queues[__builtin_ctzll(left)];

        q->counts.faults++;
        if (q->resident == q->capacity)
            evict(s, q, left & -left);
        push(s, q, entry);
        q->resident++;
    }
    s->hot[id].resident |= missing;
    if (s->initial_bit)
        s->hot[id].referenced |= missing;
}

static void forget(struct tide_sliced *s, uint32_t id)
{
    for (uint64_t left = s->hot[id].resident; left != 0; left &= left - 1)
        s->queues[__builtin_ctzll(left)].resident--;
    s->hot[id] = (struct hot){0};
    s->cold[id] = (struct cold){.life = s->cold[id].life + 1};
}

static inline void take_step(struct tide_sliced *s, const struct tide_step *step)
{
    struct hot *page;
    uint64_t missing;

    if ((step->flags & (TIDE_STEP_IDLE | TIDE_STEP_ENDS)) != 0) {
        if ((step->flags & TIDE_STEP_ENDS) != 0)
            forget(s, step->id);
        return;
    }
    page = &s->hot[step->id];
    missing = s->all & ~page->resident;
    if (missing == 0) {
        page->referenced |= (step->flags & TIDE_STEP_REPEATS) == 0 ? s->all : 0;
    } else {
        /* the reference that brings the page in is told by that */
        if ((step->flags & TIDE_STEP_REPEATS) == 0)
            page->referenced |= page->resident;
        fault(s, step->id, missing);
        if (!s->collapsed && step->n > 1)
            page->referenced |= s->all;
    }
    if ((step->flags & TIDE_STEP_WRITES) != 0)
        s->cold[step->id].dirty |= s->all;
}

static void take_stretch(struct tide_sliced *s, const struct tide_steps *batch,
                         const struct tide_stretch *stretch)
{
    const struct tide_stretch_page *pages = &batch->pages[stretch->first_page];
    uint64_t resident = stretch->n_pages > 0 ? UINT64_MAX : 0;

    for (uint32_t i = 0; i < stretch->n_pages; i++)
        resident &= s->hot[pages[i].id].resident;
    if ((s->all & ~resident) != 0) {
        for (uint32_t i = stretch->from; i < stretch->to; i++)
            take_step(s, &batch->steps[i]);
        return;
    }
    for (uint32_t i = 0; i < stretch->n_pages; i++) {
        s->hot[pages[i].id].referenced |= (pages[i].flags & TIDE_STEP_REPEATS) == 0 ? s->all : 0;
        if ((pages[i].flags & TIDE_STEP_WRITES) != 0)
            s->cold[pages[i].id].dirty |= s->all;
    }
}

/* ---- feeding ---- */

static int grow(struct tide_sliced *s, uint32_t n_ids, struct tide_error *e)
{
    size_t before = s->hot_cap;
    void *grown;

    if (n_ids > s->hot_cap) {
        grown = tide_grow(s->hot, &s->hot_cap, n_ids, sizeof *s->hot);
        if (grown == NULL)
            return tide_nomem(e);
        s->hot = grown;
        memset(s->hot + before, 0, (s->hot_cap - before) * sizeof *s->hot);
    }
    before = s->cold_cap;
    if (n_ids > s->cold_cap) {
        grown = tide_grow(s->cold, &s->cold_cap, n_ids, sizeof *s->cold);
        if (grown == NULL)
            return tide_nomem(e);
        s->cold = grown;
        memset(s->cold + before, 0, (s->cold_cap - before) * sizeof *s->cold);
    }
    return 0;
}

int tide_sliced_feed(struct tide_sliced *s, const struct tide_steps *batch, struct tide_error *e)
{
    size_t step = 0, stretch = 0;
    int rc = grow(s, batch->n_ids, e);

    for (size_t k = 0; k <= batch->n_breaks && rc == 0; k++) {
        size_t end = k < batch->n_breaks ? batch->breaks[k].at : batch->n_steps;

        for (; stretch < batch->n_stretches && batch->stretches[stretch].from < end; stretch++) {
            take_stretch(s, batch, &batch->stretches[stretch]);
            step = batch->stretches[stretch].to;
        }
        for (; step < end; step++) /* not folded */
            take_step(s, &batch->steps[step]);
        if (k < batch->n_breaks && batch->breaks[k].kind == TIDE_BREAK_START) {
            s->started = true;
            for (uint32_t i = 0; i < s->n; i++)
                s->queues[i].counts = (struct tide_size_counts){0};
        }
    }
    return rc;
}

/* ---- life ---- */

bool tide_sliced_can(const struct tide_policy *policy, const void *options,
                     enum tide_sliced_kind *kind, bool *initial_bit)
{
    *initial_bit = true;
    if (strcmp(policy->name, "fifo") == 0)
        *kind = TIDE_SLICED_FIFO;
    else if (strcmp(policy->name, "esc") == 0)
        *kind = TIDE_SLICED_ESC;
    else if (strcmp(policy->name, "clock") == 0)
        *kind = TIDE_SLICED_CLOCK;
    else
        return false;
    for (const struct tide_option *o = policy->options; o != NULL && o->name != NULL; o++) {
        char value[32];

        tide_option_print(o, options, value, sizeof value);
        if (strcmp(o->name, "initial_bit") == 0)
            *initial_bit = strcmp(value, "0") != 0;
    }
    return true;
}

struct tide_sliced *tide_sliced_new(enum tide_sliced_kind kind, bool initial_bit, bool collapsed,
                                    const uint32_t *frames, uint32_t n, struct tide_error *e)
{
    struct tide_sliced *s = tide_calloc(1, sizeof *s);

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->kind = kind;
    s->initial_bit = initial_bit;
    s->collapsed = collapsed;
    s->n = n;
    s->all = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        struct queue *q = &s->queues[i];

        q->capacity = frames[i];
        q->room = frames[i];
        if (kind == TIDE_SLICED_ESC)
            q->marks = tide_calloc(q->room, sizeof *q->marks);
        else
            q->room += frames[i] / 2 + 16;
        q->entries = tide_calloc(q->room, sizeof *q->entries);
        if (q->entries == NULL || (kind == TIDE_SLICED_ESC && q->marks == NULL)) {
            tide_nomem(e);
            tide_sliced_free(s);
            return NULL;
        }
    }
    return s;
}

void tide_sliced_free(struct tide_sliced *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->n; i++) {
        free(s->queues[i].entries);
        free(s->queues[i].marks);
    }
    free(s->hot);
    free(s->cold);
    free(s);
}

struct tide_size_counts tide_sliced_counts(const struct tide_sliced *s, uint32_t i)
{
    return s->started ? s->queues[i].counts : (struct tide_size_counts){0};
}
