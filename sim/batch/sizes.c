/* Many sizes and policies on one trace: see sizes.h. */
#include "batch/sizes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "batch/inflate_ahead.h"
#include "curve/sliced.h"
#include "curve/steps.h"

enum { MOST_LANES = 8 }; /* of a group: what one thread does with a batch at a time */

/* Machines that differ in frames alone, as many as one of the ways takes. */
struct group {
    enum way { LANES, SLICED, LRU_CURVE, OPT_CURVE } way;
    struct tide_lanes *lanes;
    struct tide_sliced *sliced;
    struct tide_curves *curves; /* two of them are NULL */
    uint32_t n;
};

/* What goes round in the ring. */
struct batch {
    struct tide_steps steps;
    struct tide_page_ref *refs; /* the same as they came, for curves */
    size_t n_refs, refs_cap, n_ids;
};

struct tide_sizes {
    const struct tide_machine_config *machines;
    size_t n;
    uint32_t *frames;    /* by machine */
    size_t *group_of;    /* by machine, and its number within the group */
    uint32_t *number_of; /* */
    struct group *groups;
    size_t n_groups;
    struct tide_curves *curves; /* NULL: none */
    struct tide_stepper *stepper;
    struct tide_follow_counts references;
    uint64_t live, most_live; /* pages referenced and not forgotten; the most of them at any time */
};

/* ---- what goes together ---- */

static bool same_part(const struct tide_machine_config *a, const struct tide_machine_config *b)
{
    struct tide_geometry g = tide_machine_geometry(a), h = tide_machine_geometry(b);

    return g.page_shift == h.page_shift && g.va_bits == h.va_bits && a->skip == b->skip &&
           a->warmup == b->warmup && a->limit == b->limit && a->references == b->references;
}

static enum way way_of(const struct tide_machine_config *c)
{
    enum tide_sliced_kind kind;
    bool initial_bit;

    if (strcmp(c->policy->name, "lru") == 0)
        return LRU_CURVE;
    if (strcmp(c->policy->name, "opt") == 0)
        return OPT_CURVE;
    return tide_sliced_can(c->policy, c->policy_options, &kind, &initial_bit) ? SLICED : LANES;
}

static uint32_t most_of(enum way way)
{
    return way == LANES ? MOST_LANES : way == SLICED ? TIDE_SLICED_MOST : UINT32_MAX;
}

bool tide_sizes_can(const struct tide_machine_config *machines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tide_machine_config *c = &machines[i];

        if (c->by_memory || c->observe != TIDE_OBSERVE_EVERY_REFERENCE || c->interval > 0 ||
            (!tide_lanes_can(c->policy) && way_of(c) == LANES) || !same_part(c, machines))
            return false;
    }
    return n > 0;
}

/* By what options say, not by their bytes: there may be padding between them. */
static bool same_policy(const struct tide_machine_config *a, const struct tide_machine_config *b)
{
    if (a->policy != b->policy || a->seed != b->seed)
        return false;
    for (const struct tide_option *o = a->policy->options; o != NULL && o->name != NULL; o++) {
        char x[64], y[64];

        tide_option_print(o, a->policy_options, x, sizeof x);
        tide_option_print(o, b->policy_options, y, sizeof y);
        if (strcmp(x, y) != 0)
            return false;
    }
    return true;
}

static int set_frames(struct tide_sizes *s, uint64_t distinct_pages, struct tide_error *e)
{
    for (size_t i = 0; i < s->n; i++) {
        uint64_t frames = tide_amount_of(s->machines[i].frames, distinct_pages);

        if (frames >= UINT32_MAX / 2)
            return tide_fail(e, TIDE_E_CONFIG, "more than 2^31 frames");
        s->frames[i] = frames > 0 ? (uint32_t)frames : 1;
    }
    return 0;
}

