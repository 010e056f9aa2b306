/* The fast engine: passes over quiet references.
 *
 * Nearly every reference hits in its side's first-level TLB array and changes nothing but the
 * recency of that entry: the page's reference bit and stamp are set, what the reference does is
 * permitted, and a page that is written is dirty already. `quiet` knows for which slots and kinds
 * that is so; such a reference costs one look at the slot that probably holds its page. What the
 * passed references count is added up and settled before anything else happens: any other reference
 * is made by the plain engine's step. All quietness ends when something may have changed
 * permissions, stamps or many bits: at deadlines and events. Where the policy clears a reference
 * bit, that of the page ends.
 *
 * The page that is fetched from is the latest of its array as long as it is fetched from, so it is
 * looked up once only, and once for a fragment where the block has that form.
 *
 * A policy that observes the order of last references is told late, before it may decide: pages in
 * the order of their last reference, each once. That order stands in the stamps of the entries, as
 * both sides draw theirs from one count, which goes up by two for each data access: the number
 * between is for the fetch behind it. Entries that give way take a note of theirs along.
 *
 * Not for machines where more than that matters: policies that count or want every change of page,
 * TLB kinds that count uses, sides that share an array or have none.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pager/internal.h"

/* ---- life ---- */

static bool fits(const struct tide_machine *m)
{
    const struct tide_tlb *t = &m->tlb;

    /* with smaller pages, addresses that are not canonical could look like pages of a process */
    if (m->engine != TIDE_ENGINE_FAST || !machine_wants_order_only(m) ||
        !tide_block_runs_take_fragments(m->geometry))
        return false;
    for (int side = 0; side < TIDE_SIDES; side++) {
        enum tide_tlb_kind kind;

        if (t->depth[side] == 0)
            return false;
        kind = t->arrays[t->path[side][0]].kind;
        if (kind != TIDE_TLB_lru && kind != TIDE_TLB_fifo && kind != TIDE_TLB_random)
            return false;
    }
    return t->path[TIDE_SIDE_FETCH][0] != t->path[TIDE_SIDE_DATA][0];
}

/* Beyond so many cleared bits in one reference all quietness ends at once. */
enum { CLEARED_MAX = 32 };

/* The policy has cleared the reference bit of a page. */
static void bit_cleared(void *context, uint32_t frame)
{
    struct tide_machine *m = context;

    if (m->cleared++ >= CLEARED_MAX)
        return;
    for (int side = 0; side < TIDE_SIDES; side++) {
        int32_t slot = tide_tlb_array_find(m->lanes[side].array, m->pages[frame]);

        if (slot >= 0)
            m->lanes[side].quiet[slot] = 0;
    }
}

int quiet_init(struct tide_machine *m, struct tide_error *e)
{
    if (!fits(m))
        return 0;
    for (int side = 0; side < TIDE_SIDES; side++) {
        struct tide_tlb_array *a = &m->tlb.arrays[m->tlb.path[side][0]];
        struct lane *lane = &m->lanes[side];

        lane->array = a;
        lane->tags = a->tags;
        lane->quiet = tide_calloc(a->config.entries, sizeof *lane->quiet);
        lane->unused_order = tide_calloc(a->config.entries, sizeof *lane->unused_order);
        lane->latest = tide_calloc(a->config.entries / STAMPED + 1, sizeof *lane->latest);
        if (lane->quiet == NULL || lane->unused_order == NULL || lane->latest == NULL)
            return tide_nomem(e);
        lane->order = a->kind == TIDE_TLB_lru ? a->order : lane->unused_order;
    }
    if (m->policy->observes == TIDE_OBSERVES_ORDER) {
        struct untold *u = m->untold = tide_calloc(1, sizeof *u);

        if (u != NULL) {
            size_t most = (size_t)m->lanes[TIDE_SIDE_FETCH].array->config.entries +
                          m->lanes[TIDE_SIDE_DATA].array->config.entries + GONE;

            u->touches = tide_calloc(most, sizeof *u->touches);
            u->spare = tide_calloc(most, sizeof *u->spare);
            u->marks = tide_calloc(m->capacity, sizeof *u->marks);
        }
        if (u == NULL || u->touches == NULL || u->spare == NULL || u->marks == NULL)
            return tide_nomem(e);
    }
    /* ticks, which disturb anyway, may clear the bits of all frames: faster where nobody asks */
    m->decisions_disturb =
        m->config.observe == TIDE_OBSERVE_EVERY_REFERENCE && m->policy->tick != NULL;
    if (m->config.observe == TIDE_OBSERVE_EVERY_REFERENCE && !m->decisions_disturb)
        m->env.cleared = bit_cleared;
    m->passes_over = true;
    return 0;
}

void quiet_fini(struct tide_machine *m)
{
    for (int side = 0; side < TIDE_SIDES; side++) {
        free(m->lanes[side].quiet);
        free(m->lanes[side].unused_order);
        free(m->lanes[side].latest);
    }
    if (m->untold != NULL) {
        free(m->untold->touches);
        free(m->untold->spare);
        free(m->untold->marks);
    }
    free(m->untold);
}

