/* Reduced traces: see reduce.h. */
#include "trace/reduce.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr/page.h"
#include "base/map.h"
#include "base/mem.h"

/* ---- the guarantee as text ---- */

void tide_reduction_print(const struct tide_reduction *r, char text[TIDE_REDUCTION_TEXT])
{
    uint64_t page = UINT64_C(1) << r->page_shift;

    text[0] = '\0';
    if (r->kind == TIDE_REDUCED_SAD)
        snprintf(text, TIDE_REDUCTION_TEXT,
                 "sad frames=%" PRIu64 " page=%" PRIu64 ": faults of LRU and OPT at %" PRIu64
                 " frames or more",
                 r->frames, page, r->frames);
    else if (r->kind == TIDE_REDUCED_TLB)
        snprintf(text, TIDE_REDUCTION_TEXT,
                 "tlb sets=%" PRIu64 " page=%" PRIu64 ": misses of LRU TLBs of %" PRIu64
                 " sets or more, without evictions",
                 r->sets, page, r->sets);
}

bool tide_reduction_parse(const char *text, struct tide_reduction *r)
{
    uint64_t number, page;

    *r = (struct tide_reduction){0};
    if (text[0] == '\0')
        return true;
    if (sscanf(text, "sad frames=%" SCNu64 " page=%" SCNu64, &number, &page) == 2) {
        r->kind = TIDE_REDUCED_SAD;
        r->frames = number;
    } else if (sscanf(text, "tlb sets=%" SCNu64 " page=%" SCNu64, &number, &page) == 2) {
        r->kind = TIDE_REDUCED_TLB;
        r->sets = number;
    } else {
        return false;
    }
    if (number == 0 || page == 0 || (page & (page - 1)) != 0)
        return false;
    r->page_shift = (unsigned)__builtin_ctzll(page);
    return true;
}

/* ---- state ---- */

enum { NONE = UINT32_MAX };

/* A reference of `sad` that is still to be written, or may yet be dropped. */
struct waiting {
    struct tide_access access;
    uint32_t page;           /* index of its page */
    uint32_t earlier, later; /* in order of time; `later` links free ones */
};

/* A page of `sad`. Times count references from 1. */
struct page {
    uint64_t last;         /* time of b, the last reference */
    uint64_t before;       /* time of a, the one left before it; 0: none */
    uint32_t entry;        /* b among those that wait, or NONE */
    uint32_t newer, older; /* in the LRU list */
};

struct line {
    uint64_t page; /* TIDE_PAGE_NONE.v: empty */
    bool written;  /* a write has been kept since the page came */
};

struct tide_reducer {
    struct tide_reduction what;
    struct tide_block *block; /* to be handed out next */

    /* sad */
    struct tide_map index; /* page -> index in pages, plus 1 */
    struct page *pages;
    size_t n_pages, cap_pages;
    uint32_t newest, oldest; /* of the LRU list */
    uint32_t mark;           /* its entry number frames + 1 from the newest; NONE: it is shorter */
    uint64_t now;            /* references taken */
    uint64_t barrier;        /* `now` when mappings changed last */
    struct waiting *waiting;
    size_t n_waiting, cap_waiting;
    uint32_t free, first, last; /* of those that wait */

    /* tlb: filters for fetches, data, both */
    struct line *lines[TIDE_SIDES + 1];
    uint16_t process; /* whose pages the filters hold */
};

struct tide_reducer *tide_reducer_new(const struct tide_reduction *what, struct tide_error *e)
{
    struct tide_reducer *r = tide_calloc(1, sizeof *r);

    if (r == NULL || (r->block = tide_calloc(1, sizeof *r->block)) == NULL)
        goto failed;
    r->what = *what;
    tide_map_init(&r->index);
    r->newest = r->oldest = r->mark = r->free = r->first = r->last = NONE;
    for (size_t i = 0; what->kind == TIDE_REDUCED_TLB && i < TIDE_SIDES + 1; i++) {
        if ((r->lines[i] = tide_malloc(what->sets * sizeof *r->lines[i])) == NULL)
            goto failed;
        for (uint64_t set = 0; set < what->sets; set++)
            r->lines[i][set] = (struct line){TIDE_PAGE_NONE.v, false};
    }
    return r;
failed:
    tide_nomem(e);
    tide_reducer_free(r);
    return NULL;
}

void tide_reducer_free(struct tide_reducer *r)
{
    if (r == NULL)
        return;
    tide_map_fini(&r->index);
    for (size_t i = 0; i < TIDE_SIDES + 1; i++)
        free(r->lines[i]);
    free(r->pages);
    free(r->waiting);
    free(r->block);
    free(r);
}

/* ---- output ---- */

static int hand_out(struct tide_reducer *r, tide_reduced_fn *out, void *context,
                    struct tide_error *e)
{
    int rc = r->block->n_accesses + r->block->n_events > 0 ? out(context, r->block, e) : 0;

    r->block->first += r->block->n_accesses;
    r->block->n_accesses = r->block->n_events = 0;
    return rc;
}

