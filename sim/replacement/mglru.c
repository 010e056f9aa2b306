/* MGLRU: Linux's multi-generational LRU; pages stand in two to four generations by recency.
 *
 * Pages come into the youngest generation; victims come from the oldest one. Aging walks all pages:
 * those with the reference bit set are promoted to the youngest generation, their bits cleared, and
 * a new, empty youngest generation begins. It happens when there are just two generations, or three
 * and they are uneven: half of all pages in the youngest, or less than a quarter in the oldest.
 * A promoted page is only marked; it moves when eviction comes across it in the oldest generation.
 *
 * Eviction takes the oldest generation's pages in turn: a marked one moves to its generation; one
 * with its bit set is promoted, and so are pages near it with theirs set, up to 64 of its page
 * table ("look-around"); the first other one leaves. An empty oldest generation ends.
 *
 * Source: Linux, Documentation/mm/multigen_lru.rst; mm/vmscan.c (should_run_aging, sort_folio,
 * lru_gen_look_around) and include/linux/mm_inline.h (lru_gen_add_folio), as of 6.1 to 6.12.
 * Differs: one type of pages, all of them mapped, so that tiers and the choice between files and
 * anonymous memory fall away; aging walks every page, there are no Bloom filters; aging happens at
 * the fault that needs it, once for a victim at most, and reclaim takes one page at a time; borders
 * of VMAs do not limit look-around, which does not find pages that mremap has moved.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/index.h"
#include "replacement/list.h"
#include "replacement/policy.h"

enum { LEAST_GENS = 2, MOST_GENS = 4, TABLE_PAGES = 512 };

struct mglru_options {
    uint64_t look_around;
};

struct mglru {
    const struct tide_policy_env *env;
    const struct mglru_options *options;
    /* generations: numbers only grow; number g is at g % MOST_GENS */
    uint64_t oldest, youngest;
    struct tide_list lists[MOST_GENS]; /* first in, first looked at */
    uint32_t n[MOST_GENS];             /* pages by mark */
    struct page {
        uint8_t list; /* where it stands, */
        uint8_t mark; /* and where it belongs */
    } * pages;        /* by frame */
    tide_page *names; /* by frame: under which the index has it */
    struct tide_index index;
};

