/* Lanes: see lanes.h. The rules are those of pager/step.c, memory.c and fast.c. */
#include "curve/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NO_FRAME UINT32_MAX

struct lane {
    uint32_t *frame_of; /* by id; NO_FRAME: not resident */
    uint8_t *bits;      /* by frame, as all below */
    tide_page *pages;
    uint32_t *ids;
    uint32_t *free_frames; /* given back, last in first out */
    uint32_t n_free, fresh, resident, capacity;
    uint32_t last_touched; /* order policies need no second touch of the same frame */
    const struct tide_policy *policy;
    void *state;
    struct tide_policy_env env;
    struct tide_rng rng;
    uint64_t now, next_tick, tick_period;
    bool is_large; /* frame_of does not fit a cache */
    struct tide_size_counts counts;
};

/* Steps ahead. */
enum { FAR = 12, NEAR = 6, LARGE_IDS = 1 << 16 };

/* Part of a batch between two breaks. */
struct piece {
    size_t step, pair, stretch; /* the first ones behind it */
};

typedef void replay_function(struct lane *l, const tide_page *names, const struct tide_steps *s,
                             const struct piece *from, const struct piece *to);

struct tide_lanes {
    const struct tide_policy *policy;
    replay_function *replay;
    tide_page *names; /* by id */
    size_t names_cap;
    uint32_t n_ids; /* how many entries of frame_of are valid */
    size_t frame_of_cap;
    bool started; /* what comes counts */
    uint32_t n;
    struct lane lanes[];
};

/* ---- frames ---- */

static void release(struct lane *l, uint32_t frame, enum tide_remove_reason why)
{
    l->policy->remove(l->state, frame, why);
    l->frame_of[l->ids[frame]] = NO_FRAME;
    l->pages[frame] = TIDE_PAGE_NONE;
    l->bits[frame] = 0;
    l->free_frames[l->n_free++] = frame;
    l->resident--;
    if (l->last_touched == frame)
        l->last_touched = NO_FRAME;
}

static __attribute__((noinline)) uint32_t fault(struct lane *l, const tide_page *names, uint32_t id)
{
    const struct tide_policy *policy = l->policy;
    uint32_t frame;

    if (policy->fault != NULL)
        policy->fault(l->state, names[id]);
    if (l->resident == l->capacity) {
        frame = policy->victim(l->state);
        l->counts.evictions++;
        l->counts.writebacks += (l->bits[frame] & TIDE_FRAME_DIRTY) != 0;
        release(l, frame, TIDE_REMOVE_EVICT);
    }
    frame = l->n_free > 0 ? l->free_frames[--l->n_free] : l->fresh++;
    l->pages[frame] = names[id];
    l->ids[frame] = id;
    l->bits[frame] = TIDE_FRAME_REFERENCED;
    l->frame_of[id] = frame;
    l->resident++;
    l->counts.faults++;
    policy->load(l->state, frame, 0);
    l->last_touched = policy->observes == TIDE_OBSERVES_ORDER ? frame : NO_FRAME;
    return frame;
}

static void end_page(struct lane *l, const tide_page *names, uint32_t id)
{
    if (l->frame_of[id] != NO_FRAME)
        release(l, l->frame_of[id], TIDE_REMOVE_UNMAP);
    if (l->policy->forget != NULL)
        l->policy->forget(l->state, names[id]);
}

static void move_page(struct lane *l, uint32_t id, tide_page from, tide_page to)
{
    if (l->frame_of[id] != NO_FRAME)
        l->pages[l->frame_of[id]] = to;
    else if (l->policy->forget != NULL)
        l->policy->forget(l->state, from);
}

/* ---- references ----
 * A step is dirty from its first reference on, though its write may stand behind a tick in it: no
 * victim is chosen between the two. `observes` and `ticks` are constants where these are inlined: a
 * loop for each kind of policy. */

#define INLINE static inline __attribute__((always_inline))

INLINE void tell(struct lane *l, uint32_t frame, uint64_t n, const enum tide_observes observes)
{
    if (n == 0)
        return;
    l->bits[frame] |= TIDE_FRAME_REFERENCED;
    if (observes <= TIDE_OBSERVES_BIT)
        return;
    if (observes == TIDE_OBSERVES_ORDER) {
        if (l->last_touched == frame)
            return;
        l->last_touched = frame;
    }
    l->policy->touch(l->state, frame, n, 0);
}

INLINE void tick(struct lane *l, const bool ticks)
{
    if (ticks && l->now == l->next_tick) {
        l->policy->tick(l->state);
        l->next_tick =
            l->next_tick > UINT64_MAX - l->tick_period ? UINT64_MAX : l->next_tick + l->tick_period;
    }
}

