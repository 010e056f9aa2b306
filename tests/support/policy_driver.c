/* See policy_driver.h. */
#include "policy_driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void set_options(struct driver *d, const char *settings)
{
    char copy[256], *save = NULL;

    tide_options_defaults(d->policy->options, d->options);
    assert(strlen(settings) < sizeof copy);
    strcpy(copy, settings);
    for (char *s = strtok_r(copy, " ", &save); s != NULL; s = strtok_r(NULL, " ", &save)) {
        char *value = strchr(s, '=');
        struct tide_error e;
        int rc;

        assert(value != NULL);
        *value++ = '\0';
        rc = tide_option_set(d->policy->options, d->options, d->policy->name, s, value, &e);
        assert(rc == 0);
        (void)rc;
    }
}

void driver_open(struct driver *d, const struct tide_policy *policy, const char *settings,
                 uint32_t frames, uint64_t seed)
{
    struct tide_error e;
    int rc;

    *d = (struct driver){.policy = policy};
    d->state = calloc(1, policy->state_bytes);
    d->options = calloc(1, policy->options_bytes + 1);
    d->bits = calloc(frames, 1);
    d->pages = calloc(frames, sizeof *d->pages);
    d->free_frames = calloc(frames, sizeof *d->free_frames);
    d->times = policy->variable_space ? calloc(TIDE_MAX_PROCESSES, sizeof *d->times) : NULL;
    tide_map_init(&d->frames);
    tide_rng_init(&d->rng, seed, "policy");
    while (d->n_free < frames) { /* frame 0 is handed out first */
        d->free_frames[d->n_free] = frames - 1 - d->n_free;
        d->n_free++;
    }
    set_options(d, settings != NULL ? settings : "");
    if (policy->tick_period != NULL)
        d->tick = policy->tick_period(d->options);
    d->env = (struct tide_policy_env){.capacity = frames,
                                      .frame_limit = frames,
                                      .bits = d->bits,
                                      .pages = d->pages,
                                      .now = &d->now,
                                      .times = d->times,
                                      .running = d->times != NULL ? &d->running : NULL,
                                      .rng = &d->rng};
    rc = policy->init(d->state, &d->env, d->options, &e);
    assert(rc == 0);
    (void)rc;
}

void driver_close(struct driver *d)
{
    d->policy->fini(d->state);
    tide_map_fini(&d->frames);
    free(d->state);
    free(d->options);
    free(d->bits);
    free(d->pages);
    free(d->free_frames);
    free(d->times);
}

bool driver_resident(const struct driver *d, tide_page page)
{
    return tide_map_get(&d->frames, page.v) != NULL;
}

static uint32_t frame_of(const struct driver *d, tide_page page)
{
    return (uint32_t)*tide_map_get(&d->frames, page.v);
}

static void release(struct driver *d, uint32_t frame, enum tide_remove_reason why)
{
    d->policy->remove(d->state, frame, why);
    tide_map_remove(&d->frames, d->pages[frame].v);
    d->free_frames[d->n_free++] = frame;
}

static void unmap(struct driver *d, tide_page page)
{
    if (driver_resident(d, page))
        release(d, frame_of(d, page), TIDE_REMOVE_UNMAP);
    else if (d->policy->forget != NULL)
        d->policy->forget(d->state, page);
}

static tide_page evict(struct driver *d)
{
    uint32_t frame = d->policy->victim(d->state);
    tide_page page = d->pages[frame];

    d->evictions++;
    d->writebacks += (d->bits[frame] & TIDE_FRAME_DIRTY) != 0;
    release(d, frame, TIDE_REMOVE_EVICT);
    return page;
}

static uint64_t shown_next_use(const struct driver *d, const struct driver_step *step)
{
    if (d->policy->observes != TIDE_OBSERVES_FUTURE)
        return 0;
    return d->policy->variable_space ? step->next_own : step->next_use;
}

/* The time of a reference has come. */
static void pass(struct driver *d, const struct driver_step *step)
{
    d->now++;
    if (d->times == NULL)
        return;
    d->running = tide_page_process(step->page);
    d->times[d->running]++;
}

/* Returns the page that had to leave. */
static tide_page fault(struct driver *d, const struct driver_step *step)
{
    tide_page victim;
    uint32_t frame;

    if (d->policy->fault != NULL)
        d->policy->fault(d->state, step->page);
    victim = d->n_free == 0 ? evict(d) : TIDE_PAGE_NONE;
    frame = d->free_frames[--d->n_free];
    d->faults++;
    *tide_map_put(&d->frames, step->page.v, NULL) = frame;
    d->pages[frame] = step->page;
    d->bits[frame] =
        (uint8_t)(TIDE_FRAME_REFERENCED | (step->op == DRIVER_WRITE ? TIDE_FRAME_DIRTY : 0));
    d->policy->load(d->state, frame, shown_next_use(d, step));
    return victim;
}

