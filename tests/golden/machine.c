/* The fault and write-back rows of known_answers.csv once more, through everything: a `pages` trace
 * in memory, reader, scan, address space, TLB, page table, both engines. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "known_answers.h"
#include "replay.h"

/* "NAME=VALUE NAME=VALUE" into the policy's options. */
static void set_options(struct tide_machine_config *c, const char *params)
{
    char buf[128], *rest = buf, *word;

    snprintf(buf, sizeof buf, "%s", params);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        char *value = strchr(word, '=');
        struct tide_error e;

        cr_assert_not_null(value, "%s", params);
        *value++ = '\0';
        cr_assert_eq(tide_option_set(c->policy->options, c->policy_options, c->policy->name, word,
                                     value, &e),
                     0, "%s", e.what);
    }
}

static void run_row(const struct known_answer *row, const char *text, size_t n)
{
    bool writebacks = strcmp(row->text[KNOWN_METRIC], "dirty write-backs") == 0;
    uint64_t want = strtoull(row->text[KNOWN_VALUE], NULL, 10);

    for (int engine = 0; engine < 2; engine++) {
        struct tide_machine_config c;
        struct tide_error e;
        struct replay r;

        tide_machine_defaults(&c);
        c.policy = tide_policy_find(row->text[KNOWN_POLICY]);
        cr_assert_not_null(c.policy, "%s", row->text[KNOWN_POLICY]);
        tide_options_defaults(c.policy->options, c.policy_options);
        set_options(&c, row->text[KNOWN_PARAMS]);
        c.frames = (struct tide_amount){.value = strtoull(row->text[KNOWN_FRAMES], NULL, 10)};
        cr_assert_eq(replay(text, n, "pages", &c, (enum tide_engine)engine, &r, &e), 0, "%s",
                     e.what);
        cr_expect_eq(
            writebacks ? r.counts.writebacks : r.counts.faults_minor + r.counts.faults_major, want,
            "line %d: %s, %s", row->line, row->text[KNOWN_SOURCE], row->text[KNOWN_POLICY]);
        replay_free(&r);
    }
}

Test(machine, known_answers_come_out_of_the_whole_machine)
{
    struct known_answers k;
    int rows = 0;

    known_answers_open(&k);
    for (size_t i = 0; i < k.n; i++) {
        const struct known_answer *row = &k.rows[i];
        const char *metric = row->text[KNOWN_METRIC];
        struct known_reference *refs;
        size_t n, used = 0, cap;
        char *text;

        if (strcmp(metric, "faults") != 0 && strcmp(metric, "dirty write-backs") != 0)
            continue;
        refs = known_sequence(row->text[KNOWN_SEQUENCE], &n);
        cap = 24 * (n + 1);
        text = malloc(cap);
        cr_assert_not_null(text);
        for (size_t j = 0; j < n; j++)
            used += (size_t)snprintf(text + used, cap - used, "%" PRIu64 "%s ", refs[j].page,
                                     refs[j].write ? "w" : "");
        run_row(row, text, used);
        rows++;
        free(text);
        free(refs);
    }
    cr_expect_geq(rows, 78, "%d rows", rows);
    known_answers_close(&k);
}
