/* A part of a trace: accesses by ordinal, kind, address and process.
 *
 * Events before the end of the range stay, also those before its beginning (the preamble): they
 * make the address space in which the accesses that are left happen. Events of other processes go.
 */
#ifndef TIDE_TRACE_SELECT_H
#define TIDE_TRACE_SELECT_H

#include <stdbool.h>

#include "trace/block.h"

enum { TIDE_ANY_PROCESS = -1 };

struct tide_select {
    uint64_t first, end;      /* ordinals first..end-1 */
    unsigned kinds;           /* bit mask: 1 << enum tide_kind */
    uint64_t lowest, highest; /* an access is taken when one of its bytes lies in this range */
    bool no_preamble;         /* of the events before the range only PROCESS stays */
    int process;              /* dense index, which becomes 0; or TIDE_ANY_PROCESS */
};

#define TIDE_SELECT_ALL                                    \
    ((struct tide_select){.end = UINT64_MAX,               \
                          .kinds = (1u << TIDE_KINDS) - 1, \
                          .highest = UINT64_MAX,           \
                          .process = TIDE_ANY_PROCESS})

/* Leaves in `b` what is selected; b->first is untouched. Returns false when nothing that follows
 * this block can be selected. */
bool tide_select_apply(const struct tide_select *s, struct tide_block *b);

#endif
