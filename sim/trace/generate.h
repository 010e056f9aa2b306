/* Synthetic traces: seeded patterns of access, for tests, teaching and benchmarks.
 *
 * A phase is one pattern with its parameters; a trace is one phase or several, in order, repeated
 * as a whole if asked for. The same phases and seed give the same trace on every machine.
 *
 *   pattern     accesses of a phase
 *   sequential  step by step, `size` bytes each, through the region, from its start again
 *   strided     the same by steps of `stride` bytes
 *   uniform     every page with equal chance
 *   zipf        page number r of a shuffled order with chance proportional to 1/r^(skew/100)
 *   loop        one access to each page in turn, over and over
 *   chase       along one random cycle through all pages: the next place is known only by reading
 *   ramp        uniform over a working set that grows evenly from `from` pages to all of them
 *   scan-mix    zipf in the lower half of the region; with chance `scan` the next page of a scan of
 *               the upper half instead
 */
#ifndef TIDE_TRACE_GENERATE_H
#define TIDE_TRACE_GENERATE_H

#include "base/options.h"
#include "base/units.h"
#include "trace/block.h"

enum tide_pattern {
    TIDE_PATTERN_SEQUENTIAL,
    TIDE_PATTERN_STRIDED,
    TIDE_PATTERN_UNIFORM,
    TIDE_PATTERN_ZIPF,
    TIDE_PATTERN_LOOP,
    TIDE_PATTERN_CHASE,
    TIDE_PATTERN_RAMP,
    TIDE_PATTERN_SCAN_MIX,
    TIDE_PATTERNS
};

extern const char *const tide_pattern_names[TIDE_PATTERNS];

enum {
    TIDE_GENERATE_PAGE = 4096,      /* bytes of a page here */
    TIDE_GENERATE_PAGES = 1 << 24,  /* most pages of a region: 64 GiB */
    TIDE_GENERATE_BASE = 0x10000000 /* where regions begin by default */
};

/* The parameters of a phase; those that its pattern does not use are without effect. */
struct tide_phase {
    enum tide_pattern pattern;
    uint64_t accesses;
    uint64_t pages;            /* of the region */
    uint64_t base;             /* pages from TIDE_GENERATE_BASE to the region */
    uint64_t size;             /* bytes of an access */
    uint64_t stride;           /* bytes */
    uint64_t skew;             /* hundredths */
    uint64_t from;             /* pages */
    struct tide_amount writes; /* share of the accesses */
    struct tide_amount scan;   /* share of the accesses */
};

/* The rows for all fields but the pattern. */
extern const struct tide_option tide_phase_options[];

/* Fills in the defaults. */
void tide_phase_init(struct tide_phase *p, enum tide_pattern pattern);
/* The pattern of that name, or TIDE_E_CONFIG. */
TIDE_MUST_CHECK int tide_pattern_find(const char *name, enum tide_pattern *out,
                                      struct tide_error *e);
/* Parameters that do not fit each other are TIDE_E_CONFIG. */
TIDE_MUST_CHECK int tide_phase_check(const struct tide_phase *p, struct tide_error *e);

struct tide_generator;

/* The phases must stay and have passed tide_phase_check(). repeat >= 1. NULL: out of memory. */
struct tide_generator *tide_generator_new(const struct tide_phase *phases, size_t n,
                                          uint64_t repeat, uint64_t seed, struct tide_error *e);
void tide_generator_free(struct tide_generator *g);
/* As tide_reader_next(): 1 with accesses, 0 at the end, or negative. */
TIDE_MUST_CHECK int tide_generator_next(struct tide_generator *g, struct tide_block *b,
                                        struct tide_error *e);

#endif