static int make_group(struct group *g, const struct tide_machine_config *c, const uint32_t *frames,
                      struct tide_error *e)
{
    bool collapsed = c->references == TIDE_REFERENCES_COLLAPSED, initial_bit;
    enum tide_sliced_kind kind;

    if (g->way == SLICED && tide_sliced_can(c->policy, c->policy_options, &kind, &initial_bit)) {
        g->sliced = tide_sliced_new(kind, initial_bit, collapsed, frames, g->n, e);
        return g->sliced != NULL ? 0 : e->code;
    }
    if (g->way != LANES) {
        g->curves = tide_curves_new(
            &(struct tide_curves_config){
                .geometry = tide_machine_geometry(c),
                .which = 1u << (g->way == LRU_CURVE ? TIDE_CURVE_LRU : TIDE_CURVE_OPT)},
            e);
        return g->curves != NULL ? 0 : e->code;
    }
    g->lanes = tide_lanes_new(&(struct tide_lanes_config){.policy = c->policy,
                                                          .options = c->policy_options,
                                                          .collapsed = collapsed,
                                                          .seed = c->seed,
                                                          .frames = frames,
                                                          .n = g->n},
                              e);
    return g->lanes != NULL ? 0 : e->code;
}

static int make_groups(struct tide_sizes *s, struct tide_error *e)
{
    for (size_t i = 0; i < s->n; i++)
        s->group_of[i] = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        const struct tide_machine_config *c = &s->machines[i];
        struct group *g = &s->groups[s->n_groups];
        uint32_t frames[TIDE_SLICED_MOST];
        int rc;

        if (s->group_of[i] != SIZE_MAX)
            continue;
        g->way = way_of(c);
        for (size_t k = i; k < s->n && g->n < most_of(g->way); k++) {
            if (s->group_of[k] != SIZE_MAX || !same_policy(c, &s->machines[k]))
                continue;
            s->group_of[k] = s->n_groups;
            s->number_of[k] = g->n;
            if (g->n < TIDE_SLICED_MOST) /* curves have all sizes */
                frames[g->n] = s->frames[k];
            g->n++;
        }
        s->n_groups++;
        rc = make_group(g, c, frames, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

struct tide_sizes *tide_sizes_new(const struct tide_machine_config *machines, size_t n,
                                  uint64_t distinct_pages, struct tide_error *e)
{
    struct tide_sizes *s = tide_calloc(1, sizeof *s);
    int rc = 0;

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->machines = machines;
    s->n = n;
    s->frames = tide_calloc(n, sizeof *s->frames);
    s->group_of = tide_calloc(n, sizeof *s->group_of);
    s->number_of = tide_calloc(n, sizeof *s->number_of);
    s->groups = tide_calloc(n, sizeof *s->groups);
    s->stepper = tide_calloc(1, sizeof *s->stepper);
    if (s->frames == NULL || s->group_of == NULL || s->number_of == NULL || s->groups == NULL ||
        s->stepper == NULL)
        rc = tide_nomem(e);
    else
        tide_stepper_init(s->stepper, machines[0].references == TIDE_REFERENCES_COLLAPSED);
    if (rc == 0)
        rc = set_frames(s, distinct_pages, e);
    if (rc == 0)
        rc = make_groups(s, e);
    if (rc == 0)
        return s;
    tide_sizes_free(s);
    return NULL;
}

void tide_sizes_free(struct tide_sizes *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; s->groups != NULL && i < s->n; i++) {
        tide_lanes_free(s->groups[i].lanes);
        tide_sliced_free(s->groups[i].sliced);
        tide_curves_free(s->groups[i].curves);
    }
    if (s->stepper != NULL)
        tide_stepper_fini(s->stepper);
    free(s->stepper);
    free(s->frames);
    free(s->group_of);
    free(s->number_of);
    free(s->groups);
    free(s);
}

void tide_sizes_add_curves(struct tide_sizes *s, struct tide_curves *c)
{
    s->curves = c;
}

/* ---- feeding ---- */

struct work {
    struct tide_sizes *sizes;
    struct tide_sizes_feed *feed;
    struct tide_follow *follow;
    struct tide_block *block;
    struct batch *into;           /* what the follower's pieces go to */
    bool wants_steps, wants_refs; /* there is someone who takes them */
    bool begun, over;
};

static void count_live(struct tide_sizes *s, const struct tide_page_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->live += (refs[i].flags & TIDE_REF_FIRST) != 0;
        s->live -= refs[i].kind == TIDE_REF_FORGET;
        s->most_live = s->live > s->most_live ? s->live : s->most_live;
    }
}

