/* Sinks: blocks of accesses and events go in, a trace in some format comes out.
 *
 * The mirror of reader.h: one const struct tide_sink_format per format, listed in
 * sim/trace/meson.build. What a format cannot say is either left out, as its summary tells
 * (events in `addr`), or refused (several processes in a format of one).
 *
 *   call       when
 *   open       the file is begun under another name
 *   put        once a block, in order; records keep their order
 *   finish     the file is completed and gets its name; frees the sink
 *   abandon    instead of finish: leaves no file; frees the sink
 */
#ifndef TIDE_TRACE_SINK_H
#define TIDE_TRACE_SINK_H

#include <stdbool.h>

#include "trace/out.h"
#include "trace/reader.h"

/* Where the paths of file ids in MAP events come from. */
struct tide_file_names {
    const char *(*path)(const void *context, uint32_t file); /* may return NULL */
    const void *context;
};

/* What the trace says about itself; formats without room for it leave it out. Empty or 0: unknown.
 */
struct tide_sink_options {
    const char *command;   /* the traced command line */
    const char *recorder;  /* who wrote the accesses down: "pagetide 0.1.0 with valgrind-3.19.0" */
    const char *date;      /* of the recording */
    const char *note;      /* what was left out or added */
    const char *reduction; /* as tide_reduction_print() has it */
    uint32_t host_page_bytes;
    int level; /* zlib's, 1..9; 0: the default */
};

/* What is known of the source at its end. */
struct tide_sink_source {
    const struct tide_trace_info *info; /* of the reader it came from, or NULL */
    uint64_t bytes;                     /* of its content; 0: not known */
    uint32_t crc32;                     /* of that, as tide_stream_crc32() has it */
    const char *extra; /* further lines "key value\n" for the file's summary, or NULL */
};

struct tide_sink;

/* `format` is a name of tide_sink_formats; an unknown one is TIDE_E_USAGE. `path` "-" is standard
 * output. Strings of the options must stay until the sink is gone. NULL on failure. */
struct tide_sink *tide_sink_open(const char *format, const char *path,
                                 const struct tide_sink_options *options, struct tide_error *e);
TIDE_MUST_CHECK int tide_sink_put(struct tide_sink *s, const struct tide_block *b,
                                  const struct tide_file_names *names, struct tide_error *e);
/* To be called between the last put and finish, where anything is known; formats without room for
 * it leave it out. */
TIDE_MUST_CHECK int tide_sink_source(struct tide_sink *s, const struct tide_sink_source *source,
                                     struct tide_error *e);
/* Sees every block that is put, and tells the `extra` of tide_sink_source where that has none:
 * lines that stay until the sink is gone, or NULL. */
struct tide_sink_watch {
    void *context;
    int (*put)(void *context, const struct tide_block *b, struct tide_error *e);
    const char *(*extra)(void *context);
    void (*free)(void *context); /* with the sink; may be NULL */
};
/* Before the first put. */
void tide_sink_watch(struct tide_sink *s, const struct tide_sink_watch *watch);
/* The reader of standard output has left: nothing more needs to be put. */
bool tide_sink_unread(const struct tide_sink *s);
/* Both free the sink. Nothing but accesses makes a trace: without any, finish() fails. */
TIDE_MUST_CHECK int tide_sink_finish(struct tide_sink *s, struct tide_error *e);
void tide_sink_abandon(struct tide_sink *s);

/* ---- for formats ---- */

/* What a format can say of accesses, besides their order and pages. */
enum {
    TIDE_SAYS_FETCHES = 1,   /* apart from reads */
    TIDE_SAYS_WRITES = 2,    /* apart from reads */
    TIDE_SAYS_MODIFIES = 4,  /* as one access, not as a read and a write */
    TIDE_SAYS_ADDRESSES = 8, /* within the page */
    TIDE_SAYS_SIZES = 16,
    TIDE_SAYS_ORDER = 32, /* of the loads and stores of one instruction */
    TIDE_SAYS_ALL = 63
};

struct tide_sink_format {
    const char *name;    /* as for --to */
    const char *summary; /* one line, with what the format leaves out */
    size_t state_bytes;  /* of the format's own zeroed state */
    unsigned says;       /* TIDE_SAYS_* */
    uint32_t events;     /* 1 << enum tide_event_type of those that it can say */
    bool about;          /* has room for what the trace says about itself */
    bool processes;      /* can tell processes apart */
    bool patches;        /* changes what it has written: needs a plain file */
    bool packs;          /* compresses by itself, whatever the path ends in */
    /* Each may be NULL but `access`; all but fini write to `out`. */
    int (*begin)(void *state, const struct tide_sink_options *o, struct tide_out *out,
                 struct tide_error *e);
    int (*access)(void *state, const struct tide_access *a, struct tide_out *out,
                  struct tide_error *e);
    int (*event)(void *state, const struct tide_event *v, const char *file, struct tide_out *out,
                 struct tide_error *e);
    int (*source)(void *state, const struct tide_sink_source *source, struct tide_error *e);
    int (*end)(void *state, struct tide_out *out, struct tide_error *e);
    void (*fini)(void *state);
};

/* NULL-ended. */
extern const struct tide_sink_format *const tide_sink_formats[];
/* The format of an open sink. */
const struct tide_sink_format *tide_sink_format(const struct tide_sink *s);

/* Calls `each` once for every page of 4 KiB that the access touches, a MODIFY as a read and then a
 * write: what formats without sizes write, so that page references stay the same. `at` is the first
 * byte touched in the page. */
enum { TIDE_SINK_PAGE_SHIFT = 12 };
TIDE_MUST_CHECK int tide_sink_pieces(const struct tide_access *a,
                                     int (*each)(void *context, uint64_t at, enum tide_kind kind,
                                                 struct tide_out *out, struct tide_error *e),
                                     void *context, struct tide_out *out, struct tide_error *e);

#endif
