/* Page-fault frequency: when faults are rare, what was not used since the last one leaves.
 *
 * At a process's fault at least t references after its fault before, every page of it that was not
 * referenced since that one leaves; at a fault sooner than that, none does. Time is the process's
 * own. Its pages stand in order of last use instead of having use bits, which decides the same and
 * makes a fault O(1), amortised.
 *
 * Source: Chu and Opderbeck, "The page fault frequency replacement algorithm", AFIPS Fall Joint
 * Computer Conference, 1972, pp. 597-609; Bic and Shaw, "Operating systems principles", ch. 8.
 * Differs: books do not agree on the limit (at least t, or more than t: here at least) and on when
 * use bits are cleared. `clear: fault` is Bic and Shaw's, at every fault; `clear: shrink` clears
 * them only where pages may leave, so that pages used since the last time they might stay
 * (Stallings).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/own_time.h"
#include "replacement/policy.h"

enum clear { CLEAR_FAULT, CLEAR_SHRINK };

struct pff_options {
    uint64_t t;
    int clear;
};

struct pff {
    const struct tide_policy_env *env;
    const struct pff_options *options;
    struct tide_own_lists recency; /* by process: least recent first */
    uint64_t *last;                /* by frame: its process's time of the last reference */
    struct times {
        uint64_t fault;   /* the last one; 0: none yet */
        uint64_t cleared; /* when use bits were, or would have been */
        uint64_t cutoff;  /* pages not referenced since leave */
    } * processes;        /* times of their own */
};

static const char *const clears[] = {"fault", "shrink", NULL};

static const struct tide_option options_table[] = {
    {.name = "t",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct pff_options, t),
     .def = "10K",
     .min = 1,
     .unit = "refs",
     .help = "a fault so long after its process's last one makes pages leave"},
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

    tide_own_lists_fini(&s->recency);
    free(s->last);
    free(s->processes);
    s->last = NULL;
    s->processes = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct pff *s = state;
    int rc;

    s->env = env;
    s->options = options;
    s->last = tide_calloc(env->frame_limit, sizeof *s->last);
    s->processes = tide_calloc(TIDE_MAX_PROCESSES, sizeof *s->processes);
    rc = s->last == NULL || s->processes == NULL
             ? tide_nomem(e)
             : tide_own_lists_init(&s->recency, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct pff *s = state;
    struct times *own = &s->processes[tide_own_process(s->env, frame)];
    uint64_t now = tide_own_now(s->env, frame);
    bool shrinks = own->fault > 0 && now - own->fault >= s->options->t;

    (void)next_use;
    if (shrinks)
        own->cutoff = own->cleared;
    if (shrinks || s->options->clear == CLEAR_FAULT)
        own->cleared = now;
    own->fault = now;
    s->last[frame] = now;
    tide_own_lists_append(&s->recency, s->env, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct pff *s = state;

    (void)n;
    (void)next_use;
    s->last[frame] = tide_own_now(s->env, frame);
    tide_own_lists_move_last(&s->recency, s->env, frame);
}

static uint32_t victim(void *state)
{
    const struct pff *s = state;

    return tide_own_lists_victim(&s->recency, s->env);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct pff *s = state;

    (void)why;
    tide_own_lists_remove(&s->recency, frame);
}

/* A frame whose page leaves; false: none. */
static bool leaves(const struct pff *s, uint32_t *frame)
{
    unsigned process = *s->env->running;

    return tide_own_lists_first(&s->recency, process, frame) &&
           s->last[*frame] < s->processes[process].cutoff;
}

static uint64_t due(const void *state)
{
    const struct pff *s = state;
    uint32_t first;

    return leaves(s, &first) ? *s->env->now : UINT64_MAX;
}

static bool shed(void *state, uint32_t *frame)
{
    return leaves(state, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct pff *s = state;

    snprintf(buf, n, "not referenced since %" PRIu64,
             s->processes[tide_own_process(s->env, frame)].cutoff);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct pff *s = state;

    snprintf(buf, n, "R=%d last at %" PRIu64,
             s->last[frame] >= s->processes[tide_own_process(s->env, frame)].cleared,
             s->last[frame]);
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
