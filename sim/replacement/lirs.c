/* LIRS: pages are kept by how many others were used between their last two references (their
 * inter-reference recency), not since the last one.
 *
 * Most of memory is for LIR pages, whose last interval was short; the rest, `hir`, for the others.
 * The stack S holds pages by last reference: all LIR pages, and those HIR pages, with or without a
 * frame, that were referenced after the LIR page at its bottom. A HIR page referenced while in S
 * has shown a shorter interval than that LIR page: they change places. The resident HIR pages stand
 * in a queue Q, whose first is the victim. While there are fewer LIR pages than there may be, a
 * page that comes in is LIR. An immediate repeat changes nothing.
 *
 * Source: Jiang and Zhang, "LIRS: an efficient low inter-reference recency set replacement policy
 * to improve buffer cache performance", ACM SIGMETRICS 2002; the authors' program (at least two
 * HIR pages, S unbounded, immediate repeats skipped).
 * Differs: at least one LIR page, so that with two frames one is HIR. With one frame there is no
 * LIR page, and S is empty. Where pages are unmapped so that Q is empty, the LIR page at the
 * bottom of S is the victim.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "replacement/list.h"
#include "replacement/policy.h"

struct lirs_options {
    struct tide_amount hir;
};

/* An entry of S: a frame, or from frame_limit + 1 on a page without one. */
struct entry {
    uint32_t prev, next; /* towards the bottom, the top; of unused ones next alone */
    uint64_t page;       /* where it has no frame */
};

struct lirs {
    const struct tide_policy_env *env;
    struct entry *stack; /* [frame_limit] is the end: before the bottom and above the top */
    size_t stack_cap;
    uint32_t end, entries, unused; /* unused: `end` is none */
    struct tide_map ghosts;        /* entries of pages without a frame, by page */
    struct tide_list queue;        /* resident HIR pages */
    uint8_t *marks;                /* by frame: LIR, IN_STACK */
    uint32_t lir, lir_most;
    uint32_t last; /* the frame referenced last; `end`: none yet */
    bool failed;
};

enum { LIR = 1, IN_STACK = 2 };

static const struct tide_option options_table[] = {
    {.name = "hir",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct lirs_options, hir),
     .def = "1%",
     .min = 1,
     .unit = "pages",
     .help = "frames for HIR pages, at least 2 where there are more than 2"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct lirs *s = state;

    tide_list_fini(&s->queue);
    tide_map_fini(&s->ghosts);
    free(s->stack);
    free(s->marks);
    s->stack = NULL;
    s->marks = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct lirs_options *o = options;
    struct lirs *s = state;
    uint32_t n = env->capacity;
    int rc;

    s->env = env;
    s->lir_most = n - tide_policy_part(o->hir, n, 2, n);
    if (s->lir_most == 0 && n > 1)
        s->lir_most = 1;
    s->end = s->unused = s->last = env->frame_limit;
    s->entries = env->frame_limit + 1;
    tide_map_init(&s->ghosts);
    s->stack_cap = s->entries;
    s->stack = tide_calloc(s->entries, sizeof *s->stack);
    s->marks = tide_calloc(env->frame_limit, sizeof *s->marks);
    rc = s->stack == NULL || s->marks == NULL ? tide_nomem(e)
                                              : tide_list_init(&s->queue, env->frame_limit, e);
    if (rc != 0) {
        fini(s);
        return rc;
    }
    s->stack[s->end] = (struct entry){.prev = s->end, .next = s->end};
    return 0;
}

/* ---- S ---- */

static void link_between(struct lirs *s, uint32_t entry, uint32_t prev, uint32_t next)
{
    s->stack[entry].prev = prev;
    s->stack[entry].next = next;
    s->stack[prev].next = entry;
    s->stack[next].prev = entry;
}

static void unlink_entry(struct lirs *s, uint32_t entry)
{
    s->stack[s->stack[entry].prev].next = s->stack[entry].next;
    s->stack[s->stack[entry].next].prev = s->stack[entry].prev;
}

static void push(struct lirs *s, uint32_t frame)
{
    if ((s->marks[frame] & IN_STACK) != 0)
        unlink_entry(s, frame);
    link_between(s, frame, s->stack[s->end].prev, s->end);
    s->marks[frame] |= IN_STACK;
}

static void pull(struct lirs *s, uint32_t frame)
{
    if ((s->marks[frame] & IN_STACK) != 0)
        unlink_entry(s, frame);
    s->marks[frame] &= (uint8_t)~IN_STACK;
}

static void remove_ghost(struct lirs *s, uint32_t entry)
{
    tide_map_remove(&s->ghosts, s->stack[entry].page);
    unlink_entry(s, entry);
    s->stack[entry].next = s->unused;
    s->unused = entry;
}

