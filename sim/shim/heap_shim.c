/* Preloaded into a recorded program: tells calls of malloc and its kin in order with its accesses.
 *
 * lackey records addresses only, but a program can have Valgrind print a line into the log, between
 * the accesses before and after, by a client request: a few instructions that do nothing elsewhere.
 * So each call becomes a line of text that our reader takes for an event:
 *
 *     **4711** malloc(24) = 0x4a17040           printed when the allocator has returned
 *     **4711** calloc(2, 16) = 0x4a17080        memalign(64, 100) = ... for all aligned kinds
 *     **4711** realloc(0x4a17040, 48) = 0x4a170c0
 *     **4711** free(0x4a17080)                  printed before the allocator is called
 *
 * No byte of the program's memory changes by it, and no buffer has to be found by the recorder. All
 * instructions here, and what they touch, are taken out again by the recorder (trace/recorder.h),
 * which knows our pages by the mapping of this file. Finding the real allocator makes the dynamic
 * linker work: marks around that tell what to leave out. What stays of us in a trace is the loading
 * of one library more.
 *
 * What the C library calls inside, not through its table of symbols, is not seen.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <valgrind/valgrind.h>

#define EXPORT __attribute__((visibility("default")))

/* dlsym() may allocate while it looks for the allocator; that little comes from here for good. */
enum { EARLY_BYTES = 4096, ALIGN = 16 };

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void (*free)(void *);
} next;

static enum { UNKNOWN, SEARCHING, FOUND } state;
static _Alignas(ALIGN) unsigned char early[EARLY_BYTES];
static size_t early_used;

static bool is_early(const void *p)
{
    return (uintptr_t)p - (uintptr_t)early < EARLY_BYTES;
}

static void *early_calloc(size_t bytes)
{
    void *p = early + early_used;

    if (bytes > EARLY_BYTES - early_used)
        return NULL;
    early_used += (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (early_used > EARLY_BYTES)
        early_used = EARLY_BYTES;
    return p;
}

/* A function pointer from an object pointer, as POSIX has it for dlsym(). */
static void find(const char *name, void *to)
{
    void *f = dlsym(RTLD_NEXT, name);

    memcpy(to, &f, sizeof f);
}

/* False while the allocator is being looked for. */
static bool ready(void)
{
    if (state == UNKNOWN) {
        state = SEARCHING;
        VALGRIND_PRINTF("pagetide shim begins\n");
        find("malloc", &next.malloc);
        find("calloc", &next.calloc);
        find("realloc", &next.realloc);
        find("memalign", &next.memalign);
        find("free", &next.free);
        VALGRIND_PRINTF("pagetide shim ends\n");
        state = FOUND;
    }
    return state == FOUND;
}

EXPORT void *malloc(size_t bytes)
{
    void *p;

    if (!ready())
        return early_calloc(bytes);
    p = next.malloc(bytes);
    VALGRIND_PRINTF("malloc(%lu) = 0x%lx\n", (unsigned long)bytes, (unsigned long)p);
    return p;
}

EXPORT void *calloc(size_t n, size_t bytes)
{
    void *p;

    if (!ready())
        return bytes == 0 || n <= EARLY_BYTES / bytes ? early_calloc(n * bytes) : NULL;
    p = next.calloc(n, bytes);
    if (p != NULL) /* else the product may not fit */
        VALGRIND_PRINTF("calloc(%lu, %lu) = 0x%lx\n", (unsigned long)n, (unsigned long)bytes,
                        (unsigned long)p);
    return p;
}

EXPORT void free(void *p)
{
    if (p == NULL || is_early(p) || !ready())
        return;
    VALGRIND_PRINTF("free(0x%lx)\n", (unsigned long)p);
    next.free(p);
}

EXPORT void *realloc(void *old, size_t bytes)
{
    void *p;

    if (!ready() || is_early(old)) {
        size_t most = is_early(old) ? (size_t)(early + EARLY_BYTES - (unsigned char *)old) : 0;

        p = malloc(bytes);
        if (p != NULL && old != NULL)
            memcpy(p, old, bytes < most ? bytes : most);
        return p;
    }
    p = next.realloc(old, bytes);
    if (p == NULL && old != NULL && bytes == 0) /* glibc: that was free() */
        VALGRIND_PRINTF("free(0x%lx)\n", (unsigned long)old);
    else
        VALGRIND_PRINTF("realloc(0x%lx, %lu) = 0x%lx\n", (unsigned long)old, (unsigned long)bytes,
                        (unsigned long)p);
    return p;
}

EXPORT void *reallocarray(void *old, size_t n, size_t bytes)
{
    size_t all;

    if (__builtin_mul_overflow(n, bytes, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, all);
}

EXPORT void *memalign(size_t align, size_t bytes)
{
    void *p;

    if (!ready())
        return NULL; /* the dynamic linker asks for no alignment */
    p = next.memalign(align, bytes);
    VALGRIND_PRINTF("memalign(%lu, %lu) = 0x%lx\n", (unsigned long)align, (unsigned long)bytes,
                    (unsigned long)p);
    return p;
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
    return memalign(align, bytes);
}

EXPORT int posix_memalign(void **out, size_t align, size_t bytes)
{
    void *p;

    if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)) != 0)
        return EINVAL;
    if ((p = memalign(align, bytes)) == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}
