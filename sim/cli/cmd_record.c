/* pagetide record: runs a program under Valgrind's lackey and writes its trace. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/trace_out.h"
#include "trace/valgrind.h"

enum {
    FLAG_CHILDREN = CLI_LONG,
    FLAG_MAX,
    FLAG_SKIP,
    FLAG_NO_INSTRUCTIONS,
    FLAG_HEAP,
    CANNOT_RUN = 126, /* what Valgrind exits with where the program cannot be run, */
    NOT_FOUND = 127,  /* ... or found */
    SIGNAL_CODE = 128 /* added to a signal's number, as shells do */
};

struct record {
    struct tide_valgrind_options options;
    struct cli_out out;
    bool heap;
    char *path; /* own memory: made from the program's name */
    char *command, *note;
    char shim[4096], recorder[128], date[32];
    bool drawn;
};

static int read_flags(struct cli_args *args, struct record *r, struct tide_error *e)
{
    struct tide_valgrind_options *o = &r->options;
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &r->out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag == CLI_WORD) { /* the program: all that follows is its own */
            o->argv = args->argv + args->at - 1;
            break;
        }
        if (flag == FLAG_CHILDREN)
            o->children = true;
        else if (flag == FLAG_NO_INSTRUCTIONS)
            o->no_fetches = true;
        else if (flag == FLAG_HEAP)
            r->heap = true;
        else if (flag == FLAG_MAX)
            rc = cli_count(args, "--max-accesses", value, 1, UINT64_MAX, &o->max, e);
        else
            rc = cli_count(args, "--skip", value, 0, UINT64_MAX, &o->skip, e);
    }
    if (rc == 0 && o->argv == NULL)
        rc = cli_usage(args, e, "which program? -- PROGRAM is missing");
    if (rc == 0 && r->out.path != NULL && strcmp(r->out.path, "-") == 0)
        rc = cli_usage(args, e, "standard output is the program's: give -o a file");
    return rc;
}

/* Where the shim is: beside this program in a build folder, else where it is installed. */
static int find_shim(struct record *r, struct tide_error *e)
{
    static const char beside[] = "../shim/" PAGETIDE_SHIM_NAME;
    char self[2048];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');
        snprintf(r->shim, sizeof r->shim, "%.*s/%s", (int)(slash - self), self, beside);
        if (access(r->shim, R_OK) == 0 && (slash = realpath(r->shim, NULL)) != NULL) {
            snprintf(r->shim, sizeof r->shim, "%s", slash);
            free(slash);
            return 0;
        }
    }
    snprintf(r->shim, sizeof r->shim, "%s", PAGETIDE_SHIM_INSTALLED);
    if (access(r->shim, R_OK) == 0)
        return 0;
    tide_fail(e, TIDE_E_IO, "the heap shim is not there: %.300s", r->shim);
    tide_error_remedy(e, "it is built where valgrind/valgrind.h is found: install the package "
                         "valgrind and build again");
    return TIDE_E_IO;
}

/* PROGRAM's name with the format's suffix, in the working directory. */
static int name_output(struct record *r, struct tide_error *e)
{
    const char *program = r->options.argv[0], *slash = strrchr(program, '/');

    if (r->out.path != NULL) {
        if (r->out.format == NULL)
            r->out.format = cli_out_format_of(r->out.path);
        return 0;
    }
    if (r->out.format == NULL)
        r->out.format = CLI_OUT_FORMAT;
    r->path = tide_asprintf("%s.%s%s", slash != NULL ? slash + 1 : program, r->out.format,
                            strcmp(r->out.format, "tide") == 0 ? "" : ".gz");
    if (r->path == NULL)
        return tide_nomem(e);
    r->out.path = r->path;
    return 0;
}

/* What Valgrind says its version is; the name alone where it says nothing. */
static void find_version(char *out, size_t n)
{
    FILE *f = popen("valgrind --version 2>/dev/null", "r");
    char line[64] = "valgrind";

    if (f != NULL) {
        if (fgets(line, sizeof line, f) == NULL)
            snprintf(line, sizeof line, "valgrind");
        pclose(f);
    }
    line[strcspn(line, "\n")] = '\0';
    snprintf(out, n, "pagetide %s, %s", PAGETIDE_VERSION, line);
}

