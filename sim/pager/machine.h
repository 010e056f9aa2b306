/* One machine: where address space, TLB, page table, replacement and physical memory meet.
 *
 * A machine is fed blocks of a trace in order and counts. Two engines do the same work:
 *   plain  one reference at a time, straight from the definitions;
 *   fast   passes over references that change next to nothing, or page runs (addr/runs.h); whatever
 *          is not that simple it hands to the plain engine's step.
 * Every count, interval row and victim is the same (tests/property holds them to that).
 *
 * The path of one reference (process, address, kind):
 *
 *   1. virtual time + 1
 *   2. the address space: no VMA, wrong permission, not canonical -> segmentation fault, counted;
 * end
 *   3. TLB look-up; a hit ends at 6
 *   4. page walk; present -> 6 after filling the TLB
 *   5. fault: minor (first touch of anonymous memory, or file memory with a warm page cache) or
 *      major (evicted before, or file memory with a cold one). A frame comes from the buddy; when
 *      user pages may not have another one, the policy's victim is evicted: written back if dirty,
 *      unmapped, out of the TLB. Then the page is mapped and the TLB filled.
 *   6. accessed and dirty bits, the policy's touch (not for the reference that loaded the page)
 *   7. at interval ends and ticks: rows, tick()
 *
 * A lackey M that faults takes one fault, decided as for a write (the page is dirty and the fault a
 * write fault), and is two references.
 */
#ifndef TIDE_PAGER_MACHINE_H
#define TIDE_PAGER_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "base/units.h"
#include "pagetable/pagetable.h"
#include "phys/buddy.h"
#include "phys/slab.h"
#include "replacement/policy.h"
#include "space/mm.h"
#include "tlb/tlb.h"
#include "trace/block.h"
#include "trace/block_runs.h"

enum { TIDE_POLICY_OPTIONS_MAX = 256 };

/* One second of a 1 GHz machine: sums over 10^10 events stay in 64 bits. */
enum { TIDE_COST_MAX = 1000000000 };

/* Cycles, at most TIDE_COST_MAX each. The mean per reference is `eat_cycles`. TLB arrays have their
 * own latency. */
struct tide_costs {
    uint64_t memory;   /* the access itself, every reference */
    uint64_t walk_ref; /* one page-table entry read */
    uint64_t minor_fault;
    uint64_t major_fault;
    uint64_t writeback; /* a dirty victim */
};

/* What a policy is shown of references (replacement/policy.h).
 *   every      every reference
 *   collapsed  immediate repeats of a page, in the merged stream, are left out
 * Counts, virtual time and TLBs see every reference in both modes. */
enum tide_references { TIDE_REFERENCES_EVERY, TIDE_REFERENCES_COLLAPSED };

/* Where reference bits come from.
 *   every-reference  each reference sets its frame's bit: the textbook
 *   accessed-bit     only page walks do, as in hardware: references that hit in a TLB leave no
 * trace. For policies that need no more than the bit. `flush_on_clear`: the TLB drops a page whose
 * bit the policy clears, so its next reference walks. */
enum tide_observe { TIDE_OBSERVE_EVERY_REFERENCE, TIDE_OBSERVE_ACCESSED_BIT };

extern const char *const tide_references_names[]; /* NULL-ended */
extern const char *const tide_observe_names[];    /* NULL-ended */

enum tide_engine { TIDE_ENGINE_FAST, TIDE_ENGINE_PLAIN };

/* A value type: plain assignment copies it. */
struct tide_machine_config {
    unsigned page_shift;
    bool by_memory;            /* `memory:` given, else `frames:` */
    struct tide_amount frames; /* user frames, or share of the trace's distinct pages */
    uint64_t memory_bytes;
    const struct tide_policy *policy;
    _Alignas(16) unsigned char policy_options[TIDE_POLICY_OPTIONS_MAX];
    enum tide_references references;
    enum tide_observe observe;
    bool flush_on_clear; /* with accessed-bit only */
    struct tide_tlb_config tlb;
    struct tide_pagetable_config pagetable;
    bool page_cache_warm;
    struct tide_costs costs;
    uint64_t seed;
    uint64_t skip, warmup; /* references */
    uint64_t limit;        /* references counted after the warm-up; UINT64_MAX: all */
    uint64_t interval;     /* references between samples; 0: none */
};

/* 4K pages, frames 50%, lru with its defaults, TLB of x86-skylake, 4-level radix, no walk caches,
 * cold page cache, seed 1, costs as `check --resolved` prints them. */
void tide_machine_defaults(struct tide_machine_config *c);
/* The TLB of a machine that is given none: x86-skylake's arrays for 2M pages, its arrays for 4K
 * pages at every other page size, whether the part has such pages or not. */
void tide_machine_default_tlb(struct tide_tlb_config *t, unsigned page_shift);
/* Everything that can be checked without the trace; messages name the key. */
TIDE_MUST_CHECK int tide_machine_check(const struct tide_machine_config *c, struct tide_error *e);
/* In what time a policy that sees the future is told next uses: the machine's, or that of the
 * page's process. */
enum tide_future_time { TIDE_FUTURE_NONE = 0, TIDE_FUTURE_MACHINE = 1, TIDE_FUTURE_OWN = 2 };

/* What the machine must be told of the trace before it is made (pager/scan.h). */
bool tide_machine_needs_pages(const struct tide_machine_config *c);
enum tide_future_time tide_machine_needs_future(const struct tide_machine_config *c);
/* Page shift and address bits, after a check. */
struct tide_geometry tide_machine_geometry(const struct tide_machine_config *c);