void quiet_disturb(struct tide_machine *m)
{
    for (int side = 0; side < TIDE_SIDES && m->passes_over; side++)
        memset(m->lanes[side].quiet, 0, m->lanes[side].array->config.entries);
}

/* 1 << kind for which references to the page in a frame change nothing but recency. */
static unsigned quiet_kinds(const struct tide_machine *m, uint32_t frame)
{
    const struct frame *f = &m->frames[frame];
    unsigned bits = m->bits[frame], quiet = 0;

    if (f->stamp == m->epoch &&
        (m->config.observe == TIDE_OBSERVE_ACCESSED_BIT || (bits & TIDE_FRAME_REFERENCED) != 0)) {
        if ((f->prot & TIDE_PROT_EXEC) != 0)
            quiet |= 1u << TIDE_FETCH;
        if ((f->prot & TIDE_PROT_READ) != 0)
            quiet |= 1u << TIDE_READ;
        if ((f->prot & TIDE_PROT_WRITE) != 0 && (bits & TIDE_FRAME_DIRTY) != 0)
            quiet |= 1u << TIDE_WRITE;
        if ((quiet & 1u << TIDE_READ) != 0 && (quiet & 1u << TIDE_WRITE) != 0)
            quiet |= 1u << TIDE_MODIFY;
    }
    return quiet;
}

/* Finds out for which kinds the page in a slot is quiet. */
static void look_at(struct tide_machine *m, struct lane *lane, uint64_t page, int32_t slot)
{
    lane->quiet[slot] = (uint8_t)quiet_kinds(m, lane->array->frames[slot]);
    lane->likely[page % LIKELY] = (uint32_t)slot;
}

/* ... of a page that may have come into the array. */
static void look_for(struct tide_machine *m, struct lane *lane, tide_page page)
{
    int32_t slot = tide_tlb_array_find(lane->array, page);

    if (slot >= 0)
        look_at(m, lane, page.v, slot);
}

/* ---- the pass ---- */

/* Where the pass over a segment stands. Places are (access, data access): indices in the block. */
struct pass {
    struct tide_machine *m;
    const struct tide_block *b;
    unsigned process;      /* dense index; UINT32_MAX: none yet */
    struct process *of;    /* that process; NULL: the machine does not know it yet */
    uint64_t process_bits; /* of its pages */
    uint64_t code;         /* the page that is fetched from, quiet; no_code: look it up */
    uint64_t no_code;      /* a page that no address of the process gives */
    uint32_t code_slot;    /* its slot */
    uint64_t code_use;     /* the stamp of its last fetch, where the policy is told of the order; 0:
                            * the slot has it */
    uint64_t use;          /* the last stamp given out in either first-level array */
    uint64_t told;         /* the policy knows of what has stamps up to this */
    /* What lies before this place is counted; what has been passed over since has so many
     * modifies, which are two references. */
    size_t settled, data_settled, modifies;
    uint64_t looked_up[TIDE_SIDES]; /* references among them that the TLB has counted */
    size_t safe; /* accesses before this one end before something is due, whatever they are */
    /* The fragment in front of which the quiet pass has stopped has been begun: its page is the one
     * that is fetched from, and so many of its data accesses are made. */
    bool begun;
    unsigned made;
};

static inline void stamp(struct lane *lane, uint32_t slot, uint64_t use)
{
    lane->order[slot] = use;
    lane->latest[slot / STAMPED] = use;
}

/* The slot of the page that is fetched from gets the stamp of the last fetch. */
static inline void stamp_code(struct pass *p)
{
    if (p->code_use != 0)
        stamp(&p->m->lanes[TIDE_SIDE_FETCH], p->code_slot, p->code_use);
    p->code_use = 0;
}

/* Notes down which of the entries in slots [from, to) have been touched since the policy was told.
 */
static inline void note_touched(struct untold *u, const struct lane *lane, uint64_t told,
                                uint32_t from, uint32_t to)
{
    const uint32_t *frames = lane->array->frames;
    size_t n = u->n;

    for (uint32_t slot = from; slot < to; slot++) { /* which they are can't be predicted */
        u->touches[n] = (struct touch){lane->order[slot] - told, frames[slot]};
        n += lane->order[slot] > told;
    }
    u->n = n;
}

/* ... of a side's array. */
static void note_touched_of(struct untold *u, const struct lane *lane, uint64_t told)
{
    const uint32_t entries = lane->array->config.entries;

    for (uint32_t from = 0, to; from < entries; from = to) {
        to = entries - from < STAMPED ? entries : from + STAMPED;
        if (lane->latest[from / STAMPED] > told)
            note_touched(u, lane, told, from, to);
    }
}