/* Now; or when SOURCE_DATE_EPOCH says, so that the same recording makes the same file. */
static int find_date(struct record *r, struct tide_error *e)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds = (uint64_t)time(NULL);
    struct tide_error why;
    time_t when;
    struct tm tm;

    if (fixed != NULL && fixed[0] != '\0' &&
        (tide_parse_u64(fixed, &seconds, &why) != 0 || seconds > UINT32_MAX)) {
        tide_fail(e, TIDE_E_USAGE, "SOURCE_DATE_EPOCH: '%.50s' is no number of seconds", fixed);
        return TIDE_E_USAGE;
    }
    when = (time_t)seconds;
    strftime(r->date, sizeof r->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &tm));
    return 0;
}

/* The command line and what is special about the recording. */
static int describe(struct record *r, struct tide_error *e)
{
    struct tide_sink_options *s = &r->out.options;
    const struct tide_valgrind_options *o = &r->options;
    char note[256];
    int n = 0;

    for (char *const *word = o->argv; *word != NULL; word++) {
        char *longer = tide_asprintf("%s%s%s", r->command != NULL ? r->command : "",
                                     r->command != NULL ? " " : "", *word);

        free(r->command);
        if ((r->command = longer) == NULL)
            return tide_nomem(e);
    }
    note[0] = '\0';
    if (o->no_fetches)
        n += snprintf(note + n, sizeof note - (size_t)n, "without instruction fetches; ");
    if (o->skip > 0)
        n += snprintf(note + n, sizeof note - (size_t)n, "from access %llu on; ",
                      (unsigned long long)o->skip);
    if (o->max > 0)
        n += snprintf(note + n, sizeof note - (size_t)n, "at most %llu accesses; ",
                      (unsigned long long)o->max);
    if (o->children)
        n += snprintf(note + n, sizeof note - (size_t)n, "without the initial layout; ");
    if (r->heap)
        n += snprintf(note + n, sizeof note - (size_t)n,
                      "with heap calls, the shim's own accesses and maps taken out; ");
    if (n > 0)
        note[n - 2] = '\0';
    find_version(r->recorder, sizeof r->recorder);
    if ((r->note = tide_strdup(note)) == NULL)
        return tide_nomem(e);
    s->command = r->command;
    s->note = r->note;
    s->date = r->date;
    s->recorder = r->recorder;
    s->host_page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
    return find_date(r, e);
}

/* a/out.lackey.gz -> a/out.2.lackey.gz for the second child */
static char *child_path(const char *path, unsigned number)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strchr(name[0] == '.' ? name + 1 : name, '.');
    int stem = (int)(dot != NULL ? dot - path : (ptrdiff_t)strlen(path));

    return tide_asprintf("%.*s.%u%s", stem, path, number, dot != NULL ? dot : "");
}

static struct tide_sink *open_sink(void *context, unsigned number,
                                   const struct tide_trace_info *info, struct tide_error *e)
{
    struct record *r = context;
    struct tide_sink_options options = r->out.options;
    struct tide_sink *sink;
    char *path;

    if (number == 0)
        return cli_sink_open(r->out.format, r->out.path, &options, e);
    options.command = info->command;
    if ((path = child_path(r->out.path, number)) == NULL) {
        tide_nomem(e);
        return NULL;
    }
    sink = cli_sink_open(r->out.format, path, &options, e);
    free(path);
    return sink;
}

static void progress(void *context, uint64_t accesses, unsigned processes)
{
    struct record *r = context;

    fprintf(stderr, "\r%.1f M accesses", (double)accesses / 1e6);
    if (processes > 1)
        fprintf(stderr, " of %u processes", processes);
    fputs("\033[K", stderr);
    fflush(stderr);
    r->drawn = true;
}

static void erase(void *context)
{
    struct record *r = context;

    if (r->drawn)
        fputs("\r\033[K", stderr);
    r->drawn = false;
}

/* What can be known before the program runs for an hour: the format, and that the file can be made.
 */
static int try_output(const struct record *r, struct tide_error *e)
{
    struct tide_sink *s = tide_sink_open(r->out.format, r->out.path, &r->out.options, e);

    tide_sink_abandon(s);
    return s != NULL ? 0 : e->code;
}