/* The page in a frame leaves; its place in S stays. */
static void leave_ghost(struct lirs *s, uint32_t frame)
{
    uint64_t page = s->env->pages[frame].v, *place;
    uint32_t entry = s->unused;

    if (entry != s->end) {
        s->unused = s->stack[entry].next;
    } else {
        struct entry *grown =
            s->entries == UINT32_MAX
                ? NULL
                : tide_grow(s->stack, &s->stack_cap, (size_t)s->entries + 1, sizeof *s->stack);

        if (grown == NULL) {
            s->failed = true;
            pull(s, frame);
            return;
        }
        s->stack = grown;
        entry = s->entries++;
    }
    s->stack[entry].page = page;
    link_between(s, entry, s->stack[frame].prev, s->stack[frame].next);
    s->marks[frame] &= (uint8_t)~IN_STACK;
    place = tide_map_put(&s->ghosts, page, NULL);
    if (place != NULL) {
        *place = entry;
    } else {
        s->failed = true;
        remove_ghost(s, entry);
    }
}

/* HIR pages at the bottom are no longer more recent than an LIR page. */
static void prune(struct lirs *s)
{
    for (;;) {
        uint32_t bottom = s->stack[s->end].next;

        if (bottom > s->end)
            remove_ghost(s, bottom);
        else if (bottom < s->end && (s->marks[bottom] & LIR) == 0)
            pull(s, bottom);
        else
            return;
    }
}

/* ---- LIR and HIR ---- */

/* A frame on top of S, not in Q, becomes LIR; the LIR page at the bottom may have to make room. */
static void promote(struct lirs *s, uint32_t frame)
{
    s->marks[frame] |= LIR;
    if (s->lir++ == s->lir_most) {
        uint32_t bottom = s->stack[s->end].next;

        pull(s, bottom);
        s->marks[bottom] &= (uint8_t)~LIR;
        s->lir--;
        tide_list_append(&s->queue, bottom);
    }
    prune(s);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct lirs *s = state;
    const uint64_t *ghost = tide_map_get(&s->ghosts, s->env->pages[frame].v);

    (void)next_use;
    s->last = frame;
    s->marks[frame] = 0;
    push(s, frame);
    if (ghost != NULL)
        remove_ghost(s, (uint32_t)*ghost);
    if (ghost != NULL || s->lir < s->lir_most) {
        promote(s, frame);
    } else {
        tide_list_append(&s->queue, frame);
        prune(s);
    }
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct lirs *s = state;
    bool was_in_stack = (s->marks[frame] & IN_STACK) != 0;

    (void)n;
    (void)next_use;
    if (frame == s->last)
        return;
    s->last = frame;
    push(s, frame);
    if ((s->marks[frame] & LIR) == 0) {
        tide_list_remove(&s->queue, frame);
        if (was_in_stack) {
            promote(s, frame);
            return;
        }
        tide_list_append(&s->queue, frame);
    }
    prune(s);
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct lirs *s = state;

    __builtin_prefetch(&s->stack[frame], 1);
    __builtin_prefetch(&s->marks[frame], 1);
}

static uint32_t victim(void *state)
{
    const struct lirs *s = state;
    uint32_t frame = tide_list_first(&s->queue);

    return frame != s->end ? frame : s->stack[s->end].next;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct lirs *s = state;
    bool lir = (s->marks[frame] & LIR) != 0;

    if (lir)
        s->lir--;
    else
        tide_list_remove(&s->queue, frame);
    if (why == TIDE_REMOVE_EVICT && !lir && (s->marks[frame] & IN_STACK) != 0)
        leave_ghost(s, frame);
    else
        pull(s, frame);
    prune(s);
}

static void forget(void *state, tide_page page)
{
    struct lirs *s = state;
    const uint64_t *ghost = tide_map_get(&s->ghosts, page.v);

    if (ghost != NULL)
        remove_ghost(s, (uint32_t)*ghost);
}

static bool failed(const void *state)
{
    const struct lirs *s = state;

    return s->failed;
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lirs *s = state;

    snprintf(buf, n, "%s",
             (s->marks[frame] & LIR) != 0 ? "bottom of S, no HIR page" : "first HIR page of Q");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lirs *s = state;
    bool in_stack = (s->marks[frame] & IN_STACK) != 0;

    snprintf(buf, n, "%s%s", (s->marks[frame] & LIR) != 0 ? "LIR" : "HIR",
             in_stack ? ", in S" : ", not in S");
}

const struct tide_policy tide_policy_lirs = {
    .name = "lirs",
    .summary = "keeps pages whose last two references were close to each other",
    .source = "Jiang and Zhang 2002",
    .observes = TIDE_OBSERVES_EACH,
    .options = options_table,
    .options_bytes = sizeof(struct lirs_options),
    .state_bytes = sizeof(struct lirs),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .failed = failed,
    .why = why,
    .describe = describe,
};