static int put_access(struct tide_reducer *r, const struct tide_access *a, tide_reduced_fn *out,
                      void *context, struct tide_error *e)
{
    int rc = 0;

    if (r->block->n_accesses == TIDE_BLOCK_ACCESSES)
        rc = hand_out(r, out, context, e);
    r->block->accesses[r->block->n_accesses++] = *a;
    return rc;
}

static int put_event(struct tide_reducer *r, struct tide_event v, tide_reduced_fn *out,
                     void *context, struct tide_error *e)
{
    int rc = 0;

    if (r->block->n_events == TIDE_BLOCK_EVENTS)
        rc = hand_out(r, out, context, e);
    v.at = (uint32_t)r->block->n_accesses;
    r->block->events[r->block->n_events++] = v;
    return rc;
}

/* ---- sad: the LRU list ---- */

static void unlink_page(struct tide_reducer *r, uint32_t i)
{
    struct page *p = &r->pages[i];

    if (p->newer != NONE)
        r->pages[p->newer].older = p->older;
    else
        r->newest = p->older;
    if (p->older != NONE)
        r->pages[p->older].newer = p->newer;
    else
        r->oldest = p->newer;
}

static void push_page(struct tide_reducer *r, uint32_t i)
{
    struct page *p = &r->pages[i];

    p->newer = NONE;
    p->older = r->newest;
    if (r->newest != NONE)
        r->pages[r->newest].newer = i;
    else
        r->oldest = i;
    r->newest = i;
}

/* Time of the reference that more than `frames` pages have followed or made; 0: none has. */
static uint64_t horizon(const struct tide_reducer *r)
{
    return r->mark == NONE ? 0 : r->pages[r->mark].last;
}

/* The page becomes the newest; `known`: it is in the list. What stands at the mark moves one entry
 * towards the old end when a page comes past it to the front. */
static void touch_page(struct tide_reducer *r, uint32_t i, bool known)
{
    /* read before the list changes: times fall from the newest on */
    bool passes = r->mark != NONE && (!known || r->pages[i].last <= r->pages[r->mark].last);

    if (passes)
        r->mark = r->pages[r->mark].newer;
    if (known)
        unlink_page(r, i);
    push_page(r, i);
    r->pages[i].last = ++r->now;
    if (r->mark == NONE && r->n_pages == r->what.frames + 1)
        r->mark = r->oldest;
}

/* ---- sad: references that wait ---- */

static int append(struct tide_reducer *r, const struct tide_access *a, uint32_t page,
                  struct tide_error *e)
{
    uint32_t i = r->free;

    if (i != NONE) {
        r->free = r->waiting[i].later;
    } else {
        struct waiting *grown =
            tide_grow(r->waiting, &r->cap_waiting, r->n_waiting + 1, sizeof *grown);

        if (grown == NULL)
            return tide_nomem(e);
        r->waiting = grown;
        i = (uint32_t)r->n_waiting++;
    }
    r->waiting[i] = (struct waiting){*a, page, r->last, NONE};
    if (r->last != NONE)
        r->waiting[r->last].later = i;
    else
        r->first = i;
    r->last = i;
    r->pages[page].entry = i;
    return 0;
}

static void drop(struct tide_reducer *r, uint32_t i)
{
    const struct waiting w = r->waiting[i];

    if (w.earlier != NONE)
        r->waiting[w.earlier].later = w.later;
    else
        r->first = w.later;
    if (w.later != NONE)
        r->waiting[w.later].earlier = w.earlier;
    else
        r->last = w.earlier;
    r->waiting[i].later = r->free;
    r->free = i;
}

/* Writes from the front what nothing can drop any more; `all`: everything. */
static int settle(struct tide_reducer *r, bool all, tide_reduced_fn *out, void *context,
                  struct tide_error *e)
{
    uint64_t limit = horizon(r);
    int rc = 0;

    while (rc == 0 && r->first != NONE) {
        uint32_t i = r->first;
        struct page *p = &r->pages[r->waiting[i].page];

        if (!all && p->entry == i && p->before > limit)
            break;
        rc = put_access(r, &r->waiting[i].access, out, context, e);
        if (p->entry == i)
            p->entry = NONE;
        drop(r, i);
    }
    return rc;
}

static int find_page(struct tide_reducer *r, uint64_t key, uint32_t *index, bool *known,
                     struct tide_error *e)
{
    bool inserted;
    uint64_t *slot = tide_map_put(&r->index, key, &inserted);

    if (slot == NULL)
        return tide_nomem(e);
    *known = !inserted;
    if (inserted) {
        struct page *grown = tide_grow(r->pages, &r->cap_pages, r->n_pages + 1, sizeof *grown);

        if (grown == NULL || r->n_pages >= NONE - 1)
            return tide_nomem(e);
        r->pages = grown;
        r->pages[r->n_pages++] = (struct page){.entry = NONE};
        *slot = r->n_pages;
    }
    *index = (uint32_t)(*slot - 1);
    return 0;
}

static bool writes(uint8_t kind)
{
    return kind == TIDE_WRITE || kind == TIDE_MODIFY;
}

