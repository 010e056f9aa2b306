/* Traces that commands write: see trace_out.h. */
#include "cli/trace_out.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "cli/trace_print.h"
#include "space/footprint.h"

const char *cli_out_format_of(const char *path)
{
    static const struct {
        const char *ending, *format;
    } known[] = {{".champsimtrace", "champsim"}};
    size_t length = strlen(path), n;
    bool packed = length > 3 && strcmp(path + length - 3, ".gz") == 0;

    if (packed)
        length -= 3;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        n = strlen(known[i].ending);
        if (length > n && strncmp(path + length - n, known[i].ending, n) == 0)
            return known[i].format;
    }
    for (size_t i = 0; tide_sink_formats[i] != NULL; i++) {
        n = strlen(tide_sink_formats[i]->name);
        if (length > n + 1 && path[length - n - 1] == '.' &&
            strncasecmp(path + length - n, tide_sink_formats[i]->name, n) == 0)
            return tide_sink_formats[i]->name;
    }
    return packed ? "lackey" : CLI_OUT_FORMAT;
}

int cli_out_flag(const struct cli_args *args, struct cli_out *o, int flag, const char *value,
                 bool *taken, struct tide_error *e)
{
    uint64_t level;
    int rc = 0;

    *taken = true;
    if (flag == 'o') {
        o->path = value;
    } else if (flag == CLI_FLAG_TO) {
        o->format = value;
    } else if (flag == CLI_FLAG_LEVEL) {
        rc = cli_count(args, "--level", value, 1, 9, &level, e);
        if (rc == 0)
            o->options.level = (int)level;
    } else if (flag == 'q') {
        o->quiet = true;
    } else {
        *taken = false;
    }
    return rc;
}

int cli_out_check(const struct cli_args *args, struct cli_out *o, const char *const *inputs,
                  size_t n, struct tide_error *e)
{
    struct stat out, in;

    if (o->path == NULL)
        return cli_usage(args, e, "where to? -o FILE is missing");
    if (o->format == NULL)
        o->format = cli_out_format_of(o->path);
    if (strcmp(o->path, "-") == 0 || stat(o->path, &out) != 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return cli_usage(args, e, "'%.300s' would be written over while it is read", o->path);
    }
    return 0;
}

static void describe(struct cli_out *o, const struct tide_trace_info *info)
{
    struct tide_sink_options *to = &o->options;

    if (to->command == NULL)
        to->command = info->command;
    if (to->recorder == NULL)
        to->recorder = info->recorder;
    if (to->date == NULL)
        to->date = info->date;
    if (to->note == NULL)
        to->note = info->note;
    if (to->reduction == NULL)
        to->reduction = info->reduction;
    if (to->host_page_bytes == 0)
        to->host_page_bytes = info->host_page_bytes;
}

/* ---- pages by segment, for formats that keep a summary ---- */

struct watch {
    struct tide_footprint pages;
    bool broken; /* an event made no sense: there are no address spaces to go by */
    char text[512];
};

static int watch_put(void *context, const struct tide_block *b, struct tide_error *e)
{
    struct watch *w = context;
    int rc = w->broken ? 0 : tide_footprint_take(&w->pages, b, e);

    w->broken = w->broken || rc == TIDE_E_TRACE;
    return rc == TIDE_E_TRACE ? 0 : rc;
}

static const char *watch_extra(void *context)
{
    struct watch *w = context;
    size_t n = 0;

    if (w->broken)
        return NULL;
    for (size_t i = 0; i < TIDE_SEGMENTS; i++)
        n += (size_t)snprintf(w->text + n, sizeof w->text - n, "segment-%s %llu\n",
                              tide_segment_names[i], (unsigned long long)w->pages.segments[i]);
    snprintf(w->text + n, sizeof w->text - n, "segment-none %llu\n",
             (unsigned long long)w->pages.outside);
    return w->text;
}

static void watch_free(void *context)
{
    struct watch *w = context;

    tide_footprint_fini(&w->pages);
    free(w);
}

struct tide_sink *cli_sink_open(const char *format, const char *path,
                                const struct tide_sink_options *options, struct tide_error *e)
{
    struct tide_sink *sink = tide_sink_open(format, path, options, e);
    struct watch *w;

    if (sink == NULL || tide_sink_format(sink)->source == NULL)
        return sink;
    if ((w = tide_calloc(1, sizeof *w)) == NULL) {
        tide_nomem(e);
        tide_sink_abandon(sink);
        return NULL;
    }
    tide_footprint_init(&w->pages);
    tide_sink_watch(sink, &(struct tide_sink_watch){w, watch_put, watch_extra, watch_free});
    return sink;
}

