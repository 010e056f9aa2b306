/* pagetide list: the names that configurations and flags take, from the lists they are made from.
 */
#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/cli.h"
#include "config/experiment.h"
#include "metrics/columns.h"
#include "replacement/policy.h"
#include "tlb/tlb.h"
#include "trace/reader.h"
#include "trace/sink.h"

static const char *observed(enum tide_observes o)
{
    switch (o) {
    case TIDE_OBSERVES_NOTHING:
        return "nothing";
    case TIDE_OBSERVES_BIT:
        return "the reference bit";
    case TIDE_OBSERVES_ORDER:
        return "the order of references";
    case TIDE_OBSERVES_COUNT:
        return "the order and number of references";
    case TIDE_OBSERVES_EACH:
        return "every change of page, in time";
    case TIDE_OBSERVES_FUTURE:
        return "the future";
    }
    return "";
}

static void print_range(const struct tide_option *o)
{
    if (o->type == TIDE_OPT_BOOL) {
        printf("yes | no");
    } else if (o->type == TIDE_OPT_CHOICE) {
        for (size_t i = 0; o->choices[i] != NULL; i++)
            printf("%s%s", i > 0 ? " | " : "", o->choices[i]);
    } else {
        printf("%s%s",
               o->type == TIDE_OPT_SIZE   ? "size"
               : o->type == TIDE_OPT_REAL ? "number"
                                          : "count",
               o->type == TIDE_OPT_AMOUNT ? " or share of the frames" : "");
        if (o->max > 0)
            printf(" %" PRIu64 "..%" PRIu64, o->min, o->max);
        else
            printf(" from %" PRIu64, o->min);
        if (o->unit != NULL)
            printf(" %s", o->unit);
    }
}

static int list_policies(struct tide_error *e)
{
    (void)e;
    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
        printf("%s%-8s %s\n", p == tide_policies ? "" : "\n", (*p)->name, (*p)->summary);
        printf("         sees %s%s\n", observed((*p)->observes),
               (*p)->stack ? "; more frames never fault more" : "");
        for (const struct tide_option *o = (*p)->options; o != NULL && o->name != NULL; o++) {
            printf("         %s: %s   (", o->name, o->def);
            print_range(o);
            printf(") %s\n", o->help);
        }
        printf("         source: %s\n", (*p)->source);
    }
    return 0;
}

static int list_tlbs(struct tide_error *e)
{
    (void)e;
    for (size_t i = 0; i < TIDE_TLB_KINDS; i++)
        printf("%-8s %s\n", tide_tlb_kind_names[i], tide_tlb_kind_summaries[i]);
    return 0;
}

static int list_formats(struct tide_error *e)
{
    (void)e;
    for (const struct tide_format *const *f = tide_formats; *f != NULL; f++) {
        const char *p = (*f)->example;

        printf("%s%-13s %s\n", f == tide_formats ? "" : "\n", (*f)->name, (*f)->summary);
        while (*p != '\0') {
            int n = (int)strcspn(p, "\n");

            printf("                %.*s\n", n, p);
            p += n + (p[n] == '\n');
        }
    }
    return 0;
}

static int list_outputs(struct tide_error *e)
{
    (void)e;
    for (const struct tide_sink_format *const *f = tide_sink_formats; *f != NULL; f++)
        printf("%-13s %s\n", (*f)->name, (*f)->summary);
    return 0;
}

static int print_preset(void *context, const char *name, const char *path, const char *description,
                        struct tide_error *e)
{
    (void)context;
    (void)path;
    (void)e;
    printf("%-20s %s\n", name, description);
    return 0;
}

static int list_presets(struct tide_error *e)
{
    return tide_presets_each(print_preset, NULL, e);
}

static int list_metrics(struct tide_error *e)
{
    (void)e;
    for (size_t i = 0; i < TIDE_TABLES; i++) {
        const struct tide_table_info *t = &tide_tables[i];

        printf("%s%s.csv: a row is %s\n", i > 0 ? "\n" : "", t->name, t->row);
        for (size_t k = 0; k < t->n_columns; k++) {
            const struct tide_column *c = &t->columns[k];

            printf("  %-20s %s%s%s%s\n", c->name, c->definition, c->unit[0] != '\0' ? " (" : "",
                   c->unit, c->unit[0] != '\0' ? ")" : "");
        }
    }
    return 0;
}

static const struct topic {
    const char *name;
    int (*list)(struct tide_error *e);
} topics[] = {
    {"policies", list_policies}, {"tlbs", list_tlbs},       {"presets", list_presets},
    {"formats", list_formats},   {"outputs", list_outputs}, {"metrics", list_metrics},
};

enum { TOPICS = sizeof topics / sizeof *topics };

static int unknown_topic(const struct cli_args *args, const char *word, struct tide_error *e)
{
    const char *names[TOPICS], *near;

    for (size_t i = 0; i < TOPICS; i++)
        names[i] = topics[i].name;
    near = tide_nearest(word, names, TOPICS);
    cli_usage(args, e, "there is no list of '%.200s'", word);
    if (near != NULL)
        tide_error_remedy(e, "did you mean '%s'? see: pagetide help list", near);
    return TIDE_E_USAGE;
}

static int list(struct cli_args *args, struct tide_error *e)
{
    const char *value;
    int flag = cli_next(args, &value, e);

    if (flag < 0)
        return flag;
    if (flag == CLI_END)
        return cli_usage(args, e,
                         "a list of what? policies, tlbs, presets, formats, outputs or metrics");
    for (size_t i = 0; i < TOPICS; i++) {
        if (strcmp(topics[i].name, value) == 0) {
            flag = cli_next(args, &value, e);
            if (flag == CLI_WORD)
                return cli_usage(args, e, "one list at a time: what is '%.200s'?", value);
            return flag < 0 ? flag : topics[i].list(e);
        }
    }
    return unknown_topic(args, value, e);
}

const struct cli_command cli_list = {
    .name = "list",
    .synopsis = "policies | tlbs | presets | formats | outputs | metrics",
    .summary = "list what there is to choose from",
    .about = "  policies   replacement policies with their options (name: default)\n"
             "  tlbs       replacement inside a TLB array (policy: of a level)\n"
             "  presets    TLBs of known processors (tlb: of a machine)\n"
             "  formats    trace formats that are read, with an example\n"
             "  outputs    trace formats that are written (--to)\n"
             "  metrics    the columns of every CSV file, with unit and definition\n",
    .examples = "  pagetide list policies\n"
                "  pagetide list metrics | grep fault\n",
    .run = list,
};
