/* Many sizes and policies on one trace: see sizes.h. */
#include "batch/sizes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "batch/ring.h"
#include "curve/sliced.h"
#include "curve/steps.h"

enum { MOST_LANES = 8 }; /* of a group: what one thread does with a batch at a time */

/* Machines that differ in frames alone, as many as one of the ways takes. */
struct group {
    struct tide_lanes *lanes;
    struct tide_sliced *sliced; /* one of them is NULL */
    uint32_t n;
};

struct tide_sizes {
    const struct tide_machine_config *const *machines;
    size_t n;
    uint32_t *frames;    /* by machine */
    size_t *group_of;    /* by machine, and its number within the group */
    uint32_t *number_of; /* */
    struct group *groups;
    size_t n_groups;
    struct tide_stepper *stepper;
    struct tide_follow_counts references;
};

/* ---- what goes together ---- */

static bool same_part(const struct tide_machine_config *a, const struct tide_machine_config *b)
{
    struct tide_geometry g = tide_machine_geometry(a), h = tide_machine_geometry(b);

    return g.page_shift == h.page_shift && g.va_bits == h.va_bits && a->skip == b->skip &&
           a->warmup == b->warmup && a->limit == b->limit && a->references == b->references;
}

bool tide_sizes_can(const struct tide_machine_config *const *machines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tide_machine_config *c = machines[i];

        if (c->by_memory || c->observe != TIDE_OBSERVE_EVERY_REFERENCE || c->interval > 0 ||
            !tide_lanes_can(c->policy) || !same_part(c, machines[0]))
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
        uint64_t frames = tide_amount_of(s->machines[i]->frames, distinct_pages);

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

    if (tide_sliced_can(c->policy, c->policy_options, &kind, &initial_bit)) {
        g->sliced = tide_sliced_new(kind, initial_bit, collapsed, frames, g->n, e);
        return g->sliced != NULL ? 0 : e->code;
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

static uint32_t most_of(const struct tide_machine_config *c)
{
    enum tide_sliced_kind kind;
    bool initial_bit;

    return tide_sliced_can(c->policy, c->policy_options, &kind, &initial_bit) ? TIDE_SLICED_MOST
                                                                             : MOST_LANES;
}

static int make_groups(struct tide_sizes *s, struct tide_error *e)
{
    for (size_t i = 0; i < s->n; i++)
        s->group_of[i] = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        const struct tide_machine_config *c = s->machines[i];
        struct group *g = &s->groups[s->n_groups];
        uint32_t frames[TIDE_SLICED_MOST], most = most_of(c);
        int rc;

        if (s->group_of[i] != SIZE_MAX)
            continue;
        for (size_t k = i; k < s->n && g->n < most; k++) {
            if (s->group_of[k] != SIZE_MAX || !same_policy(c, s->machines[k]))
                continue;
            s->group_of[k] = s->n_groups;
            s->number_of[k] = g->n;
            frames[g->n++] = s->frames[k];
        }
        s->n_groups++;
        rc = make_group(g, c, frames, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

struct tide_sizes *tide_sizes_new(const struct tide_machine_config *const *machines, size_t n,
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
        tide_stepper_init(s->stepper, machines[0]->references == TIDE_REFERENCES_COLLAPSED);
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

/* ---- feeding ---- */

struct work {
    struct tide_sizes *sizes;
    struct tide_sizes_feed *feed;
    struct tide_follow *follow;
    struct tide_block *block;
    struct tide_steps *into; /* what the follower's pieces go to */
    bool begun, over;
};

static int take_piece(void *context, const struct tide_page_ref *refs, size_t n,
                      struct tide_error *e)
{
    struct work *w = context;

    return tide_steps_take(w->sizes->stepper, w->into, w->follow, refs, n, e);
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
    tide_steps_clear(w->into);
    rc = follow(w, e);
    if (rc == 0)
        rc = tide_steps_fold(w->sizes->stepper, w->into, e);
    return rc == 0 ? 1 : rc;
}

static int take_batch(void *context, const void *slot, struct tide_error *e)
{
    struct group *g = context;
    int rc = g->lanes != NULL ? tide_lanes_feed(g->lanes, slot, e)
                              : tide_sliced_feed(g->sliced, slot, e);

    return rc == 0 ? 1 : rc;
}

int tide_sizes_run(struct tide_sizes *s, struct tide_sizes_feed *f, struct tide_error *e)
{
    const struct tide_machine_config *c = s->machines[0];
    struct tide_steps steps[TIDE_RING_SLOTS] = {{0}};
    void *slots[TIDE_RING_SLOTS];
    struct work w = {.sizes = s, .feed = f};
    struct tide_follow_config follow = {.geometry = tide_machine_geometry(c),
                                        .skip = c->skip,
                                        .warmup = c->warmup,
                                        .limit = c->limit,
                                        .context = &w,
                                        .take = take_piece};
    struct tide_ring ring = {.slots = slots,
                             .consumers = tide_calloc(s->n_groups, sizeof *ring.consumers),
                             .n = s->n_groups,
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
        slots[i] = &steps[i];
    for (size_t i = 0; rc == 0 && i < s->n_groups; i++)
        ring.consumers[i] =
            (struct tide_ring_consumer){.context = &s->groups[i], .take = take_batch};
    if (rc == 0)
        rc = tide_ring_run(&ring, e);
    if (w.follow != NULL)
        s->references = tide_follow_counts(w.follow);
    tide_follow_free(w.follow);
    for (size_t i = 0; i < TIDE_RING_SLOTS; i++)
        tide_steps_fini(&steps[i]);
    free(ring.consumers);
    free(w.block);
    return rc;
}

/* ---- results ---- */

uint32_t tide_sizes_frames(const struct tide_sizes *s, size_t i)
{
    return s->frames[i];
}

struct tide_size_counts tide_sizes_counts(const struct tide_sizes *s, size_t i)
{
    const struct group *g = &s->groups[s->group_of[i]];

    return g->lanes != NULL ? tide_lanes_counts(g->lanes, s->number_of[i])
                            : tide_sliced_counts(g->sliced, s->number_of[i]);
}

struct tide_follow_counts tide_sizes_references(const struct tide_sizes *s)
{
    return s->references;
}
