/* ws, vmin and pff against their definitions: which pages are in memory after each reference. Time
 * is each process's own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "policy_driver.h"

enum { SEED = 1968, CASES = 1000, LONGEST = 400, MOST_PAGES = 40, MOST_PROCESSES = 4 };

struct trace {
    struct driver_step steps[LONGEST];
    size_t n;
    uint64_t pages;
    unsigned processes;
    tide_page names[MOST_PAGES]; /* page p is page number p of some process */
};

/* Phases of pages near each other, runs of one page, jumps anywhere, unmappings. Processes own
 * every so manieth page, so that they take turns often, or pages near each other. */
static void make_trace(struct trace *t, struct tide_rng *r, bool unmaps)
{
    uint64_t base = 0, page = 0;
    bool neighbours = tide_rng_below(r, 2) == 0;

    t->pages = 1 + tide_rng_below(r, MOST_PAGES);
    t->processes = 1 + (unsigned)tide_rng_below(r, MOST_PROCESSES);
    for (uint64_t p = 0; p < t->pages; p++) {
        uint64_t process = neighbours ? p * t->processes / t->pages : p % t->processes;

        t->names[p] = (tide_page){p | process << TIDE_VPN_BITS};
    }
    t->n = 50 + tide_rng_below(r, LONGEST - 50);
    for (size_t i = 0; i < t->n; i++) {
        uint64_t dice = tide_rng_below(r, 100);

        if (dice < 5)
            base = tide_rng_below(r, t->pages);
        if (dice < 50)
            page = (base + tide_rng_below(r, 4)) % t->pages;
        else if (dice < 60)
            page = tide_rng_below(r, t->pages);
        t->steps[i] = (struct driver_step){.page = t->names[page],
                                           .op = unmaps && dice >= 97 ? DRIVER_UNMAP : DRIVER_READ};
    }
    driver_next_uses(t->steps, t->n);
}

/* The page's last reference among steps[0..n), SIZE_MAX if there is none or it was unmapped since.
 */
static size_t last_use(const struct trace *t, uint64_t page, size_t n)
{
    while (n-- > 0)
        if (tide_page_vpn(t->steps[n].page) == page)
            return t->steps[n].op == DRIVER_UNMAP ? SIZE_MAX : n;
    return SIZE_MAX;
}

/* References among steps[from..to) of the page's process. */
static uint64_t references(const struct trace *t, uint64_t page, size_t from, size_t to)
{
    uint64_t n = 0;

    for (size_t i = from; i < to; i++)
        n += t->steps[i].op != DRIVER_UNMAP &&
             tide_page_process(t->steps[i].page) == tide_page_process(t->names[page]);
    return n;
}

/* In W(tau): referenced within the last tau references of its process in steps[0..n). */
static bool in_working_set(const struct trace *t, uint64_t page, size_t n, uint64_t tau)
{
    size_t last = last_use(t, page, n);

    return last != SIZE_MAX && references(t, page, last, n) <= tau;
}

/* Referenced by its process's latest reference, or to be again tau or fewer after the last time. */
static bool in_vmin(const struct trace *t, uint64_t page, size_t n, uint64_t tau)
{
    size_t last = last_use(t, page, n), next = n;

    if (last == SIZE_MAX)
        return false;
    if (references(t, page, last, n) == 1)
        return true;
    while (next < t->n && tide_page_vpn(t->steps[next].page) != page)
        next++;
    return next < t->n && t->steps[next].op != DRIVER_UNMAP &&
           references(t, page, last, next) <= tau;
}

/* Page-fault frequency with use bits, as the books tell it, for each process. */
struct pff {
    bool resident[MOST_PAGES], used[MOST_PAGES];
    uint64_t now, fault; /* times; 0: no fault yet */
};

static void pff_step(struct pff *m, const struct driver_step *step, uint64_t limit,
                     bool clear_at_every_fault)
{
    uint64_t page = tide_page_vpn(step->page);
    bool shrinks;

    if (step->op == DRIVER_UNMAP) {
        m->resident[page] = false;
        return;
    }
    m->now++;
    if (!m->resident[page]) {
        shrinks = m->fault != 0 && m->now - m->fault >= limit;
        for (int p = 0; p < MOST_PAGES; p++) {
            if (shrinks && !m->used[p])
                m->resident[p] = false;
            if (shrinks || clear_at_every_fault)
                m->used[p] = false;
        }
        m->resident[page] = true;
        m->fault = m->now;
    }
    m->used[page] = true;
}

enum model { WS, VMIN, PFF, PFF_SHRINK, MODELS };

static const char *const names[] = {"ws", "vmin", "pff", "pff"};