/* One side's folded references. */
struct fold {
    tide_page page;
    uint64_t n, next_use; /* as the policy is shown it */
    bool writes;
};

static void add(const struct driver *d, struct fold *f, const struct driver_step *step)
{
    f->page = step->page;
    f->n++;
    f->next_use = shown_next_use(d, step);
    f->writes |= step->op == DRIVER_WRITE;
}

static void touch(struct driver *d, const struct fold *f)
{
    uint32_t frame;

    if (f->n == 0)
        return;
    frame = frame_of(d, f->page);
    d->bits[frame] |= (uint8_t)(TIDE_FRAME_REFERENCED | (f->writes ? TIDE_FRAME_DIRTY : 0));
    if (d->policy->touch != NULL)
        d->policy->touch(d->state, frame, f->n, f->next_use);
}

/* The reference at d->now has been made. */
static void shed(struct driver *d)
{
    uint32_t frame;

    if (d->policy->due == NULL || d->policy->due(d->state) > d->now)
        return;
    while (d->policy->shed(d->state, &frame)) {
        d->evictions++;
        d->writebacks += (d->bits[frame] & TIDE_FRAME_DIRTY) != 0;
        release(d, frame, TIDE_REMOVE_EVICT);
    }
}

static bool at_tick(const struct driver *d)
{
    return d->tick != 0 && d->now % d->tick == 0;
}

size_t driver_run(struct driver *d, const struct driver_step *steps, size_t n, bool *faulted,
                  tide_page *victim)
{
    struct fold one = {.page = steps[0].page}, other = {.page = TIDE_PAGE_NONE};
    bool one_is_last = true, fold_two = d->policy->observes != TIDE_OBSERVES_EACH;
    size_t i = 1;

    *faulted = false;
    *victim = TIDE_PAGE_NONE;
    if (steps[0].op == DRIVER_UNMAP) {
        unmap(d, steps[0].page);
        return 1;
    }
    pass(d, &steps[0]);
    if (driver_resident(d, steps[0].page)) {
        add(d, &one, &steps[0]);
    } else {
        *faulted = true;
        *victim = fault(d, &steps[0]);
    }
    for (; i < n && d->policy->due == NULL && !at_tick(d) && steps[i].op != DRIVER_UNMAP; i++) {
        if (steps[i].page.v == one.page.v) {
            add(d, &one, &steps[i]);
            one_is_last = true;
        } else if (fold_two && ((other.n == 0 && driver_resident(d, steps[i].page)) ||
                                steps[i].page.v == other.page.v)) {
            add(d, &other, &steps[i]);
            one_is_last = false;
        } else {
            break;
        }
        pass(d, &steps[i]);
    }
    touch(d, one_is_last ? &other : &one);
    touch(d, one_is_last ? &one : &other);
    shed(d);
    d->resident_sum += d->frames.count;
    if (at_tick(d))
        d->policy->tick(d->state);
    return i;
}

bool driver_step(struct driver *d, const struct driver_step *step, tide_page *victim)
{
    tide_page nobody;
    bool faulted;

    driver_run(d, step, 1, &faulted, victim != NULL ? victim : &nobody);
    return faulted;
}

void driver_next_uses(struct driver_step *steps, size_t n)
{
    struct tide_map next; /* by page: step of its next use */
    uint64_t now = 0, *own = calloc(TIDE_MAX_PROCESSES, sizeof *own);
    uint64_t *at = calloc(n + 1, sizeof *at), *own_at = calloc(n + 1, sizeof *own_at);

    assert(own != NULL && at != NULL && own_at != NULL);
    for (size_t i = 0; i < n; i++) {
        now += steps[i].op != DRIVER_UNMAP;
        own[tide_page_process(steps[i].page)] += steps[i].op != DRIVER_UNMAP;
        at[i] = now;
        own_at[i] = own[tide_page_process(steps[i].page)];
    }
    tide_map_init(&next);
    for (size_t i = n; i-- > 0;) {
        const uint64_t *use = tide_map_get(&next, steps[i].page.v);

        steps[i].next_use = use != NULL ? at[*use] : TIDE_NEVER;
        steps[i].next_own = use != NULL ? own_at[*use] : TIDE_NEVER;
        if (steps[i].op == DRIVER_UNMAP)
            tide_map_remove(&next, steps[i].page.v);
        else
            *tide_map_put(&next, steps[i].page.v, NULL) = i;
    }
    tide_map_fini(&next);
    free(own);
    free(at);
    free(own_at);
}