static int summarise(const struct record *r, const struct tide_valgrind_result *result,
                     struct tide_error *e)
{
    if (result->processes == 0) {
        tide_fail(e, TIDE_E_RUN, "nothing was recorded: %s",
                  result->accesses == 0 ? "the program made no access that was asked for"
                                        : "no file could be completed");
        tide_error_where(e, "%s", r->options.argv[0]);
        return TIDE_E_RUN;
    }
    if (!r->out.quiet)
        fprintf(stderr, "pagetide: note: %llu accesses in %s%s\n",
                (unsigned long long)result->accesses, r->out.path,
                result->processes > 1 ? " and its numbered kin" : "");
    return 0;
}

/* As shells have it. */
static int program_code(const struct tide_valgrind_result *result)
{
    return WIFSIGNALED(result->status) ? SIGNAL_CODE + WTERMSIG(result->status)
                                       : WEXITSTATUS(result->status);
}

static bool not_started(const struct tide_valgrind_result *result)
{
    int code = program_code(result);

    return code == CANNOT_RUN || code == NOT_FOUND;
}

/* The program's own exit code becomes ours. */
static int end_as_program(const struct tide_valgrind_result *result, struct tide_error *e)
{
    int code = result->stopped ? 0 : program_code(result), rc;

    if (code == 0)
        return 0;
    if ((rc = cli_close_stdout(e)) != 0)
        return rc;
    exit(code);
}

static int run(struct record *r, struct tide_error *e)
{
    struct tide_valgrind_hooks hooks = {.context = r, .open = open_sink};
    struct tide_valgrind_result result = {0};
    int rc = name_output(r, e);

    if (!r->out.quiet && isatty(STDERR_FILENO)) {
        hooks.progress = progress;
        hooks.output = erase;
    }
    if (rc == 0 && r->heap && (rc = find_shim(r, e)) == 0)
        r->options.shim = r->shim;
    if (rc == 0)
        rc = describe(r, e);
    if (rc == 0)
        rc = try_output(r, e);
    if (rc == 0) {
        rc = tide_valgrind_record(&r->options, &hooks, &result, e);
        erase(r);
    }
    /* a program that cannot be started has been told of by Valgrind */
    if (rc == 0 && (result.processes > 0 || !not_started(&result)))
        rc = summarise(r, &result, e);
    free(r->path);
    free(r->command);
    free(r->note);
    return rc == 0 ? end_as_program(&result, e) : rc;
}

static int record(struct cli_args *args, struct tide_error *e)
{
    struct record r = {.out = CLI_OUT_INIT};
    int rc = read_flags(args, &r, e);

    return rc == 0 ? run(&r, e) : rc;
}

static const struct cli_flag flags[] = {
    {'o', "output", "FILE", "where to write (default: PROGRAM's name, the format, .gz)"},
    {FLAG_CHILDREN, "children", NULL,
     "the processes that the program starts too, each in a file of\nits own: FILE with a number"},
    {FLAG_HEAP, "heap", NULL, "calls of malloc, free and their kin, in order with the accesses"},
    {FLAG_MAX, "max-accesses", "N", "end the program after N accesses"},
    {FLAG_SKIP, "skip", "N", "leave out the first N accesses"},
    {FLAG_NO_INSTRUCTIONS, "no-instructions", NULL, "leave out instruction fetches"},
    {CLI_FLAG_TO, "to", "FORMAT", "the format to write (default " CLI_OUT_FORMAT ")"},
    {CLI_FLAG_LEVEL, "level", "N",
     "zlib's level, 1..9 (default 6); tide of 7..9 is smallest,\n"
     "slower to read with zlib"},
    {'q', "quiet", NULL, "no counter and no notes"},
    {0},
};

const struct cli_command cli_record = {
    .name = "record",
    .synopsis = "[OPTIONS] [--] PROGRAM [ARGUMENT]...",
    .summary = "record a program's accesses with Valgrind",
    .about =
        "Runs PROGRAM under Valgrind's lackey, 100 to 500 times slower than by itself, and\n"
        "writes its accesses, its layout and its system calls. The program keeps standard input\n"
        "and output, and its exit code is the one of this command. When it crashes or is\n"
        "interrupted, the trace holds what it did until then. Standard error passes through a\n"
        "pipe, and with --children the initial layout is not recorded.\n",
    .examples = "  pagetide record -o sort.tide -- sort -n numbers\n"
                "  pagetide record --heap --max-accesses 50M -- ./server --config test.conf\n",
    .flags = flags,
    .run = record,
};
