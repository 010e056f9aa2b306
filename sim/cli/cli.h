/* The command line: what commands share.
 *
 * A command is one file, cmd_NAME.c, that ends in `const struct cli_command cli_NAME`, and one line
 * in sim/cli/meson.build; dispatch, help, usage errors and "did you mean" come from that table.
 * A command returns 0 or a negative enum tide_code with the error filled in, and main() alone
 * prints errors and ends the process. An error with an empty `what` has been printed already.
 * Results go to stdout, everything else to stderr.
 */
#ifndef TIDE_CLI_CLI_H
#define TIDE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "batch/batch.h"
#include "config/experiment.h"

/* A row of a command's flags; id 0 ends the table. */
struct cli_flag {
    int id;           /* the letter of -x, or a number from CLI_LONG up where there is none */
    const char *name; /* --name */
    const char *arg;  /* what its value is called in help; NULL: takes none */
    const char *help; /* a phrase; lines are filled when it is printed */
};

enum { CLI_LONG = 256 };

struct cli_args;

struct cli_command {
    const char *name;     /* "run", "trace info" */
    const char *group;    /* "trace": the first of two words; NULL where there is one */
    const char *synopsis; /* what follows the name */
    const char *summary;  /* one line */
    const char *about;    /* paragraphs of help, which are filled, and indented lines, which stay;
                             ends in '\n' */
    const char *examples; /* lines of help, ending in '\n' */
    const struct cli_flag *flags;
    int (*run)(struct cli_args *args, struct tide_error *e);
};

/* NULL-ended, in the order of sim/cli/meson.build. */
extern const struct cli_command *const cli_commands[];

/* ---- args.c: reading a command's arguments ---- */

struct cli_args {
    const struct cli_command *command;
    int argc;
    char **argv;             /* what follows the command's name */
    const char *const *line; /* the whole command line, for run.json */
    size_t n_line;
    int at;
    const char *cluster; /* rest of -abc */
    bool words_only;     /* "--" was seen */
};

enum { CLI_END = 0, CLI_WORD = 1 };

/* The next argument: a flag's id with its value in *value, CLI_WORD with the word in *value,
 * CLI_END, or TIDE_E_USAGE with *e filled. Words and flags may be mixed; "--" ends the flags. */
int cli_next(struct cli_args *args, const char **value, struct tide_error *e);

/* TIDE_E_USAGE with a remedy that names the command's help. */
int cli_usage(const struct cli_args *args, struct tide_error *e, const char *what, ...)
    __attribute__((format(printf, 3, 4)));
/* A flag's value as a count within min..max; units as in base/units.h. */
TIDE_MUST_CHECK int cli_count(const struct cli_args *args, const char *flag, const char *value,
                              uint64_t min, uint64_t max, uint64_t *out, struct tide_error *e);
/* A flag that sets a key of a machine, as in configurations; what is wrong is TIDE_E_USAGE. */
TIDE_MUST_CHECK int cli_set(const char *flag, struct tide_machine_config *c, const char *key,
                            const char *value, struct tide_error *e);
/* What -m says: 25% and 1000f are frames, 64M is memory. */
TIDE_MUST_CHECK int cli_memory(struct tide_machine_config *c, const char *text,
                               struct tide_error *e);
/* "fast" or "plain". */
TIDE_MUST_CHECK int cli_engine(const struct cli_args *args, const char *value,
                               enum tide_engine *out, struct tide_error *e);

/* ---- list.c: growing lists of strings, cut from "a,b,{c: d, e}" ---- */

struct cli_list {
    char **items; /* own copies */
    size_t n, cap;
};

TIDE_MUST_CHECK int cli_list_add(struct cli_list *l, const char *item, size_t length,
                                 struct tide_error *e);
/* Cuts at commas outside braces and brackets and strips blanks; an empty item is TIDE_E_USAGE. */
TIDE_MUST_CHECK int cli_list_split(struct cli_list *l, const char *text, struct tide_error *e);
void cli_list_fini(struct cli_list *l);

/* A configuration file with the settings of -s. What is wrong in it goes to stderr, all at once;
 * *e then has no text. Free with tide_experiments_free(), also after a failure. */
TIDE_MUST_CHECK int cli_load(const char *path, const struct cli_list *settings,
                             struct tide_experiments *out, struct tide_error *e);

/* ---- table.c: aligned columns ---- */

struct cli_table {
    size_t columns;
    struct cli_list cells; /* row by row, the header row first */
    unsigned left;         /* bit mask: columns that are aligned left */
};

