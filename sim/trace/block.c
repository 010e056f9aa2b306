/* Blocks: accesses out of fragments, and what no event can say. See block.h. */
#include "trace/block.h"

#include <string.h>

#include "addr/page.h"

/* ---- fragments ---- */

size_t tide_block_fragment(const struct tide_block *b, size_t i)
{
    size_t low = 0;

    /* which half it is can't be predicted: no branch depends on it */
    for (size_t n = b->n_fragments; n > 1; n -= n / 2)
        low += b->starts[low + n / 2] <= i ? n / 2 : 0;
    return low;
}

/* All accesses of fragment k of the block. */
static size_t write_fragment(const struct tide_block *b, size_t k, struct tide_access *to)
{
    const struct tide_dictionary *d = b->dictionary;
    const struct tide_fragment *f = &d->fragments[b->ids[k]];
    const struct tide_slot *slot = &d->slots[f->first_slot];
    const uint64_t *data = &b->data[b->data_starts[k]];
    uint64_t pc = f->pc;
    unsigned done = 0;

    for (unsigned i = 0; i <= f->fetches; i++) {
        for (; done < f->data && slot[done].fetches == i; done++)
            *to++ = (struct tide_access){.addr = data[done],
                                         .size = slot[done].size,
                                         .process = b->process,
                                         .kind = slot[done].kind};
        if (i < f->fetches) {
            unsigned length = d->lengths[f->first_length + i];

            *to++ = (struct tide_access){
                .addr = pc, .size = length, .process = b->process, .kind = TIDE_FETCH};
            pc += length;
        }
    }
    return (size_t)f->fetches + f->data;
}

void tide_block_expand(const struct tide_block *b, size_t from, size_t to, struct tide_access *out)
{
    struct tide_access whole[TIDE_FRAGMENT_ACCESSES];

    if (b->dictionary == NULL) {
        memcpy(out, &b->accesses[from], (to - from) * sizeof *out);
        return;
    }
    for (size_t k = from < to ? tide_block_fragment(b, from) : 0; from < to; k++) {
        size_t skip = from - b->starts[k], n;

        if (skip == 0 && to - from >= TIDE_FRAGMENT_ACCESSES) {
            n = write_fragment(b, k, out);
        } else {
            n = write_fragment(b, k, whole) - skip;
            n = n < to - from ? n : to - from;
            memcpy(out, whole + skip, n * sizeof *out);
        }
        out += n;
        from += n;
    }
}

void tide_block_unfold(struct tide_block *b)
{
    size_t n = 0;

    if (b->dictionary == NULL)
        return;
    for (size_t k = 0; k < b->n_fragments; k++)
        n += write_fragment(b, k, &b->accesses[n]);
    b->dictionary = NULL;
}

void tide_block_copy(struct tide_block *to, const struct tide_block *from)
{
    const size_t n = from->n_fragments, data = from->n_data;

    to->n_accesses = from->n_accesses;
    to->n_events = from->n_events;
    to->first = from->first;
    memcpy(to->events, from->events, from->n_events * sizeof *to->events);
    to->dictionary = from->dictionary;
    if (from->dictionary == NULL) {
        memcpy(to->accesses, from->accesses, from->n_accesses * sizeof *to->accesses);
        return;
    }
    to->process = from->process;
    to->n_fragments = n;
    to->n_data = data;
    memcpy(to->ids, from->ids, n * sizeof *to->ids);
    memcpy(to->starts, from->starts, n * sizeof *to->starts);
    memcpy(to->data_starts, from->data_starts, n * sizeof *to->data_starts);
    memcpy(to->data, from->data, data * sizeof *to->data);
}

/* ---- events ---- */

static const uint64_t RANGE_MAX = UINT64_C(1) << TIDE_VADDR_MAX_BITS;

static const char *range_problem(uint64_t addr, uint64_t len)
{
    if (len == 0)
        return "is empty";
    if (len > RANGE_MAX)
        return "is larger than 2^57 bytes";
    if (addr % TIDE_EVENT_GRAIN != 0)
        return "does not start at a multiple of 4096";
    if (addr + (len - 1) < addr)
        return "reaches beyond 2^64";
    return NULL;
}

static uint64_t last_grain(uint64_t addr, uint64_t len)
{
    return (addr + (len - 1)) / TIDE_EVENT_GRAIN;
}

const char *tide_event_problem(const struct tide_event *ev)
{
    const char *problem;

    switch ((enum tide_event_type)ev->type) {
    case TIDE_EV_PROTECT:
    case TIDE_EV_MADVISE:
        if (ev->len == 0) /* Linux lets these succeed */
            return NULL;
        break;
    case TIDE_EV_MAP:
    case TIDE_EV_UNMAP:
    case TIDE_EV_REMAP:
    case TIDE_EV_STACK:
    case TIDE_EV_HEAP:
        break;
    case TIDE_EV_BRK:
        return ev->addr > RANGE_MAX ? "lies above 2^57" : NULL;
    default:
        return NULL;
    }
    problem = range_problem(ev->addr, ev->len);
    if (problem != NULL || ev->type != TIDE_EV_REMAP)
        return problem;
    problem = range_problem(ev->new_addr, ev->new_len);
    if (problem != NULL || ev->new_addr == ev->addr)
        return problem;
    if (ev->new_addr / TIDE_EVENT_GRAIN <= last_grain(ev->addr, ev->len) &&
        ev->addr / TIDE_EVENT_GRAIN <= last_grain(ev->new_addr, ev->new_len))
        return "goes to a place that overlaps it";
    return NULL;
}
