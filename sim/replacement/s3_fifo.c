/* S3-FIFO: three static FIFO queues. Most pages are used once, and leave soon by a small queue.
 *
 * A page comes into S. When room is made, S's oldest page goes to M if it was referenced at least
 * `promote` times since, else it is the victim and its name goes to the ghost queue G. M is a FIFO
 * in which a referenced page has another turn for each of its up to three counted references. A
 * page asked for while its name is in G comes into M. M gives the victim while it is longer than
 * its share, S otherwise.
 *
 * Source: Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", ACM
 * SOSP 2023, alg. 1; the authors' program in libCacheSim.
 * Differs: program and paper disagree, and `variant` chooses. `released`: the name is looked up,
 * and taken out of G, before room is made; moving a page to M never evicts one by itself. `paper`:
 * the name is looked up after; S gives the victim whenever it has its share; a move that makes M
 * too long evicts from M, and that victim is the one asked for (demand paging asks for one only).
 * In both a page that moves to M starts counting again. `fill: main` is what newer versions of the
 * program do: until the first eviction pages that S has no room for come into M.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/ghosts.h"
#include "replacement/policy.h"
#include "replacement/segments.h"

enum { SMALL, MAIN, SEGMENTS };
enum { GHOST };
enum { RELEASED, PAPER };
enum { MOST_COUNTED = 3 };

struct s3_fifo_options {
    struct tide_amount small, ghost;
    uint64_t promote;
    int variant, fill;
};

struct s3_fifo {
    const struct tide_policy_env *env;
    struct tide_segments segments;
    struct tide_ghosts ghosts;
    uint8_t *counts; /* by frame: references since it came into its queue */
    uint32_t small, main, ghost;
    uint8_t promote;
    bool paper;
    bool filling; /* with `fill: main`, until the first eviction */
    bool returns; /* the page to be loaded was found in G */
};

static const char *const variants[] = {"released", "paper", NULL};
static const char *const fills[] = {"small", "main", NULL};

static const struct tide_option options_table[] = {
    {.name = "small",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct s3_fifo_options, small),
     .def = "10%",
     .min = 1,
     .unit = "pages",
     .help = "the share of the small queue"},
    {.name = "ghost",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct s3_fifo_options, ghost),
     .def = "90%",
     .unit = "pages",
     .help = "names remembered"},
    {.name = "promote",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct s3_fifo_options, promote),
     .def = "2",
     .min = 1,
     .max = MOST_COUNTED,
     .unit = "refs",
     .help = "references that a page of the small queue needs to go to the main one"},
    {.name = "variant",
     .type = TIDE_OPT_CHOICE,
     .offset = offsetof(struct s3_fifo_options, variant),
     .def = "released",
     .choices = variants,
     .help = "the authors' program, or the paper's pseudo-code"},
    {.name = "fill",
     .type = TIDE_OPT_CHOICE,
     .offset = offsetof(struct s3_fifo_options, fill),
     .def = "small",
     .choices = fills,
     .help = "where pages go before the first eviction, once the small queue has its share"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct s3_fifo *s = state;

    tide_segments_fini(&s->segments);
    tide_ghosts_fini(&s->ghosts);
    free(s->counts);
    s->counts = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct s3_fifo_options *o = options;
    struct s3_fifo *s = state;
    int rc;

    s->env = env;
    s->small = tide_policy_part(o->small, env->capacity, 1, env->capacity);
    s->main = env->capacity - s->small;
    s->ghost = tide_policy_part(o->ghost, env->capacity, 0, UINT32_MAX / 2);
    s->promote = (uint8_t)o->promote;
    s->paper = o->variant == PAPER;
    s->filling = o->fill == MAIN;
    s->counts = tide_calloc(env->frame_limit, sizeof *s->counts);
    rc = s->counts == NULL ? tide_nomem(e)
                           : tide_segments_init(&s->segments, SEGMENTS, env->frame_limit, e);
    if (rc == 0)
        rc = tide_ghosts_init(&s->ghosts, s->ghost, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* Looks for a name in G, and takes it out. */
static void look_up(struct s3_fifo *s, tide_page page)
{
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    s->returns = ghost != TIDE_GHOST_NONE;
    if (s->returns)
        tide_ghosts_remove(&s->ghosts, ghost);
}

static void fault(void *state, tide_page page)
{
    struct s3_fifo *s = state;

    if (!s->paper)
        look_up(s, page);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct s3_fifo *s = state;
    bool to_main;

    (void)next_use;
    if (s->paper)
        look_up(s, s->env->pages[frame]);
    to_main = s->returns || (s->filling && s->segments.n[SMALL] >= s->small);
    s->counts[frame] = 0;
    tide_segments_add(&s->segments, to_main ? MAIN : SMALL, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct s3_fifo *s = state;
    uint64_t room = (uint64_t)MOST_COUNTED - s->counts[frame];

    (void)next_use;
    s->counts[frame] = (uint8_t)(s->counts[frame] + (n < room ? n : room));
}

static uint32_t victim_of_main(struct s3_fifo *s)
{
    for (;;) {
        uint32_t frame = tide_segments_oldest(&s->segments, MAIN);

        if (s->counts[frame] == 0)
            return frame;
        s->counts[frame]--;
        tide_segments_move(&s->segments, MAIN, frame);
    }
}

static uint32_t victim(void *state)
{
    struct s3_fifo *s = state;
    const uint32_t *n = s->segments.n;
    bool from_small = s->paper ? n[SMALL] >= s->small || n[MAIN] == 0 : n[MAIN] <= s->main;

    while (from_small && n[SMALL] > 0) {
        uint32_t frame = tide_segments_oldest(&s->segments, SMALL);

        if (s->counts[frame] < s->promote)
            return frame;
        s->counts[frame] = 0;
        tide_segments_move(&s->segments, MAIN, frame);
        from_small = !s->paper || n[MAIN] <= s->main;
    }
    return victim_of_main(s);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct s3_fifo *s = state;
    bool from_small = s->segments.in[frame] == SMALL;

    tide_segments_remove(&s->segments, frame);
    if (why == TIDE_REMOVE_UNMAP)
        return;
    s->filling = false;
    if (!from_small || s->ghost == 0)
        return;
    if (s->ghosts.n[GHOST] == s->ghost)
        tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, GHOST));
    tide_ghosts_add(&s->ghosts, GHOST, s->env->pages[frame]);
}

static void forget(void *state, tide_page page)
{
    struct s3_fifo *s = state;

    tide_ghosts_forget(&s->ghosts, page);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct s3_fifo *s = state;

    if (s->segments.in[frame] == SMALL)
        snprintf(buf, n, "oldest of S, count %d", s->counts[frame]);
    else
        snprintf(buf, n, "oldest of M with count 0");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct s3_fifo *s = state;

    snprintf(buf, n, "%c count %d, %" PRIu32 " newer", s->segments.in[frame] == SMALL ? 'S' : 'M',
             s->counts[frame], tide_segments_newer(&s->segments, frame));
}

const struct tide_policy tide_policy_s3_fifo = {
    .name = "s3-fifo",
    .summary = "three FIFO queues: pages used once leave by a small one",
    .source = "Yang et al. 2023",
    .observes = TIDE_OBSERVES_COUNT,
    .options = options_table,
    .options_bytes = sizeof(struct s3_fifo_options),
    .state_bytes = sizeof(struct s3_fifo),
    .init = init,
    .fini = fini,
    .fault = fault,
    .load = load,
    .touch = touch,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .why = why,
    .describe = describe,
};
