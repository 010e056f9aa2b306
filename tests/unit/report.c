/* Columns, rows, JSON, whole files and the table for people. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/columns.h"
#include "report/csv.h"
#include "report/curves.h"
#include "report/json.h"
#include "report/outfile.h"
#include "report/table.h"

Test(columns, names_are_unique_and_everything_is_defined)
{
    for (size_t t = 0; t < TIDE_TABLES; t++) {
        const struct tide_table_info *info = &tide_tables[t];

        cr_assert_gt(info->n_columns, 0);
        cr_assert_neq(info->row[0], '\0');
        for (size_t i = 0; i < info->n_columns; i++) {
            const struct tide_column *c = &info->columns[i];

            cr_expect_eq(c->name[strspn(c->name, "abcdefghijklmnopqrstuvwxyz_")], '\0',
                         "%s.%s: not lower case", info->name, c->name);
            cr_expect_gt(strlen(c->definition), 5, "%s.%s", info->name, c->name);
            cr_expect_neq(c->definition[strlen(c->definition) - 1], '.', "%s.%s", info->name,
                          c->name);
            for (size_t k = 0; k < i; k++)
                cr_expect_str_neq(c->name, info->columns[k].name);
        }
        for (size_t k = 0; k < t; k++)
            cr_expect_str_neq(info->name, tide_tables[k].name);
        if (t != TIDE_TABLE_schema)
            cr_expect_str_eq(info->columns[0].name,
                             tide_report_is_curve((enum tide_table)t) ? "trace" : "run");
    }
}

/* The columns that outside checks rely on, in their order: a change here breaks users' scripts. */
Test(columns, published_ones_stand_first_and_in_order)
{
    static const struct {
        enum tide_table table;
        const char *columns;
    } published[] = {
        {TIDE_TABLE_summary, "run,trace,policy,frames,page_bytes,accesses,references,"
                             "distinct_pages,faults_minor,faults_major,faults,fault_ratio,"
                             "evictions,writebacks,tlb_misses,walks,walk_refs,eat_cycles,"
                             "mean_resident_pages,reference_mode,status"},
        {TIDE_TABLE_tlb, "run,level,lookups,hits,misses,hit_ratio,compulsory_misses"},
        {TIDE_TABLE_processes,
         "run,pid,references,faults_minor,faults_major,rss_pages,rss_peak_pages,vsz_pages"},
        {TIDE_TABLE_faults, "run,kind,count"},
        {TIDE_TABLE_timeline,
         "run,vtime_refs,faults,resident_pages,free_frames,wss_pages,tlb_misses"},
        {TIDE_TABLE_buddy, "run,vtime_refs,zone,order,free_blocks,unusable_index"},
        {TIDE_TABLE_slab, "run,cache,object_bytes,order,objects_per_slab,active_objects,"
                          "total_objects,slabs"},
        {TIDE_TABLE_mrc, "trace,page_bytes,policy,frames,faults"},
        {TIDE_TABLE_wss, "trace,page_bytes,tau_refs,wss_pages,miss_ratio"},
        {TIDE_TABLE_wst, "trace,vtime_refs,tau_refs,wss_pages"},
        {TIDE_TABLE_reuse, "trace,page_bytes,distance_pages,references"},
        {TIDE_TABLE_schema, "file,column,unit,definition"},
    };

    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct tide_csv c = {0};
        size_t n = strlen(published[i].columns);

        tide_csv_header(&c, published[i].table);
        cr_expect_eq(strncmp(c.text.bytes, published[i].columns, n), 0, "%s", c.text.bytes);
        cr_expect(c.text.bytes[n] == ',' || c.text.bytes[n] == '\n', "%s", c.text.bytes);
        tide_csv_fini(&c);
    }
}

Test(csv, schema_has_a_row_for_each_column)
{
    struct tide_csv c = {0};
    size_t rows = 0, columns = 1;

    tide_csv_schema(&c);
    for (size_t t = 0; t < TIDE_TABLES; t++)
        columns += tide_tables[t].n_columns;
    for (const char *p = c.text.bytes; *p != '\0'; p++)
        rows += *p == '\n';
    cr_assert_eq(rows, columns);
    cr_assert_not_null(strstr(c.text.bytes, "\nsummary.csv,fault_ratio,ratio,"));
    tide_csv_fini(&c);
}