/* Sorts what is untold by its stamps, digit by digit. */
static void sort_untold(struct untold *u, uint64_t most)
{
    enum { BITS = 6, DIGITS = 1 << BITS };

    for (unsigned shift = 0; most >> shift > 0; shift += BITS) {
        struct touch *from = u->touches;
        uint32_t ends[DIGITS] = {0}, place = 0;

        for (size_t i = 0; i < u->n; i++)
            ends[from[i].stamp >> shift & (DIGITS - 1)]++;
        for (unsigned digit = 0; digit < DIGITS; digit++) {
            uint32_t n = ends[digit];

            ends[digit] = place;
            place += n;
        }
        for (size_t i = 0; i < u->n; i++)
            u->spare[ends[from[i].stamp >> shift & (DIGITS - 1)]++] = from[i];
        u->touches = u->spare;
        u->spare = from;
    }
}

/* The policy is told of the pages touched since it was told last, in the order of their last
 * touches. */
static void tell(struct pass *p)
{
    struct tide_machine *m = p->m;
    struct untold *u = m->untold;
    size_t kept;

    stamp_code(p);
    for (int side = 0; side < TIDE_SIDES; side++)
        note_touched_of(u, &m->lanes[side], p->told);
    p->use += 2; /* beyond the stamp of the last fetch */
    sort_untold(u, p->use - p->told);
    if (++u->mark == 0) {
        memset(u->marks, 0, m->capacity * sizeof *u->marks);
        u->mark = 1;
    }
    kept = u->n;
    for (size_t i = u->n; i-- > 0;) { /* of a page that is there twice, the later one */
        uint32_t frame = u->touches[i].frame;

        u->touches[kept - 1].frame = frame;
        kept -= u->marks[frame] != u->mark;
        u->marks[frame] = u->mark;
    }
    if (u->n > 0)
        m->last_touched = u->touches[u->n - 1].frame;
    for (size_t i = kept; i < u->n; i++)
        m->policy->touch(m->policy_state, u->touches[i].frame, 1, 0);
    u->n = 0;
    p->told = p->use;
}

/* Counts what has been passed over before a place. */
static void settle(struct pass *p, size_t at, size_t data_at)
{
    struct tide_machine *m = p->m;
    size_t accesses = at - p->settled, data_accesses = data_at - p->data_settled;
    uint64_t references = accesses + p->modifies;

    if (accesses > 0) {
        if (m->untold != NULL)
            tell(p);
        m->now += references;
        m->counts.references += references;
        m->counts.accesses += accesses;
        p->of->references += references;
        for (int side = 0; side < TIDE_SIDES; side++) {
            struct tide_tlb_array *a = m->lanes[side].array;
            uint64_t n =
                side == TIDE_SIDE_FETCH ? accesses - data_accesses : data_accesses + p->modifies;

            n -= p->looked_up[side];
            p->looked_up[side] = 0;
            a->stats.lookups += n;
            a->stats.hits += n;
            a->now = p->use;
        }
    }
    p->settled = at;
    p->data_settled = data_at;
    p->modifies = 0;
}

/* Everything before the place is counted: what holds until the next reference in full. */
static void go_on(struct pass *p, size_t at, size_t data_at)
{
    struct tide_machine *m = p->m;
    uint64_t left = m->deadline > m->now ? m->deadline - m->now - 1 : 0;
    uint64_t use = m->lanes[TIDE_SIDE_FETCH].array->now;

    p->use = use > m->lanes[TIDE_SIDE_DATA].array->now ? use : m->lanes[TIDE_SIDE_DATA].array->now;
    p->told = p->use;
    p->settled = at;
    p->data_settled = data_at;
    p->modifies = 0;
    p->safe = left / 2 < TIDE_BLOCK_ACCESSES ? at + left / 2 : SIZE_MAX;
}

/* Everything before is settled. */
static void set_process(struct pass *p, unsigned process)
{
    struct tide_machine *m = p->m;

    p->process = process;
    /* addresses with all upper bits set look like pages of the last one, or like no page */
    p->of =
        process < m->n_processes && process < TIDE_MAX_PROCESSES - 1 ? m->processes[process] : NULL;
    p->process_bits = (uint64_t)process << TIDE_VPN_BITS;
    p->no_code = p->code = (uint64_t)(process ^ 1) << TIDE_VPN_BITS;
}

/* Changes whenever the policy may have decided something. */
static inline uint64_t decisions_of(const struct tide_machine *m)
{
    return m->counts.faults_minor + m->counts.faults_major + m->counts.evictions;
}

/* Changes whenever an entry has been taken out of a first-level array. */
static inline uint64_t invalidations_of(const struct tide_machine *m)
{
    return m->lanes[TIDE_SIDE_FETCH].array->stats.invalidations +
           m->lanes[TIDE_SIDE_DATA].array->stats.invalidations;
}

/* The access at a place, in full. */
static int in_full(struct pass *p, const struct tide_access *a, size_t at, size_t data_at,
                   struct tide_error *e)
{
    struct tide_machine *m = p->m;
    enum tide_side side = tide_side_of((enum tide_kind)a->kind);
    const unsigned shift = m->geometry.page_shift;
    uint64_t decisions, invalidations, deadline, last = a->addr + (a->size - 1);
    bool decided, disturbed;
    int rc;