static int take_piece(void *context, const struct tide_page_ref *refs, size_t n,
                      struct tide_error *e)
{
    struct work *w = context;
    struct batch *b = w->into;

    count_live(w->sizes, refs, n);
    if (w->wants_refs) {
        struct tide_page_ref *grown =
            tide_grow(b->refs, &b->refs_cap, b->n_refs + n, sizeof *grown);

        if (grown == NULL)
            return tide_nomem(e);
        b->refs = grown;
        memcpy(b->refs + b->n_refs, refs, n * sizeof *refs);
        b->n_refs += n;
    }
    return w->wants_steps ? tide_steps_take(w->sizes->stepper, &b->steps, w->follow, refs, n, e)
                          : 0;
}

/* What an event says can't be: it is the trace that is wrong. */
static void damage(struct work *w, const struct tide_error *e)
{
    struct tide_sizes_feed *f = w->feed;

    f->trace_code = TIDE_E_TRACE;
    f->trace_error = *e;
    tide_error_where(&f->trace_error, "%s: among the %d accesses from number %" PRIu64,
                     tide_stream_name(tide_reader_stream(f->reader)), TIDE_BLOCK_ACCESSES,
                     w->block->first);
}

/* One block of the trace followed, or what is left at the end. */
static int follow(struct work *w, struct tide_error *e)
{
    struct tide_sizes_feed *f = w->feed;
    int rc = tide_reader_next(f->reader, w->block, &f->trace_error);

    if (rc == TIDE_E_NOMEM) {
        *e = f->trace_error;
        return rc;
    }
    if (rc <= 0) {
        f->trace_code = rc;
        w->over = true;
        return tide_follow_finish(w->follow, e);
    }
    f->accesses += w->block->n_accesses;
    if (!w->begun && f->begin != NULL && (rc = f->begin(f->context, e)) != 0)
        return rc;
    w->begun = true;
    rc = tide_follow_feed(w->follow, w->block, NULL, e);
    if (f->progress != NULL)
        f->progress(f->context, f->reader, f->accesses);
    if (rc == 1)
        return 0;
    if (rc == TIDE_E_TRACE)
        damage(w, e);
    else if (rc < 0)
        return rc;
    w->over = true;
    return tide_follow_finish(w->follow, e);
}

static int produce(void *context, void *slot, struct tide_error *e)
{
    struct work *w = context;
    int rc;

    if (w->over)
        return 0;
    w->into = slot;
    w->into->n_refs = 0;
    tide_steps_clear(&w->into->steps);
    rc = follow(w, e);
    w->into->n_ids = tide_follow_ids(w->follow);
    if (rc == 0 && w->wants_steps)
        rc = tide_steps_fold(w->sizes->stepper, &w->into->steps, e);
    return rc == 0 ? 1 : rc;
}

static int take_batch(void *context, const void *slot, struct tide_error *e)
{
    const struct batch *b = slot;
    struct group *g = context;
    int rc = 0;

    switch (g->way) {
    case LANES:
        rc = tide_lanes_feed(g->lanes, &b->steps, e);
        break;
    case SLICED:
        rc = tide_sliced_feed(g->sliced, &b->steps, e);
        break;
    case LRU_CURVE:
    case OPT_CURVE:
        rc = tide_curves_take(g->curves, b->refs, b->n_refs, b->n_ids, e);
        break;
    }
    return rc == 0 ? 1 : rc;
}