int cli_out_open(struct cli_out *o, const struct tide_trace_info *info, struct tide_error *e)
{
    describe(o, info);
    o->sink = cli_sink_open(o->format, o->path, &o->options, e);
    return o->sink != NULL ? 0 : e->code;
}

static const char *path_of(const void *context, uint32_t file)
{
    return tide_reader_file(context, file);
}

int cli_out_put(struct cli_out *o, const struct cli_trace *t, const struct tide_block *b,
                struct tide_error *e)
{
    const struct tide_file_names names = {path_of, t->reader};
    int rc = tide_sink_put(o->sink, b, &names, e);

    cli_meter_trace(&o->meter, t);
    return rc;
}

/* ---- what a format could not say ---- */

static void add(char *text, size_t bytes, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t bytes, const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list ap;

    if (n > 0)
        n += (size_t)snprintf(text + n, bytes - n, ", ");
    if (n >= bytes)
        return;
    va_start(ap, fmt);
    vsnprintf(text + n, bytes - n, fmt, ap);
    va_end(ap);
}

static bool tells_about_itself(const struct tide_trace_info *info)
{
    return info->command[0] != '\0' || info->recorder[0] != '\0' || info->date[0] != '\0' ||
           info->note[0] != '\0' || info->reduction[0] != '\0' || info->host_page_bytes != 0;
}

void cli_out_losses(const struct tide_sink_format *f, const struct tide_trace_info *info)
{
    /* what was read from this format had no more to say */
    unsigned lost = strcmp(info->format, f->name) == 0 ? 0 : TIDE_SAYS_ALL & ~f->says;
    uint64_t fetches = info->accesses[TIDE_FETCH], modifies = info->accesses[TIDE_MODIFY];
    char text[1024] = "";

    if (lost & TIDE_SAYS_FETCHES && fetches > 0)
        add(text, sizeof text, "that %llu accesses are fetches", (unsigned long long)fetches);
    if (lost & TIDE_SAYS_WRITES && info->accesses[TIDE_WRITE] + modifies > 0)
        add(text, sizeof text, "which accesses write");
    if (lost & TIDE_SAYS_MODIFIES && modifies > 0)
        add(text, sizeof text, "%llu modifies (each becomes a read and a write)",
            (unsigned long long)modifies);
    if (lost & TIDE_SAYS_ADDRESSES)
        add(text, sizeof text, "places within pages");
    if (lost & TIDE_SAYS_SIZES)
        add(text, sizeof text, "sizes");
    if (lost & TIDE_SAYS_ORDER)
        add(text, sizeof text, "the order of data accesses within an instruction");
    /* a process is told of by its accesses */
    for (size_t type = 0; type < TIDE_EV_TYPES; type++)
        if (type != TIDE_EV_PROCESS && info->events[type] > 0 && (f->events & 1u << type) == 0)
            add(text, sizeof text, "%llu %s", (unsigned long long)info->events[type],
                cli_event_labels[type]);
    if (!f->about && tells_about_itself(info))
        add(text, sizeof text, "what the trace says about itself");
    if (text[0] != '\0')
        fprintf(stderr, "pagetide: note: %s has no place for: %s\n", f->name, text);
}

int cli_out_end(struct cli_out *o, struct tide_reader *from, bool whole, int rc,
                struct tide_error *e)
{
    struct tide_sink_source source = {0};
    struct tide_trace_info info;
    struct tide_sink *s = o->sink;

    o->sink = NULL;
    cli_meter_end(&o->meter);
    if (from != NULL) {
        const struct tide_stream *stream = tide_reader_stream(from);

        info = *tide_reader_info(from);
        source.info = &info;
        if (whole) {
            source.bytes = tide_stream_offset(stream);
            source.crc32 = tide_stream_crc32(stream);
        } else { /* what was counted there is of more than was written */
            info.other_lines = info.lost_results = info.events[TIDE_EV_SYSCALL] = 0;
        }
    }
    if (rc == 0 && s != NULL)
        rc = tide_sink_source(s, &source, e);
    if (rc == 0 && s != NULL)
        return tide_sink_finish(s, e);
    tide_sink_abandon(s);
    return rc;
}
