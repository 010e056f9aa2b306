/* The machine's inside, shared by the files of pager/ only.
 *
 *   machine.c  making a machine, feeding blocks, deadlines, results
 *   memory.c   frames: physical memory, faults, evictions, what the address space tells
 *   step.c     one reference, from the definitions: the plain engine
 *   quiet.c    the fast engine: passes over references that change next to nothing
 *   fast.c     the fast engine on page runs, for machines that quiet.c is no use for
 *   scan.c     the preparatory scan and next uses
 */
#ifndef TIDE_PAGER_INTERNAL_H
#define TIDE_PAGER_INTERNAL_H

#include "base/map.h"
#include "pager/machine.h"
#include "pager/scan.h"

#define NO_FRAME UINT32_MAX

/* What the machine knows of the page in a user frame. */
struct frame {
    tide_pfn pfn;   /* first frame of its block of physical memory */
    uint32_t stamp; /* epoch of the last reference */
    uint16_t seen;  /* TLB arrays that have held the page */
    uint8_t prot;   /* union of the VMAs' permissions */
};

struct process {
    struct tide_mm mm;
    uint64_t mm_object;
    uint32_t pid;
    bool alive;
    uint64_t references, faults_minor, faults_major;
    uint64_t rss, rss_peak;
};

/* A side's first-level TLB array as quiet.c sees it. */
enum { LIKELY = 1024, GONE = 1024, STAMPED = 16 };

struct lane {
    struct tide_tlb_array *array;
    uint64_t *tags;          /* the array's */
    uint64_t *order;         /* the array's, or `unused_order` where a hit does not move an entry */
    uint8_t *quiet;          /* by slot: 1 << kind of references that change nothing else */
    uint32_t likely[LIKELY]; /* by page: the slot that probably holds it */
    uint64_t *unused_order;
    uint64_t *latest; /* the last stamp of each STAMPED slots in a row */
};

/* Touches that the policy has not been told of yet. While a pass lasts these are the ones whose
 * entries have given way, at most GONE; those of the entries that are there join them when the
 * policy is told. */
struct untold {
    size_t n;
    struct touch {
        uint64_t stamp; /* counted from what the policy was told last */
        uint32_t frame;
    } * touches, *spare; /* spare: as large, to sort with */
    uint32_t *marks;     /* by frame: mark of the last telling that it was part of */
    uint32_t mark;
};

enum kernel_cache { CACHE_VMA, CACHE_MM, CACHE_PTDESC, CACHES };

struct tide_machine {
    struct tide_machine_config config;
    enum tide_engine engine;
    struct tide_geometry geometry;
    struct tide_machine_watch watch;

    /* physical memory */
    unsigned frame_shift; /* log2 of the bytes of a frame */
    unsigned page_order;  /* a user page is a block of 2^page_order frames */
    struct tide_buddy buddy;
    struct tide_slab_cache caches[CACHES];
    const struct tide_slab_cache *cache_list[CACHES];
    uint32_t capacity;  /* user frames at most */
    uint32_t resident;  /* user frames in use */
    uint32_t low, high; /* reclaim starts below low and ends at high free frames; `memory:` only */
    struct frame *frames;
    tide_page *pages;     /* what each user frame holds */
    uint8_t *bits;        /* TIDE_FRAME_* */
    uint32_t *free_slots; /* user frames given back, last in first out */
    uint32_t n_free_slots, fresh_slots;

    struct tide_tlb tlb;
    struct tide_pagetable pagetable;
    uint64_t *ptdescs; /* handles of the table pages' metadata, last in first out */
    size_t n_ptdescs, ptdescs_cap;
    struct process **processes;
    size_t n_processes, processes_cap;

    const struct tide_policy *policy;
    void *policy_state;
    struct tide_policy_env env;
    struct tide_rng policy_rng;
    uint32_t last_touched; /* order policies need no second touch of the same frame */
    struct tide_future_cursor *future;

    bool passes_over;       /* quiet.c replays it */
    bool decisions_disturb; /* the policy may clear reference bits that quiet.c is not told of */
    unsigned cleared;       /* bits that it has been told of, of late */
    struct lane lanes[TIDE_SIDES];
    struct untold *untold; /* for policies that observe the order, else NULL */

    /* time */
    uint64_t skip_left;
    uint64_t now;        /* references since the skip */
    uint64_t *own_times; /* ... of each process, for policies with variable space, else NULL. They
                          * never fold references, so step() alone keeps it */
    unsigned running;    /* with own_times: the process that made the last reference */
    uint64_t deadline;   /* the next `now` at which something is due */
    uint64_t warmup_end, end, next_tick, tick_period, next_sample;
    uint64_t due;       /* the policy's */
    uint64_t position;  /* of next uses: see scan.h */
    tide_page previous; /* the page referenced last; NONE where that was no page or is gone */
    bool warming_up;    /* nothing counts yet */
    bool done;
    enum tide_machine_status status;