static int take_curves(void *context, const void *slot, struct tide_error *e)
{
    const struct batch *b = slot;
    int rc = tide_curves_take(context, b->refs, b->n_refs, b->n_ids, e);

    return rc == 0 ? 1 : rc;
}

/* The consumers of the ring. */
static void add_consumers(const struct tide_sizes *s, struct work *w, struct tide_ring *ring)
{
    if (s->curves != NULL)
        ring->consumers[ring->n++] =
            (struct tide_ring_consumer){.context = s->curves, .take = take_curves};
    w->wants_refs = s->curves != NULL;
    for (size_t i = 0; i < s->n_groups; i++) {
        bool curve = s->groups[i].way == LRU_CURVE || s->groups[i].way == OPT_CURVE;

        ring->consumers[ring->n++] =
            (struct tide_ring_consumer){.context = &s->groups[i], .take = take_batch};
        w->wants_refs |= curve;
        w->wants_steps |= !curve;
    }
}

static void free_batch(struct batch *b)
{
    tide_steps_fini(&b->steps);
    free(b->refs);
}

int tide_sizes_run(struct tide_sizes *s, struct tide_sizes_feed *f, struct tide_error *e)
{
    const struct tide_machine_config *c = &s->machines[0];
    struct batch batches[TIDE_RING_SLOTS] = {{.n_refs = 0}};
    void *slots[TIDE_RING_SLOTS];
    struct work w = {.sizes = s, .feed = f};
    struct tide_follow_config follow = {.geometry = tide_machine_geometry(c),
                                        .skip = c->skip,
                                        .warmup = c->warmup,
                                        .limit = c->limit,
                                        .context = &w,
                                        .take = take_piece};
    struct tide_ring ring = {.slots = slots,
                             .consumers = tide_calloc(s->n_groups + 1, sizeof *ring.consumers),
                             .jobs = f->jobs,
                             .context = &w,
                             .produce = produce};
    int rc;

    f->accesses = 0;
    f->trace_code = 0;
    w.block = tide_calloc(1, sizeof *w.block);
    w.follow = tide_follow_new(&follow, e);
    rc = w.follow == NULL ? e->code : 0;
    if (ring.consumers == NULL || w.block == NULL)
        rc = tide_nomem(e);
    for (size_t i = 0; i < TIDE_RING_SLOTS; i++)
        slots[i] = &batches[i];
    if (rc == 0) {
        add_consumers(s, &w, &ring);
        if (tide_block_runs_take_fragments(follow.geometry))
            tide_reader_take_fragments(f->reader);
        rc = tide_inflate_ahead(&ring, f->reader, e);
    }
    if (rc == 0)
        rc = tide_ring_run(&ring, e);
    for (size_t i = 0; rc == 0 && i < s->n_groups; i++)
        if (s->groups[i].curves != NULL)
            rc = tide_curves_end(s->groups[i].curves, e);
    if (w.follow != NULL)
        s->references = tide_follow_counts(w.follow);
    tide_follow_free(w.follow);
    for (size_t i = 0; i < TIDE_RING_SLOTS; i++)
        free_batch(&batches[i]);
    free(ring.consumers);
    free(w.block);
    return rc;
}

/* ---- results ---- */

uint32_t tide_sizes_frames(const struct tide_sizes *s, size_t i)
{
    return s->frames[i];
}

static struct tide_size_counts on_curve(const struct tide_sizes *s, const struct tide_distances *d,
                                        uint32_t frames)
{
    struct tide_size_counts counts = {.faults = tide_distances_beyond(d, frames)};

    if (s->most_live > frames)
        counts.evictions = counts.faults > frames ? counts.faults - frames : 1;
    return counts;
}

struct tide_size_counts tide_sizes_counts(const struct tide_sizes *s, size_t i)
{
    const struct group *g = &s->groups[s->group_of[i]];

