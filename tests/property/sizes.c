/* Many sizes in one pass equal machines of each size: faults, evictions and write-backs, on random
 * traces with several processes, unmappings, moves and segmentation faults. TIDE_SEED and
 * TIDE_CASES choose others than the usual ones. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random_case.h"
#include "curve/lanes.h"
#include "curve/sliced.h"
#include "curve/steps.h"
#include "trace/reader.h"

enum { MOST_BLOCKS = 64, SIZES = 6, MOST_FRAMES = 60 };

struct trace {
    struct tide_block *blocks[MOST_BLOCKS];
    size_t n;
};

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s != NULL ? strtoull(s, NULL, 0) : otherwise;
}

/* Accesses and events of b up to access `to`, from *at and *event on, as a block of its own. */
static struct tide_block *part(const struct tide_block *b, size_t *at, size_t *event, size_t to)
{
    struct tide_block *p = calloc(1, sizeof *p);

    if (p == NULL)
        abort();
    p->first = b->first + *at;
    for (; *event < b->n_events && (b->events[*event].at < to || to == b->n_accesses); ++*event) {
        p->events[p->n_events] = b->events[*event];
        p->events[p->n_events++].at -= (uint32_t)*at;
    }
    for (; *at < to; ++*at)
        p->accesses[p->n_accesses++] = b->accesses[*at];
    return p;
}

/* A lackey log knows one process: here some of its accesses and unmappings are another's. */
static void share_out(struct tide_block *b, struct tide_rng *r)
{
    size_t left = 0;
    uint16_t process = 0;

    for (size_t i = 0; i < b->n_accesses; i++) {
        if (left == 0) {
            process = (uint16_t)tide_rng_below(r, 3);
            left = 1 + tide_rng_below(r, tide_rng_below(r, 2) ? 3 : 40);
        }
        b->accesses[i].process = process;
        left--;
    }
    for (size_t i = 0; i < b->n_events; i++)
        if (b->events[i].type == TIDE_EV_UNMAP || b->events[i].type == TIDE_EV_MADVISE)
            b->events[i].process = (uint16_t)tide_rng_below(r, 3);
}

static void make_trace(struct trace *t, struct tide_rng *r)
{
    struct tide_block *b = calloc(1, sizeof *b);
    bool several = tide_rng_below(r, 2) == 0;
    struct tide_error e = {0};
    size_t n, most = 1 + tide_rng_below(r, 900);
    char *text = random_lackey(r, 200 + tide_rng_below(r, 4000), &n);
    struct tide_reader *reader =
        tide_reader_open(tide_stream_memory(text, n, "memory", &e), "lackey", &e);

    cr_assert_not_null(reader, "%s", e.what);
    t->n = 0;
    while (tide_reader_next(reader, b, &e) > 0) {
        size_t at = 0, event = 0;

        if (several)
            share_out(b, r);
        do {
            size_t to = at + most < b->n_accesses ? at + most : b->n_accesses;

            cr_assert_lt(t->n, MOST_BLOCKS);
            t->blocks[t->n++] = part(b, &at, &event, to);
            most = 1 + tide_rng_below(r, 900);
        } while (at < b->n_accesses && t->n + 1 < MOST_BLOCKS);
    }
    tide_reader_close(reader);
    free(text);
    free(b);
}

static void free_trace(struct trace *t)
{
    while (t->n > 0)
        free(t->blocks[--t->n]);
}

static struct tide_counts run_machine(const struct trace *t, const struct tide_machine_config *c)
{
    struct tide_block_runs *runs = malloc(sizeof *runs);
    struct tide_error e = {0};
    struct tide_machine *m = tide_machine_new(c, TIDE_ENGINE_FAST, 0, NULL, NULL, &e);
    struct tide_counts counts;
    int rc = 1;

    cr_assert(runs != NULL && m != NULL, "%s", e.what);
    tide_block_runs_init(runs, tide_machine_geometry(c));
    for (size_t i = 0; i < t->n && rc > 0; i++) {
        tide_block_runs_cut(runs, t->blocks[i]);
        rc = tide_machine_feed(m, t->blocks[i], runs, &e);
    }
    cr_assert_geq(rc, 0, "%s", e.what);
    cr_assert_eq(tide_machine_finish(m, &e), 0);
    tide_machine_counts(m, &counts);
    tide_machine_free(m);
    free(runs);
    return counts;
}