/* Returns how many pages the policy let go. */
static uint64_t compare(enum model model, const struct trace *t, uint64_t tau, int number)
{
    struct pff pff[MOST_PROCESSES] = {{.now = 0}};
    struct driver d;
    char settings[64];
    uint64_t evictions;

    snprintf(settings, sizeof settings, "%s=%u%s", model < PFF ? "tau" : "t", (unsigned)tau,
             model == PFF_SHRINK ? " clear=shrink" : "");
    driver_open(&d, tide_policy_find(names[model]), settings, (uint32_t)t->pages, 1);
    for (size_t i = 0; i < t->n; i++) {
        driver_step(&d, &t->steps[i], NULL);
        pff_step(&pff[tide_page_process(t->steps[i].page)], &t->steps[i], tau, model == PFF);
        for (uint64_t page = 0; page < t->pages; page++) {
            bool resident = model == WS     ? in_working_set(t, page, i + 1, tau)
                            : model == VMIN ? in_vmin(t, page, i + 1, tau)
                                            : pff[tide_page_process(t->names[page])].resident[page];

            cr_assert_eq(driver_resident(&d, t->names[page]), resident,
                         "seed %d, trace %d, %s {%s}, after step %zu: page %d is%s in memory", SEED,
                         number, names[model], settings, i, (int)page, resident ? " not" : "");
        }
    }
    evictions = d.evictions;
    driver_close(&d);
    return evictions;
}

Test(variable_space, memory_holds_what_the_definitions_say)
{
    static struct trace t;
    uint64_t evictions[MODELS] = {0};
    struct tide_rng r;

    tide_rng_init(&r, SEED, "definitions");
    for (int i = 0; i < CASES; i++) {
        make_trace(&t, &r, i % 2 == 0);
        for (int m = 0; m < MODELS; m++)
            evictions[m] += compare((enum model)m, &t, 1 + tide_rng_below(&r, 60), i);
    }
    for (int m = 0; m < MODELS; m++)
        cr_expect_gt(evictions[m], 2000, "%s: %d", names[m], (int)evictions[m]);
}

struct outcome {
    uint64_t faults, resident_sum;
};

static struct outcome run(const char *policy, const struct trace *t, uint64_t tau)
{
    struct driver d;
    char settings[32];
    struct outcome out;

    snprintf(settings, sizeof settings, "tau=%u", (unsigned)tau);
    driver_open(&d, tide_policy_find(policy), settings, (uint32_t)t->pages, 1);
    for (size_t i = 0; i < t->n; i++)
        driver_step(&d, &t->steps[i], NULL);
    out = (struct outcome){.faults = d.faults, .resident_sum = d.resident_sum};
    driver_close(&d);
    return out;
}

/* With gaps g between references to one page, in its process's time: WS and VMIN fault m times and
 * for each g > tau. VMIN holds a page g references long for each g <= tau, else one reference long;
 * where other processes run meanwhile it is theirs that the driver counts as well. */
Test(variable_space, faults_and_sizes_follow_from_the_gaps)
{
    static struct trace t;
    struct tide_rng r;
    bool less = false;
    int several = 0;

    tide_rng_init(&r, SEED, "gaps");
    for (int i = 0; i < CASES; i++) {
        uint64_t tau = 1 + tide_rng_below(&r, 60), faults = 0, space = 0;
        struct outcome ws, vmin;

        make_trace(&t, &r, false);
        for (size_t k = 0; k < t.n; k++) {
            uint64_t page = tide_page_vpn(t.steps[k].page);
            size_t before = last_use(&t, page, k);
            uint64_t gap = before == SIZE_MAX ? UINT64_MAX : references(&t, page, before, k);

            faults += gap > tau;
            /* the reference that a gap begins with, or the last one of its page, counts here */
            space += gap <= tau ? gap : 1;
        }
        ws = run("ws", &t, tau);
        vmin = run("vmin", &t, tau);
        cr_assert_eq(ws.faults, faults, "seed %d, trace %d, tau %d", SEED, i, (int)tau);
        cr_assert_eq(vmin.faults, faults, "seed %d, trace %d, tau %d", SEED, i, (int)tau);
        several += t.processes > 1;
        if (t.processes == 1)
            cr_assert_eq(vmin.resident_sum, space, "seed %d, trace %d, tau %d", SEED, i, (int)tau);
        cr_assert_leq(vmin.resident_sum, ws.resident_sum, "seed %d, trace %d", SEED, i);
        less |= vmin.resident_sum < ws.resident_sum;
    }
    cr_expect(less);
    cr_expect_gt(several, CASES / 2);
}