    switch (g->way) {
    case LANES:
        return tide_lanes_counts(g->lanes, s->number_of[i]);
    case SLICED:
        return tide_sliced_counts(g->sliced, s->number_of[i]);
    case LRU_CURVE:
        return on_curve(s, tide_curves_distances(g->curves, TIDE_CURVE_LRU), s->frames[i]);
    case OPT_CURVE:
        break;
    }
    return on_curve(s, tide_curves_distances(g->curves, TIDE_CURVE_OPT), s->frames[i]);
}

struct tide_follow_counts tide_sizes_references(const struct tide_sizes *s)
{
    return s->references;
}

/* ---- policies at sizes beside curves ---- */

bool tide_sized_needs_pages(const struct tide_size_plan *p)
{
    for (size_t i = 0; i < p->n_frames; i++)
        if (p->frames[i].is_share)
            return true;
    return p->n_frames == 0;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The plan's sizes, each once. */
static int choose_frames(struct tide_sized *s, const struct tide_size_plan *p,
                         uint64_t distinct_pages, struct tide_error *e)
{
    size_t n = p->n_frames > 0 ? p->n_frames : (size_t)distinct_pages, kept = 0;

    if (p->n_frames == 0 && distinct_pages > TIDE_SIZES_EVERY_MOST) {
        tide_fail(e, TIDE_E_CONFIG,
                  "every size of a trace of %" PRIu64 " pages is too much for policies that have "
                  "no curve",
                  distinct_pages);
        tide_error_remedy(e, "name sizes, such as 10%%,25%%,50%%; all are possible up to %d pages",
                          TIDE_SIZES_EVERY_MOST);
        return TIDE_E_CONFIG;
    }
    s->frames = tide_calloc(n + 1, sizeof *s->frames);
    if (s->frames == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < n; i++) {
        uint64_t frames =
            p->n_frames > 0 ? tide_amount_of(p->frames[i], distinct_pages) : (uint64_t)i + 1;

        if (frames >= UINT32_MAX / 2)
            return tide_fail(e, TIDE_E_CONFIG, "more than 2^31 frames");
        s->frames[i] = frames > 0 ? (uint32_t)frames : 1;
    }
    if (n > 0)
        qsort(s->frames, n, sizeof *s->frames, ascending);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || s->frames[i] != s->frames[kept - 1])
            s->frames[kept++] = s->frames[i];
    s->table.n_frames = kept;
    return 0;
}

int tide_sized_init(struct tide_sized *s, const struct tide_curve_plan *plan,
                    uint64_t distinct_pages, struct tide_error *e)
{
    const struct tide_size_plan *p = plan->sizes;
    int rc;

    *s = (struct tide_sized){.table = {.names = p->names, .n_policies = p->n_policies}};
    rc = choose_frames(s, p, distinct_pages, e);
    if (rc != 0)
        return rc;
    s->machines = tide_calloc(p->n_policies * s->table.n_frames + 1, sizeof *s->machines);
    s->faults = tide_calloc(p->n_policies * s->table.n_frames + 1, sizeof *s->faults);
    if (s->machines == NULL || s->faults == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < p->n_policies; i++) {
        for (size_t k = 0; k < s->table.n_frames; k++) {
            struct tide_machine_config *c = &s->machines[s->n++];

            *c = p->policies[i];
            c->skip = plan->curves.skip;
            c->warmup = plan->curves.warmup;
            c->limit = plan->curves.limit;
            c->frames = (struct tide_amount){.value = s->frames[k]};
        }
    }
    s->table.frames = s->frames;
    s->table.faults = s->faults;
    return 0;
}

void tide_sized_fini(struct tide_sized *s)
{
    free(s->machines);
    free(s->frames);
    free(s->faults);
    *s = (struct tide_sized){0};
}

void tide_sized_fill(struct tide_sized *s, const struct tide_sizes *from)
{
    for (size_t i = 0; i < s->n; i++)
        s->faults[i] = tide_sizes_counts(from, i).faults;
}