static const struct tide_option options_table[] = {
    {.name = "look_around",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct mglru_options, look_around),
     .def = "64",
     .max = TABLE_PAGES,
     .unit = "pages",
     .help = "how many pages around one found referenced are looked at"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct mglru *s = state;

    for (int g = 0; g < MOST_GENS; g++)
        tide_list_fini(&s->lists[g]);
    tide_index_fini(&s->index);
    free(s->pages);
    free(s->names);
    s->pages = NULL;
    s->names = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct mglru *s = state;
    int rc;

    s->env = env;
    s->options = options;
    s->youngest = LEAST_GENS + 1;
    s->pages = tide_calloc(env->frame_limit, sizeof *s->pages);
    s->names = tide_calloc(env->frame_limit, sizeof *s->names);
    rc = s->pages == NULL || s->names == NULL
             ? tide_nomem(e)
             : tide_index_init(&s->index, s->names, env->frame_limit, e);
    for (int g = 0; g < MOST_GENS && rc == 0; g++)
        rc = tide_list_init(&s->lists[g], env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static bool is_referenced(const struct mglru *s, uint32_t frame)
{
    return (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct mglru *s = state;
    uint8_t g = s->youngest % MOST_GENS;

    (void)next_use;
    s->pages[frame] = (struct page){.list = g, .mark = g};
    s->n[g]++;
    tide_list_append(&s->lists[g], frame);
    s->names[frame] = s->env->pages[frame];
    tide_index_add(&s->index, frame);
}

static void mark(struct mglru *s, uint32_t frame)
{
    uint8_t g = s->youngest % MOST_GENS;

    tide_policy_clear(s->env, frame);
    s->n[s->pages[frame].mark]--;
    s->n[g]++;
    s->pages[frame].mark = g;
}

static void move_to_mark(struct mglru *s, uint32_t frame)
{
    struct page *page = &s->pages[frame];

    tide_list_remove(&s->lists[page->list], frame);
    page->list = page->mark;
    tide_list_append(&s->lists[page->list], frame);
}

static bool should_age(const struct mglru *s)
{
    uint64_t total = 0;

    if (s->oldest + LEAST_GENS != s->youngest)
        return s->oldest + LEAST_GENS > s->youngest;
    for (int g = 0; g < MOST_GENS; g++)
        total += s->n[g];
    return (uint64_t)s->n[s->youngest % MOST_GENS] * LEAST_GENS > total ||
           (uint64_t)s->n[s->oldest % MOST_GENS] * (LEAST_GENS + 2) < total;
}

static void age(struct mglru *s)
{
    for (int g = 0; g < MOST_GENS; g++) {
        const struct tide_list *l = &s->lists[g];

        for (uint32_t f = tide_list_first(l); f != l->end; f = l->links[f].next)
            if (is_referenced(s, f))
                mark(s, f);
    }
    s->youngest++;
}

static void end_empty_generations(struct mglru *s)
{
    while (s->oldest + LEAST_GENS <= s->youngest) {
        const struct tide_list *l = &s->lists[s->oldest % MOST_GENS];

        if (tide_list_first(l) != l->end)
            break;
        s->oldest++;
    }
}

/* Of a page found referenced. */
static void look_around(struct mglru *s, tide_page page)
{
    uint64_t window = s->options->look_around, half = window / 2;
    uint64_t start = page.v / TABLE_PAGES * TABLE_PAGES, end = start + TABLE_PAGES;

    if (page.v - start < half)
        end = start + window;
    else if (end - page.v < half)
        start = end - window;
    else if (window < TABLE_PAGES) {
        start = page.v - half;
        end = start + window;
    }
    for (uint64_t p = start; p < end; p++) {
        uint32_t frame = tide_index_find(&s->index, (tide_page){p});

        if (frame != TIDE_INDEX_NONE && s->env->pages[frame].v == p && is_referenced(s, frame))
            mark(s, frame);
    }
}

/* The first page of the oldest generation that is neither marked nor referenced; false: none, and
 * the generation is empty. */
static bool scan_oldest(struct mglru *s, uint32_t *victim)
{
    uint8_t g = s->oldest % MOST_GENS;
    uint32_t frame;

    while ((frame = tide_list_first(&s->lists[g])) != s->lists[g].end) {
        if (s->pages[frame].mark == g && is_referenced(s, frame)) {
            mark(s, frame);
            look_around(s, s->env->pages[frame]);
        }
        if (s->pages[frame].mark == g) {
            *victim = frame;
            return true;
        }
        move_to_mark(s, frame);
    }
    return false;
}

static uint32_t victim(void *state)
{
    struct mglru *s = state;
    uint32_t frame;
    bool aged = false;

    do {
        end_empty_generations(s);
        /* two generations must not become one */
        if (should_age(s) && (!aged || s->oldest + LEAST_GENS > s->youngest)) {
            age(s);
            end_empty_generations(s);
            aged = true;
        }
    } while (!scan_oldest(s, &frame));
    return frame;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct mglru *s = state;

    (void)why;
    tide_list_remove(&s->lists[s->pages[frame].list], frame);
    s->n[s->pages[frame].mark]--;
    tide_index_remove(&s->index, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct mglru *s = state;

    (void)frame;
    snprintf(buf, n, "oldest of generation %" PRIu64, s->oldest);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct mglru *s = state;
    uint64_t after = (s->pages[frame].mark + MOST_GENS - s->oldest % MOST_GENS) % MOST_GENS;

    snprintf(buf, n, "R=%d generation %" PRIu64, is_referenced(s, frame), s->oldest + after);
}

const struct tide_policy tide_policy_mglru = {
    .name = "mglru",
    .summary = "Linux's multi-generational LRU: generations, aged by walks",
    .source = "Linux, mm/vmscan.c and Documentation/mm/multigen_lru.rst",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct mglru_options),
    .state_bytes = sizeof(struct mglru),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