/* How many of n references come before the next tick has passed. */
INLINE uint32_t until_tick(const struct lane *l, uint32_t n, const bool ticks)
{
    return ticks && n > l->next_tick - l->now ? (uint32_t)(l->next_tick - l->now) : n;
}

INLINE void take_step(struct lane *l, const tide_page *names, const struct tide_step *step,
                      const enum tide_observes observes, const bool collapsed, const bool ticks)
{
    if ((step->flags & TIDE_STEP_ENDS) != 0) {
        end_page(l, names, step->id);
        return;
    }
    for (uint32_t done = 0; done < step->n;) {
        uint32_t n = until_tick(l, step->n - done, ticks);

        if ((step->flags & TIDE_STEP_IDLE) != 0) {
            l->now += n;
        } else {
            uint32_t frame = l->frame_of[step->id];
            uint64_t told = collapsed ? done == 0 && (step->flags & TIDE_STEP_REPEATS) == 0 : n;

            l->now++;
            if (frame == NO_FRAME) {
                frame = fault(l, names, step->id);
                told = collapsed ? 0 : n - 1;
            }
            l->bits[frame] |= (step->flags & TIDE_STEP_WRITES) != 0 ? TIDE_FRAME_DIRTY : 0;
            if (!collapsed) /* else it is the first reference that is told, at its time */
                l->now += n - 1;
            tell(l, frame, told, observes);
            if (collapsed)
                l->now += n - 1;
        }
        done += n;
        tick(l, ticks);
    }
}

/* Where tables are larger than caches: what a step further on will look at is fetched in time. */
INLINE void prefetch(const struct lane *l, uint32_t far_id, uint32_t near_id)
{
    uint32_t frame = l->frame_of[near_id];

    __builtin_prefetch(&l->frame_of[far_id]);
    if (frame == NO_FRAME)
        return;
    __builtin_prefetch(&l->bits[frame], 1);
    if (l->policy->prefetch != NULL)
        l->policy->prefetch(l->state, frame);
}

/* For policies that must see each change of page. */
INLINE void replay_steps(struct lane *l, const tide_page *names, const struct tide_steps *s,
                         const struct piece *from, const struct piece *to,
                         const enum tide_observes observes, const bool collapsed, const bool ticks)
{
    for (size_t i = from->step; i < to->step; i++) {
        if (l->is_large && i + FAR < to->step)
            prefetch(l, s->steps[i + FAR].id, s->steps[i + NEAR].id);
        take_step(l, names, &s->steps[i], observes, collapsed, ticks);
    }
}

/* For policies that count references. */
INLINE void replay_pairs(struct lane *l, const tide_page *names, const struct tide_steps *s,
                         const struct piece *from, const struct piece *to, const bool collapsed,
                         const bool ticks)
{
    const enum tide_observes observes = TIDE_OBSERVES_COUNT;

    for (size_t i = from->pair; i < to->pair; i++) {
        const struct tide_pair *p = &s->pairs[i];
        uint32_t n = p->n[0] + p->n[1], frame[2];

        if (l->is_large && i + FAR < to->pair)
            for (unsigned k = 0; k < 2; k++)
                prefetch(l, s->pairs[i + FAR].id[k], s->pairs[i + NEAR].id[k]);
        if (n > 0 && until_tick(l, n, ticks) == n &&
            (frame[0] = l->frame_of[p->id[0]]) != NO_FRAME &&
            (frame[1] = l->frame_of[p->id[1]]) != NO_FRAME) {
            uint64_t end = l->now + n;

            if (p->n[0] > 0) {
                l->now = end - p->tail;
                l->bits[frame[0]] |= (p->writes & 1) != 0 ? TIDE_FRAME_DIRTY : 0;
                tell(l, frame[0], collapsed ? p->told[0] : p->n[0], observes);
            }
            l->now = end;
            l->bits[frame[1]] |= (p->writes & 2) != 0 ? TIDE_FRAME_DIRTY : 0;
            tell(l, frame[1], collapsed ? p->told[1] : p->n[1], observes);
            tick(l, ticks);
            continue;
        }
        for (uint32_t k = p->from; k < p->to; k++)
            take_step(l, names, &s->steps[k], observes, collapsed, ticks);
    }
}