/* A reference c, inside one page. */
static int sad_reference(struct tide_reducer *r, struct tide_access c, tide_reduced_fn *out,
                         void *context, struct tide_error *e)
{
    const struct tide_geometry g = {r->what.page_shift, TIDE_VADDR_MAX_BITS};
    /* what is no address at all is not taken for a page of the process */
    unsigned process = tide_canonical(g, c.addr) ? c.process : TIDE_MAX_PROCESSES - 1;
    uint64_t key = tide_page_of(g, process, c.addr).v;
    struct page *p;
    uint32_t i = 0;
    bool known;
    int rc = find_page(r, key, &i, &known, e);

    if (rc != 0)
        return rc;
    p = &r->pages[i];
    if (p->last <= r->barrier) { /* what was before the change of mappings is forgotten */
        p->before = 0;
    } else if (p->entry != NONE && p->before > horizon(r)) {
        /* the b between a and c goes; its write is made by c */
        if (writes(r->waiting[p->entry].access.kind) && !writes(c.kind))
            c.kind = TIDE_WRITE;
        drop(r, p->entry);
    } else {
        p->before = p->last;
    }
    touch_page(r, i, known);
    rc = append(r, &c, i, e);
    return rc == 0 ? settle(r, false, out, context, e) : rc;
}

static int sad_access(struct tide_reducer *r, const struct tide_access *a, tide_reduced_fn *out,
                      void *context, struct tide_error *e)
{
    uint64_t page = UINT64_C(1) << r->what.page_shift;
    uint64_t at = a->addr, left = a->size;
    int rc = 0;

    while (rc == 0 && left > 0) {
        uint64_t room = page - (at & (page - 1)), n = left < room ? left : room;
        struct tide_access piece = *a;

        piece.addr = at;
        piece.size = (uint32_t)n;
        rc = sad_reference(r, piece, out, context, e);
        at += n;
        left -= n;
    }
    return rc;
}

/* ---- tlb ---- */

static void forget_lines(struct tide_reducer *r)
{
    for (size_t i = 0; i < TIDE_SIDES + 1; i++)
        for (uint64_t set = 0; set < r->what.sets; set++)
            r->lines[i][set].page = TIDE_PAGE_NONE.v;
}

/* True if the page is the last of its set in its side's filter and the one for both, which it is
 * afterwards. */
static bool filter(struct tide_reducer *r, enum tide_side side, uint64_t page, bool write)
{
    struct line *own = &r->lines[side][page & (r->what.sets - 1)];
    struct line *both = &r->lines[TIDE_SIDES][page & (r->what.sets - 1)];
    bool same = own->page == page && both->page == page && (!write || both->written);

    own->page = page;
    if (both->page != page)
        *both = (struct line){page, false};
    both->written |= write;
    return same;
}

static int tlb_access(struct tide_reducer *r, const struct tide_access *a, tide_reduced_fn *out,
                      void *context, struct tide_error *e)
{
    uint64_t first = a->addr >> r->what.page_shift;
    uint64_t last = (a->addr + (a->size - 1)) >> r->what.page_shift;
    enum tide_side side = tide_side_of((enum tide_kind)a->kind);
    bool same = first == last; /* what crosses pages is kept */

    if (a->process != r->process) { /* another address space: arrays without tags are flushed */
        forget_lines(r);
        r->process = a->process;
    }
    for (uint64_t page = first; page <= last; page++)
        same &= filter(r, side, page, writes(a->kind));
    return same ? 0 : put_access(r, a, out, context, e);
}

/* ---- the interface ---- */

/* An event that changes mappings: nothing that waits may be dropped by what comes after it. */
static int take_event(struct tide_reducer *r, const struct tide_event *v, tide_reduced_fn *out,
                      void *context, struct tide_error *e)
{
    int rc = 0;

    if (v->type > TIDE_EV_EXIT)
        return 0;
    if (r->what.kind == TIDE_REDUCED_SAD) {
        rc = settle(r, true, out, context, e);
        r->barrier = r->now;
    } else {
        forget_lines(r);
    }
    return rc == 0 ? put_event(r, *v, out, context, e) : rc;
}

int tide_reducer_feed(struct tide_reducer *r, const struct tide_block *b, tide_reduced_fn *out,
                      void *context, struct tide_error *e)
{
    size_t k = 0;
    int rc = 0;

    for (size_t i = 0; i <= b->n_accesses && rc == 0; i++) {
        for (; rc == 0 && k < b->n_events && b->events[k].at == i; k++)
            rc = take_event(r, &b->events[k], out, context, e);
        if (rc != 0 || i == b->n_accesses)
            break;
        rc = r->what.kind == TIDE_REDUCED_SAD ? sad_access(r, &b->accesses[i], out, context, e)
                                              : tlb_access(r, &b->accesses[i], out, context, e);
    }
    return rc;
}

int tide_reducer_finish(struct tide_reducer *r, tide_reduced_fn *out, void *context,
                        struct tide_error *e)
{
    int rc = settle(r, true, out, context, e);

    return rc == 0 ? hand_out(r, out, context, e) : rc;
}
