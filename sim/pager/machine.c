/* The machine: making one, feeding it, deadlines, results. See machine.h and internal.h. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pager/internal.h"

const char *const tide_fault_kind_names[TIDE_FAULT_KINDS] = {
    [TIDE_FAULT_MINOR_ANON] = "minor_anon",
    [TIDE_FAULT_MINOR_FILE] = "minor_file",
    [TIDE_FAULT_MAJOR_FILE] = "major_file",
    [TIDE_FAULT_MAJOR_EVICTED] = "major_evicted",
    [TIDE_FAULT_READ] = "read",
    [TIDE_FAULT_WRITE] = "write",
    [TIDE_FAULT_FETCH] = "fetch",
    [TIDE_FAULT_SEGV_MAP] = "segv_map",
    [TIDE_FAULT_SEGV_READ] = "segv_read",
    [TIDE_FAULT_SEGV_WRITE] = "segv_write",
    [TIDE_FAULT_SEGV_FETCH] = "segv_fetch",
    [TIDE_FAULT_SEGV_NONCANONICAL] = "segv_noncanonical",
};

const char *const tide_status_names[] = {
    [TIDE_STATUS_OK] = "ok",
    [TIDE_STATUS_PARTIAL] = "partial",
    [TIDE_STATUS_OOM] = "oom",
};

const char *const tide_references_names[] = {
    [TIDE_REFERENCES_EVERY] = "every",
    [TIDE_REFERENCES_COLLAPSED] = "collapsed",
    NULL,
};

const char *const tide_observe_names[] = {
    [TIDE_OBSERVE_EVERY_REFERENCE] = "every-reference",
    [TIDE_OBSERVE_ACCESSED_BIT] = "accessed-bit",
    NULL,
};

/* ---- configuration ---- */

/* configs/presets/x86-skylake.yaml says the same with sources; a test holds them equal. */
void tide_machine_default_tlb(struct tide_tlb_config *t, unsigned page_shift)
{
    static const struct tide_tlb_array_config l1i = {.name = "l1i",
                                                     .level = 1,
                                                     .serves = TIDE_TLB_FOR_FETCH,
                                                     .entries = 128,
                                                     .ways = 8,
                                                     .kind = TIDE_TLB_lru};
    static const struct tide_tlb_array_config l1d = {.name = "l1d",
                                                     .level = 1,
                                                     .serves = TIDE_TLB_FOR_DATA,
                                                     .entries = 64,
                                                     .ways = 4,
                                                     .kind = TIDE_TLB_lru};
    static const struct tide_tlb_array_config l1i_2m = {.name = "l1i-2m",
                                                        .level = 1,
                                                        .serves = TIDE_TLB_FOR_FETCH,
                                                        .entries = 8,
                                                        .ways = 8,
                                                        .kind = TIDE_TLB_lru};
    static const struct tide_tlb_array_config l1d_2m = {.name = "l1d-2m",
                                                        .level = 1,
                                                        .serves = TIDE_TLB_FOR_DATA,
                                                        .entries = 32,
                                                        .ways = 4,
                                                        .kind = TIDE_TLB_lru};
    static const struct tide_tlb_array_config l2 = {.name = "l2",
                                                    .level = 2,
                                                    .serves =
                                                        TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA,
                                                    .entries = 1536,
                                                    .ways = 12,
                                                    .kind = TIDE_TLB_lru,
                                                    .latency = 9};
    bool huge = page_shift == 21;

    memset(t, 0, sizeof *t);
    t->n = 3;
    t->arrays[0] = huge ? l1i_2m : l1i;
    t->arrays[1] = huge ? l1d_2m : l1d;
    t->arrays[2] = l2;
}

void tide_machine_defaults(struct tide_machine_config *c)
{
    *c = (struct tide_machine_config){
        .page_shift = 12,
        .frames = {.is_share = true, .value = TIDE_SHARE_WHOLE / 2},
        .policy = tide_policy_find("lru"),
        /* orders of magnitude of a 3 GHz server: a load that hits in a cache, a PTE from the L2 or
         * L3 cache, Linux's minor fault, a 4 KiB read and write on an NVMe drive */
        .costs = {.memory = 5,
                  .walk_ref = 20,
                  .minor_fault = 1500,
                  .major_fault = 240000,
                  .writeback = 60000},
        .seed = 1,
        .limit = UINT64_MAX,
    };
    tide_machine_default_tlb(&c->tlb, c->page_shift);
    tide_pagetable_defaults(&c->pagetable, 4, c->page_shift);
    if (c->policy != NULL)
        tide_options_defaults(c->policy->options, c->policy_options);
}