    /* counting */
    struct tide_counts counts;
    uint64_t resident_since; /* counts.resident_sum is complete up to here */
    uint32_t epoch, first_counted_epoch;
    uint64_t wss;                 /* pages referenced in this epoch */
    struct tide_map forgotten;    /* stamps of pages that munmap forgot, for distinct_pages */
    struct tide_counts at_sample; /* at the last sample */
    struct {
        tide_page page;
        char why[64];
    } victim; /* of the current reference, for the watcher */

    /* pages collected by a walk over a range, to be changed after it */
    struct range_page {
        tide_page page;
    } * scratch;
    size_t n_scratch, scratch_cap;
    struct tide_error *hook_error; /* where hooks that can't return a code leave one */
    int hook_code;
};

/* ---- memory.c ---- */

TIDE_MUST_CHECK int memory_init(struct tide_machine *m, struct tide_error *e);
void memory_fini(struct tide_machine *m);
/* The process of an index, made on first use. */
TIDE_MUST_CHECK int memory_process(struct tide_machine *m, unsigned index, struct process **out,
                                   struct tide_error *e);
/* A page fault: maps the page and returns its frame. TIDE_E_RUN with status OOM when memory is out.
 */
TIDE_MUST_CHECK int memory_fault(struct tide_machine *m, struct process *p, tide_page page,
                                 const struct tide_vma *vma, unsigned prot, enum tide_kind kind,
                                 uint32_t *frame, struct tide_error *e);
TIDE_MUST_CHECK int memory_event(struct tide_machine *m, const struct tide_event *ev,
                                 struct tide_error *e);
/* The PTE's dirty bit follows the frame's. */
void memory_set_dirty(struct tide_machine *m, uint32_t frame);

/* resident_sum up to and including reference `until`. */
static inline void settle_resident(struct tide_machine *m, uint64_t until)
{
    m->counts.resident_sum += (uint64_t)m->resident * (until - m->resident_since);
    m->resident_since = until;
}

/* The policy's pages that leave now, because it is time. */
void memory_shed(struct tide_machine *m);

/* ---- machine.c ---- */

/* The policy's due time may have changed. */
void machine_ask_due(struct tide_machine *m);
/* now == deadline: sheds, ticks, samples, end of the warm-up, end of the run. */
TIDE_MUST_CHECK int machine_deadline(struct tide_machine *m, struct tide_error *e);

/* ---- step.c ---- */

/* The references of one access; `skip_first` leaves out the first one, which has been done. */
TIDE_MUST_CHECK int step_access(struct tide_machine *m, const struct tide_access *a,
                                bool skip_first, struct tide_error *e);
/* One reference of a page that holds `addr`. `kind` is what it does, `fault_kind` what a fault of
 * it counts as. */
TIDE_MUST_CHECK int step(struct tide_machine *m, unsigned process, uint64_t addr,
                         enum tide_kind kind, enum tide_kind fault_kind, bool starts_access,
                         struct tide_error *e);
/* A reference that is skipped: the address space follows (stacks grow), nothing else does. */
TIDE_MUST_CHECK int step_pass_over(struct tide_machine *m, struct process *p, uint64_t addr,
                                   struct tide_error *e);
/* The policy is told of n references (0: none that it is to see) to the page in a frame. */
TIDE_MUST_CHECK int step_tell(struct tide_machine *m, uint32_t frame, uint64_t n, uint64_t position,
                              struct tide_error *e);

/* The epoch's stamp of a referenced frame: working set and distinct pages. */
static inline void stamp_frame(struct tide_machine *m, uint32_t frame)
{
    struct frame *f = &m->frames[frame];

    if (f->stamp != m->epoch) {
        m->counts.distinct_pages += f->stamp < m->first_counted_epoch;
        m->wss++;
        f->stamp = m->epoch;
    }
}

/* A resident page has been referenced: what everyone but the policy keeps of it. */
static inline void step_mark(struct tide_machine *m, uint32_t frame, bool writes)
{
    if (writes && (m->bits[frame] & TIDE_FRAME_DIRTY) == 0)
        memory_set_dirty(m, frame);
    stamp_frame(m, frame);
}

/* The policy wants to know no more than which pages were referenced, and in what order last. */
static inline bool machine_wants_order_only(const struct tide_machine *m)
{
    return m->policy->observes <= TIDE_OBSERVES_ORDER && m->policy->due == NULL &&
           m->config.references == TIDE_REFERENCES_EVERY;
}

/* ---- fast.c ---- */

/* The runs of a segment, which are followed by their end. */
TIDE_MUST_CHECK int fast_runs(struct tide_machine *m, const struct tide_block *b,
                              const struct tide_run *runs, size_t n_runs, struct tide_error *e);

/* ---- quiet.c ---- */

/* Finds out whether the machine can pass over quiet references: m->passes_over. */
TIDE_MUST_CHECK int quiet_init(struct tide_machine *m, struct tide_error *e);
void quiet_fini(struct tide_machine *m);
/* Accesses [from, to) of a block; no event falls among them. */
TIDE_MUST_CHECK int quiet_segment(struct tide_machine *m, const struct tide_block *b, size_t from,
                                  size_t to, struct tide_error *e);
/* Something has changed bits, permissions or stamps. */
void quiet_disturb(struct tide_machine *m);

#endif