    settle(p, at, data_at);
    decisions = decisions_of(m);
    invalidations = invalidations_of(m);
    deadline = m->deadline;
    m->cleared = 0;
    rc = step_access(m, a, false, e);
    if (rc != 0)
        return rc;
    decided = decisions_of(m) != decisions;
    disturbed = (decided && m->decisions_disturb) || m->now >= deadline ||
                m->config.flush_on_clear || m->cleared > CLEARED_MAX ||
                invalidations_of(m) != invalidations;
    if (disturbed)
        quiet_disturb(m);
    if (a->process != p->process || p->of == NULL)
        set_process(p, a->process);
    if (decided || disturbed || side == TIDE_SIDE_FETCH)
        p->code = p->no_code;
    /* all pages that may have come into a slot, which would else keep what is quiet of another */
    for (uint64_t n = a->addr >> shift; n <= last >> shift; n++)
        if (tide_canonical(m->geometry, n << shift))
            look_for(m, &m->lanes[side], tide_page_of(m->geometry, a->process, n << shift));
    go_on(p, at + 1, data_at + (side == TIDE_SIDE_DATA));
    return 0;
}

/* The entry that was in a slot until now has given way. */
static void note_evicted(struct pass *p, const struct lane *lane, int32_t slot)
{
    const struct tide_tlb_array *a = lane->array;
    uint64_t stamp = lane->order == a->order ? a->evicted.order : lane->order[slot];
    struct untold *u = p->m->untold;

    if (a->evicted.order != 0 && stamp > p->told)
        u->touches[u->n++] = (struct touch){stamp - p->told, a->evicted.frame};
}

/* A reference that is permitted and hits in the TLB, at whatever level: no decision depends on it,
 * so it is made without settling what precedes it. The first level counts it with the rest that is
 * passed over, unless it misses there. Returns the page's slot; -1: it is not like that, and has
 * not been made. */
static int64_t make_hit(struct pass *p, enum tide_side side, uint64_t page, unsigned kind)
{
    const unsigned needed = kind == TIDE_MODIFY ? TIDE_PROT_READ | TIDE_PROT_WRITE
                                                : tide_prot_needed((enum tide_kind)kind);
    struct tide_machine *m = p->m;
    struct lane *lane = &m->lanes[side];
    unsigned level = 0;
    uint32_t frame = 0;
    int32_t slot = -1;

    if (page == TIDE_PAGE_NONE.v) /* what free slots hold */
        return -1;
    for (; level < m->tlb.depth[side]; level++) {
        const struct tide_tlb_array *a = &m->tlb.arrays[m->tlb.path[side][level]];

        if ((slot = tide_tlb_array_find(a, (tide_page){page})) >= 0) {
            frame = a->frames[slot];
            break;
        }
    }
    if (slot < 0 || (m->frames[frame].prot & needed) != needed)
        return -1;
    if (level > 0) {
        if (m->untold != NULL && m->untold->n == GONE)
            return -1;
        lane->array->now = p->use;
        slot = tide_tlb_hit(&m->tlb, side, (tide_page){page}, level, slot);
        tide_tlb_note(&m->tlb, side, (int)level, &m->frames[frame].seen);
        p->looked_up[side]++;
        if (m->untold != NULL)
            note_evicted(p, lane, slot);
    }
    step_mark(m, frame, kind == TIDE_WRITE || kind == TIDE_MODIFY);
    if (m->config.observe == TIDE_OBSERVE_EVERY_REFERENCE)
        m->bits[frame] |= TIDE_FRAME_REFERENCED;
    look_at(m, lane, page, slot);
    return slot;
}

/* The slot of a page that is quiet for a kind, or -1. */
static inline __attribute__((always_inline)) int64_t quiet_slot(struct lane *lane, uint64_t page,
                                                                unsigned kind)
{
    uint32_t slot = lane->likely[page % LIKELY];

    if (__builtin_expect(lane->tags[slot] != page, 0)) {
        int32_t found = tide_tlb_array_find(lane->array, (tide_page){page});

        if (found < 0)
            return -1;
        slot = lane->likely[page % LIKELY] = (uint32_t)found;
    }
    return (lane->quiet[slot] >> kind & 1) != 0 ? (int64_t)slot : -1;
}

/* Fetching goes on in this page. False: it is not quiet. */
static bool take_code(struct pass *p, uint64_t page)
{
    struct lane *lane = &p->m->lanes[TIDE_SIDE_FETCH];
    int64_t slot;

    stamp_code(p);
    slot = quiet_slot(lane, page, TIDE_FETCH);
    if (slot < 0 && (slot = make_hit(p, TIDE_SIDE_FETCH, page, TIDE_FETCH)) < 0)
        return false;
    stamp(lane, (uint32_t)slot, p->use += 2);
    p->code = page;
    p->code_slot = (uint32_t)slot;
    return true;
}