bool tide_machine_needs_pages(const struct tide_machine_config *c)
{
    return c->policy->variable_space || (!c->by_memory && c->frames.is_share);
}

enum tide_future_time tide_machine_needs_future(const struct tide_machine_config *c)
{
    if (c->policy->observes != TIDE_OBSERVES_FUTURE)
        return TIDE_FUTURE_NONE;
    return c->policy->variable_space ? TIDE_FUTURE_OWN : TIDE_FUTURE_MACHINE;
}

struct tide_geometry tide_machine_geometry(const struct tide_machine_config *c)
{
    struct tide_geometry g = {.page_shift = c->page_shift, .va_bits = c->page_shift};

    for (unsigned k = 1; k <= c->pagetable.levels; k++)
        g.va_bits += c->pagetable.bits[k];
    return g;
}

int tide_machine_check(const struct tide_machine_config *c, struct tide_error *e)
{
    const struct {
        const char *name;
        uint64_t cycles;
    } costs[] = {
        {"memory", c->costs.memory},           {"walk_ref", c->costs.walk_ref},
        {"minor_fault", c->costs.minor_fault}, {"major_fault", c->costs.major_fault},
        {"writeback", c->costs.writeback},
    };
    char size[32];
    unsigned va_bits;
    int rc;

    if (c->policy == NULL)
        return tide_fail(e, TIDE_E_CONFIG, "machine.policy is missing");
    if (c->page_shift < TIDE_PAGE_SHIFT_MIN || c->page_shift > TIDE_PAGE_SHIFT_MAX) {
        tide_fail(e, TIDE_E_CONFIG, "machine.page_size is out of range");
        tide_error_remedy(e, "a power of two from 64B to 1G");
        return TIDE_E_CONFIG;
    }
    if (c->policy->variable_space && c->references == TIDE_REFERENCES_COLLAPSED) {
        tide_fail(e, TIDE_E_CONFIG,
                  "machine.references: collapsed hides from policy %s the repeats "
                  "that keep a page",
                  c->policy->name);
        tide_error_remedy(e, "references: every");
        return TIDE_E_CONFIG;
    }
    if (c->policy->variable_space && c->by_memory) {
        tide_fail(e, TIDE_E_CONFIG, "machine.memory bounds memory, which policy %s does not",
                  c->policy->name);
        tide_error_remedy(e, "leave memory out: frames are as many as the policy wants");
        return TIDE_E_CONFIG;
    }
    if (c->by_memory) {
        uint64_t least = UINT64_C(64) << c->page_shift;

        if (least < 64 * 4096)
            least = 64 * 4096;
        tide_format_size(least, size, sizeof size);
        if (c->memory_bytes < least) {
            tide_fail(e, TIDE_E_CONFIG, "machine.memory is too small for tables and one page");
            tide_error_remedy(
                e, "at least %s with this page size; frames: N counts user pages only", size);
            return TIDE_E_CONFIG;
        }
        if (c->memory_bytes >> c->page_shift >= UINT32_MAX / 2)
            return tide_fail(e, TIDE_E_CONFIG, "machine.memory is more than 2^31 pages");
    } else if (!c->frames.is_share && (c->frames.value == 0 || c->frames.value >= UINT32_MAX / 2)) {
        tide_fail(e, TIDE_E_CONFIG, "machine.frames is %" PRIu64, c->frames.value);
        tide_error_remedy(e, "from 1 to %u, or a share of the trace's pages such as 50%%",
                          UINT32_MAX / 2 - 1);
        return TIDE_E_CONFIG;
    }
    if (c->observe == TIDE_OBSERVE_ACCESSED_BIT && c->policy->observes > TIDE_OBSERVES_BIT) {
        tide_fail(e, TIDE_E_CONFIG, "policy %s must see every reference, not only accessed bits",
                  c->policy->name);
        tide_error_remedy(e, "observe: every-reference, or a policy that works from reference bits "
                             "('pagetide list policies' shows which)");
        return TIDE_E_CONFIG;
    }
    if (c->flush_on_clear && c->observe != TIDE_OBSERVE_ACCESSED_BIT)
        return tide_fail(e, TIDE_E_CONFIG, "flush_on_clear goes with observe: accessed-bit");
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        if (costs[i].cycles > TIDE_COST_MAX) {
            tide_fail(e, TIDE_E_CONFIG, "machine.costs.%s is %" PRIu64, costs[i].name,
                      costs[i].cycles);
            tide_error_remedy(e, "at most %d cycles", TIDE_COST_MAX);
            return TIDE_E_CONFIG;
        }
    }
    if (c->limit == 0)
        return tide_fail(e, TIDE_E_CONFIG, "limit is 0: nothing would be counted");
    rc = tide_tlb_check(&c->tlb, c->page_shift, e);
    return rc != 0 ? rc : tide_pagetable_check(&c->pagetable, c->page_shift, &va_bits, e);
}

