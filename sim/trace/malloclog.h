/* A call of malloc or its kin as text, `malloc(24) = 0x55d0c8a2a2a0`: see malloclog.c. */
#ifndef TIDE_TRACE_MALLOCLOG_H
#define TIDE_TRACE_MALLOCLOG_H

#include "trace/text.h"

/* Returns NULL and the event, all zero but what the call says: type TIDE_EV_TYPES where the text
 * makes none; or what was expected at *bad. */
const char *tide_heap_call(struct tide_text t, struct tide_event *ev, const unsigned char **bad);

#endif