/* For policies that know no more than bits and the order of last references. */
INLINE void replay_stretches(struct lane *l, const tide_page *names, const struct tide_steps *s,
                             const struct piece *from, const struct piece *to,
                             const enum tide_observes observes, const bool collapsed,
                             const bool ticks)
{
    for (size_t i = from->stretch; i < to->stretch; i++) {
        const struct tide_stretch *p = &s->stretches[i];
        const struct tide_stretch_page *pages = &s->pages[p->first_page];
        const struct tide_stretch *next = &s->stretches[i + 1], *second = next + 1;
        bool all = p->n_pages > 0 && (!ticks || p->refs <= l->next_tick - l->now);

        if (l->is_large && i + 2 < to->stretch)
            for (uint32_t k = 0; k < next->n_pages && k < second->n_pages; k++)
                prefetch(l, s->pages[second->first_page + k].id, s->pages[next->first_page + k].id);
        for (uint32_t k = 0; k < p->n_pages && all; k++)
            all = l->frame_of[pages[k].id] != NO_FRAME;
        if (!all) {
            for (uint32_t k = p->from; k < p->to; k++)
                take_step(l, names, &s->steps[k], observes, collapsed, ticks);
            continue;
        }
        l->now += p->refs;
        for (uint32_t k = 0; k < p->n_pages; k++) {
            uint32_t frame = l->frame_of[pages[k].id];

            l->bits[frame] |= (pages[k].flags & TIDE_STEP_WRITES) != 0 ? TIDE_FRAME_DIRTY : 0;
            tell(l, frame, (pages[k].flags & TIDE_STEP_REPEATS) == 0, observes);
        }
        tick(l, ticks);
    }
}

#define LOOP(name, call)                                                                 \
    static void name(struct lane *l, const tide_page *names, const struct tide_steps *s, \
                     const struct piece *from, const struct piece *to)                   \
    {                                                                                    \
        call;                                                                            \
    }
#define LOOPS(name, call_every, call_collapsed) \
    LOOP(name##_every, call_every) LOOP(name##_collapsed, call_collapsed)

LOOPS(nothing, replay_stretches(l, names, s, from, to, TIDE_OBSERVES_NOTHING, false, false),
      replay_stretches(l, names, s, from, to, TIDE_OBSERVES_NOTHING, true, false))
LOOPS(bit, replay_stretches(l, names, s, from, to, TIDE_OBSERVES_BIT, false, false),
      replay_stretches(l, names, s, from, to, TIDE_OBSERVES_BIT, true, false))
LOOPS(bit_ticks, replay_stretches(l, names, s, from, to, TIDE_OBSERVES_BIT, false, true),
      replay_stretches(l, names, s, from, to, TIDE_OBSERVES_BIT, true, true))
LOOPS(order, replay_stretches(l, names, s, from, to, TIDE_OBSERVES_ORDER, false, true),
      replay_stretches(l, names, s, from, to, TIDE_OBSERVES_ORDER, true, true))
LOOPS(count, replay_pairs(l, names, s, from, to, false, true),
      replay_pairs(l, names, s, from, to, true, true))
LOOPS(each, replay_steps(l, names, s, from, to, TIDE_OBSERVES_EACH, false, true),
      replay_steps(l, names, s, from, to, TIDE_OBSERVES_EACH, true, true))

static replay_function *choose_loop(const struct tide_policy *policy, bool collapsed)
{
    switch (policy->observes) {
    case TIDE_OBSERVES_NOTHING:
        if (policy->tick == NULL)
            return collapsed ? nothing_collapsed : nothing_every;
        return collapsed ? bit_ticks_collapsed : bit_ticks_every;
    case TIDE_OBSERVES_BIT:
        if (policy->tick == NULL)
            return collapsed ? bit_collapsed : bit_every;
        return collapsed ? bit_ticks_collapsed : bit_ticks_every;
    case TIDE_OBSERVES_ORDER:
        return collapsed ? order_collapsed : order_every;
    case TIDE_OBSERVES_COUNT:
        return collapsed ? count_collapsed : count_every;
    case TIDE_OBSERVES_EACH:
    case TIDE_OBSERVES_FUTURE:
        break;
    }
    return collapsed ? each_collapsed : each_every;
}

/* ---- feeding ---- */

static int grow_ids(struct tide_lanes *l, const struct tide_steps *s, struct tide_error *e)
{
    if (s->n_ids > l->frame_of_cap) {
        size_t cap = l->frame_of_cap < 256 ? 256 : l->frame_of_cap;

        while (cap < s->n_ids)
            cap *= 2;
        for (uint32_t i = 0; i < l->n; i++) {
            uint32_t *grown = tide_realloc(l->lanes[i].frame_of, cap * sizeof *grown);

            if (grown == NULL)
                return tide_nomem(e);
            l->lanes[i].frame_of = grown;
            l->lanes[i].is_large = cap > LARGE_IDS;
        }
        l->frame_of_cap = cap;
    }
    for (uint32_t i = 0; i < l->n && s->n_ids > l->n_ids; i++)
        memset(l->lanes[i].frame_of + l->n_ids, 0xff, (s->n_ids - l->n_ids) * sizeof(uint32_t));
    if (s->n_names > 0) {
        tide_page *grown = tide_grow(l->names, &l->names_cap, s->n_ids, sizeof *grown);

        if (grown == NULL)
            return tide_nomem(e);
        l->names = grown;
        memcpy(l->names + (s->n_ids - s->n_names), s->names, s->n_names * sizeof *l->names);
    }
    l->n_ids = s->n_ids > l->n_ids ? s->n_ids : l->n_ids;
    return 0;
}

static void do_break(struct tide_lanes *l, const struct tide_break *b)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (b->kind == TIDE_BREAK_START)
            l->lanes[i].counts = (struct tide_size_counts){0};
        else if (b->kind == TIDE_BREAK_MOVE)
            move_page(&l->lanes[i], b->id, l->names[b->id], b->page);
    }
    if (b->kind == TIDE_BREAK_START)
        l->started = true;
    else
        l->names[b->id] = b->page;
}