/* Kinds of faults, rows of faults.csv in this order. */
enum tide_fault_kind {
    TIDE_FAULT_MINOR_ANON,    /* first touch of anonymous memory */
    TIDE_FAULT_MINOR_FILE,    /* first touch of file memory, page cache warm */
    TIDE_FAULT_MAJOR_FILE,    /* first touch of file memory, page cache cold */
    TIDE_FAULT_MAJOR_EVICTED, /* evicted before */
    TIDE_FAULT_READ,
    TIDE_FAULT_WRITE,
    TIDE_FAULT_FETCH,    /* the same faults by access */
    TIDE_FAULT_SEGV_MAP, /* outside every VMA */
    TIDE_FAULT_SEGV_READ,
    TIDE_FAULT_SEGV_WRITE,
    TIDE_FAULT_SEGV_FETCH, /* against permissions */
    TIDE_FAULT_SEGV_NONCANONICAL,
    TIDE_FAULT_KINDS
};

extern const char *const tide_fault_kind_names[TIDE_FAULT_KINDS];

struct tide_counts {
    uint64_t accesses, references;
    uint64_t distinct_pages;
    uint64_t faults_minor, faults_major;
    uint64_t evictions, writebacks;
    uint64_t tlb_misses, walks, walk_refs;
    uint64_t resident_sum; /* resident user pages, summed over references (after each) */
    uint64_t kinds[TIDE_FAULT_KINDS];
};

struct tide_process_counts {
    uint32_t pid;
    uint64_t references, faults_minor, faults_major;
    uint64_t rss_pages, rss_peak_pages, vsz_bytes;
};

/* A row of timeline.csv: counts of the interval, gauges at its end. */
struct tide_sample {
    uint64_t vtime_refs; /* counted references so far */
    uint64_t faults, tlb_misses;
    uint64_t resident_pages, free_frames, wss_pages;
};

enum tide_machine_status { TIDE_STATUS_OK, TIDE_STATUS_PARTIAL, TIDE_STATUS_OOM };

extern const char *const tide_status_names[];

struct tide_machine;
struct tide_future; /* pager/future.h */

/* What a watcher is told; hooks may be NULL. Used for the timeline and by `explain`. */
struct tide_machine_watch {
    void *context;
    /* may fail (disk full): the code stops the machine's feed */
    int (*sample)(void *context, const struct tide_machine *m, const struct tide_sample *s,
                  struct tide_error *e);
    /* each reference of the plain engine, after it: the page, whether it faulted, and the page
     * evicted for it (TIDE_PAGE_NONE: none) and why (policy->why; "" if it does not say) */
    void (*reference)(void *context, const struct tide_machine *m, tide_page page,
                      enum tide_kind kind, bool faulted, tide_page victim, const char *why);
};

/* `distinct_pages`: of the whole trace, where tide_machine_needs_pages (else 0 will do).
 * `future`: next uses in the time that tide_machine_needs_future says (NONE: NULL); it must outlive
 * the machine.
 * `watch` is copied, may be NULL. NULL on failure. */
struct tide_machine *tide_machine_new(const struct tide_machine_config *c, enum tide_engine engine,
                                      uint64_t distinct_pages, struct tide_future *future,
                                      const struct tide_machine_watch *watch, struct tide_error *e);
void tide_machine_free(struct tide_machine *m);

/* What a machine must be fed with: blocks whose accesses are written down, blocks in either form,
 * or blocks in either form with their page runs. */
enum tide_machine_food { TIDE_TAKES_ACCESSES, TIDE_TAKES_BLOCKS, TIDE_TAKES_RUNS };
enum tide_machine_food tide_machine_takes(const struct tide_machine *m);

/* Replays a block. `runs` may be NULL where they are not taken. Returns 1 while it wants more, 0
 * once its limit is reached (further blocks are ignored), negative on failure. OOM of the simulated
 * machine is not a failure: status tells. */
TIDE_MUST_CHECK int tide_machine_feed(struct tide_machine *m, const struct tide_block *b,
                                      const struct tide_block_runs *runs, struct tide_error *e);
/* The trace is over: the last partial sample. */
TIDE_MUST_CHECK int tide_machine_finish(struct tide_machine *m, struct tide_error *e);

/* ---- results, valid at any time ---- */

const struct tide_machine_config *tide_machine_config_of(const struct tide_machine *m);
enum tide_machine_status tide_machine_status_of(const struct tide_machine *m);
/* User frames; with memory: all frames of the machine (in pages); 0 for variable-space policies,
 * which have no such number. */
uint64_t tide_machine_frames(const struct tide_machine *m);
void tide_machine_counts(const struct tide_machine *m, struct tide_counts *out);
/* Total cycles: divided by references this is eat_cycles. */
uint64_t tide_machine_cycles(const struct tide_machine *m);
const struct tide_tlb *tide_machine_tlb(const struct tide_machine *m);
const struct tide_pagetable *tide_machine_pagetable(const struct tide_machine *m);
const struct tide_buddy *tide_machine_buddy(const struct tide_machine *m);
size_t tide_machine_slab_caches(const struct tide_machine *m,
                                const struct tide_slab_cache *const **caches);
size_t tide_machine_processes(const struct tide_machine *m);
void tide_machine_process(const struct tide_machine *m, size_t i, struct tide_process_counts *out);
/* True where VMAs were (partly) inferred because the trace has no layout or no system calls. */
bool tide_machine_inferred(const struct tide_machine *m);
/* For explain: the policy's view of the page ("R=1"), "" if it has none or is not resident. */
void tide_machine_describe(const struct tide_machine *m, tide_page page, char *buf, size_t n);

#endif
