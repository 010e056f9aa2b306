/* Memory that is freed all at once: see arena.h. */
#include "config/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK_BYTES = 16384, ALIGNMENT = 16 };

struct tide_arena_chunk {
    struct tide_arena_chunk *next;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

void *tide_arena_alloc(struct tide_arena *a, size_t bytes)
{
    struct tide_arena_chunk *c;
    size_t size;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (a->chunks == NULL || a->size - a->used < bytes) {
        size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        if ((c = tide_calloc(1, sizeof *c + size)) == NULL)
            return NULL;
        c->next = a->chunks;
        a->chunks = c;
        a->used = 0;
        a->size = size;
    }
    a->used += bytes;
    return a->chunks->bytes + a->used - bytes;
}

char *tide_arena_copy(struct tide_arena *a, const char *s, size_t n)
{
    char *p = tide_arena_alloc(a, n + 1);

    return p == NULL ? NULL : memcpy(p, s, n);
}

char *tide_arena_printf(struct tide_arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || (p = tide_arena_alloc(a, (size_t)n + 1)) == NULL)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void tide_arena_fini(struct tide_arena *a)
{
    while (a->chunks != NULL) {
        struct tide_arena_chunk *c = a->chunks;

        a->chunks = c->next;
        free(c);
    }
    *a = (struct tide_arena){0};
}
