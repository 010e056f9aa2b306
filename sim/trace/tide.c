/* The native format, read: chunks out of the content, blocks out of chunks. README.md has the
 * layout; tide_decode.h makes the blocks.
 *
 * A chunk is copied from the window into a buffer of its own, of a size that its head tells and
 * that is bounded, and its checksum is compared before anything else is believed. What the header
 * and the summary say of the source goes into the reader's info.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/codec.h"
#include "trace/tide_census.h"
#include "trace/tide_decode.h"

#define MAGIC "TIDE\1" /* the head of the header's chunk */

enum { PADDING = TIDE_PAYLOAD_PADDING };

enum stage {
    IN_HEAD,    /* collecting the head of a chunk */
    IN_PAYLOAD, /* collecting its payload */
    COMPLETE,   /* a block, not begun yet */
    IN_BLOCK,   /* handing out a block */
    ENDED       /* END has come */
};

struct tide_state {
    struct tide_decoder decoder;
    bool ready; /* the decoder is set up */
    bool begun; /* the header has come */
    bool part;  /* only groups, without header and end */
    enum stage stage;
    unsigned char head[TIDE_HEAD_BYTES];
    size_t got; /* bytes of the head, or of the payload */
    struct tide_chunk chunk;
    uint64_t offset;   /* content offset of the chunk */
    uint64_t accesses; /* handed out */
    uint64_t blocks;   /* begun */
    unsigned char *payload;
    size_t cap;
};

/* "name: byte B, block K, record R". */
static int damage(const struct tide_state *s, const struct tide_reader_window *w,
                  const struct tide_block *b, uint64_t offset, const char *what,
                  struct tide_error *e)
{
    tide_fail(e, TIDE_E_TRACE, "%s", what);
    tide_error_where(e, "%s: byte %llu, block %llu, record %llu", w->name,
                     (unsigned long long)offset, (unsigned long long)s->blocks,
                     (unsigned long long)(b->first + b->n_accesses));
    tide_error_remedy(e, "pagetide trace verify --repair writes what is intact to a new file");
    return TIDE_E_TRACE;
}

/* Collects up to `need` bytes. True: they are all there. */
static bool collect(struct tide_state *s, struct tide_reader_window *w, unsigned char *to,
                    size_t need)
{
    size_t n = w->len - w->pos < need - s->got ? w->len - w->pos : need - s->got;

    memcpy(to + s->got, w->bytes + w->pos, n);
    w->pos += n;
    s->got += n;
    return s->got == need;
}

static int take_head(struct tide_state *s, const struct tide_reader_window *w,
                     const struct tide_block *b, struct tide_error *e)
{
    unsigned char *grown;

    if (!tide_chunk_get(s->head, &s->chunk))
        return damage(s, w, b, s->offset, "this is not the head of a chunk", e);
    if (s->chunk.version != TIDE_LAYOUT_VERSION) {
        char what[96];

        snprintf(what, sizeof what,
                 "this is version %u of the format; this program reads version %d",
                 s->chunk.version, TIDE_LAYOUT_VERSION);
        damage(s, w, b, s->offset, what, e);
        tide_error_remedy(e, "another pagetide wrote it: convert the log it was made from again");
        return TIDE_E_TRACE;
    }
    if (s->chunk.length > TIDE_PAYLOAD_MAX)
        return damage(s, w, b, s->offset, "a chunk is longer than 4 MiB", e);
    if (!s->begun && !s->part && s->chunk.type != TIDE_CHUNK_HEADER)
        return damage(s, w, b, s->offset, "the trace does not begin with its header", e);
    grown = tide_grow(s->payload, &s->cap, s->chunk.length + (size_t)PADDING, 1);
    if (grown == NULL)
        return tide_nomem(e);
    s->payload = grown;
    s->got = 0;
    s->stage = IN_PAYLOAD;
    return 0;
}

/* The text of a header or summary, ended by a zero; zeros inside end it, too. */
static const char *text_of(struct tide_state *s)
{
    s->payload[s->chunk.length] = '\0';
    return (const char *)s->payload;
}

static void take_header(const char *text, struct tide_trace_info *info)
{
    char page[16];

    tide_lines_get(text, "command", info->command, sizeof info->command);
    tide_lines_get(text, "recorder", info->recorder, sizeof info->recorder);
    tide_lines_get(text, "date", info->date, sizeof info->date);
    tide_lines_get(text, "note", info->note, sizeof info->note);
    tide_lines_get(text, "reduction", info->reduction, sizeof info->reduction);
    if (tide_lines_get(text, "host_page_bytes", page, sizeof page))
        info->host_page_bytes = (uint32_t)strtoul(page, NULL, 10);
}

static void take_summary(struct tide_state *s, struct tide_trace_info *info)
{
    struct tide_summary sum;

    tide_summary_parse(&sum, text_of(s));
    info->other_lines = sum.other_lines;
    info->lost_results = sum.lost_results;
    info->events[TIDE_EV_SYSCALL] = sum.events[TIDE_EV_SYSCALL];
    info->has_layout |= sum.has_layout;
    info->has_syscalls |= sum.has_syscalls;
}