int tide_lanes_feed(struct tide_lanes *l, const struct tide_steps *s, struct tide_error *e)
{
    struct piece from = {0}, to = {0};
    int rc = grow_ids(l, s, e);

    for (size_t k = 0; k <= s->n_breaks && rc == 0; k++) {
        to.step = k < s->n_breaks ? s->breaks[k].at : s->n_steps;
        while (to.pair < s->n_pairs && s->pairs[to.pair].from < to.step)
            to.pair++;
        while (to.stretch < s->n_stretches && s->stretches[to.stretch].from < to.step)
            to.stretch++;
        for (uint32_t i = 0; i < l->n; i++)
            l->replay(&l->lanes[i], l->names, s, &from, &to);
        from = to;
        if (k < s->n_breaks)
            do_break(l, &s->breaks[k]);
    }
    for (uint32_t i = 0; i < l->n && rc == 0 && l->policy->failed != NULL; i++)
        if (l->policy->failed(l->lanes[i].state))
            rc = tide_nomem(e);
    return rc;
}

/* ---- life ---- */

bool tide_lanes_can(const struct tide_policy *policy)
{
    return !policy->variable_space && policy->observes != TIDE_OBSERVES_FUTURE;
}

static int init_lane(struct lane *l, const struct tide_lanes_config *c, uint32_t frames,
                     struct tide_error *e)
{
    const struct tide_policy *policy = c->policy;
    void *state;
    int rc;

    *l = (struct lane){.policy = policy,
                       .capacity = frames,
                       .last_touched = NO_FRAME,
                       .next_tick = UINT64_MAX,
                       .tick_period = 0};
    if (policy->tick_period != NULL && policy->tick != NULL)
        l->next_tick = l->tick_period = policy->tick_period(c->options);
    l->bits = tide_calloc(frames, sizeof *l->bits);
    l->pages = tide_calloc(frames, sizeof *l->pages);
    l->ids = tide_calloc(frames, sizeof *l->ids);
    l->free_frames = tide_calloc(frames, sizeof *l->free_frames);
    if (l->bits == NULL || l->pages == NULL || l->ids == NULL || l->free_frames == NULL)
        return tide_nomem(e);
    tide_rng_init(&l->rng, c->seed, "policy");
    l->env = (struct tide_policy_env){.capacity = frames,
                                      .frame_limit = frames,
                                      .bits = l->bits,
                                      .pages = l->pages,
                                      .now = &l->now,
                                      .rng = &l->rng};
    state = tide_calloc(1, policy->state_bytes);
    if (state == NULL)
        return tide_nomem(e);
    rc = policy->init(state, &l->env, c->options, e);
    if (rc == 0)
        l->state = state;
    else
        free(state);
    return rc;
}

struct tide_lanes *tide_lanes_new(const struct tide_lanes_config *c, struct tide_error *e)
{
    struct tide_lanes *l = tide_calloc(1, sizeof *l + c->n * sizeof *l->lanes);
    int rc = 0;

    if (l == NULL) {
        tide_nomem(e);
        return NULL;
    }
    l->policy = c->policy;
    l->replay = choose_loop(c->policy, c->collapsed);
    for (l->n = 0; l->n < c->n && rc == 0; l->n++)
        rc = init_lane(&l->lanes[l->n], c, c->frames[l->n], e);
    if (rc != 0) {
        tide_lanes_free(l);
        return NULL;
    }
    return l;
}

void tide_lanes_free(struct tide_lanes *l)
{
    if (l == NULL)
        return;
    for (uint32_t i = 0; i < l->n; i++) {
        struct lane *lane = &l->lanes[i];

        if (lane->state != NULL)
            l->policy->fini(lane->state);
        free(lane->state);
        free(lane->frame_of);
        free(lane->bits);
        free(lane->pages);
        free(lane->ids);
        free(lane->free_frames);
    }
    free(l->names);
    free(l);
}

struct tide_size_counts tide_lanes_counts(const struct tide_lanes *l, uint32_t i)
{
    return l->started ? l->lanes[i].counts : (struct tide_size_counts){0};
}
