/* Segmented FIFO, as VMS has it: a FIFO of pages that are mapped, and behind it a second list of
 * pages on their way out, from which a reference brings them back.
 *
 * A page that is brought in, or referenced while in the secondary list, becomes the newest of the
 * primary one. When that grows beyond its share, its oldest page becomes the newest of the
 * secondary list, whose oldest page is the victim. References to primary pages change nothing.
 * Without a secondary list it is FIFO; with a primary list of one page it is LRU.
 *
 * Source: Turner and Levy, "Segmented FIFO page replacement", ACM SIGMETRICS 1981, pp. 48-51.
 * Differs: the primary list keeps at least one page, whatever `secondary` says.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/policy.h"
#include "replacement/segments.h"

enum { PRIMARY, SECONDARY, SEGMENTS };

struct sfifo_options {
    struct tide_amount secondary;
};

struct sfifo {
    struct tide_segments segments;
    uint32_t primary; /* pages */
};

static const struct tide_option options_table[] = {
    {.name = "secondary",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct sfifo_options, secondary),
     .def = "50%",
     .unit = "pages",
     .help = "the length of the secondary list"},
    {.name = NULL},
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct sfifo_options *o = options;
    struct sfifo *s = state;

    s->primary =
        env->capacity - tide_policy_part(o->secondary, env->capacity, 0, env->capacity - 1);
    return tide_segments_init(&s->segments, SEGMENTS, env->frame_limit, e);
}

static void fini(void *state)
{
    struct sfifo *s = state;

    tide_segments_fini(&s->segments);
}

static void overflow(struct sfifo *s)
{
    if (s->segments.n[PRIMARY] > s->primary)
        tide_segments_move(&s->segments, SECONDARY, tide_segments_oldest(&s->segments, PRIMARY));
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct sfifo *s = state;

    (void)next_use;
    tide_segments_add(&s->segments, PRIMARY, frame);
    overflow(s);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct sfifo *s = state;

    (void)n;
    (void)next_use;
    if (s->segments.in[frame] == PRIMARY)
        return;
    tide_segments_move(&s->segments, PRIMARY, frame);
    overflow(s);
}

static uint32_t victim(void *state)
{
    const struct sfifo *s = state;

    return tide_segments_oldest(&s->segments, s->segments.n[SECONDARY] > 0 ? SECONDARY : PRIMARY);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct sfifo *s = state;

    (void)why;
    tide_segments_remove(&s->segments, frame);
}

static const char *segment_name(const struct sfifo *s, uint32_t frame)
{
    return s->segments.in[frame] == PRIMARY ? "primary" : "secondary";
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    snprintf(buf, n, "oldest of the %s list", segment_name(state, frame));
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct sfifo *s = state;

    snprintf(buf, n, "%s, %" PRIu32 " newer", segment_name(s, frame),
             tide_segments_newer(&s->segments, frame));
}

const struct tide_policy tide_policy_sfifo = {
    .name = "sfifo",
    .summary = "segmented FIFO (VMS): a second list brings back pages that are referenced again",
    .source = "Turner and Levy 1981",
    .observes = TIDE_OBSERVES_EACH, /* of two pages, the one first brought back is the older */
    .options = options_table,
    .options_bytes = sizeof(struct sfifo_options),
    .state_bytes = sizeof(struct sfifo),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
