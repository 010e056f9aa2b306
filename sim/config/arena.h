/* Memory that is freed all at once: nodes, texts and messages of one load. */
#ifndef TIDE_CONFIG_ARENA_H
#define TIDE_CONFIG_ARENA_H

#include <stddef.h>

struct tide_arena_chunk;

/* All zero is an empty arena. */
struct tide_arena {
    struct tide_arena_chunk *chunks;
    size_t used, size; /* of the newest chunk */
};

/* Zeroed, aligned for any type; NULL: out of memory. */
void *tide_arena_alloc(struct tide_arena *a, size_t bytes);
/* A copy of n bytes with a NUL behind them. */
char *tide_arena_copy(struct tide_arena *a, const char *s, size_t n);
char *tide_arena_printf(struct tide_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tide_arena_fini(struct tide_arena *a);

#endif
