/* From accesses and events to the chunks of a tide trace, in bounded memory. */
#ifndef TIDE_TRACE_TIDE_ENCODE_H
#define TIDE_TRACE_TIDE_ENCODE_H

#include "trace/block.h"
#include "trace/tide_layout.h"

struct tide_encoder;

/* Takes a block's chunk; its version and CRC are filled in by whoever writes it. */
typedef int tide_encoded_fn(void *context, const struct tide_chunk *c, const unsigned char *payload,
                            struct tide_error *e);

/* NULL: out of memory. */
struct tide_encoder *tide_encoder_new(tide_encoded_fn *out, void *context, struct tide_error *e);
void tide_encoder_free(struct tide_encoder *s);
TIDE_MUST_CHECK int tide_encoder_access(struct tide_encoder *s, const struct tide_access *a,
                                        struct tide_error *e);
/* Before the next access. `name` of v->file, or NULL. */
TIDE_MUST_CHECK int tide_encoder_event(struct tide_encoder *s, const struct tide_event *v,
                                       const char *name, struct tide_error *e);
/* Hands out what is left. */
TIDE_MUST_CHECK int tide_encoder_finish(struct tide_encoder *s, struct tide_error *e);

#endif
