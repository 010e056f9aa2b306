/* Working sets at every window: see windows.h. */
#include "curve/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SINGLE_BITS = 10, STEP_BITS = 6 }; /* of the numbers in windows.h */

#define FORGOTTEN (UINT64_C(1) << 63) /* flag of `last` */

/* ---- the bounds ---- */

/* The first bound that a time fits. */
static inline uint32_t bucket_of(uint64_t time)
{
    unsigned bits;

    if (time <= TIDE_WINDOW_SINGLE)
        return (uint32_t)time;
    time--;
    bits = 63 - (unsigned)__builtin_clzll(time);
    return TIDE_WINDOW_SINGLE + 1 + (bits - SINGLE_BITS) * TIDE_WINDOW_STEPS +
           ((uint32_t)(time >> (bits - STEP_BITS)) & (TIDE_WINDOW_STEPS - 1));
}

static uint64_t bound_of(size_t bucket)
{
    size_t step, doubling;

    if (bucket <= TIDE_WINDOW_SINGLE)
        return bucket;
    step = (bucket - TIDE_WINDOW_SINGLE - 1) % TIDE_WINDOW_STEPS;
    doubling = (bucket - TIDE_WINDOW_SINGLE - 1) / TIDE_WINDOW_STEPS;
    return (TIDE_WINDOW_STEPS + step + 1) << (doubling + SINGLE_BITS - STEP_BITS);
}

static inline void add(struct tide_times *t, uint64_t time)
{
    uint32_t k = bucket_of(time);

    t->number[k]++;
    t->sum[k] += time;
}

/* ---- references ---- */

static inline void reference(struct tide_windows *w, const struct tide_page_ref *r)
{
    struct tide_window_process *p = &w->processes[r->process];
    uint64_t last = w->last[r->id], time = p->now + 1, gap;

    w->page_references += r->n;
    w->gaps.number[1] += r->n - 1;
    w->gaps.sum[1] += r->n - 1;
    w->last[r->id] = p->now + r->n;
    gap = time - (last & ~FORGOTTEN);
    if (last > p->start && (last & FORGOTTEN) == 0) {
        uint32_t k = bucket_of(gap);

        w->gaps.number[k]++;
        w->gaps.sum[k] += gap;
        w->vmin[k] += gap - 1;
        return;
    }
    w->process_of[r->id] = r->process;
    if (last == 0 || (last & FORGOTTEN) != 0) {
        w->firsts++;
    } else {
        add(&w->gaps, gap);
        add(&w->crossing, gap);
        w->vmin[bucket_of(gap)] += gap - (p->start + 1 - last);
    }
    if ((last & ~FORGOTTEN) > p->start) {
        add(&w->reborn, gap);
    } else {
        add(&w->heads, time - p->start);
        p->pages++;
    }
}

static void forget(struct tide_windows *w, const struct tide_page_ref *r)
{
    uint64_t last = w->last[r->id];

    if (last == 0 || (last & FORGOTTEN) != 0)
        return;
    add(&w->ends, w->processes[r->process].now - last + 1);
    w->last[r->id] |= FORGOTTEN;
}

/* The warm-up is over: what was counted is no longer, and what reaches behind it is less. */
static void start(struct tide_windows *w)
{
    static const struct tide_times nothing;

    if (w->longest == 0)
        return; /* no warm-up: pages that are not written are not made */
    w->gaps = w->ends = w->crossing = w->reborn = w->heads = nothing;
    memset(w->vmin, 0, sizeof w->vmin);
    w->references = w->page_references = w->firsts = 0;
    for (size_t i = 0; i < w->n_processes; i++) {
        w->processes[i].start = w->processes[i].now;
        w->processes[i].pages = 0;
    }
    for (size_t id = 0; id < w->ids_cap; id++)
        if (w->last[id] != 0 && (w->last[id] & FORGOTTEN) == 0)
            add(&w->before, w->processes[w->process_of[id]].start + 1 - w->last[id]);
}

static int reserve(struct tide_windows *w, size_t n_ids, struct tide_error *e)
{
    size_t old = w->ids_cap;
    uint64_t *last;
    uint16_t *owners;

    if (n_ids <= old)
        return 0;
    owners = tide_grow(w->process_of, &w->owners_cap, n_ids, sizeof *owners);
    if (owners == NULL)
        return tide_nomem(e);
    w->process_of = owners;
    last = tide_grow(w->last, &w->ids_cap, n_ids, sizeof *last);
    if (last == NULL)
        return tide_nomem(e);
    w->last = last;
    memset(last + old, 0, (w->ids_cap - old) * sizeof *last);
    return 0;
}

