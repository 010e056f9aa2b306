/* A part of a trace: see select.h. */
#include "trace/select.h"

static bool selected(const struct tide_select *s, const struct tide_access *a, uint64_t ordinal)
{
    return ordinal >= s->first && ordinal < s->end && (s->kinds & 1u << a->kind) != 0 &&
           a->addr <= s->highest && a->addr + (a->size - 1) >= s->lowest &&
           (s->process == TIDE_ANY_PROCESS || s->process == a->process);
}

bool tide_select_apply(const struct tide_select *s, struct tide_block *b)
{
    size_t accesses = 0, events = 0, k = 0;
    bool ended = false;

    for (size_t i = 0; i <= b->n_accesses && !ended; i++) {
        /* what stands behind the last access of the range changes nothing for it */
        ended = b->first + i >= s->end;
        for (; !ended && k < b->n_events && b->events[k].at == i; k++) {
            struct tide_event v = b->events[k];

            if (s->process != TIDE_ANY_PROCESS && s->process != v.process)
                continue;
            if (s->no_preamble && b->first + i < s->first && v.type != TIDE_EV_PROCESS)
                continue;
            if (s->process != TIDE_ANY_PROCESS)
                v.process = 0;
            v.at = (uint32_t)accesses;
            b->events[events++] = v;
        }
        if (!ended && i < b->n_accesses && selected(s, &b->accesses[i], b->first + i)) {
            b->accesses[accesses] = b->accesses[i];
            if (s->process != TIDE_ANY_PROCESS)
                b->accesses[accesses].process = 0;
            accesses++;
        }
    }
    b->n_accesses = accesses;
    b->n_events = events;
    return !ended;
}
