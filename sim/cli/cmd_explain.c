/* pagetide explain: the textbook's table of one reference string under one policy.
 *
 * The table is what the machine did, not a second copy of the policies: the string goes through the
 * `pages` reader into the plain engine, and a watcher writes down every reference.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "config/experiment.h"
#include "pager/scan.h"
#include "trace/reader.h"

enum { FLAG_STATES = CLI_LONG, FLAG_SEED };

enum { MOST_FRAMES = 1000000, LABEL = 11 };

/* What happened at one reference. */
struct step {
    bool faulted, written_back;
    char *victim; /* name of the page evicted; NULL: none */
    char *why;
};

struct explanation {
    struct cli_string string;
    struct tide_machine_config config;
    const char *policy; /* as given */
    bool states;

    /* the table: frames are rows, numbered in order of first use */
    struct step *steps;
    char **cells;    /* [row * string.n + step]: what the frame holds; NULL: nothing */
    tide_page *held; /* by row */
    size_t rows;     /* frames in use */
    size_t now;      /* steps written down */
    uint64_t writebacks;

    struct tide_counts counts;
    int failed; /* of a watcher, which can't return it */
};

/* ---- watching ---- */

static const char *name_of(const struct explanation *x, tide_page page)
{
    for (size_t i = 0; i < x->now; i++) {
        if (x->string.references[i].page == tide_page_vpn(page))
            return x->string.names.items[x->string.references[i].name];
    }
    return "?";
}

/* A new page stands where its victim stood. */
static size_t row_for(struct explanation *x, tide_page page, tide_page victim)
{
    size_t row = 0;

    for (row = 0; row < x->rows; row++) {
        if (x->held[row].v == victim.v)
            break;
    }
    if (row == x->rows)
        x->rows++;
    x->held[row] = page;
    return row;
}

static int snapshot(struct explanation *x, const struct tide_machine *m)
{
    size_t step = x->now - 1;

    for (size_t row = 0; row < x->rows; row++) {
        char state[128] = "", *cell;

        if (x->states)
            tide_machine_describe(m, x->held[row], state, sizeof state);
        cell = tide_asprintf("%s%s%s%s", name_of(x, x->held[row]), state[0] != '\0' ? " [" : "",
                             state, state[0] != '\0' ? "]" : "");
        if (cell == NULL)
            return TIDE_E_NOMEM;
        x->cells[row * x->string.n + step] = cell;
    }
    return 0;
}

static void on_reference(void *context, const struct tide_machine *m, tide_page page,
                         enum tide_kind kind, bool faulted, tide_page victim, const char *why)
{
    struct explanation *x = context;
    struct step *step = &x->steps[x->now++];
    struct tide_counts counts;

    (void)kind;
    step->faulted = faulted;
    if (faulted)
        row_for(x, page, victim);
    tide_machine_counts(m, &counts);
    step->written_back = counts.writebacks > x->writebacks;
    x->writebacks = counts.writebacks;
    if (victim.v != TIDE_PAGE_NONE.v) {
        step->victim = tide_strdup(name_of(x, victim));
        step->why = tide_strdup(why);
        if (step->victim == NULL || step->why == NULL)
            x->failed = TIDE_E_NOMEM;
    }
    if (x->failed == 0)
        x->failed = snapshot(x, m);
}

/* ---- replaying ---- */

typedef int (*feed)(void *to, const struct tide_block *b, struct tide_error *e);

static int feed_scan(void *to, const struct tide_block *b, struct tide_error *e)
{
    return tide_scan_feed(to, b, NULL, e);
}

static int feed_machine(void *to, const struct tide_block *b, struct tide_error *e)
{
    return tide_machine_feed(to, b, NULL, e);
}

static int replay(const char *text, struct tide_block *b, feed to, void *target,
                  struct tide_error *e)
{
    struct tide_stream *s = tide_stream_memory(text, strlen(text), "reference string", e);
    struct tide_reader *r = s != NULL ? tide_reader_open(s, "pages", e) : NULL;
    int rc = r != NULL ? 1 : e->code;

    while (rc > 0) {
        rc = tide_reader_next(r, b, e);
        if (rc > 0)
            rc = to(target, b, e);
    }
    if (r != NULL)
        tide_reader_close(r);
    return rc;
}