static int reserve_process(struct tide_windows *w, unsigned process, struct tide_error *e)
{
    struct tide_window_process *grown =
        tide_grow(w->processes, &w->processes_cap, process + 1, sizeof *grown);

    if (grown == NULL)
        return tide_nomem(e);
    w->processes = grown;
    while (w->n_processes <= process)
        grown[w->n_processes++] = (struct tide_window_process){0};
    return 0;
}

int tide_windows_take(struct tide_windows *w, const struct tide_page_ref *refs, size_t n,
                      size_t n_ids, struct tide_error *e)
{
    int rc = reserve(w, n_ids, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];

        if (r->process >= w->n_processes)
            rc = reserve_process(w, r->process, e);
        if (rc != 0)
            return rc;
        if (r->kind == TIDE_REF_PAGE)
            reference(w, r);
        else if (r->kind == TIDE_REF_FORGET)
            forget(w, r);
        else if (r->kind == TIDE_REF_START)
            start(w);
        w->processes[r->process].now += r->n;
        w->references += r->n;
        w->longest += r->n;
    }
    return rc;
}

void tide_windows_finish(struct tide_windows *w)
{
    for (size_t id = 0; id < w->ids_cap; id++) {
        uint64_t last = w->last[id];
        const struct tide_window_process *p = &w->processes[w->process_of[id]];

        if (last == 0)
            continue;
        if ((last & FORGOTTEN) == 0)
            add(&w->ends, p->now - last + 1);
        if ((last & ~FORGOTTEN) > p->start)
            add(&w->tails, p->now - (last & ~FORGOTTEN) + 1);
    }
}

void tide_windows_fini(struct tide_windows *w)
{
    free(w->last);
    free(w->process_of);
    free(w->processes);
}

/* ---- the curve ---- */

/* What is in a histogram, and of that what is at most the tau at hand. */
struct total {
    const struct tide_times *times;
    uint64_t number, sum, number_to, sum_to;
};

enum { GAPS, ENDS, BEFORE, CROSSING, REBORN, HEADS, TAILS, TOTALS };

/* Sum of min(tau, time). */
static uint64_t capped(const struct total *t, uint64_t tau)
{
    return t->sum_to + tau * (t->number - t->number_to);
}

/* Sum of max(0, time - tau). */
static uint64_t beyond(const struct total *t, uint64_t tau)
{
    return t->sum - t->sum_to - tau * (t->number - t->number_to);
}

int tide_windows_points(const struct tide_windows *w,
                        int (*f)(void *context, const struct tide_window_point *p,
                                 struct tide_error *e),
                        void *context, struct tide_error *e)
{
    struct total all[TOTALS] = {
        [GAPS] = {.times = &w->gaps},     [ENDS] = {.times = &w->ends},
        [BEFORE] = {.times = &w->before}, [CROSSING] = {.times = &w->crossing},
        [REBORN] = {.times = &w->reborn}, [HEADS] = {.times = &w->heads},
        [TAILS] = {.times = &w->tails},
    };
    size_t most = bucket_of(w->longest);
    uint64_t vmin = 0;
    int rc = 0;

    for (int i = 0; i < TOTALS; i++) {
        for (size_t k = 0; k <= most; k++) {
            all[i].number += all[i].times->number[k];
            all[i].sum += all[i].times->sum[k];
        }
    }
    for (size_t k = 1; k < TIDE_WINDOW_BOUNDS && rc == 0; k++) {
        bool last = bound_of(k) >= w->longest;
        uint64_t tau = last ? w->longest : bound_of(k);
        struct tide_window_point p = {.tau = tau, .gaps = w->gaps.number[k]};

        if (w->references == 0)
            break;
        for (int i = 0; i < TOTALS; i++) {
            all[i].number_to += all[i].times->number[k];
            all[i].sum_to += all[i].times->sum[k];
        }
        vmin += w->vmin[k];
        p.size_sum = capped(&all[GAPS], tau) + capped(&all[ENDS], tau) - capped(&all[BEFORE], tau);
        p.vmin_sum = w->page_references + vmin;
        p.faults = w->firsts + all[GAPS].number - all[GAPS].number_to;
        for (size_t i = 0; i < w->n_processes; i++) {
            const struct tide_window_process *q = &w->processes[i];
            uint64_t n = q->now - q->start;

            if (n < tau)
                continue;
            p.windows += n - tau + 1;
            p.footprint_sum += q->pages * (n - tau + 1);
        }
        p.footprint_sum -= beyond(&all[GAPS], tau) - beyond(&all[CROSSING], tau) +
                           beyond(&all[REBORN], tau) + beyond(&all[HEADS], tau) +
                           beyond(&all[TAILS], tau);
        rc = f(context, &p, e);
        if (last)
            break;
    }
    return rc;
}
