/* Preparing page references for many consumers: see steps.h. */
#include "curve/steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NO_ID UINT32_MAX

void tide_steps_clear(struct tide_steps *s)
{
    s->n_steps = s->n_pairs = s->n_stretches = s->n_pages = s->n_breaks = s->n_names = 0;
}

void tide_steps_fini(struct tide_steps *s)
{
    free(s->steps);
    free(s->pairs);
    free(s->stretches);
    free(s->pages);
    free(s->breaks);
    free(s->names);
    *s = (struct tide_steps){0};
}

void tide_stepper_init(struct tide_stepper *t, bool collapsed)
{
    *t = (struct tide_stepper){.collapsed = collapsed, .previous = NO_ID};
}

void tide_stepper_fini(struct tide_stepper *t)
{
    free(t->seen);
    free(t->place);
    t->seen = t->place = NULL;
}

/* The array with room for n >= 1 in all, or NULL with the array as it was. */
static void *room(void *array, size_t *cap, size_t n, size_t bytes, struct tide_error *e)
{
    void *grown = n <= *cap ? array : tide_grow(array, cap, n, bytes);

    if (grown == NULL)
        tide_nomem(e);
    return grown;
}

static int add_break(struct tide_steps *s, struct tide_break b, struct tide_error *e)
{
    struct tide_break *grown = room(s->breaks, &s->breaks_cap, s->n_breaks + 1, sizeof b, e);

    if (grown == NULL)
        return TIDE_E_NOMEM;
    b.at = (uint32_t)s->n_steps;
    s->breaks = grown;
    s->breaks[s->n_breaks++] = b;
    return 0;
}

int tide_steps_name(struct tide_stepper *t, struct tide_steps *s, tide_page page,
                    struct tide_error *e)
{
    tide_page *grown = room(s->names, &s->names_cap, s->n_names + 1, sizeof page, e);

    if (grown == NULL)
        return TIDE_E_NOMEM;
    s->names = grown;
    s->names[s->n_names++] = page;
    s->n_ids = ++t->n_ids;
    return 0;
}

int tide_steps_add(struct tide_stepper *t, struct tide_steps *s, const struct tide_page_ref *refs,
                   size_t n, struct tide_error *e)
{
    struct tide_step *step = room(s->steps, &s->steps_cap, s->n_steps + n + 1, sizeof *step, e);
    int rc;

    if (step == NULL)
        return TIDE_E_NOMEM;
    s->steps = step;
    step += s->n_steps;
    for (size_t i = 0; i < n; i++) {
        const struct tide_page_ref *ref = &refs[i];
        switch ((enum tide_ref_kind)ref->kind) {
        case TIDE_REF_PAGE:
            *step++ = (struct tide_step){
                .id = ref->id,
                .n = ref->n,
                .flags = ((ref->flags & TIDE_REF_WRITES) != 0 ? TIDE_STEP_WRITES : 0u) |
                         (t->collapsed && t->previous == ref->id ? TIDE_STEP_REPEATS : 0u)};
            t->previous = ref->id;
            break;
        case TIDE_REF_FAULT:
            *step++ = (struct tide_step){.n = ref->n, .flags = TIDE_STEP_IDLE};
            t->previous = NO_ID;
            break;
        case TIDE_REF_FORGET:
            *step++ = (struct tide_step){.id = ref->id, .flags = TIDE_STEP_ENDS};
            break;
        case TIDE_REF_START:
            s->n_steps = (size_t)(step - s->steps);
            rc = add_break(s, (struct tide_break){.kind = TIDE_BREAK_START}, e);
            if (rc != 0)
                return rc;
            break;
        case TIDE_REF_MOVE:
            break;
        }
    }
    s->n_steps = (size_t)(step - s->steps);
    return 0;
}

int tide_steps_move(struct tide_stepper *t, struct tide_steps *s, enum tide_break_kind kind,
                    uint32_t id, tide_page page, struct tide_error *e)
{
    if (t->previous == id)
        t->previous = NO_ID; /* repeats go by name */
    return add_break(s, (struct tide_break){.kind = kind, .id = id, .page = page}, e);
}

int tide_steps_take(struct tide_stepper *t, struct tide_steps *s, const struct tide_follow *f,
                    const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    int rc = 0;

    while (t->n_ids < tide_follow_ids(f) && rc == 0)
        rc = tide_steps_name(t, s, tide_follow_name(f, t->n_ids), e);
    if (rc != 0)
        return rc;
    if (n == 1 && refs->kind == TIDE_REF_MOVE)
        return tide_steps_move(
            t, s, (refs->flags & TIDE_REF_UNUSED) != 0 ? TIDE_BREAK_RENAME : TIDE_BREAK_MOVE,
            refs->id, tide_follow_name(f, refs->id), e);
    return tide_steps_add(t, s, refs, n, e);
}

/* ---- folding ---- */

static bool is_touch(const struct tide_step *step)
{
    return (step->flags & (TIDE_STEP_IDLE | TIDE_STEP_ENDS)) == 0;
}

/* Steps from `from` on that touch two pages only, up to `end`; returns where they stop. */
static uint32_t fold_pair(const struct tide_steps *s, uint32_t from, uint32_t end,
                          struct tide_pair *out)
{
    const struct tide_step *step = &s->steps[from];
    struct tide_pair p = {.from = from};
    uint32_t at = from, last = 0, writes = 0;
    uint32_t id[2] = {step->id, step->id}, n[2] = {0}, told[2] = {0}, after[2] = {0};