static int run_machine(struct explanation *x, const char *text, struct tide_error *e)
{
    const struct tide_machine_watch watch = {.context = x, .reference = on_reference};
    enum tide_future_time future = tide_machine_needs_future(&x->config);
    struct tide_block *b = tide_malloc(sizeof *b);
    struct tide_scan *scan =
        tide_scan_new(tide_machine_geometry(&x->config), 0, 0, UINT64_MAX, future, e);
    struct tide_machine *m = NULL;
    int rc;

    if (b == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    rc = scan != NULL ? replay(text, b, feed_scan, scan, e) : e->code;
    if (rc == 0)
        rc = tide_scan_finish(scan, e);
    if (rc != 0)
        goto out;
    m = tide_machine_new(&x->config, TIDE_ENGINE_PLAIN, tide_scan_distinct_pages(scan),
                         tide_scan_future(scan, future), &watch, e);
    rc = m != NULL ? replay(text, b, feed_machine, m, e) : e->code;
    if (rc == 0)
        rc = tide_machine_finish(m, e);
    if (rc == 0 && x->failed != 0)
        rc = tide_nomem(e);
    if (rc == 0)
        tide_machine_counts(m, &x->counts);
out:
    tide_machine_free(m);
    tide_scan_free(scan);
    free(b);
    return rc;
}

/* ---- printing ---- */

static const char *cell_text(const struct explanation *x, size_t row, size_t step)
{
    const char *text = x->cells[row * x->string.n + step];

    return text != NULL ? text : "";
}

static int column_width(const struct explanation *x)
{
    char number[24];
    size_t width = (size_t)snprintf(number, sizeof number, "%zu", x->string.n);

    for (size_t i = 0; i < x->string.n; i++) {
        const struct cli_reference *r = &x->string.references[i];
        size_t n = strlen(x->string.names.items[r->name]) + (r->write ? 1 : 0);

        width = n > width ? n : width;
        for (size_t row = 0; row < x->rows; row++) {
            n = strlen(cell_text(x, row, i));
            width = n > width ? n : width;
        }
    }
    return (int)width;
}

/* Lines of the table; FRAMES + row is the line of a frame. */
enum { TIME, REFERENCE, FAULT, VICTIM, WRITE_BACK, FRAMES };

static const char *const line_labels[FRAMES] = {"time", "reference", "fault", "victim",
                                                "write-back"};

/* A line's text at one step; buf is there for those that have to be made. */
static const char *text_at(const struct explanation *x, size_t line, size_t i, char *buf, size_t n)
{
    const struct cli_reference *r = &x->string.references[i];
    const struct step *step = &x->steps[i];

    switch (line) {
    case TIME:
        snprintf(buf, n, "%zu", i + 1);
        return buf;
    case REFERENCE:
        snprintf(buf, n, "%s%s", x->string.names.items[r->name], r->write ? "w" : "");
        return buf;
    case FAULT:
        return step->faulted ? "*" : "";
    case VICTIM:
        return step->victim != NULL ? step->victim : "";
    case WRITE_BACK:
        return step->written_back ? "*" : "";
    default:
        return cell_text(x, line - FRAMES, i);
    }
}

/* One line over steps [from, to), without blanks at its end. */
static void print_line(const struct explanation *x, size_t line, size_t from, size_t to, int width)
{
    char buf[128], label[32];
    int owed = 0;

    if (line < FRAMES)
        snprintf(label, sizeof label, "%s", line_labels[line]);
    else
        snprintf(label, sizeof label, "frame %zu", line - FRAMES);
    owed = LABEL - (int)strlen(label);
    fputs(label, stdout);
    for (size_t i = from; i < to; i++) {
        const char *text = text_at(x, line, i, buf, sizeof buf);
        int n = (int)strlen(text);

        if (n == 0) {
            owed += width + 1;
            continue;
        }
        printf("%*s%s", owed + width - n, "", text);
        owed = 1;
    }
    putchar('\n');
}

static void print_table(const struct explanation *x)
{
    int width = column_width(x);
    size_t room = cli_width() - LABEL, per = room / (size_t)(width + 1);
    bool writes = false;

    if (per == 0)
        per = 1;
    for (size_t i = 0; i < x->string.n; i++)
        writes = writes || x->string.references[i].write;
    for (size_t from = 0; from < x->string.n; from += per) {
        size_t to = x->string.n - from < per ? x->string.n : from + per;

        print_line(x, TIME, from, to, width);
        print_line(x, REFERENCE, from, to, width);
        for (size_t row = 0; row < x->rows; row++)
            print_line(x, FRAMES + row, from, to, width);
        print_line(x, FAULT, from, to, width);
        print_line(x, VICTIM, from, to, width);
        if (writes)
            print_line(x, WRITE_BACK, from, to, width);
        putchar('\n');
    }
}

/* Times of the victim of step `at`: when it was brought in, last used before, and next used. */
struct victim_times {
    size_t loaded, last, next; /* 0: never */
};

static struct victim_times times_of(const struct explanation *x, size_t at)
{
    struct victim_times t = {0};

    for (size_t i = 0; i < x->string.n; i++) {
        const struct cli_reference *r = &x->string.references[i];

        if (strcmp(x->string.names.items[r->name], x->steps[at].victim) != 0)
            continue;
        if (i > at) {
            t.next = i + 1;
            break;
        }
        t.last = i + 1;
        if (x->steps[i].faulted)
            t.loaded = i + 1;
    }
    return t;
}

static int print_reasons(const struct explanation *x, struct tide_error *e)
{
    static const char *const heads[] = {"time",      "page",     "victim", "loaded",
                                        "last used", "next use", "why"};
    enum { COLUMNS = sizeof heads / sizeof *heads };
    struct cli_table table = {.columns = COLUMNS, .left = 1u << (COLUMNS - 1)};
    int rc = 0;

    if (x->counts.evictions == 0)
        return 0;
    for (size_t i = 0; rc == 0 && i < COLUMNS; i++)
        rc = cli_cell(&table, e, "%s", heads[i]);
    for (size_t i = 0; rc == 0 && i < x->string.n; i++) {
        const struct step *step = &x->steps[i];
        struct victim_times t;

        if (step->victim == NULL)
            continue;
        t = times_of(x, i);
        rc = cli_cell(&table, e, "%zu", i + 1);
        if (rc == 0)
            rc = cli_cell(&table, e, "%s", x->string.names.items[x->string.references[i].name]);
        if (rc == 0)
            rc = cli_cell(&table, e, "%s", step->victim);
        if (rc == 0)
            rc = cli_cell(&table, e, "%zu", t.loaded);
        if (rc == 0)
            rc = cli_cell(&table, e, "%zu", t.last);
        if (rc == 0)
            rc = t.next > 0 ? cli_cell(&table, e, "%zu", t.next) : cli_cell(&table, e, "never");
        if (rc == 0)
            rc = cli_cell(&table, e, "%s%s", step->why,
                          step->written_back ? "; dirty: written back" : "");
    }
    if (rc == 0) {
        puts("Why each victim:");
        cli_table_print(&table, "  ", stdout);
        putchar('\n');
    }
    cli_table_fini(&table);
    return rc;
}

static int print_all(const struct explanation *x, struct tide_error *e)
{
    uint64_t faults = x->counts.faults_minor + x->counts.faults_major;
    uint64_t frames = x->config.frames.value;
    int rc;

    printf("%s, %" PRIu64 " frame%s, %zu references to %" PRIu64 " pages\n\n", x->policy, frames,
           frames == 1 ? "" : "s", x->string.n, x->counts.distinct_pages);
    print_table(x);
    rc = print_reasons(x, e);
    if (rc != 0)
        return rc;
    printf("faults      %" PRIu64 " (%" PRIu64 " first touches, %" PRIu64 " of evicted pages)\n"
           "hits        %" PRIu64 "\n"
           "evictions   %" PRIu64 "\n"
           "write-backs %" PRIu64 "\n",
           faults, x->counts.faults_minor, x->counts.faults_major, x->counts.references - faults,
           x->counts.evictions, x->counts.writebacks);
    return 0;
}

/* ---- the command ---- */

static int join(char **text, const char *word, struct tide_error *e)
{
    char *joined = tide_asprintf("%s %s", *text != NULL ? *text : "", word);

    if (joined == NULL)
        return tide_nomem(e);
    free(*text);
    *text = joined;
    return 0;
}

static int take_flags(struct explanation *x, struct cli_args *args, char **text,
                      struct tide_error *e)
{
    bool frames = false;
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        switch (flag) {
        case CLI_WORD:
            rc = join(text, value, e);
            break;
        case 'p':
            rc = cli_set("-p", &x->config, "policy", value, e);
            x->policy = value;
            break;
        case 'f':
            frames = true;
            rc = cli_count(args, "-f", value, 1, MOST_FRAMES, &x->config.frames.value, e);
            break;
        case FLAG_STATES:
            x->states = true;
            break;
        case FLAG_SEED:
            rc = cli_count(args, "--seed", value, 0, UINT64_MAX, &x->config.seed, e);
            break;
        default:
            rc = flag;
        }
    }
    if (rc == 0 && !frames)
        rc = cli_usage(args, e, "how many frames? -f is missing");
    if (rc == 0 && *text == NULL)
        rc = cli_usage(args, e, "the reference string is missing");
    return rc;
}