/* An address of a page that is not canonical gives no page of the process: its upper bits stay. */
static inline uint64_t page_number(uint64_t addr, unsigned shift)
{
    return (uint64_t)((int64_t)addr >> shift);
}

static inline bool crosses(uint64_t addr, uint32_t size, unsigned shift)
{
    uint64_t bytes = UINT64_C(1) << shift;

    return (addr & (bytes - 1)) + size > bytes;
}

/* A data access that is quiet, or all but quiet. False: it is not. */
static inline __attribute__((always_inline)) bool take_data(struct pass *p, struct lane *lane,
                                                            uint64_t process_bits, uint64_t addr,
                                                            uint32_t size, unsigned kind,
                                                            const unsigned shift, uint64_t *use)
{
    uint64_t page = page_number(addr, shift) | process_bits;
    int64_t slot = quiet_slot(lane, page, kind);

    if (__builtin_expect(crosses(addr, size, shift), 0))
        return false;
    if (__builtin_expect(slot < 0, 0)) {
        p->use = *use;
        slot = make_hit(p, TIDE_SIDE_DATA, page, kind);
        if (slot < 0)
            return false;
    }
    stamp(lane, (uint32_t)slot, *use += 2);
    return true;
}

/* ---- accesses ---- */

/* Passes over accesses [from, to), the first of them at the place (at, data_at) of the block, and
 * stops in front of one that is not quiet. `shift` and `ordered` are constants where the caller
 * passes them. Returns how many. */
static inline __attribute__((always_inline)) size_t
pass_quiet(struct pass *p, const struct tide_access *accesses, size_t n, size_t *data_at,
           const unsigned shift, const bool ordered)
{
    struct lane *lane = &p->m->lanes[TIDE_SIDE_DATA];
    const uint64_t *const tags = lane->tags;
    const uint8_t *const quiet = lane->quiet;
    const uint32_t *const likely = lane->likely;
    const unsigned process = p->process;
    const uint64_t bytes = UINT64_C(1) << shift, process_bits = p->process_bits;
    uint64_t use = p->use;
    /* the page that is fetched from: its first byte, and how many there are */
    uint64_t code = (p->code ^ process_bits) << shift, room = p->code != p->no_code ? bytes : 0;
    uint64_t code_use = p->code_use;
    size_t data = 0, modifies = 0, i;

    for (i = 0; i < n; i++) {
        const struct tide_access *a = &accesses[i];
        uint64_t addr = a->addr;

        if (__builtin_expect(a->process != process, 0))
            break;
        if (a->kind == TIDE_FETCH) {
            uint64_t offset = addr - code;

            if (__builtin_expect(offset >= room || offset + a->size > bytes, 0)) {
                p->use = use;
                p->code_use = code_use;
                if (crosses(addr, a->size, shift) ||
                    !take_code(p, page_number(addr, shift) | process_bits)) {
                    code_use = p->code_use;
                    break;
                }
                use = p->use;
                code = addr & ~(bytes - 1);
                room = bytes;
            }
            if (ordered)
                code_use = use + 1;
        } else {
            uint64_t page = page_number(addr, shift) | process_bits;
            uint32_t place = likely[page % LIKELY];

            if (__builtin_expect(tags[place] == page && (quiet[place] >> a->kind & 1) != 0 &&
                                     (addr & (bytes - 1)) + a->size <= bytes,
                                 1))
                stamp(lane, place, use += 2);
            else if (!take_data(p, lane, process_bits, addr, a->size, a->kind, shift, &use))
                break;
            data++;
            modifies += a->kind == TIDE_MODIFY;
        }
    }
    p->use = use;
    p->code_use = code_use;
    p->modifies += modifies;
    *data_at += data;
    return i;
}

/* Accesses [at, to) of the block, which `accesses` begins with; *data_at moves along. */
static inline __attribute__((always_inline)) int
pass_accesses(struct pass *p, const struct tide_access *accesses, size_t at, size_t to,
              size_t *data_at, const unsigned shift, const bool ordered, struct tide_error *e)
{
    const struct tide_access *a = accesses;

    while (at < to && !p->m->done) {
        size_t end = p->safe < to ? p->safe : to;
        size_t n = at < end ? end - at : 0, passed;
        int rc;

        if (n > 0 && p->of != NULL) {
            passed = pass_quiet(p, a, n, data_at, shift, ordered);
            at += passed;
            a += passed;
            if (passed == n)
                continue;
        }
        if (a->process != p->process) {
            settle(p, at, *data_at);
            set_process(p, a->process);
            if (p->of != NULL)
                continue;
        }
        rc = in_full(p, a, at, *data_at, e);
        if (rc != 0)
            return rc;
        *data_at += a->kind != TIDE_FETCH;
        at++;
        a++;
    }
    return 0;
}

/* ---- fragments ---- */

