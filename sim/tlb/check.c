/* What a TLB configuration must be, with remedies that name numbers: see tlb.h. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tlb/tlb.h"

static bool is_power_of_two(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool workable(uint32_t entries, uint32_t ways, enum tide_tlb_kind kind)
{
    return entries % ways == 0 && is_power_of_two(entries / ways) &&
           (kind != TIDE_TLB_plru || is_power_of_two(ways));
}

/* "a or b", "a", or "" for what exists of two numbers (0: does not). */
static void either(char *buf, size_t n, const char *what, uint32_t a, uint32_t b)
{
    if (a != 0 && b != 0)
        snprintf(buf, n, "%s %u or %u", what, a, b);
    else if (a != 0 || b != 0)
        snprintf(buf, n, "%s %u", what, a + b);
    else
        buf[0] = '\0';
}

/* The remedy: the nearest ways for these entries, and the nearest entries for these ways. */
static void suggest(uint32_t entries, uint32_t ways, enum tide_tlb_kind kind, struct tide_error *e)
{
    uint32_t below = ways, above = ways, fewer = 0, more = ways;
    char by_ways[64], by_entries[64];

    while (below > 0 && !workable(entries, below, kind))
        below--;
    while (above <= entries && !workable(entries, above, kind))
        above++;
    either(by_ways, sizeof by_ways, "ways", below, above <= entries ? above : 0);
    by_entries[0] = '\0';
    if (kind != TIDE_TLB_plru || is_power_of_two(ways)) {
        for (; more < entries; more *= 2)
            fewer = more;
        either(by_entries, sizeof by_entries, "entries", fewer,
               more <= TIDE_TLB_MAX_ENTRIES ? more : 0);
    }
    tide_error_remedy(e, "%s%s%s would do%s", by_ways,
                      by_ways[0] != '\0' && by_entries[0] != '\0' ? ", or " : "", by_entries,
                      kind == TIDE_TLB_plru ? "; lru takes any number of ways" : "");
    if (by_ways[0] == '\0' && by_entries[0] == '\0')
        tide_error_remedy(e, "lru takes any number of ways");
}

int tide_tlb_check_shape(const char *owner, uint32_t entries, uint32_t ways,
                         enum tide_tlb_kind kind, struct tide_error *e)
{
    if (entries < 1 || entries > TIDE_TLB_MAX_ENTRIES) {
        tide_fail(e, TIDE_E_CONFIG, "%s: %u entries", owner, entries);
        tide_error_remedy(e, "from 1 to %d", TIDE_TLB_MAX_ENTRIES);
        return TIDE_E_CONFIG;
    }
    if (ways < 1 || ways > entries) {
        tide_fail(e, TIDE_E_CONFIG, "%s: %u ways for %u entries", owner, ways, entries);
        tide_error_remedy(e, "from 1 to %u; 'full' is %u", entries, entries);
        return TIDE_E_CONFIG;
    }
    if (entries % ways != 0)
        tide_fail(e, TIDE_E_CONFIG, "%s: %u ways do not divide %u entries", owner, ways, entries);
    else if (!is_power_of_two(entries / ways))
        tide_fail(e, TIDE_E_CONFIG, "%s: %u entries of %u ways are %u sets, no power of two", owner,
                  entries, ways, entries / ways);
    else if (kind == TIDE_TLB_plru && !is_power_of_two(ways))
        tide_fail(e, TIDE_E_CONFIG, "%s: plru needs a power of two of ways, not %u", owner, ways);
    else
        return 0;
    suggest(entries, ways, kind, e);
    return TIDE_E_CONFIG;
}

static bool serves(const struct tide_tlb_array_config *a, unsigned page_shift)
{
    for (unsigned i = 0; i < a->n_sizes; i++)
        if (a->page_shifts[i] == page_shift)
            return true;
    return a->n_sizes == 0;
}

int tide_tlb_array_of(const struct tide_tlb_config *c, unsigned page_shift, enum tide_side side,
                      uint32_t level)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->arrays[i].level == level && (c->arrays[i].serves >> side & 1) != 0 &&
            serves(&c->arrays[i], page_shift))
            return (int)i;
    return -1;
}

/* Whether two arrays would both be looked up for some reference; *page_shift is its page size. */
static bool clash(const struct tide_tlb_array_config *a, const struct tide_tlb_array_config *b,
                  unsigned machine_shift, unsigned *page_shift)
{
    if (a->level != b->level || (a->serves & b->serves) == 0)
        return false;
    *page_shift = machine_shift;
    if (a->n_sizes == 0)
        return serves(b, machine_shift);
    for (unsigned i = 0; i < a->n_sizes; i++) {
        *page_shift = a->page_shifts[i];
        if (b->n_sizes == 0 ? *page_shift == machine_shift : serves(b, *page_shift))
            return true;
    }
    return false;
}