static int explain(struct cli_args *args, struct tide_error *e)
{
    struct explanation x = {.policy = "lru"};
    char *text = NULL, *pages = NULL;
    size_t rows = 0;
    int rc;

    tide_machine_defaults(&x.config);
    x.config.by_memory = false;
    x.config.tlb.n = 0; /* no policy sees it, and the string is about frames alone */
    x.config.frames = (struct tide_amount){.is_share = false, .value = 1}; /* until -f comes */
    rc = take_flags(&x, args, &text, e);
    if (rc == 0)
        rc = cli_string_parse(&x.string, text, e);
    if (rc == 0)
        rc = tide_machine_check(&x.config, e);
    if (rc == 0 && x.config.policy->variable_space) {
        rc =
            tide_fail(e, TIDE_E_CONFIG, "explain draws a number of frames, which policy %s has not",
                      x.config.policy->name);
        tide_error_remedy(e, "pages leave it at any time: see timeline.csv of a run");
    }
    if (rc != 0)
        goto out;
    rows = x.string.names.n;
    if (rows > x.config.frames.value)
        rows = (size_t)x.config.frames.value;
    x.steps = tide_calloc(x.string.n, sizeof *x.steps);
    x.cells = tide_calloc(rows * x.string.n, sizeof *x.cells);
    x.held = tide_calloc(rows, sizeof *x.held);
    pages = cli_string_pages(&x.string);
    if (x.steps == NULL || x.cells == NULL || x.held == NULL || pages == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    rc = run_machine(&x, pages, e);
    if (rc == 0)
        rc = print_all(&x, e);
out:
    for (size_t i = 0; x.steps != NULL && i < x.string.n; i++) {
        free(x.steps[i].victim);
        free(x.steps[i].why);
    }
    for (size_t i = 0; x.cells != NULL && i < rows * x.string.n; i++)
        free(x.cells[i]);
    free(x.steps);
    free(x.cells);
    free(x.held);
    free(pages);
    free(text);
    cli_string_fini(&x.string);
    return rc;
}

static const struct cli_flag flags[] = {
    {'p', "policy", "POLICY",
     "lru (the default), fifo, opt, ... or with options:\n"
     "\"{name: aging, tick: 4}\"; see: pagetide list policies"},
    {'f', "frames", "N", "number of frames"},
    {FLAG_STATES, "states", NULL,
     "show the policy's view of each frame as well (R=1, count 3, ...)"},
    {FLAG_SEED, "seed", "N", "seed of policies that draw lots (default 1)"},
    {0},
};

const struct cli_command cli_explain = {
    .name = "explain",
    .synopsis = "-f N [-p POLICY] [--states] [--seed N] STRING",
    .summary = "show step by step what a policy does with a reference string",
    .about =
        "Prints the table that textbooks draw: references across, frames down, a mark for\n"
        "each fault, the victim, and why it was chosen.\n"
        "\n"
        "STRING holds page numbers (7, 0x1f; hexadecimal where one has a letter a-f) or\n"
        "single letters, between blanks or commas; w behind one makes it a write: \"7 0 1w\".\n",
    .examples = "  pagetide explain -p lru -f 3 \"7 0 1 2 0 3 0 4\"\n"
                "  pagetide explain -p \"{name: aging, tick: 4}\" -f 3 --states \"a b c aw d\"\n",
    .flags = flags,
    .run = explain,
};