/* The two ways, fed from one follower. */
struct both {
    struct tide_follow *follow;
    struct tide_stepper stepper;
    struct tide_steps steps;
    struct tide_lanes *lanes;
    struct tide_sliced *sliced; /* NULL: the policy can't be */
};

static int take(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    struct both *b = context;

    return tide_steps_take(&b->stepper, &b->steps, b->follow, refs, n, e);
}

static void pass_on(struct both *b, bool fold)
{
    struct tide_error e = {0};

    if (b->sliced != NULL && !fold)
        cr_assert_eq(tide_sliced_feed(b->sliced, &b->steps, &e), 0);
    cr_assert_eq(tide_steps_fold(&b->stepper, &b->steps, &e), 0);
    if (b->sliced != NULL && fold)
        cr_assert_eq(tide_sliced_feed(b->sliced, &b->steps, &e), 0);
    cr_assert_eq(tide_lanes_feed(b->lanes, &b->steps, &e), 0);
    tide_steps_clear(&b->steps);
}

static void run_both(struct both *b, const struct trace *t, const struct tide_machine_config *c,
                     const uint32_t *frames, uint32_t n, struct tide_rng *r)
{
    struct tide_follow_config follow = {.geometry = tide_machine_geometry(c),
                                        .skip = c->skip,
                                        .warmup = c->warmup,
                                        .limit = c->limit,
                                        .whole = tide_rng_below(r, 2) == 0,
                                        .context = b,
                                        .take = take};
    bool collapsed = c->references == TIDE_REFERENCES_COLLAPSED, initial_bit;
    enum tide_sliced_kind kind;
    struct tide_error e = {0};
    struct tide_lanes_config lanes = {.policy = c->policy,
                                      .options = c->policy_options,
                                      .collapsed = collapsed,
                                      .seed = c->seed,
                                      .frames = frames,
                                      .n = n};

    *b = (struct both){.follow = tide_follow_new(&follow, &e)};
    tide_stepper_init(&b->stepper, collapsed);
    b->lanes = tide_lanes_new(&lanes, &e);
    cr_assert_not_null(b->lanes, "%s", e.what);
    if (tide_sliced_can(c->policy, c->policy_options, &kind, &initial_bit))
        b->sliced = tide_sliced_new(kind, initial_bit, collapsed, frames, n, &e);
    for (size_t i = 0; i < t->n; i++) {
        cr_assert_geq(tide_follow_feed(b->follow, t->blocks[i], NULL, &e), 0, "%s", e.what);
        pass_on(b, tide_rng_below(r, 2) == 0);
    }
    cr_assert_eq(tide_follow_finish(b->follow, &e), 0);
    pass_on(b, true);
}

static void end_both(struct both *b)
{
    tide_lanes_free(b->lanes);
    tide_sliced_free(b->sliced);
    tide_steps_fini(&b->steps);
    tide_stepper_fini(&b->stepper);
    tide_follow_free(b->follow);
}

static void compare(const char *what, uint64_t seed, const struct tide_machine_config *c,
                    uint32_t frames, const struct tide_counts *machine, struct tide_size_counts got)
{
    uint64_t faults = machine->faults_minor + machine->faults_major;

    if (faults == got.faults && machine->evictions == got.evictions &&
        machine->writebacks == got.writebacks)
        return;
    cr_assert(false,
              "seed %" PRIu64 ": %s %s, %u frames, %s: machine %" PRIu64 " %" PRIu64 " %" PRIu64
              ", %s %" PRIu64 " %" PRIu64 " %" PRIu64,
              seed, what, c->policy->name, frames, tide_references_names[c->references], faults,
              machine->evictions, machine->writebacks, what, got.faults, got.evictions,
              got.writebacks);
}