/* ---- time ---- */

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void set_deadline(struct tide_machine *m)
{
    uint64_t d = m->end;

    if (m->warming_up && m->warmup_end < d)
        d = m->warmup_end;
    if (m->next_tick < d)
        d = m->next_tick;
    if (m->next_sample < d)
        d = m->next_sample;
    if (m->due < d)
        d = m->due;
    m->deadline = d;
}

/* Warm-up fills the machine and counts nothing. */
static void start_counting(struct tide_machine *m)
{
    m->warming_up = false;
    m->counts = (struct tide_counts){0};
    m->resident_since = m->now;
    m->wss = 0;
    m->first_counted_epoch = ++m->epoch;
    tide_tlb_zero_stats(&m->tlb);
    tide_pagetable_zero_stats(&m->pagetable);
    for (size_t i = 0; i < m->n_processes; i++) {
        struct process *p = m->processes[i];

        p->references = p->faults_minor = p->faults_major = 0;
        p->rss_peak = p->rss;
    }
    m->at_sample = m->counts;
}

static int sample(struct tide_machine *m, struct tide_error *e)
{
    struct tide_sample s = {
        .vtime_refs = m->counts.references,
        .faults = m->counts.faults_minor + m->counts.faults_major - m->at_sample.faults_minor -
                  m->at_sample.faults_major,
        .tlb_misses = m->counts.tlb_misses - m->at_sample.tlb_misses,
        .resident_pages = m->resident,
        .free_frames = m->buddy.free_frames,
        .wss_pages = m->wss,
    };

    m->at_sample = m->counts;
    m->wss = 0;
    m->epoch++;
    return m->watch.sample != NULL ? m->watch.sample(m->watch.context, m, &s, e) : 0;
}

void machine_ask_due(struct tide_machine *m)
{
    m->due = m->policy->due(m->policy_state);
    set_deadline(m);
}

int machine_deadline(struct tide_machine *m, struct tide_error *e)
{
    int rc = 0;

    if (m->now >= m->due) {
        memory_shed(m);
        m->due = m->policy->due(m->policy_state);
    }

    if (m->now == m->next_tick) {
        m->policy->tick(m->policy_state);
        m->next_tick = saturating_add(m->next_tick, m->tick_period);
    }
    if (m->warming_up && m->now == m->warmup_end)
        start_counting(m);
    if (m->now == m->next_sample) {
        rc = sample(m, e);
        m->next_sample = saturating_add(m->next_sample, m->config.interval);
    }
    if (m->now == m->end)
        m->done = true;
    set_deadline(m);
    return rc;
}

/* ---- life ---- */

/* The policy has cleared a reference bit, which is the PTE's accessed bit. */
static void accessed_bit_cleared(void *context, uint32_t frame)
{
    struct tide_machine *m = context;

    *tide_pagetable_find(&m->pagetable, m->pages[frame]) &= ~(uint64_t)TIDE_PTE_ACCESSED;
    if (m->config.flush_on_clear)
        tide_tlb_invalidate(&m->tlb, m->pages[frame]);
}

static int set_up(struct tide_machine *m, uint64_t distinct_pages, struct tide_future *future,
                  struct tide_error *e)
{
    const struct tide_machine_config *c = &m->config;
    uint64_t capacity;
    int rc;