Test(csv, quotes_only_where_it_must)
{
    static const struct {
        const char *plain, *cell;
    } rows[] = {
        {"", ""},
        {"lru", "lru"},
        {"two words", "two words"},
        {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""},
        {"a\nb", "\"a\nb\""},
        {"a\rb", "\"a\rb\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tide_text t = {0};
        char back[32];

        tide_csv_quote(&t, rows[i].plain);
        cr_expect_str_eq(t.n > 0 ? t.bytes : "", rows[i].cell);
        tide_text_printf(&t, ",next");
        cr_expect(tide_csv_cell(t.bytes, 0, back, sizeof back));
        cr_expect_str_eq(back, rows[i].plain);
        cr_expect(tide_csv_cell(t.bytes, 1, back, sizeof back));
        cr_expect_str_eq(back, "next");
        cr_expect_not(tide_csv_cell(t.bytes, 2, back, sizeof back));
        tide_text_fini(&t);
    }
}

Test(csv, ratios_are_rounded_exactly)
{
    static const struct {
        uint64_t num, den;
        const char *text;
    } rows[] = {
        {0, 0, ""},
        {5, 0, ""},
        {0, 7, "0"},
        {1, 1, "1"},
        {1, 2, "0.5"},
        {1, 3, "0.333333333"},
        {2, 3, "0.666666667"},
        {3, 2000000000, "0.000000002"}, /* 1.5e-9: half up */
        {1, 2000000001, "0"},           /* just below half of the last place */
        {1999999999, 2000000000, "1"},  /* rounds into the whole */
        {22, 7, "3.142857143"},
        {UINT64_MAX, 1, "18446744073709551615"},
        {UINT64_MAX, UINT64_MAX - 1, "1"},
        {UINT64_MAX - 1, 4, "4611686018427387903.5"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buf[TIDE_RATIO_TEXT];

        tide_csv_format_ratio(rows[i].num, rows[i].den, buf);
        cr_expect_str_eq(buf, rows[i].text, "%zu: %s, not %s", i, buf, rows[i].text);
    }
}

Test(csv, a_row_is_written_cell_by_cell)
{
    struct tide_csv c = {0};

    tide_csv_begin(&c, TIDE_TABLE_faults, 0);
    tide_csv_text(&c, TIDE_COL_faults_run, "0123456789ab");
    tide_csv_text(&c, TIDE_COL_faults_kind, "a,b");
    tide_csv_u64(&c, TIDE_COL_faults_count, UINT64_MAX);
    tide_csv_end(&c);
    cr_assert_str_eq(c.text.bytes, "0123456789ab,\"a,b\",18446744073709551615\n");
    tide_csv_fini(&c);
}

Test(csv, memory_that_runs_out_is_remembered)
{
    struct tide_csv c = {0};

    tide_mem_fail_after(1);
    tide_csv_header(&c, TIDE_TABLE_faults);
    tide_mem_fail_after(0);
    cr_assert(c.text.failed);
    tide_csv_header(&c, TIDE_TABLE_faults);
    cr_assert_eq(c.text.n, 0, "a text with a hole must not go on");
    tide_csv_fini(&c);
}

Test(json, is_well_formed_and_escaped)
{
    struct tide_json j = {0};

    tide_json_open(&j, NULL, '{');
    tide_json_string(&j, "text", "a\"b\\c\n\t\x01\x7f/");
    tide_json_string(&j, "utf8", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\x8a");
    /* a lone continuation, an overlong slash, a surrogate, a cut sequence */
    tide_json_string(&j, "bad", "\x80 \xc0\xaf \xed\xa0\x80 \xe2\x82");
    tide_json_string(&j, "none", NULL);
    tide_json_open(&j, "list", '[');
    tide_json_u64(&j, NULL, UINT64_MAX);
    tide_json_bool(&j, NULL, true);
    tide_json_open(&j, NULL, '{');
    tide_json_close(&j, '}');
    tide_json_close(&j, ']');
    tide_json_close(&j, '}');
    cr_assert_str_eq(j.text.bytes, "{\n"
                                   "  \"text\": \"a\\\"b\\\\c\\n\\t\\u0001\\u007f/\",\n"
                                   "  \"utf8\": \"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\x8a\",\n"
                                   "  \"bad\": \"\\ufffd \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd "
                                   "\\ufffd\\ufffd\",\n"
                                   "  \"none\": null,\n"
                                   "  \"list\": [\n"
                                   "    18446744073709551615,\n"
                                   "    true,\n"
                                   "    {}\n"
                                   "  ]\n"
                                   "}");
    tide_json_fini(&j);
}

static void temporary_folder(char dir[static 64])
{
    snprintf(dir, 64, "/tmp/pagetide-report-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static bool exists(const char *dir, const char *name)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &st) == 0;
}

Test(outfile, appears_only_when_published)
{
    char dir[64], path[128];
    struct tide_outfile o;
    struct tide_error e = {0};

    temporary_folder(dir);
    cr_assert_eq(tide_outfile_open(&o, dir, "a.csv", &e), 0, "%s", e.what);
    cr_assert_eq(tide_outfile_write(&o, "x\n", 2, &e), 0);
    cr_assert_eq(tide_outfile_finish(&o, &e), 0);
    cr_assert_not(exists(dir, "a.csv"));
    cr_assert_eq(tide_outfile_publish(&o, &e), 0);
    cr_assert(exists(dir, "a.csv"));
    cr_assert_not(exists(dir, "a.csv.tmp"));

    cr_assert_eq(tide_outfile_open(&o, dir, "b.csv", &e), 0);
    tide_outfile_abandon(&o);
    cr_assert_not(exists(dir, "b.csv"));
    cr_assert_not(exists(dir, "b.csv.tmp"));
    snprintf(path, sizeof path, "%s/a.csv", dir);
    unlink(path);
    rmdir(dir);
}

Test(outfile, a_full_disk_is_an_error_with_a_remedy)
{
    char dir[64], link[128];
    struct tide_outfile o;
    struct tide_error e = {0};

    temporary_folder(dir);
    snprintf(link, sizeof link, "%s/a.csv.tmp", dir);
    cr_assert_eq(symlink("/dev/full", link), 0);
    cr_assert_eq(tide_outfile_open(&o, dir, "a.csv", &e), 0, "%s", e.what);
    cr_assert_eq(tide_outfile_write(&o, "x\n", 2, &e), TIDE_E_IO);
    cr_assert_not_null(strstr(e.what, "No space left"), "%s", e.what);
    cr_assert_not_null(strstr(e.what, "a.csv"), "%s", e.what);
    cr_assert_neq(e.remedy[0], '\0');
    tide_outfile_abandon(&o);
    cr_assert_not(exists(dir, "a.csv"));
    rmdir(dir);
}

Test(outfile, a_folder_that_is_not_there)
{
    struct tide_outfile o;
    struct tide_error e = {0};

    cr_assert_eq(tide_outfile_open(&o, "/proc/none", "a.csv", &e), TIDE_E_IO);
    cr_assert_not_null(strstr(e.what, "/proc/none/a.csv.tmp"), "%s", e.what);
}

/* A summary row with chosen cells, the others empty. */
static const char *options_cell = "";

static char *summary_row(const char *trace, const char *policy, const char *faults,
                         const char *ratio, const char *status)
{
    struct tide_text t = {0};

    for (size_t i = 0; i < TIDE_COLUMNS_summary; i++) {
        const char *cell = i == TIDE_COL_summary_trace            ? trace
                           : i == TIDE_COL_summary_policy         ? policy
                           : i == TIDE_COL_summary_faults         ? faults
                           : i == TIDE_COL_summary_fault_ratio    ? ratio
                           : i == TIDE_COL_summary_status         ? status
                           : i == TIDE_COL_summary_policy_options ? options_cell
                                                                  : "";

        tide_text_printf(&t, "%s%s", i > 0 ? "," : "", cell);
    }
    return t.bytes;
}

static char *printed(const char *const *rows, size_t n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    cr_assert_eq(tide_table_print(f, rows, n, NULL), 0);
    fclose(f);
    return text;
}

Test(table, is_aligned_and_leaves_out_what_says_nothing)
{
    char *a = summary_row("x.gz", "lru", "7", "0.123456789", "ok");
    char *b = summary_row("x.gz", "clock", "12345", "0.5", "ok");
    char *c = summary_row("y.gz", "clock", "12345", "0.5", "partial");
    char *two = printed((const char *[]){a, b}, 2), *three = printed((const char *[]){a, b, c}, 3);

    cr_expect_null(strstr(two, "trace"));
    cr_expect_null(strstr(two, "status"));
    cr_expect_not_null(strstr(two, "\nlru            "), "%s", two);
    cr_expect_not_null(strstr(two, "      7        0.123"), "%s", two);
    cr_expect_not_null(strstr(three, "trace"));
    cr_expect_not_null(strstr(three, "partial"));
    free(two);
    free(three);
    free(a);
    free(b);
    free(c);
}

/* Options that differ only because policies do say nothing; those of one policy tell rows apart. */
Test(table, shows_the_settings_in_which_rows_differ)
{
    char *lru = summary_row("x.gz", "lru", "7", "0.5", "ok");
    char *a, *b, *two, *three;

    options_cell = "persist=no";
    a = summary_row("x.gz", "lfu", "8", "0.5", "ok");
    options_cell = "persist=yes";
    b = summary_row("x.gz", "lfu", "9", "0.5", "ok");
    two = printed((const char *[]){lru, a}, 2);
    three = printed((const char *[]){lru, a, b}, 3);
    cr_expect_null(strstr(two, "persist"), "%s", two);
    cr_expect_not_null(strstr(three, "lfu     persist=yes"), "%s", three);
    free(two);
    free(three);
    free(lru);
    free(a);
    free(b);
}