/* The accesses of fragment `at` of the block from the place (i, data_at) on, one by one. */
static int pass_rest(struct pass *p, size_t at, size_t i, size_t data_at, struct tide_error *e)
{
    struct tide_access accesses[TIDE_FRAGMENT_ACCESSES];
    const struct tide_fragment *f = &p->b->dictionary->fragments[p->b->ids[at]];
    size_t end = (size_t)p->b->starts[at] + f->fetches + f->data;
    unsigned shift = p->m->geometry.page_shift;

    tide_block_expand(p->b, i, end, accesses);
    return p->m->untold != NULL ? pass_accesses(p, accesses, i, end, &data_at, shift, true, e)
                                : pass_accesses(p, accesses, i, end, &data_at, shift, false, e);
}

/* Data access k of fragment `at` is not quiet. */
static int miss(struct pass *p, size_t at, unsigned k, struct tide_error *e)
{
    const struct tide_fragment *f = &p->b->dictionary->fragments[p->b->ids[at]];
    const struct tide_slot *slot = &p->b->dictionary->slots[f->first_slot + k];
    size_t data_at = (size_t)p->b->data_starts[at] + k;

    return in_full(p,
                   &(struct tide_access){.addr = p->b->data[data_at],
                                         .size = slot->size,
                                         .process = p->b->process,
                                         .kind = slot->kind},
                   (size_t)p->b->starts[at] + slot->fetches + k, data_at, e);
}

/* Fragment `at` is not just more of the page that is fetched from. Leaves that page at `page`, with
 * *done fetches made, or makes all of the fragment and sets *done to TIDE_FRAGMENT_ACCESSES. */
static int begin_fragment(struct pass *p, size_t at, uint64_t page, unsigned *done,
                          struct tide_error *e)
{
    const struct tide_dictionary *d = p->b->dictionary;
    const struct tide_fragment *f = &d->fragments[p->b->ids[at]];
    size_t start = p->b->starts[at], data_at = p->b->data_starts[at];
    struct lane *lane = &p->m->lanes[TIDE_SIDE_FETCH];
    int64_t slot;
    int rc = 0;

    if (f->flags == 0 && start + TIDE_FRAGMENT_ACCESSES <= p->safe && p->of != NULL) {
        if (take_code(p, page))
            return 0;
        rc = in_full(p,
                     &(struct tide_access){.addr = f->pc,
                                           .size = d->lengths[f->first_length],
                                           .process = p->b->process,
                                           .kind = TIDE_FETCH},
                     start++, data_at, e);
        /* the rest of its fetches are quiet only if this one has left it so */
        slot = quiet_slot(lane, page, TIDE_FETCH);
        if (rc == 0 && start + TIDE_FRAGMENT_ACCESSES <= p->safe && slot >= 0) {
            p->code = page;
            p->code_slot = (uint32_t)slot;
            *done = 1;
            return 0;
        }
    }
    *done = TIDE_FRAGMENT_ACCESSES;
    return rc == 0 && !p->m->done ? pass_rest(p, at, start, data_at, e) : rc;
}

/* The slot of a data access's page that is not quiet where it probably is: it may be elsewhere, or
 * all but quiet. TIDE_TLB_NO_SLOT: it is neither. */
static __attribute__((noinline)) uint32_t look_closer(struct pass *p, uint64_t page,
                                                      const struct tide_slot *slot, uint64_t addr)
{
    struct lane *lane = &p->m->lanes[TIDE_SIDE_DATA];
    int64_t found;

    if (crosses(addr, slot->size, p->m->geometry.page_shift))
        return TIDE_TLB_NO_SLOT;
    found = quiet_slot(lane, page, slot->kind);
    if (found < 0)
        found = make_hit(p, TIDE_SIDE_DATA, page, slot->kind);
    return found < 0 ? TIDE_TLB_NO_SLOT : (uint32_t)found;
}

/* Passes over fragments [at, to) and stops in front of one that is not all quiet, which may have
 * been begun. `shift` and `ordered` are constants where the caller passes them. */
