/* Allocation that tests can make fail.
 *
 * All memory of sim/ comes from here. Blocks are freed with free(). tide_mem_fail_after(n) lets the
 * n-th allocation from now (1 is the next) and all later ones return NULL; 0 switches that off.
 */
#ifndef TIDE_BASE_MEM_H
#define TIDE_BASE_MEM_H

#include <stddef.h>

#include "base/error.h"

void *tide_malloc(size_t bytes);
/* Zeroed; a product that overflows fails. Large untouched parts cost no resident memory. */
void *tide_calloc(size_t n, size_t bytes);
void *tide_realloc(void *p, size_t bytes);
/* Grows an array to hold at least `need` elements, doubling; *cap is updated. NULL: out of memory,
 * the old array is untouched. */
void *tide_grow(void *array, size_t *cap, size_t need, size_t element_bytes);
/* For large tables that are looked up all over: in huge pages where the system gives them, which
 * spares it and the processor's own TLB most of their work. Not zeroed; every 2 MiB that are
 * touched may become resident as a whole. */
void *tide_malloc_huge(size_t bytes);
char *tide_strdup(const char *s);
/* printf into new memory. */
char *tide_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The error for a NULL from above. */
int tide_nomem(struct tide_error *e);

void tide_mem_fail_after(long n);

#endif
