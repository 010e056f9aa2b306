/* What must hold in every trace, whatever wrote it: looked at record by record.
 *
 * A finding is either *damage*, what no program and no kernel can have done, or *strange*:
 * possible, but mostly a sign that the recorder lost something.
 *
 *   damage     name            what
 *              order           ordinals of blocks have a gap
 *              process         a record of a process that has not appeared
 *              process-again   a process appears that is there already
 *              after-exit      a record of a process that has ended
 *              event           a range that no call can have mapped, unmapped or moved
 *              layout-overlap  two mappings of the initial layout share bytes
 *              bits            permissions or file offsets that mmap(2) refuses
 *   strange    layout-late     a mapping of the initial layout behind accesses of its process
 *              unmapped        protect, move or advice in a range with a hole
 *              canonical       an address that x86-64 does not have
 *              outside         an access in no mapping: a segmentation fault
 *              permission      an access against its mapping's permissions
 *              object          malloc gives an object that is in use, free takes one that is not
 *              frame           a page frame or kernel object is given out twice
 *              results         system calls whose result never came
 *
 * `outside`, `permission` and `unmapped` are looked for only where both layout and system calls are
 * in the trace; `object` and `frame` from the first allocation on. That a fetch follows the one
 * before can't be asked of sources that do not tell jumps; none here does. Of a page only its first
 * access of a kind is told as outside or against permissions.
 */
#ifndef TIDE_SPACE_INVARIANTS_H
#define TIDE_SPACE_INVARIANTS_H

#include "trace/reader.h"

struct tide_finding {
    const char *name; /* as above */
    bool damage;
    uint64_t record; /* counted from 0, accesses and events */
    uint64_t access; /* ordinal of the access it is, or stands before */
    char what[256];  /* one sentence without a full stop */
};

typedef void tide_finding_fn(void *context, const struct tide_finding *f);

struct tide_invariants;

/* NULL: out of memory. */
struct tide_invariants *tide_invariants_new(tide_finding_fn *tell, void *context,
                                            struct tide_error *e);
void tide_invariants_free(struct tide_invariants *v);
/* The blocks of a trace in order, with what the reader knows by then. Fails only where memory runs
 * out. */
TIDE_MUST_CHECK int tide_invariants_take(struct tide_invariants *v, const struct tide_block *b,
                                         const struct tide_trace_info *info, struct tide_error *e);
/* At the end of the trace. */
void tide_invariants_end(struct tide_invariants *v, const struct tide_trace_info *info);
/* Records looked at so far, accesses and events. */
uint64_t tide_invariants_records(const struct tide_invariants *v);

#endif