Test(sizes, one_pass_equals_machines)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 600);
    uint64_t evictions = 0, writebacks = 0, n_policies = 0;

    while (tide_policies[n_policies] != NULL)
        n_policies++;
    for (uint64_t k = seed; k < seed + cases; k++) {
        struct tide_machine_config c;
        uint32_t frames[SIZES], n = 1;
        struct tide_rng r;
        struct trace t;
        struct both b;

        tide_rng_init(&r, k, "sizes");
        if (!tide_lanes_can(tide_policies[k % n_policies]))
            continue;
        random_machine(&r, tide_policies[k % n_policies], &c);
        make_trace(&t, &r);
        c.observe = TIDE_OBSERVE_EVERY_REFERENCE;
        c.flush_on_clear = false;
        c.by_memory = false;
        c.interval = 0;
        if (strcmp(c.policy->name, "clock") == 0)
            cr_assert_eq(tide_option_set(c.policy->options, c.policy_options, "clock",
                                         "initial_bit", k % 3 == 0 ? "0" : "1", NULL),
                         0);
        frames[0] = 1 + (uint32_t)tide_rng_below(&r, MOST_FRAMES);
        while (n < SIZES)
            frames[n++] = 1 + (uint32_t)tide_rng_below(&r, MOST_FRAMES);
        run_both(&b, &t, &c, frames, n, &r);
        for (uint32_t i = 0; i < n; i++) {
            struct tide_counts counts;

            c.frames = (struct tide_amount){.value = frames[i]};
            counts = run_machine(&t, &c);
            compare("lanes", k, &c, frames[i], &counts, tide_lanes_counts(b.lanes, i));
            if (b.sliced != NULL)
                compare("sliced", k, &c, frames[i], &counts, tide_sliced_counts(b.sliced, i));
            evictions += counts.evictions;
            writebacks += counts.writebacks;
        }
        end_both(&b);
        free_trace(&t);
    }
    fprintf(stderr, "# sizes: %" PRIu64 " evictions, %" PRIu64 " write-backs\n", evictions,
            writebacks);
    cr_expect(evictions > cases && writebacks > cases);
}

/* ---- large footprints ---- */

enum { BEFORE = 70000, PAGES = 300, REFERENCES = 20000 };

/* Ids are numbers of pages, and no more: lanes look ahead where there are many, which changes
 * nothing. Faults of `pages` of them that are known as the ids from `first` on. */
static struct tide_size_counts run_lane(const struct tide_policy *policy, const void *options,
                                        uint32_t first)
{
    const uint32_t frames = 60;
    const struct tide_lanes_config config = {
        .policy = policy, .options = options, .seed = 3, .frames = &frames, .n = 1};
    struct tide_error e = {0};
    struct tide_lanes *lanes = tide_lanes_new(&config, &e);
    struct tide_stepper *stepper = calloc(1, sizeof *stepper);
    struct tide_page_ref ref = {.kind = TIDE_REF_START};
    struct tide_size_counts counts;
    struct tide_steps steps = {0};
    struct tide_rng r;

    cr_assert(lanes != NULL && stepper != NULL);
    tide_rng_init(&r, 9, "large");
    tide_stepper_init(stepper, false);
    for (uint32_t i = 0; i < first + PAGES; i++)
        cr_assert_eq(
            tide_steps_name(stepper, &steps,
                            (tide_page){i < first ? 1000000 + i : 2 * (uint64_t)(i - first)}, &e),
            0);
    cr_assert_eq(tide_steps_add(stepper, &steps, &ref, 1, &e), 0);
    for (int i = 0; i < REFERENCES; i++) {
        uint64_t near = tide_rng_below(&r, 4);

        ref = (struct tide_page_ref){
            .kind = TIDE_REF_PAGE,
            .id = first + (uint32_t)(near > 0 ? (uint64_t)i / 50 + tide_rng_below(&r, 20)
                                              : tide_rng_below(&r, PAGES)) %
                              PAGES,
            .n = 1 + (uint32_t)tide_rng_below(&r, 3),
            .flags = tide_rng_below(&r, 5) == 0 ? TIDE_REF_WRITES : 0};
        cr_assert_eq(tide_steps_add(stepper, &steps, &ref, 1, &e), 0);
        if (i % 1000 == 999) {
            cr_assert_eq(tide_steps_fold(stepper, &steps, &e), 0);
            cr_assert_eq(tide_lanes_feed(lanes, &steps, &e), 0);
            tide_steps_clear(&steps);
        }
    }
    counts = tide_lanes_counts(lanes, 0);
    tide_lanes_free(lanes);
    tide_steps_fini(&steps);
    tide_stepper_fini(stepper);
    free(stepper);
    return counts;
}

Test(sizes, ids_are_only_numbers)
{
    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
        struct tide_machine_config c;
        struct tide_size_counts few, many;

        if (!tide_lanes_can(*p))
            continue;
        tide_machine_defaults(&c);
        tide_options_defaults((*p)->options, c.policy_options);
        few = run_lane(*p, c.policy_options, 0);
        many = run_lane(*p, c.policy_options, BEFORE);
        cr_expect_eq(few.faults, many.faults, "%s", (*p)->name);
        cr_expect_eq(few.writebacks, many.writebacks, "%s", (*p)->name);
        cr_expect_gt(few.evictions, 1000, "%s", (*p)->name);
    }
}
