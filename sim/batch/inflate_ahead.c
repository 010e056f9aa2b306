/* Inflating for a ring: see inflate_ahead.h. */
#include "batch/inflate_ahead.h"

static bool inflate(void *stream)
{
    return tide_stream_make_ahead(stream);
}

static bool lags(void *stream)
{
    return tide_stream_lags(stream);
}

static bool starves(void *stream)
{
    return tide_stream_would_wait(stream);
}

int tide_inflate_ahead(struct tide_ring *r, struct tide_reader *reader, struct tide_error *e)
{
    struct tide_stream *s = tide_reader_stream(reader);

    if (r->jobs <= 1)
        return 0;
    r->preparation = (struct tide_ring_preparation){
        .context = s, .prepare = inflate, .lags = lags, .starves = starves};
    return tide_stream_read_ahead(s, e);
}
