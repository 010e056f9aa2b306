/* FreeBSD's page daemon: an active queue with activity counts, an inactive queue with the victims.
 *
 * Pages come in active, with count 5. Victims are sought at the head of the inactive queue: a page
 * referenced meanwhile becomes active again, its count 4 higher; a dirty one goes to the tail once,
 * so as to stay a turn longer; the first other one leaves. When the queue yields nothing, a second
 * look takes dirty pages too.
 *
 * After each look the active queue is scanned from its head, at most once round, until the inactive
 * queue has its target again: a page referenced meanwhile gains 4, up to 64, else it loses 1; at 0
 * it becomes inactive, else it goes to the tail. A visit takes away a bit or a count, so the work
 * for a reference is constant, amortised.
 *
 * Source: FreeBSD 9.3, sys/vm/vm_pageout.c (vm_pageout_scan, vm_pageout), sys/vm/vm_page.h
 * (ACT_INIT 5, ACT_ADVANCE 3, ACT_DECLINE 1, ACT_MAX 64) and vm_page.c (vm_page_activate).
 * Differs: the daemon looks for one page at a time, when it is needed, and keeps no free pages in
 * reserve; without a time of day, idle scans of the active queue are left out; a page cleaned is
 * freed at once. The kernel's target is a quarter of memory up to 2048 pages, as here, and about
 * 5 % of larger memories. FreeBSD 12 and later keep dirty pages in a third queue.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/list.h"
#include "replacement/policy.h"

struct freebsd_options {
    uint64_t init, advance, decline, max;
    struct tide_amount inactive;
};

struct freebsd {
    struct tide_list active, inactive; /* head first */
    uint32_t n_active, n_inactive, target;
    const struct tide_policy_env *env;
    const struct freebsd_options *options;
    struct page {
        uint8_t count;
        bool is_active;
        bool spared; /* dirty, has been sent to the tail of the inactive queue */
    } * pages;       /* by frame */
};

static const struct tide_option options_table[] = {
    {.name = "init",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct freebsd_options, init),
     .def = "5",
     .max = UINT8_MAX,
     .help = "count of a page that becomes active (ACT_INIT), at most max"},
    {.name = "advance",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct freebsd_options, advance),
     .def = "3",
     .max = UINT8_MAX,
     .help = "a page referenced meanwhile gains one more than this (ACT_ADVANCE)"},
    {.name = "decline",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct freebsd_options, decline),
     .def = "1",
     .min = 1,
     .max = UINT8_MAX,
     .help = "what a page not referenced loses (ACT_DECLINE)"},
    {.name = "max",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct freebsd_options, max),
     .def = "64",
     .min = 1,
     .max = UINT8_MAX,
     .help = "the highest count (ACT_MAX)"},
    {.name = "inactive",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct freebsd_options, inactive),
     .def = "25%",
     .unit = "pages",
     .help = "how many pages are to be inactive"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct freebsd *s = state;

    tide_list_fini(&s->active);
    tide_list_fini(&s->inactive);
    free(s->pages);
    s->pages = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct freebsd_options *o = options;
    struct freebsd *s = state;
    uint64_t target = tide_amount_of(o->inactive, env->capacity);
    int rc;

    s->env = env;
    s->options = o;
    s->target = target < env->capacity ? (uint32_t)target : env->capacity;
    s->pages = tide_calloc(env->frame_limit, sizeof *s->pages);
    rc = s->pages == NULL ? tide_nomem(e) : tide_list_init(&s->active, env->frame_limit, e);
    if (rc == 0)
        rc = tide_list_init(&s->inactive, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static bool is_referenced(const struct freebsd *s, uint32_t frame)
{
    return (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0;
}

static void activate(struct freebsd *s, uint32_t frame, uint64_t count)
{
    s->pages[frame] = (struct page){
        .count = (uint8_t)(count < s->options->max ? count : s->options->max), .is_active = true};
    tide_list_append(&s->active, frame);
    s->n_active++;
}

static void take(struct freebsd *s, uint32_t frame)
{
    if (s->pages[frame].is_active) {
        tide_list_remove(&s->active, frame);
        s->n_active--;
    } else {
        tide_list_remove(&s->inactive, frame);
        s->n_inactive--;
    }
}

static void deactivate(struct freebsd *s, uint32_t frame)
{
    take(s, frame);
    s->pages[frame] = (struct page){.count = 0};
    tide_list_append(&s->inactive, frame);
    s->n_inactive++;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct freebsd *s = state;

    (void)next_use;
    activate(s, frame, s->options->init);
}

/* Once round the inactive queue at most; false: nothing found. */
static bool scan_inactive(struct freebsd *s, bool first_look, uint32_t *victim)
{
    for (uint32_t i = s->n_inactive; i > 0; i--) {
        uint32_t frame = tide_list_first(&s->inactive);

        if (is_referenced(s, frame)) {
            tide_policy_clear(s->env, frame);
            take(s, frame);
            activate(s, frame, s->options->init + s->options->advance + 1);
        } else if (first_look && !s->pages[frame].spared &&
                   (s->env->bits[frame] & TIDE_FRAME_DIRTY) != 0) {
            s->pages[frame].spared = true;
            tide_list_move_last(&s->inactive, frame);
        } else {
            *victim = frame;
            return true;
        }
    }
    return false;
}

/* Once round the active queue at most, until `wanted` pages have become inactive. */
static void scan_active(struct freebsd *s, uint32_t wanted)
{
    for (uint32_t i = s->n_active; i > 0 && wanted > 0; i--) {
        uint32_t frame = tide_list_first(&s->active);
        struct page *page = &s->pages[frame];

        if (is_referenced(s, frame)) {
            uint64_t count = page->count + s->options->advance + 1;

            tide_policy_clear(s->env, frame);
            page->count = (uint8_t)(count < s->options->max ? count : s->options->max);
            tide_list_move_last(&s->active, frame);
        } else if (page->count > s->options->decline) {
            page->count = (uint8_t)(page->count - s->options->decline);
            tide_list_move_last(&s->active, frame);
        } else {
            deactivate(s, frame);
            wanted--;
        }
    }
}

static uint32_t victim(void *state)
{
    struct freebsd *s = state;

    for (bool first_look = true;; first_look = false) {
        uint32_t frame;
        bool found = scan_inactive(s, first_look, &frame);
        /* the victim no longer counts; where there is none, one more is needed */
        uint32_t have = s->n_inactive - found, wanted = s->target + !found;

        scan_active(s, wanted > have ? wanted - have : 0);
        if (found)
            return frame;
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct freebsd *s = state;

    (void)why;
    take(s, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct freebsd *s = state;

    snprintf(buf, n, "head of the inactive queue%s",
             s->pages[frame].spared ? ", its second time" : "");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct freebsd *s = state;
    const struct page *page = &s->pages[frame];

    if (page->is_active)
        snprintf(buf, n, "R=%d active, count %d", is_referenced(s, frame), page->count);
    else
        snprintf(buf, n, "R=%d inactive%s", is_referenced(s, frame),
                 page->spared ? ", spared once" : "");
}

const struct tide_policy tide_policy_freebsd = {
    .name = "freebsd",
    .summary = "FreeBSD's active and inactive queues with activity counts",
    .source = "FreeBSD 9.3, sys/vm/vm_pageout.c",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct freebsd_options),
    .state_bytes = sizeof(struct freebsd),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
