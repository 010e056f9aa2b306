/* space/invariants: traces that break one rule each, by hand; and traces that break none. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "space/invariants.h"
#include "space/mm.h"

enum { R = TIDE_PROT_READ, W = TIDE_PROT_WRITE, X = TIDE_PROT_EXEC };

static struct tide_block block;
static struct tide_trace_info info;
static char found[2048]; /* "name@record/access!" with ! for damage */

static void tell(void *context, const struct tide_finding *f)
{
    size_t n = strlen(found);

    (void)context;
    snprintf(found + n, sizeof found - n, "%s%s@%" PRIu64 "/%" PRIu64 "%s", n > 0 ? " " : "",
             f->name, f->record, f->access, f->damage ? "!" : "");
    cr_expect(f->what[0] != '\0');
}

static void begin(void)
{
    memset(&block, 0, sizeof block);
    info = (struct tide_trace_info){.has_layout = true, .has_syscalls = true};
    found[0] = '\0';
}

static struct tide_event *event(enum tide_event_type type, uint64_t addr, uint64_t len)
{
    struct tide_event *ev = &block.events[block.n_events++];

    *ev = (struct tide_event){
        .at = (uint32_t)block.n_accesses, .type = (uint8_t)type, .addr = addr, .len = len};
    return ev;
}

static void map(uint64_t addr, uint64_t len, uint32_t prot, uint8_t flags)
{
    struct tide_event *ev = event(TIDE_EV_MAP, addr, len);

    ev->prot = prot;
    ev->flags = flags;
}

static struct tide_access *touch(enum tide_kind kind, uint64_t addr, uint32_t size)
{
    struct tide_access *a = &block.accesses[block.n_accesses++];

    *a = (struct tide_access){.addr = addr, .size = size, .kind = (uint8_t)kind};
    return a;
}

/* A process with code at 0x1000 and two pages of data at 0x3000. */
static void program(void)
{
    begin();
    event(TIDE_EV_PROCESS, 0, 0);
    map(0x1000, 0x1000, R | X, TIDE_MAP_FROM_LAYOUT);
    map(0x3000, 0x2000, R | W, TIDE_MAP_FROM_LAYOUT);
}

static const char *check(void)
{
    struct tide_error e = {0};
    struct tide_invariants *v = tide_invariants_new(tell, NULL, &e);

    cr_assert_not_null(v);
    cr_assert_eq(tide_invariants_take(v, &block, &info, &e), 0, "%s", e.what);
    tide_invariants_end(v, &info);
    cr_expect_eq(tide_invariants_records(v), block.n_accesses + block.n_events);
    tide_invariants_free(v);
    return found;
}

#define EXPECT(text)                                                    \
    do {                                                                \
        const char *got = check();                                      \
        cr_expect_str_eq(got, text, "found '%s', not '%s'", got, text); \
    } while (0)

Test(invariants, nothing_wrong)
{
    program();
    touch(TIDE_FETCH, 0x1ffd, 3);
    touch(TIDE_WRITE, 0x3ffc, 8);
    touch(TIDE_MODIFY, 0x4ff8, 8);
    event(TIDE_EV_PROTECT, 0x3000, 0x2000)->prot = R;
    touch(TIDE_READ, 0x3000, 1);
    event(TIDE_EV_UNMAP, 0x3000, 0x8000); /* munmap takes a range with holes */
    event(TIDE_EV_EXIT, 0, 0);
    EXPECT("");
}

Test(invariants, processes)
{
    begin();
    touch(TIDE_READ, 0x1000, 1);
    EXPECT("process@0/0!");

    program();
    touch(TIDE_FETCH, 0x1000, 1);
    event(TIDE_EV_PROCESS, 0, 0);
    EXPECT("process-again@4/1!");

    program();
    event(TIDE_EV_EXIT, 0, 0);
    touch(TIDE_FETCH, 0x1000, 1);
    touch(TIDE_FETCH, 0x1001, 1); /* told once */
    EXPECT("after-exit@4/0!");

    program();
    touch(TIDE_READ, 0x3000, 1)->process = 1;
    event(TIDE_EV_PROCESS, 0, 0)->process = 1;
    EXPECT("process@3/0! process-again@4/1!");
}

