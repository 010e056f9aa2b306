/* Allocation that tests can make fail: see mem.h. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* of x86-64 and of most others that have them; elsewhere the advice may have no effect */
enum { HUGE_PAGE_BYTES = 2 << 20 };

static atomic_long fail_after;

void tide_mem_fail_after(long n)
{
    atomic_store(&fail_after, n);
}

static bool refuse(void)
{
    if (atomic_load_explicit(&fail_after, memory_order_relaxed) == 0)
        return false;
    /* 1 stays: once failing, always failing, so that clean-up paths are tried too. */
    if (atomic_load(&fail_after) == 1)
        return true;
    atomic_fetch_sub(&fail_after, 1);
    return false;
}

void *tide_malloc(size_t bytes)
{
    return refuse() ? NULL : malloc(bytes > 0 ? bytes : 1);
}

void *tide_calloc(size_t n, size_t bytes)
{
    return refuse() ? NULL : calloc(n > 0 ? n : 1, bytes > 0 ? bytes : 1);
}

void *tide_realloc(void *p, size_t bytes)
{
    return refuse() ? NULL : realloc(p, bytes > 0 ? bytes : 1);
}

void *tide_grow(void *array, size_t *cap, size_t need, size_t element_bytes)
{
    size_t n = *cap > 0 ? *cap : 8;
    void *p;

    if (need <= *cap)
        return array;
    while (n < need) {
        if (n > SIZE_MAX / 2)
            return NULL;
        n *= 2;
    }
    if (n > SIZE_MAX / element_bytes)
        return NULL;
    p = tide_realloc(array, n * element_bytes);
    if (p != NULL)
        *cap = n;
    return p;
}

void *tide_malloc_huge(size_t bytes)
{
    size_t whole = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    void *p = refuse() ? NULL : aligned_alloc(HUGE_PAGE_BYTES, whole > 0 ? whole : HUGE_PAGE_BYTES);

#ifdef MADV_HUGEPAGE
    if (p != NULL)
        madvise(p, whole, MADV_HUGEPAGE); /* refused: ordinary pages */
#endif
    return p;
}

char *tide_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = tide_malloc(n);

    return p == NULL ? NULL : memcpy(p, s, n);
}

char *tide_asprintf(const char *fmt, ...)
{
    va_list ap;
    int n;
    char *p;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || (p = tide_malloc((size_t)n + 1)) == NULL)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

int tide_nomem(struct tide_error *e)
{
    tide_fail(e, TIDE_E_NOMEM, "out of memory");
    tide_error_remedy(e, "fewer machines at once (a smaller sweep), or fewer frames, need less");
    return TIDE_E_NOMEM;
}