/* A chunk is there. */
static int take_chunk(struct tide_state *s, const struct tide_reader_window *w,
                      struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    s->stage = IN_HEAD;
    s->got = 0;
    if (tide_crc32(0, s->payload, s->chunk.length) != s->chunk.crc)
        return damage(s, w, b, s->offset, "the checksum of a chunk is wrong", e);
    memset(s->payload + s->chunk.length, 0, PADDING);
    switch (s->chunk.type) {
    case TIDE_CHUNK_HEADER:
        if (s->begun)
            return damage(s, w, b, s->offset, "a second header stands inside the trace", e);
        s->begun = true;
        take_header(text_of(s), info);
        break;
    case TIDE_CHUNK_FRAGMENTS:
    case TIDE_CHUNK_COLUMNS:
        s->stage = COMPLETE;
        break;
    case TIDE_CHUNK_SUMMARY:
        take_summary(s, info);
        break;
    case TIDE_CHUNK_INDEX:
        break;
    case TIDE_CHUNK_END:
        s->stage = ENDED;
        break;
    default:
        if (!(s->chunk.flags & TIDE_CHUNK_MAY_SKIP)) {
            damage(s, w, b, s->offset, "", e);
            return tide_fail(e, TIDE_E_TRACE,
                             "a chunk is of type %u, which version %d of the format does not know",
                             s->chunk.type, TIDE_LAYOUT_VERSION);
        }
    }
    return 0;
}

static int report(const struct tide_state *s, const struct tide_reader_window *w,
                  const struct tide_block *b, const struct tide_problem *p, struct tide_error *e)
{
    if (p->code == TIDE_E_NOMEM)
        return tide_nomem(e);
    return damage(s, w, b, s->offset + TIDE_HEAD_BYTES + (uint64_t)(p->at - s->payload), p->what,
                  e);
}

static int begin_block(struct tide_state *s, const struct tide_reader_window *w,
                       struct tide_block *b, struct tide_error *e)
{
    struct tide_problem p;

    if (!tide_decoder_joins(&s->decoder, &s->chunk, s->payload, b))
        return 1;
    if (tide_decoder_begin(&s->decoder, &s->chunk, s->payload, &p) != 0)
        return report(s, w, b, &p, e);
    s->stage = IN_BLOCK;
    return 0;
}

static int hand_out(struct tide_state *s, const struct tide_reader_window *w, struct tide_block *b,
                    struct tide_trace_info *info, struct tide_error *e)
{
    struct tide_problem p;
    int rc = tide_decoder_fill(&s->decoder, b, info, &p);

    if (rc < 0)
        return report(s, w, b, &p, e);
    if (rc == 0) {
        s->stage = IN_HEAD;
        s->blocks++;
    }
    return rc;
}

/* Nothing is left in the window. */
static int run_dry(const struct tide_state *s, const struct tide_reader_window *w,
                   const struct tide_block *b, struct tide_error *e)
{
    if (!w->at_end || s->stage == ENDED || (s->part && s->stage == IN_HEAD && s->got == 0))
        return 0;
    return damage(s, w, b, w->offset + w->len,
                  s->stage == IN_HEAD && s->got == 0 ? "the trace is truncated: its end is missing"
                                                     : "the trace is truncated inside a chunk",
                  e);
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct tide_state *s = state;
    int rc = 0;

    if (!s->ready) {
        if (tide_decoder_init(&s->decoder) != 0)
            return tide_nomem(e);
        s->ready = true;
    }
    if (b->n_accesses == 0 && b->n_events == 0)
        tide_decoder_release(&s->decoder, b);
    while (rc == 0) {
        switch (s->stage) {
        case IN_HEAD:
            if (s->got == 0)
                s->offset = w->offset + w->pos;
            if (!collect(s, w, s->head, TIDE_HEAD_BYTES))
                return run_dry(s, w, b, e);
            rc = take_head(s, w, b, e);
            break;
        case IN_PAYLOAD:
            if (!collect(s, w, s->payload, s->chunk.length))
                return run_dry(s, w, b, e);
            rc = take_chunk(s, w, b, info, e);
            break;
        case COMPLETE:
            rc = begin_block(s, w, b, e);
            break;
        case IN_BLOCK:
            rc = hand_out(s, w, b, info, e);
            break;
        default:
            if (w->pos == w->len)
                return 0;
            return damage(s, w, b, w->offset + w->pos, "bytes follow the end of the trace", e);
        }
    }
    return rc;
}

static int parse_part(void *state, struct tide_reader_window *w, struct tide_block *b,
                      struct tide_trace_info *info, struct tide_error *e)
{
    ((struct tide_state *)state)->part = true;
    return parse(state, w, b, info, e);
}

static void fini(void *state)
{
    struct tide_state *s = state;

    tide_decoder_fini(&s->decoder);
    free(s->payload);
}

static const char *file(const void *state, uint32_t id)
{
    const struct tide_state *s = state;

    return tide_decoder_file(&s->decoder, id);
}

static void take_fragments(void *state)
{
    struct tide_state *s = state;

    s->decoder.take_fragments = true;
}

static void move(void *state, const struct tide_block *to, const struct tide_block *from)
{
    struct tide_state *s = state;

    tide_decoder_move(&s->decoder, to, from);
}

const struct tide_format tide_format_tide = {
    .name = "tide",
    .summary = "the native format: everything, small, fast to read, with an index",
    .example = "(binary: chunks that begin with TIDE)",
    .counts = true,
    .events_alone = true,
    .state_bytes = sizeof(struct tide_state),
    .magic = MAGIC,
    .fini = fini,
    .parse = parse,
    .file = file,
    .take_fragments = take_fragments,
    .move = move,
};

/* Groups alone, for tide_file.c. */
extern const struct tide_format tide_format_tide_part;
const struct tide_format tide_format_tide_part = {
    .name = "tide",
    .summary = "groups of the native format",
    .example = "(binary: chunks that begin with TIDE)",
    .events_alone = true,
    .counts = true,
    .state_bytes = sizeof(struct tide_state),
    .magic = MAGIC,
    .fini = fini,
    .parse = parse_part,
    .file = file,
    .take_fragments = take_fragments,
    .move = move,
};
