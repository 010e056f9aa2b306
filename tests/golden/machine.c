/* The fault and write-back rows of known_answers.csv once more, through everything: a `pages` trace
 * in memory, reader, scan, address space, TLB, page table, both engines. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/experiment.h"
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

/* Belady, Nelson and Shedler, CACM 12(6), 1969: FIFO takes 9 faults with 3 frames; with one frame
 * every reference of this string is a fault. Large pages are blocks of frames that the kernel's own
 * objects have broken by then. */
Test(machine, pages_of_every_size_have_the_frames_that_they_are_given)
{
    static const uint64_t pages[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    enum { REFERENCES = sizeof pages / sizeof *pages };

    for (unsigned shift = 6; shift <= 30; shift++) {
        char text[REFERENCES * 24], size[24];
        size_t used = 0;

        for (size_t i = 0; i < REFERENCES; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%" PRIx64 " R\n",
                                     pages[i] << shift);
        snprintf(size, sizeof size, "%" PRIu64 "B", UINT64_C(1) << shift);
        for (int engine = 0; engine < 2; engine++) {
            for (uint64_t frames = 1; frames <= 3; frames += 2) {
                struct tide_machine_config c;
                struct tide_error e;
                struct replay r;

                tide_machine_defaults(&c);
                c.policy = tide_policy_find("fifo");
                cr_assert_eq(tide_machine_set(&c, "page_size", size, &e), 0, "%s", e.what);
                c.frames = (struct tide_amount){.value = frames};
                cr_assert_eq(replay(text, used, "addr", &c, (enum tide_engine)engine, &r, &e), 0,
                             "%s", e.what);
                cr_expect_eq(r.counts.faults_minor + r.counts.faults_major,
                             frames == 1 ? REFERENCES : 9, "%s, %" PRIu64 " frames", size, frames);
                replay_free(&r);
            }
        }
    }
}
