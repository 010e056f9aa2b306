/* What no system call can have done, told from one event alone: see tide_event_problem(). */
#include "trace/block.h"

#include "addr/page.h"

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