    rc = tide_machine_check(c, e);
    if (rc != 0)
        return rc;
    m->geometry = tide_machine_geometry(c);
    if (c->policy->variable_space)
        capacity = distinct_pages;
    else if (c->by_memory)
        capacity = c->memory_bytes >> c->page_shift;
    else
        capacity = tide_amount_of(c->frames, distinct_pages);
    m->capacity = capacity > 0 ? (uint32_t)capacity : 1;
    if (capacity >= UINT32_MAX / 2)
        return tide_fail(e, TIDE_E_CONFIG, "more than 2^31 frames");
    m->policy = c->policy;
    m->last_touched = NO_FRAME;
    m->position = UINT64_MAX; /* the first reference has position 0 */
    m->previous = TIDE_PAGE_NONE;
    m->skip_left = c->skip;
    m->warmup_end = c->warmup;
    m->end = saturating_add(c->warmup, c->limit);
    m->epoch = m->first_counted_epoch = 1;
    m->warming_up = c->warmup > 0;
    if (m->warming_up)
        m->first_counted_epoch = 2;
    m->next_sample = c->interval > 0 ? saturating_add(c->warmup, c->interval) : UINT64_MAX;
    m->next_tick = m->due = UINT64_MAX;
    if (m->policy->tick_period != NULL && m->policy->tick != NULL) {
        m->tick_period = m->policy->tick_period(c->policy_options);
        m->next_tick = m->tick_period;
    }
    set_deadline(m);
    rc = tide_tlb_init(&m->tlb, &c->tlb, c->page_shift, c->seed, e);
    if (rc != 0)
        return rc;
    rc = memory_init(m, e);
    if (rc != 0)
        return rc;
    if (m->policy->observes == TIDE_OBSERVES_FUTURE) {
        if (future == NULL)
            return tide_fail(e, TIDE_E_CONFIG, "policy %s needs a scan of the trace first",
                             m->policy->name);
        m->future = tide_future_open(future, e);
        if (m->future == NULL)
            return TIDE_E_NOMEM;
    }
    if (m->policy->variable_space) {
        m->own_times = tide_calloc(TIDE_MAX_PROCESSES, sizeof *m->own_times);
        if (m->own_times == NULL)
            return tide_nomem(e);
    }
    tide_rng_init(&m->policy_rng, c->seed, "policy");
    m->env = (struct tide_policy_env){
        .capacity = m->capacity,
        .frame_limit = m->capacity,
        .bits = m->bits,
        .pages = m->pages,
        .now = &m->now,
        .times = m->own_times,
        .running = m->own_times != NULL ? &m->running : NULL,
        .rng = &m->policy_rng,
        .cleared = c->observe == TIDE_OBSERVE_ACCESSED_BIT ? accessed_bit_cleared : NULL,
        .context = m,
    };
    m->policy_state = tide_calloc(1, m->policy->state_bytes);
    if (m->policy_state == NULL)
        return tide_nomem(e);
    rc = m->policy->init(m->policy_state, &m->env, c->policy_options, e);
    return rc != 0 ? rc : quiet_init(m, e);
}

struct tide_machine *tide_machine_new(const struct tide_machine_config *c, enum tide_engine engine,
                                      uint64_t distinct_pages, struct tide_future *future,
                                      const struct tide_machine_watch *watch, struct tide_error *e)
{
    struct tide_machine *m = tide_calloc(1, sizeof *m);

    if (m == NULL) {
        tide_nomem(e);
        return NULL;
    }
    m->config = *c;
    m->engine = engine;
    if (watch != NULL)
        m->watch = *watch;
    if (set_up(m, distinct_pages, future, e) != 0) {
        tide_machine_free(m);
        return NULL;
    }
    return m;
}

void tide_machine_free(struct tide_machine *m)
{
    if (m == NULL)
        return;
    if (m->policy_state != NULL && m->policy->fini != NULL)
        m->policy->fini(m->policy_state);
    free(m->policy_state);
    free(m->own_times);
    tide_future_close(m->future);
    quiet_fini(m);
    memory_fini(m);
    tide_tlb_fini(&m->tlb);
    free(m);
}

/* ---- feeding ---- */