/* A cell, printf style. A failure is kept and reported by cli_table_print(). */
TIDE_MUST_CHECK int cli_cell(struct cli_table *t, struct tide_error *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void cli_table_print(const struct cli_table *t, const char *indent, FILE *out);
void cli_table_fini(struct cli_table *t);

/* ---- screen.c: terminals ---- */

/* Columns of the terminal that stdout is, else 80. */
unsigned cli_width(void);
/* Colour is wanted on this stream: a terminal, TERM not dumb, NO_COLOR not set. */
bool cli_colour(FILE *f);
/* pagetide: WHERE: error: WHAT, and a line with the remedy, to stderr. */
void cli_print_error(const struct tide_error *e);
/* The last word on stdout: 0 when everything was written or the reader has gone (`| head`), else
 * TIDE_E_IO. Closes stdout. */
TIDE_MUST_CHECK int cli_close_stdout(struct tide_error *e);

/* ---- write.c ---- */

/* A result that is one file: whole under its name, or absent. */
TIDE_MUST_CHECK int cli_write_file(const char *path, const char *bytes, size_t n,
                                   struct tide_error *e);

/* ---- progress.c: what a batch says while it works ---- */

struct cli_progress {
    bool quiet;   /* no progress, no notices */
    bool drawing; /* stderr is a terminal */
    bool drawn;   /* a line stands there */
    bool damaged; /* a damaged trace has been reported */
};

void cli_progress_init(struct cli_progress *p, bool quiet);
struct tide_batch_watch cli_progress_watch(struct cli_progress *p);
/* Erases the line. */
void cli_progress_end(struct cli_progress *p);

/* The same for a command that reads one trace after the other: "verb name: 40 %, 12.3 M accesses",
 * at most five times a second. `raw_size` 0: not known. */
struct cli_meter {
    struct cli_progress line;
    const char *verb, *name;
    uint64_t last_ms;
};

void cli_meter_init(struct cli_meter *m, const char *verb, const char *name, bool quiet);
void cli_meter_show(struct cli_meter *m, uint64_t accesses, uint64_t raw_bytes, uint64_t raw_size);
void cli_meter_end(struct cli_meter *m);

/* ---- interrupt.c ---- */

/* From here on SIGINT and SIGTERM print this text to stderr before they end the process; NULL:
 * no more. The text must stay. */
void cli_on_interrupt(const char *text);

/* ---- batch.c: what run, compare and curve share ---- */

/* Processors that this process may use. */
unsigned cli_processors(void);
/* The value of -j. */
TIDE_MUST_CHECK int cli_jobs(const struct cli_args *args, const char *value, uint64_t *jobs,
                             struct tide_error *e);
/* Options of a batch for this command line. */
struct tide_batch_options cli_batch_options(const struct cli_args *args, unsigned jobs,
                                            enum tide_engine engine, struct cli_progress *p);
/* After a batch: nothing is said twice about a trace whose damage has been reported. */
int cli_batch_end(int rc, struct cli_progress *p, struct tide_error *e);

/* ---- replay.c: what compare and curve are told of the one trace, and of the machines ---- */

enum {
    CLI_FLAG_SKIP = CLI_LONG + 200,
    CLI_FLAG_WARMUP,
    CLI_FLAG_LIMIT,
    CLI_FLAG_PAGE_SIZE,
    CLI_FLAG_SEED,
    CLI_FLAG_REFERENCES,
    CLI_FLAG_READ_FORMAT
};

/* Rows of a command's table of flags; -p, -m, -o, -q and --references are the command's own. */
#define CLI_REPLAY_FLAGS                                                                     \
    {CLI_FLAG_SEED, "seed", "N", "seed of what is random (default 1)"},                      \
        {CLI_FLAG_SKIP, "skip", "N", "leave out the first N references"},                    \
        {CLI_FLAG_WARMUP, "warmup", "N", "fill memory with N references that do not count"}, \
        {CLI_FLAG_LIMIT, "limit", "N", "count N references at most"},                        \
        {CLI_FLAG_PAGE_SIZE, "page-size", "SIZE", "size of a page (default 4K)"},            \
        {'j', "jobs", "N", "threads (default: the processors there are)"},                   \
    {                                                                                        \
        CLI_FLAG_READ_FORMAT, "format", "FORMAT",                                            \
            "read the trace as this format instead of finding it by content"                 \
    }

struct cli_replay {
    const char *trace, *output, *format;
    struct cli_list policies, memories;
    struct tide_machine_config base; /* what all machines have in common */
    uint64_t jobs;
    bool quiet;
};

void cli_replay_init(struct cli_replay *r);
void cli_replay_fini(struct cli_replay *r);
/* Takes the trace's name and the flags above, and the command's own of them; *taken tells whether
 * it was one. */
TIDE_MUST_CHECK int cli_replay_flag(const struct cli_args *args, struct cli_replay *r, int flag,
                                    const char *value, bool *taken, struct tide_error *e);

/* ---- string.c: reference strings of textbooks ---- */

struct cli_reference {
    uint64_t page;
    size_t name; /* index into names: how the page was first written */
    bool write;
};

struct cli_string {
    struct cli_reference *references;
    size_t n, cap;
    struct cli_list names;
};

/* Page numbers (decimal, 0x hexadecimal) or letters, between blanks or commas, `w` behind one for a
 * write. Where every token is a single letter they are letters; else, where a token holds one of
 * a-f, all are hexadecimal; else decimal. Errors are TIDE_E_USAGE and name the token. */
TIDE_MUST_CHECK int cli_string_parse(struct cli_string *s, const char *text, struct tide_error *e);
/* The string in the `pages` trace format. New memory, NULL when out of it. */
char *cli_string_pages(const struct cli_string *s);
void cli_string_fini(struct cli_string *s);

/* ---- help.c ---- */

void cli_help_all(FILE *out);
void cli_help_command(const struct cli_command *c, FILE *out);
/* Finds the command that `argv` begins with; *used words belong to its name. An unknown word is
 * TIDE_E_USAGE with the nearest one. A group ("trace" alone) gives NULL and 0 with *used = 1. */
TIDE_MUST_CHECK int cli_find(int argc, char **argv, const struct cli_command **out, int *used,
                             struct tide_error *e);
/* Help for the words of `pagetide help WORDS`; none: all commands. */
TIDE_MUST_CHECK int cli_help_words(int argc, char **argv, FILE *out, struct tide_error *e);

#endif