static inline __attribute__((always_inline)) size_t
pass_quiet_fragments(struct pass *p, size_t at, size_t to, const unsigned shift, const bool ordered)
{
    const struct tide_block *b = p->b;
    const struct tide_fragment *fragments = b->dictionary->fragments;
    const struct tide_slot *slots = b->dictionary->slots;
    struct lane *lanes = p->m->lanes;
    const struct lane *lane = &lanes[TIDE_SIDE_DATA];
    const uint64_t *const tags = lane->tags;
    const uint8_t *const quiet = lane->quiet;
    const uint32_t *const likely = lane->likely;
    uint64_t *const order = lane->order, *const latest = lane->latest;
    const uint64_t process_bits = p->process_bits, bytes = UINT64_C(1) << shift;
    const uint64_t *data = &b->data[b->data_starts[at]];
    uint64_t use = p->use, code = p->code, code_use = p->code_use;

    for (; at < to; at++) {
        const struct tide_fragment *f = &fragments[b->ids[at]];
        const struct tide_slot *slot = &slots[f->first_slot], *const end = slot + f->data;
        uint64_t page = page_number(f->pc, shift) | process_bits;

        if (__builtin_expect(f->flags != 0, 0))
            break;
        if (__builtin_expect(page != code, 0) && f->fetches > 0) {
            int64_t found = quiet_slot(&lanes[TIDE_SIDE_FETCH], page, TIDE_FETCH);

            if (found < 0)
                break;
            if (ordered && code_use != 0)
                stamp(&lanes[TIDE_SIDE_FETCH], p->code_slot, code_use);
            code_use = 0;
            stamp(&lanes[TIDE_SIDE_FETCH], (uint32_t)found, use += 2);
            code = page;
            p->code_slot = (uint32_t)found;
        }
        for (; slot < end; slot++, data++) {
            uint64_t addr = *data, data_page = page_number(addr, shift) | process_bits;
            uint32_t place = likely[data_page % LIKELY];

            if (__builtin_expect(tags[place] != data_page, 0) ||
                __builtin_expect((quiet[place] >> slot->kind & 1) == 0, 0) ||
                __builtin_expect((addr & (bytes - 1)) + slot->size > bytes, 0)) {
                p->use = use;
                place = look_closer(p, data_page, slot, addr);
                if (place == TIDE_TLB_NO_SLOT)
                    break;
            }
            order[place] = use += 2;
            if (ordered)
                latest[place / STAMPED] = use;
        }
        if (__builtin_expect(slot < end, 0)) {
            p->begun = true;
            p->made = f->data - (unsigned)(end - slot);
            break;
        }
        if (ordered && f->fetches > 0)
            code_use = use + 1 - 2 * (uint64_t)f->tail;
        if (__builtin_expect((f->kinds >> TIDE_MODIFY & 1) != 0, 0))
            for (slot = end - f->data; slot < end; slot++)
                p->modifies += slot->kind == TIDE_MODIFY;
    }
    p->use = use;
    p->code = code;
    p->code_use = code_use;
    return at;
}

/* How many of the first k data accesses lie behind the last fetch before access k - 1. */
static unsigned behind_fetch(const struct tide_slot *slot, unsigned k)
{
    unsigned n = 1;

    while (n < k && slot[k - 1 - n].fetches == slot[k - 1].fetches)
        n++;
    return n;
}

/* One fragment, or what is left of it, whatever it does. */
static int take_fragment(struct pass *p, size_t at, struct tide_error *e)
{
    const struct tide_block *b = p->b;
    const struct tide_fragment *f = &b->dictionary->fragments[b->ids[at]];
    const struct tide_slot *slot = &b->dictionary->slots[f->first_slot];
    const uint64_t *data = &b->data[b->data_starts[at]];
    struct lane *lane = &p->m->lanes[TIDE_SIDE_DATA];
    const bool ordered = p->m->untold != NULL;
    unsigned shift = p->m->geometry.page_shift;
    size_t start = b->starts[at];
    uint64_t page = page_number(f->pc, shift) | p->process_bits;
    unsigned done = 0, k = 0;
    unsigned counted = 0; /* modifies before this slot are counted */
    int rc = 0;

    if (p->begun) {
        k = p->made;
        done = k > 0 ? slot[k - 1].fetches : 0;
        if (ordered && done > 0)
            p->code_use = p->use + 1 - 2 * (uint64_t)behind_fetch(slot, k);
        p->begun = false;
    } else if ((page != p->code && f->fetches > 0) || f->flags != 0 ||
               start + TIDE_FRAGMENT_ACCESSES > p->safe) {
        rc = begin_fragment(p, at, page, &done, e);
        if (rc != 0 || p->m->done || done == TIDE_FRAGMENT_ACCESSES)
            return rc;
    }
    for (; k < f->data; k++) {
        if (ordered && slot[k].fetches != done)
            p->code_use = p->use + 1;
        done = slot[k].fetches;
        if (take_data(p, lane, p->process_bits, data[k], slot[k].size, slot[k].kind, shift,
                      &p->use))
            continue;
        for (; counted < k; counted++)
            p->modifies += slot[counted].kind == TIDE_MODIFY;
        counted = k + 1;
        rc = miss(p, at, k, e);
        if (rc != 0 || p->m->done)
            return rc;
        if (p->code != page || start + TIDE_FRAGMENT_ACCESSES > p->safe)
            return pass_rest(p, at, start + slot[k].fetches + k + 1,
                             (size_t)b->data_starts[at] + k + 1, e);
    }
    if (ordered && f->fetches != done)
        p->code_use = p->use + 1;
    for (; counted < f->data; counted++)
        p->modifies += slot[counted].kind == TIDE_MODIFY;
    return 0;
}

/* The first fragment in [at, to) whose accesses may not all be safe, or `to`. */
static size_t first_unsafe(const struct pass *p, size_t at, size_t to)
{
    const struct tide_block *b = p->b;

    if (at == to || (size_t)b->starts[to - 1] + TIDE_FRAGMENT_ACCESSES <= p->safe)
        return to;
    while (at < to) {
        size_t middle = at + (to - at) / 2;

        if ((size_t)b->starts[middle] + TIDE_FRAGMENT_ACCESSES <= p->safe)
            at = middle + 1;
        else
            to = middle;
    }
    return at;
}