static int check_array(const struct tide_tlb_config *c, unsigned i, unsigned page_shift,
                       struct tide_error *e)
{
    const struct tide_tlb_array_config *a = &c->arrays[i];
    char owner[48], size[24];
    unsigned shift;

    snprintf(owner, sizeof owner, "TLB array '%s'", a->name);
    if (a->name[0] == '\0') {
        tide_fail(e, TIDE_E_CONFIG, "TLB array %u has no name", i + 1);
        goto remedy_name;
    }
    if (a->level < 1 || a->level > TIDE_TLB_MAX_LEVELS) {
        tide_fail(e, TIDE_E_CONFIG, "%s: level %u", owner, a->level);
        tide_error_remedy(e, "from 1 to %d", TIDE_TLB_MAX_LEVELS);
        return TIDE_E_CONFIG;
    }
    if (a->serves < 1 || a->serves > (TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA)) {
        tide_fail(e, TIDE_E_CONFIG, "%s serves neither fetches nor data", owner);
        tide_error_remedy(e, "say for: instruction, data or both");
        return TIDE_E_CONFIG;
    }
    if (a->kind < 0 || a->kind >= TIDE_TLB_KINDS)
        return tide_fail(e, TIDE_E_CONFIG, "%s: unknown kind %d", owner, (int)a->kind);
    for (unsigned j = 0; j < i; j++) {
        if (strcmp(a->name, c->arrays[j].name) == 0) {
            tide_fail(e, TIDE_E_CONFIG, "two TLB arrays have the name '%s'", a->name);
            goto remedy_name;
        }
        if (clash(a, &c->arrays[j], page_shift, &shift)) {
            tide_format_size(UINT64_C(1) << shift, size, sizeof size);
            tide_fail(e, TIDE_E_CONFIG, "TLB arrays '%s' and '%s' both serve %s pages at level %u",
                      c->arrays[j].name, a->name, size, a->level);
            tide_error_remedy(e, "give them different sides, levels or page sizes "
                                 "(none given means the machine's)");
            return TIDE_E_CONFIG;
        }
    }
    return tide_tlb_check_shape(owner, a->entries, a->ways, a->kind, e);
remedy_name:
    tide_error_remedy(e, "each array needs a name of its own: it is the `level` in tlb.csv");
    return TIDE_E_CONFIG;
}

int tide_tlb_check(const struct tide_tlb_config *c, unsigned page_shift, struct tide_error *e)
{
    unsigned levels = 0, served[TIDE_SIDES] = {0}, any[TIDE_SIDES] = {0};
    char size[24];

    if (c->n > TIDE_TLB_MAX_ARRAYS) {
        tide_fail(e, TIDE_E_CONFIG, "%u TLB arrays", c->n);
        tide_error_remedy(e, "at most %d", TIDE_TLB_MAX_ARRAYS);
        return TIDE_E_CONFIG;
    }
    for (unsigned i = 0; i < c->n; i++) {
        const struct tide_tlb_array_config *a = &c->arrays[i];
        int rc = check_array(c, i, page_shift, e);

        if (rc < 0)
            return rc;
        levels |= 1u << a->level;
        for (unsigned side = 0; side < TIDE_SIDES; side++) {
            any[side] |= a->serves >> side & 1;
            served[side] |= (a->serves >> side & 1) != 0 && serves(a, page_shift);
        }
    }
    levels >>= 1;
    if ((levels & (levels + 1)) != 0) {
        tide_fail(e, TIDE_E_CONFIG, "the TLB levels have a gap");
        tide_error_remedy(e, "number them 1, 2, ... without leaving one out");
        return TIDE_E_CONFIG;
    }
    for (unsigned side = 0; side < TIDE_SIDES; side++) {
        if (any[side] <= served[side])
            continue;
        tide_format_size(UINT64_C(1) << page_shift, size, sizeof size);
        tide_fail(e, TIDE_E_CONFIG, "no TLB array for %s serves %s pages",
                  side == TIDE_SIDE_FETCH ? "instructions" : "data", size);
        tide_error_remedy(e, "add %s to the page_sizes of one, or give an array without them",
                          size);
        return TIDE_E_CONFIG;
    }
    return 0;
}
