/* Readers: from a stream of bytes to blocks of accesses and events.
 *
 * One file per format, listed in sim/trace/meson.build; a format is one const struct tide_format
 * at the bottom of its file. Formats are found by content: by their magic, else by probes, which
 * see the head of the content; the single highest score wins, a tie or all zero is an error that
 * names
 * --format.
 */
#ifndef TIDE_TRACE_READER_H
#define TIDE_TRACE_READER_H

#include <stdbool.h>

#include "trace/block.h"
#include "trace/stream.h"

/* What the reader has learned so far; complete once next() has returned 0. */
struct tide_trace_info {
    const char *format;
    uint64_t accesses[TIDE_KINDS]; /* by enum tide_kind */
    uint64_t events[TIDE_EV_TYPES];
    uint64_t other_lines;     /* chatter that was skipped */
    uint64_t lost_results;    /* system calls whose result never came */
    bool has_layout;          /* the initial VMAs were given */
    bool has_syscalls;        /* map changes were given */
    char command[512];        /* the recorded command line, or empty */
    char recorder[128];       /* what wrote the accesses down, */
    char date[64];            /* when, */
    char note[256];           /* what it left out or added: as struct tide_sink_options; or empty */
    uint32_t host_page_bytes; /* 0: not known */
    char reduction[160];      /* what a reduced trace is good for (trace/reduce.h), or empty */
};

struct tide_reader;

/* format NULL: find it by content. The reader owns the stream from here, also on failure.
 * NULL on failure. */
struct tide_reader *tide_reader_open(struct tide_stream *s, const char *format,
                                     struct tide_error *e);
void tide_reader_close(struct tide_reader *r);
struct tide_format;
/* A reader of one format, whether listed or not; its first access has the ordinal `first`. */
struct tide_reader *tide_reader_open_as(struct tide_stream *s, const struct tide_format *format,
                                        uint64_t first, struct tide_error *e);

/* Fills `b`. Returns 1 with at least one access or event, 0 at the end, or a negative enum
 * tide_code: everything before the damage has then been delivered by earlier calls. A trace
 * without any access ends in TIDE_E_TRACE, unless its format is one of events alone. The first
 * event is a PROCESS, before anything else. */
TIDE_MUST_CHECK int tide_reader_next(struct tide_reader *r, struct tide_block *b,
                                     struct tide_error *e);
/* From here on blocks may come as fragments (trace/fragments.h) where the format has them. What
 * they name stays valid until the reader is closed or fills the same block again. */
void tide_reader_take_fragments(struct tide_reader *r);
/* Copies what `from` holds to `to` and gives back what `to` held; only `from` can be filled next.
 * For blocks that another processor has looked at: to fill such a block bit by bit takes longer
 * than to fill one's own and copy that at once. */
void tide_reader_move(struct tide_reader *r, struct tide_block *to, struct tide_block *from);

/* From here on reading goes on behind damage, where records are lines that stand for themselves: a
 * next() that returns TIDE_E_TRACE for a damaged record may be followed by another, which delivers
 * what stands behind it. (A next() that fails for good does so again and again.) Whether the file
 * around the content is damaged is not looked at then: tide_stream_identify() tells. Returns false,
 * and nothing changes, where the format is not of that sort. */
bool tide_reader_go_on(struct tide_reader *r);
/* After a next() that failed: whether another may deliver more. */
bool tide_reader_goes_on(const struct tide_reader *r);

const struct tide_trace_info *tide_reader_info(const struct tide_reader *r);
/* The path of a file id of MAP events, the name of a cache of KALLOC and KFREE, or NULL where the
 * trace does not tell. */
const char *tide_reader_file(const struct tide_reader *r, uint32_t file);
struct tide_stream *tide_reader_stream(struct tide_reader *r);

/* ---- for formats ---- */

/* The window on the content that formats parse from: bytes[pos..len) are unread. */
struct tide_reader_window {
    unsigned char *bytes; /* len bytes, followed by 64 readable bytes of padding (zeros) */
    size_t pos, len;
    bool at_end;      /* no byte follows bytes[len-1] in the content */
    bool last;        /* at_end, or none can be read: everything complete is to be taken */
    uint64_t offset;  /* content offset of bytes[0] */
    const char *name; /* of the stream, for messages */
};

struct tide_format {
    const char *name;    /* as for --format; lower case */
    const char *summary; /* one line for `pagetide list formats` */
    const char *example; /* one or two records */
    bool events_alone;   /* a trace of events without any access is complete */
    bool lines;          /* each record stands for itself: after damage, parse() can be called again
                          * and goes on behind the damaged one */
    bool counts;         /* counts the kinds of accesses in info by itself */
    size_t state_bytes;  /* of the format's own zeroed state */
    /* What every trace of the format begins with, and no other one; NULL: there is no such thing.
     */
    const char *magic;
    /* Score 0..100 for the first n bytes of content; `whole`: there are no more. At 100 no further
     * format is asked. NULL: the magic decides. */
    int (*probe)(const unsigned char *head, size_t n, bool whole);
    /* May be NULL. */
    void (*fini)(void *state);
    /* Appends records from the window to the block and advances w->pos past what it took. Returns
     * 1 when the block is full, 0 when nothing, or only an incomplete record, is left in the
     * window; at w->at_end it takes everything, at w->last everything complete. The first record is
     * preceded by PROCESS. Damage: returns an error made by tide_damage(), after all records before
     * it have been appended (the frame delivers them first). */
    int (*parse)(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e);
    /* Path of a file id, may be NULL. */
    const char *(*file)(const void *state, uint32_t file);
    /* The consumer takes fragments. NULL: the format has none, or makes blocks of them whatever the
     * consumer takes; the frame unfolds these. */
    void (*take_fragments)(void *state);
    /* A block's fragments have moved to another block. NULL: the format has none. */
    void (*move)(void *state, const struct tide_block *to, const struct tide_block *from);
};

/* NULL-ended, in the order of sim/trace/meson.build. */
extern const struct tide_format *const tide_formats[];

/* The format of the content that begins with `head`: the one called `name`, or by content where
 * that is NULL. `list` is NULL-ended. NULL on failure. */
const struct tide_format *tide_format_find(const struct tide_format *const *list, const char *name,
                                           const unsigned char *head, size_t n, bool whole,
                                           struct tide_error *e);

/* NULL where an access of these bytes can be, else what is wrong: the size is within
 * 1..TIDE_ACCESS_MAX_BYTES, the last byte does not wrap past 2^64-1. */
const char *tide_bad_extent(uint64_t addr, uint64_t size);

/* Appends an event (zeroed but for at and type) and counts it; the block must have room. */
struct tide_event *tide_block_event(struct tide_block *b, struct tide_trace_info *info,
                                    enum tide_event_type type);

#endif