static int plain_segment(struct tide_machine *m, const struct tide_block *b, size_t from, size_t to,
                         struct tide_error *e)
{
    for (size_t i = from; i < to && !m->done; i++) {
        int rc = step_access(m, &b->accesses[i], false, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}

enum tide_machine_food tide_machine_takes(const struct tide_machine *m)
{
    if (m->engine == TIDE_ENGINE_PLAIN)
        return TIDE_TAKES_ACCESSES;
    return m->passes_over ? TIDE_TAKES_BLOCKS : TIDE_TAKES_RUNS;
}

int tide_machine_feed(struct tide_machine *m, const struct tide_block *b,
                      const struct tide_block_runs *runs, struct tide_error *e)
{
    size_t from = 0;
    int rc = 0;

    m->hook_error = e;
    for (size_t k = 0; k <= b->n_events && rc == 0 && !m->done; k++) {
        size_t to = k < b->n_events ? b->events[k].at : b->n_accesses;

        if (m->engine == TIDE_ENGINE_PLAIN)
            rc = plain_segment(m, b, from, to, e);
        else if (m->passes_over)
            rc = quiet_segment(m, b, from, to, e);
        else
            rc = fast_runs(m, b, runs->runs + runs->segments[k].first_run, runs->segments[k].n_runs,
                           e);
        from = to;
        if (rc == 0 && !m->done && k < b->n_events) {
            rc = memory_event(m, &b->events[k], e);
            quiet_disturb(m);
        }
    }
    if (m->status == TIDE_STATUS_OOM)
        return 0;
    if (rc == 0 && m->policy->failed != NULL && m->policy->failed(m->policy_state))
        rc = tide_nomem(e);
    if (rc != 0)
        return rc;
    return m->done ? 0 : 1;
}

int tide_machine_finish(struct tide_machine *m, struct tide_error *e)
{
    if (m->warming_up) /* the trace was shorter than the warm-up: nothing counts */
        start_counting(m);
    if (m->config.interval == 0 || m->counts.references == m->at_sample.references)
        return 0;
    return sample(m, e);
}

/* ---- results ---- */

const struct tide_machine_config *tide_machine_config_of(const struct tide_machine *m)
{
    return &m->config;
}

enum tide_machine_status tide_machine_status_of(const struct tide_machine *m)
{
    return m->status;
}

uint64_t tide_machine_frames(const struct tide_machine *m)
{
    return m->policy->variable_space ? 0 : m->capacity;
}

void tide_machine_counts(const struct tide_machine *m, struct tide_counts *out)
{
    *out = m->counts;
    out->walks = m->pagetable.stats.walks;
    out->walk_refs = m->pagetable.stats.walk_refs;
    out->resident_sum += (uint64_t)m->resident * (m->now - m->resident_since);
}

uint64_t tide_machine_cycles(const struct tide_machine *m)
{
    const struct tide_costs *cost = &m->config.costs;
    struct tide_counts c;
    uint64_t cycles;

    tide_machine_counts(m, &c);
    cycles = c.references * cost->memory + c.walk_refs * cost->walk_ref +
             c.faults_minor * cost->minor_fault + c.faults_major * cost->major_fault +
             c.writebacks * cost->writeback;
    for (unsigned i = 0; i < m->tlb.n; i++)
        cycles += m->tlb.arrays[i].stats.lookups * m->tlb.arrays[i].config.latency;
    return cycles;
}

const struct tide_tlb *tide_machine_tlb(const struct tide_machine *m)
{
    return &m->tlb;
}

const struct tide_pagetable *tide_machine_pagetable(const struct tide_machine *m)
{
    return &m->pagetable;
}

const struct tide_buddy *tide_machine_buddy(const struct tide_machine *m)
{
    return &m->buddy;
}

size_t tide_machine_slab_caches(const struct tide_machine *m,
                                const struct tide_slab_cache *const **caches)
{
    *caches = m->cache_list;
    return CACHES;
}

size_t tide_machine_processes(const struct tide_machine *m)
{
    return m->n_processes;
}

void tide_machine_process(const struct tide_machine *m, size_t i, struct tide_process_counts *out)
{
    const struct process *p = m->processes[i];

    *out = (struct tide_process_counts){
        .pid = p->pid,
        .references = p->references,
        .faults_minor = p->faults_minor,
        .faults_major = p->faults_major,
        .rss_pages = p->rss,
        .rss_peak_pages = p->rss_peak,
        .vsz_bytes = p->mm.vsz_bytes,
    };
}

bool tide_machine_inferred(const struct tide_machine *m)
{
    for (size_t i = 0; i < m->n_processes; i++)
        if (m->processes[i]->mm.stats.inferred > 0)
            return true;
    return false;
}

void tide_machine_describe(const struct tide_machine *m, tide_page page, char *buf, size_t n)
{
    const uint64_t *pte = tide_pagetable_find(&m->pagetable, page);

    buf[0] = '\0';
    if (pte != NULL && (*pte & TIDE_PTE_PRESENT) != 0 && m->policy->describe != NULL)
        m->policy->describe(m->policy_state, tide_pte_frame(*pte), buf, n);
}
