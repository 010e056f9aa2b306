/* base/: numbers with units, option tables, nearest word, map, generator. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/units.h"

Test(units, sizes_are_binary_and_need_a_unit)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } cases[] = {
        {"4K", 4096},
        {"4KiB", 4096},
        {"64M", 64u << 20},
        {"2G", UINT64_C(2) << 30},
        {"1T", UINT64_C(1) << 40},
        {"512B", 512},
        {"4096", 0},
        {"4Kb", 0},
        {"4 K", 0},
        {"K", 0},
        {"", 0},
        {"-4K", 0},
        {"4X", 0},
        {"99999999999G", 0},
        {"99999999999999999999999K", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 0;
        struct tide_error e;
        int rc = tide_parse_size(cases[i].text, &v, &e);

        cr_expect_eq(rc == 0, cases[i].bytes != 0, "%s", cases[i].text);
        if (rc == 0)
            cr_expect_eq(v, cases[i].bytes, "%s", cases[i].text);
    }
}

Test(units, counts_are_decimal)
{
    uint64_t v;

    cr_expect_eq(tide_parse_count("100K", &v, NULL), 0);
    cr_expect_eq(v, 100000);
    cr_expect_eq(tide_parse_count("18446744073709551615", &v, NULL), 0);
    cr_expect_eq(v, UINT64_MAX);
    cr_expect_lt(tide_parse_count("18446744073709551616", &v, NULL), 0);
    cr_expect_lt(tide_parse_count("1e6", &v, NULL), 0);
}

Test(units, shares_are_exact)
{
    static const struct {
        const char *text;
        uint64_t whole, part;
    } cases[] = {{"50%", 7, 3},  {"100%", 7, 7},          {"12.5%", 8, 1}, {"33.3%", 1000, 333},
                 {"10%", 10, 1}, {"0.1%", 1000000, 1000}, {"30%", 10, 3},  {"70%", 10, 7}};
    struct tide_amount a;
    char buf[32];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(tide_parse_amount(cases[i].text, &a, NULL), 0);
        cr_expect_eq(tide_amount_of(a, cases[i].whole), cases[i].part, "%s", cases[i].text);
        tide_format_amount(a, buf, sizeof buf);
        cr_expect_str_eq(buf, cases[i].text);
    }
    cr_expect_lt(tide_parse_amount("0%", &a, NULL), 0);
    cr_expect_lt(tide_parse_amount("101%", &a, NULL), 0);
    cr_expect_lt(tide_parse_amount("5 %", &a, NULL), 0);
}

Test(units, formats_read_back)
{
    static const uint64_t values[] = {0, 1, 1000, 1024, 4096, 1500, 1000000, 1048576, 123456789};
    char buf[32];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t v;

        tide_format_size(values[i], buf, sizeof buf);
        cr_expect_eq(tide_parse_size(buf, &v, NULL), 0, "%s", buf);
        cr_expect_eq(v, values[i]);
        tide_format_count(values[i], buf, sizeof buf);
        cr_expect_eq(tide_parse_count(buf, &v, NULL), 0, "%s", buf);
        cr_expect_eq(v, values[i]);
    }
}

struct opts {
    uint64_t bits;
    struct tide_amount kin;
    bool persist;
    int delta;
};
static const char *const deltas[] = {"real", "integer", NULL};
static const struct tide_option table[] = {
    {.name = "bits",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct opts, bits),
     .def = "8",
     .min = 1,
     .max = 64},
    {.name = "kin",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct opts, kin),
     .def = "25%",
     .min = 1},
    {.name = "persist",
     .type = TIDE_OPT_BOOL,
     .offset = offsetof(struct opts, persist),
     .def = "no"},
    {.name = "delta",
     .type = TIDE_OPT_CHOICE,
     .offset = offsetof(struct opts, delta),
     .def = "integer",
     .choices = deltas},
    {.name = NULL},
};

Test(options, defaults_set_print_and_refuse)
{
    struct opts o = {0};
    struct tide_error e;
    char buf[32];

    tide_options_defaults(table, &o);
    cr_expect_eq(o.bits, 8);
    cr_expect(o.kin.is_share);
    cr_expect_eq(o.delta, 1);
    cr_expect_eq(tide_option_set(table, &o, "policy x", "bits", "64", &e), 0);
    cr_expect_eq(o.bits, 64);
    cr_expect_eq(tide_option_set(table, &o, "policy x", "bits", "65", &e), TIDE_E_CONFIG);
    cr_expect_eq(o.bits, 64, "a refused value must not be stored");
    cr_expect_str_eq(e.remedy, "from 1 to 64");
    cr_expect_eq(tide_option_set(table, &o, "policy x", "persits", "yes", &e), TIDE_E_CONFIG);
    cr_expect_not_null(strstr(e.remedy, "did you mean 'persist'?"));
    cr_expect_eq(tide_option_set(table, &o, "policy x", "delta", "imaginary", &e), TIDE_E_CONFIG);
    cr_expect_str_eq(e.remedy, "one of: real, integer");
    tide_option_print(&table[1], &o, buf, sizeof buf);
    cr_expect_str_eq(buf, "25%");
}

Test(nearest, slips_are_found_and_strangers_are_not)
{
    static const char *const words[] = {"arc", "clock", "fifo", "lru", "opt"};

    cr_expect_str_eq(tide_nearest("lur", words, 5), "lru");
    cr_expect_str_eq(tide_nearest("clok", words, 5), "clock");
    cr_expect_null(tide_nearest("xyzzyfoo", words, 5));
    cr_expect_null(tide_nearest("", words, 5));
}

/* Every operation is checked against a plain array. */
Test(map, agrees_with_an_array)
{
    enum { KEYS = 500 };
    struct tide_map m;
    struct tide_rng r;
    uint64_t value[KEYS] = {0};
    bool present[KEYS] = {false};
    size_t count = 0;

    tide_map_init(&m);
    tide_rng_init(&r, 1, "map test");
    for (int step = 0; step < 20000; step++) {
        uint64_t k = tide_rng_below(&r, KEYS), key = k << 40; /* many equal low bits */

        if (tide_rng_below(&r, 3) == 0) {
            cr_assert_eq(tide_map_remove(&m, key), present[k]);
            count -= present[k];
            present[k] = false;
        } else {
            bool inserted;
            uint64_t *v = tide_map_put(&m, key, &inserted);

            cr_assert_not_null(v);
            cr_assert_eq(inserted, !present[k]);
            if (!inserted)
                cr_assert_eq(*v, value[k]);
            count += inserted;
            present[k] = true;
            *v = value[k] = (uint64_t)step;
        }
        cr_assert_eq(m.count, count);
    }
    for (uint64_t k = 0; k < KEYS; k++)
        cr_assert_eq(tide_map_get(&m, k << 40) != NULL, present[k]);
    tide_map_fini(&m);
}

Test(rng, streams_depend_on_seed_and_name_and_are_in_range)
{
    struct tide_rng a, b, c;
    uint64_t seen = 0;

    tide_rng_init(&a, 1, "policy");
    tide_rng_init(&b, 1, "tlb.l1d");
    tide_rng_init(&c, 2, "policy");
    cr_expect_neq(tide_rng_next(&a), tide_rng_next(&b));
    tide_rng_init(&a, 1, "policy");
    cr_expect_neq(tide_rng_next(&a), tide_rng_next(&c));
    for (int i = 0; i < 1000; i++) {
        uint64_t v = tide_rng_below(&a, 10);

        cr_assert_lt(v, 10);
        seen |= UINT64_C(1) << v;
    }
    cr_expect_eq(seen, 0x3ff);
}

Test(mem, the_nth_allocation_fails)
{
    void *p;

    tide_mem_fail_after(2);
    p = tide_malloc(1);
    cr_expect_not_null(p);
    cr_expect_null(tide_malloc(1));
    cr_expect_null(tide_calloc(1, 1));
    tide_mem_fail_after(0);
    free(p);
    p = tide_malloc(1);
    cr_expect_not_null(p);
    free(p);
}