    for (; at < end && is_touch(step); at++, step++) {
        unsigned k = step->id != id[0];

        if (k == 1 && step->id != id[1]) {
            if (id[1] != id[0])
                break;
            id[1] = step->id;
        }
        n[k] += step->n;
        after[k] = 0;
        after[1 - k] += step->n;
        if ((step->flags & TIDE_STEP_REPEATS) == 0) {
            told[k]++;
            last = k;
        }
        writes |= (step->flags & TIDE_STEP_WRITES) << k;
    }
    p.to = at > from ? at : from + 1; /* what is no touch stands alone */
    p.tail = after[1 - last];
    for (unsigned k = 0; k < 2; k++) {
        unsigned of = k == 1 ? last : 1 - last;

        p.id[k] = id[of];
        p.n[k] = n[of];
        p.told[k] = told[of];
        p.writes |= (writes >> of & 1) << k;
    }
    *out = p;
    return p.to;
}

/* By the last step that told of them. */
static void sort_pages(struct tide_stretch_page *pages, uint32_t *last, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct tide_stretch_page page = pages[i];
        uint32_t key = last[i], at = i;

        for (; at > 0 && last[at - 1] > key; at--) {
            pages[at] = pages[at - 1];
            last[at] = last[at - 1];
        }
        pages[at] = page;
        last[at] = key;
    }
}

/* Steps from `from` on that stay among few pages, up to `end`; returns where they stop. There is
 * room for the pages. */
static uint32_t fold_stretch(struct tide_stepper *t, struct tide_steps *s, uint32_t from,
                             uint32_t end, struct tide_stretch *out)
{
    struct tide_stretch_page *pages = &s->pages[s->n_pages];
    uint32_t last[TIDE_STRETCH_PAGES], n = 0, at = from, *seen = t->seen, *place = t->place;
    uint64_t refs = 0;

    if (end - from > TIDE_STRETCH_STEPS)
        end = from + TIDE_STRETCH_STEPS;
    if (++t->stretch == 0) { /* after four thousand million of them */
        memset(seen, 0, t->seen_cap * sizeof *seen);
        t->stretch = 1;
    }
    for (; at < end; at++) {
        const struct tide_step *step = &s->steps[at];
        uint32_t k;

        if (!is_touch(step)) {
            at += at == from;
            break;
        }
        if (seen[step->id] == t->stretch) {
            k = place[step->id];
        } else {
            if (n == TIDE_STRETCH_PAGES)
                break;
            k = n++;
            seen[step->id] = t->stretch;
            place[step->id] = k;
            pages[k] = (struct tide_stretch_page){.id = step->id, .flags = TIDE_STEP_REPEATS};
            last[k] = 0;
        }
        refs += step->n;
        pages[k].flags = (pages[k].flags | (step->flags & TIDE_STEP_WRITES)) &
                         (step->flags | ~(uint32_t)TIDE_STEP_REPEATS);
        if ((step->flags & TIDE_STEP_REPEATS) == 0)
            last[k] = at + 1;
    }
    sort_pages(pages, last, n);
    *out = (struct tide_stretch){
        .from = from, .to = at, .first_page = (uint32_t)s->n_pages, .n_pages = n, .refs = refs};
    s->n_pages += n;
    return at;
}

static int make_room(struct tide_stepper *t, struct tide_steps *s, struct tide_error *e)
{
    size_t before = t->seen_cap, most = s->n_steps + 1; /* no more of any than there are steps */
    void *seen, *place, *pairs, *stretches, *pages;

    if ((seen = room(t->seen, &t->seen_cap, t->n_ids + 1, sizeof *t->seen, e)) == NULL)
        return TIDE_E_NOMEM;
    t->seen = seen;
    memset(t->seen + before, 0, (t->seen_cap - before) * sizeof *t->seen);
    if ((place = room(t->place, &t->place_cap, t->n_ids + 1, sizeof *t->place, e)) == NULL)
        return TIDE_E_NOMEM;
    t->place = place;
    if ((pairs = room(s->pairs, &s->pairs_cap, most, sizeof *s->pairs, e)) == NULL)
        return TIDE_E_NOMEM;
    s->pairs = pairs;
    if ((stretches = room(s->stretches, &s->stretches_cap, most, sizeof *s->stretches, e)) == NULL)
        return TIDE_E_NOMEM;
    s->stretches = stretches;
    if ((pages = room(s->pages, &s->pages_cap, most, sizeof *s->pages, e)) == NULL)
        return TIDE_E_NOMEM;
    s->pages = pages;
    return 0;
}

int tide_steps_fold(struct tide_stepper *t, struct tide_steps *s, struct tide_error *e)
{
    uint32_t pair_at = 0, stretch_at = 0;
    int rc = make_room(t, s, e);

    if (rc != 0)
        return rc;
    s->n_pairs = s->n_stretches = s->n_pages = 0;
    for (size_t k = 0; k <= s->n_breaks; k++) {
        uint32_t end = k < s->n_breaks ? s->breaks[k].at : (uint32_t)s->n_steps;

        while (pair_at < end)
            pair_at = fold_pair(s, pair_at, end, &s->pairs[s->n_pairs++]);
        while (stretch_at < end)
            stretch_at = fold_stretch(t, s, stretch_at, end, &s->stretches[s->n_stretches++]);
    }
    return 0;
}
