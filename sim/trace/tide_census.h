/* What a trace touches, counted while it is written: the summary of a tide file.
 *
 * Memory grows with the pages touched (about 50 bytes each), never with the length of the trace.
 */
#ifndef TIDE_TRACE_TIDE_CENSUS_H
#define TIDE_TRACE_TIDE_CENSUS_H

#include "base/map.h"
#include "trace/sink.h"
#include "trace/tide_file.h"

struct tide_census {
    struct tide_summary sum;
    struct tide_map pages[TIDE_SUMMARY_SIZES]; /* 4K: value tells the sides that touched it */
    struct tide_map processes;
    uint64_t last[TIDE_SIDES]; /* page of 4 KiB */
};

void tide_census_init(struct tide_census *c);
void tide_census_fini(struct tide_census *c);
/* Both return 0 or TIDE_E_NOMEM. */
TIDE_MUST_CHECK int tide_census_access(struct tide_census *c, const struct tide_access *a);
TIDE_MUST_CHECK int tide_census_event(struct tide_census *c, const struct tide_event *v);
/* What the source says of itself. */
void tide_census_source(struct tide_census *c, const struct tide_sink_source *source);

/* The summary as lines "key value". NULL: out of memory; free() it. */
char *tide_summary_print(const struct tide_summary *sum);
/* Takes the lines it knows. */
void tide_summary_parse(struct tide_summary *sum, const char *text);

/* Lines "key value": the value of a key copied to `to`, with \n and \\ resolved. False: none. */
bool tide_lines_get(const char *text, const char *key, char *to, size_t bytes);
/* A line, with line feeds and backslashes of the value escaped. NULL: out of memory. */
char *tide_lines_put(const char *key, const char *value);

#endif
