/* Page-fault frequency: when faults are rare, what was not used since the last one leaves.
 *
 * At a fault at least t references after the fault before, every page not referenced since that one
 * leaves; at a fault sooner than that, none does. Pages stand in order of last use instead of
 * having use bits, which decides the same and makes a fault O(1), amortised.
 *
 * Source: Chu and Opderbeck, "The page fault frequency replacement algorithm", AFIPS Fall Joint
 * Computer Conference, 1972, pp. 597-609; Bic and Shaw, "Operating systems principles", ch. 8.
 * Differs: books do not agree on the limit (at least t, or more than t: here at least) and on when
 * use bits are cleared. `clear: fault` is Bic and Shaw's, at every fault; `clear: shrink` clears
 * them only where pages may leave, so that pages used since the last time they might stay
 * (Stallings). Time is the machine's, which is the process's where there is only one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/list.h"
#include "replacement/policy.h"

enum clear { CLEAR_FAULT, CLEAR_SHRINK };

struct pff_options {
    uint64_t t;
    int clear;
};

struct pff {
    const struct tide_policy_env *env;
    const struct pff_options *options;
    struct tide_list recency; /* least recent first */
    uint64_t *last;           /* by frame: time of the last reference */
    uint64_t fault;           /* time of the last one; 0: none yet */
    uint64_t cleared;         /* when use bits were, or would have been */
    uint64_t cutoff;          /* pages not referenced since leave */
};

static const char *const clears[] = {"fault", "shrink", NULL};

static const struct tide_option options_table[] = {
    {.name = "t",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct pff_options, t),
     .def = "10K",
     .min = 1,
     .unit = "refs",
     .help = "a fault so long after the one before makes pages leave"},
    {.name = "clear",
     .type = TIDE_OPT_CHOICE,
     .offset = offsetof(struct pff_options, clear),
     .def = "fault",
     .choices = clears,
     .help = "when use bits are cleared: at every fault, or where pages may leave"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct pff *s = state;

    tide_list_fini(&s->recency);
    free(s->last);
    s->last = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct pff *s = state;
    int rc;

    s->env = env;
    s->options = options;
    s->last = tide_calloc(env->frame_limit, sizeof *s->last);
    rc = s->last == NULL ? tide_nomem(e) : tide_list_init(&s->recency, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct pff *s = state;
    uint64_t now = *s->env->now;
    bool shrinks = s->fault > 0 && now - s->fault >= s->options->t;

    (void)next_use;
    if (shrinks)
        s->cutoff = s->cleared;
    if (shrinks || s->options->clear == CLEAR_FAULT)
        s->cleared = now;
    s->fault = now;
    s->last[frame] = now;
    tide_list_append(&s->recency, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct pff *s = state;

    (void)n;
    (void)next_use;
    s->last[frame] = *s->env->now;
    tide_list_move_last(&s->recency, frame);
}

static uint32_t victim(void *state)
{
    const struct pff *s = state;

    return tide_list_first(&s->recency);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct pff *s = state;

    (void)why;
    tide_list_remove(&s->recency, frame);
}

static uint64_t due(const void *state)
{
    const struct pff *s = state;
    uint32_t first = tide_list_first(&s->recency);

    return first != s->recency.end && s->last[first] < s->cutoff ? *s->env->now : UINT64_MAX;
}

static bool shed(void *state, uint32_t *frame)
{
    const struct pff *s = state;

    *frame = tide_list_first(&s->recency);
    return due(s) != UINT64_MAX;
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct pff *s = state;

    (void)frame;
    snprintf(buf, n, "not referenced since %" PRIu64, s->cutoff);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct pff *s = state;

    snprintf(buf, n, "R=%d last at %" PRIu64, s->last[frame] >= s->cleared, s->last[frame]);
}

const struct tide_policy tide_policy_pff = {
    .name = "pff",
    .summary = "page-fault frequency: unused pages leave when faults are rare",
    .source = "Chu and Opderbeck 1972",
    .observes = TIDE_OBSERVES_EACH,
    .variable_space = true,
    .options = options_table,
    .options_bytes = sizeof(struct pff_options),
    .state_bytes = sizeof(struct pff),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .victim = victim,
    .remove = drop,
    .due = due,
    .shed = shed,
    .why = why,
    .describe = describe,
};
