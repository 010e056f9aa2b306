/* Records of a trace as lines that a person can read. */
#ifndef TIDE_CLI_TRACE_PRINT_H
#define TIDE_CLI_TRACE_PRINT_H

#include "trace/reader.h"

/* What several events of a type are called. */
extern const char *const cli_event_labels[TIDE_EV_TYPES];

/* Both print one line to stdout. */
void cli_print_event(const struct tide_reader *r, const struct tide_event *v);
void cli_print_access(uint64_t ordinal, const struct tide_access *a);

#endif
