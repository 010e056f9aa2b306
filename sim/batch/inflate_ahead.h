/* A ring that is filled from a reader: threads inflate ahead what it will read. */
#ifndef TIDE_BATCH_INFLATE_AHEAD_H
#define TIDE_BATCH_INFLATE_AHEAD_H

#include "batch/ring.h"
#include "trace/reader.h"

/* Where the ring has more than one job; the reader must outlive it. Only produce() may read from
 * then on. */
TIDE_MUST_CHECK int tide_inflate_ahead(struct tide_ring *r, struct tide_reader *reader,
                                       struct tide_error *e);

#endif