/* Fragments [at, to). */
static int pass_fragments(struct pass *p, size_t at, size_t to, struct tide_error *e)
{
    unsigned shift = p->m->geometry.page_shift;
    bool ordered = p->m->untold != NULL;

    while (at < to) {
        size_t safe = p->of != NULL ? first_unsafe(p, at, to) : at;
        int rc;

        if (at < safe) {
            if (shift == TIDE_FRAGMENT_PAGE_SHIFT)
                at = ordered ? pass_quiet_fragments(p, at, safe, TIDE_FRAGMENT_PAGE_SHIFT, true)
                             : pass_quiet_fragments(p, at, safe, TIDE_FRAGMENT_PAGE_SHIFT, false);
            else
                at = ordered ? pass_quiet_fragments(p, at, safe, shift, true)
                             : pass_quiet_fragments(p, at, safe, shift, false);
            if (at == to)
                break;
        }
        rc = take_fragment(p, at++, e);
        if (rc != 0 || p->m->done)
            return rc;
    }
    return 0;
}

/* ---- segments ---- */

/* Accesses before the machine's start: the address space follows; a page that a side touches again
 * tells it nothing. Returns the first one that is not skipped whole. */
static int skip(struct tide_machine *m, const struct tide_access *accesses, size_t from, size_t to,
                size_t *next, struct tide_error *e)
{
    unsigned shift = m->geometry.page_shift;
    tide_page last[TIDE_SIDES] = {TIDE_PAGE_NONE, TIDE_PAGE_NONE};
    size_t i = from;

    for (; i < to && m->skip_left > 0; i++) {
        const struct tide_access *a = &accesses[i];
        tide_page page = tide_page_of(m->geometry, a->process, a->addr);
        enum tide_side side = tide_side_of((enum tide_kind)a->kind);
        unsigned references = 1 + (a->kind == TIDE_MODIFY);

        if (page.v == last[side].v && !crosses(a->addr, a->size, shift) &&
            tide_canonical(m->geometry, a->addr) && m->skip_left >= references) {
            m->skip_left -= references;
        } else {
            int rc = step_access(m, a, false, e);

            if (rc != 0)
                return rc;
            last[side] = crosses(a->addr, a->size, shift) ? TIDE_PAGE_NONE : page;
        }
    }
    *next = i;
    return 0;
}

/* Data accesses of the block before access i, which lies in fragment `at`. */
static size_t data_before(const struct tide_block *b, size_t at, size_t i)
{
    const struct tide_fragment *f = &b->dictionary->fragments[b->ids[at]];
    const struct tide_slot *slot = &b->dictionary->slots[f->first_slot];
    size_t n = 0;

    while (n < f->data && (size_t)b->starts[at] + slot[n].fetches + n < i)
        n++;
    return b->data_starts[at] + n;
}

int quiet_segment(struct tide_machine *m, const struct tide_block *b, size_t from, size_t to,
                  struct tide_error *e)
{
    struct pass p = {.m = m, .b = b, .process = UINT32_MAX};
    unsigned shift = m->geometry.page_shift;
    bool ordered = m->untold != NULL;
    size_t data_at = 0;
    int rc = 0;

    while (m->skip_left > 0 && from < to && rc == 0) {
        struct tide_access some[TIDE_FRAGMENT_ACCESSES];
        size_t n = to - from < TIDE_FRAGMENT_ACCESSES ? to - from : TIDE_FRAGMENT_ACCESSES, next;

        tide_block_expand(b, from, from + n, some);
        rc = skip(m, some, 0, n, &next, e);
        from += rc == 0 ? next : 0;
    }
    if (rc != 0 || from == to || m->done)
        return rc;
    go_on(&p, from, 0);
    if (b->dictionary == NULL) {
        const struct tide_access *a = &b->accesses[from];

        if (shift == 12)
            rc = ordered ? pass_accesses(&p, a, from, to, &data_at, 12, true, e)
                         : pass_accesses(&p, a, from, to, &data_at, 12, false, e);
        else
            rc = ordered ? pass_accesses(&p, a, from, to, &data_at, shift, true, e)
                         : pass_accesses(&p, a, from, to, &data_at, shift, false, e);
    } else {
        size_t at = tide_block_fragment(b, from), end;

        data_at = data_before(b, at, from);
        p.data_settled = data_at;
        set_process(&p, b->process);
        if (b->starts[at] < from) /* skipping has ended inside a fragment */
            rc = pass_rest(&p, at++, from, data_at, e);
        end = to < b->n_accesses ? tide_block_fragment(b, to) : b->n_fragments;
        if (rc == 0 && !m->done)
            rc = pass_fragments(&p, at, end, e);
        data_at = end < b->n_fragments ? b->data_starts[end] : b->n_data;
    }
    if (rc == 0 && !m->done)
        settle(&p, to, data_at);
    return rc;
}