Test(invariants, order_of_blocks)
{
    program();
    block.first = 7;
    touch(TIDE_READ, 0x3000, 1);
    EXPECT("order@0/0!");
}

Test(invariants, mappings)
{
    program();
    event(TIDE_EV_UNMAP, 0x3001, 0x1000);
    EXPECT("event@3/0!");

    program();
    map(0x4000, 0x1000, R, TIDE_MAP_FROM_LAYOUT);
    EXPECT("layout-overlap@3/0!");

    program();
    map(0x4000, 0x1000, R, 0); /* mmap may replace */
    EXPECT("");

    program();
    touch(TIDE_READ, 0x3000, 1);
    map(0x8000, 0x1000, R, TIDE_MAP_FROM_LAYOUT);
    EXPECT("layout-late@4/1");

    program();
    map(0x8000, 0x1000, 0x80, 0);
    EXPECT("bits@3/0!");

    program();
    map(0x8000, 0x1000, R, 0);
    block.events[3].file = 1;
    block.events[3].offset = 100;
    EXPECT("bits@3/0!");

    program();
    event(TIDE_EV_PROTECT, 0x1000, 0x4000)->prot = R; /* 0x2000 is a hole */
    EXPECT("unmapped@3/0");

    program();
    event(TIDE_EV_STACK, 0x9000, 0x1000); /* room without a mapping that ends there */
    EXPECT("event@3/0!");
}

Test(invariants, accesses)
{
    program();
    touch(TIDE_READ, 0x8000, 4);
    touch(TIDE_READ, 0x8010, 4);
    touch(TIDE_WRITE, 0x4ffc, 8); /* half of it */
    EXPECT("outside@3/0 outside@5/2");

    program();
    touch(TIDE_WRITE, 0x1000, 4);
    touch(TIDE_WRITE, 0x1008, 4);
    touch(TIDE_FETCH, 0x3000, 4);
    EXPECT("permission@3/0 permission@5/2");

    program();
    touch(TIDE_WRITE, 0x3000, 4);
    event(TIDE_EV_PROTECT, 0x3000, 0x1000)->prot = R;
    touch(TIDE_WRITE, 0x3000, 4); /* the page was in order a moment ago */
    EXPECT("permission@5/1");

    program();
    touch(TIDE_READ, UINT64_C(1) << 60, 4);
    EXPECT("canonical@3/0");

    program();
    info.has_syscalls = false; /* what was mapped later is not known */
    touch(TIDE_READ, 0x8000, 4);
    EXPECT("");
}

Test(invariants, objects)
{
    program();
    event(TIDE_EV_MALLOC, 0x3000, 8);
    event(TIDE_EV_MALLOC, 0x3000, 8);
    event(TIDE_EV_FREE, 0x3000, 0);
    event(TIDE_EV_FREE, 0x3000, 0);
    event(TIDE_EV_FREE, 0, 0);
    EXPECT("object@4/0 object@6/0");

    program();
    event(TIDE_EV_FREE, 0x3000, 0); /* given out before the trace began */
    event(TIDE_EV_MALLOC, 0x3000, 8);
    event(TIDE_EV_REALLOC, 0x3000, 8)->new_addr = 0x3100;
    event(TIDE_EV_FREE, 0x3100, 0);
    EXPECT("");

    begin();
    event(TIDE_EV_PROCESS, 0, 0);
    event(TIDE_EV_PAGE_FREE, 7, 0);
    event(TIDE_EV_PAGE_ALLOC, 7, 0);
    event(TIDE_EV_PAGE_ALLOC, 7, 0);
    event(TIDE_EV_KALLOC, 0x7000, 8);
    event(TIDE_EV_KALLOC, 0x7000, 8);
    EXPECT("frame@3/0 frame@5/0");
}

Test(invariants, results)
{
    program();
    info.lost_results = 2;
    EXPECT("results@3/0");
}
