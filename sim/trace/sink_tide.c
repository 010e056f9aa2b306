/* The native format, written: see README.md for the layout.
 *
 * A header with what the trace says about itself, the blocks that the encoder makes, a summary, the
 * index and the end. Nothing that was written is changed, so it may go to a pipe.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "trace/sink.h"
#include "trace/tide_census.h"
#include "trace/tide_encode.h"
#include "trace/tide_pack.h"

struct sink {
    struct tide_packer packer;
    struct tide_encoder *encoder;
    struct tide_census census;
    bool counting; /* the census is set up */
    char *extra;   /* further lines of the summary, or NULL */
};

static int put_block(void *context, const struct tide_chunk *c, const unsigned char *payload,
                     struct tide_error *e)
{
    struct sink *s = context;

    return tide_packer_block(&s->packer, c, payload, e);
}

static int put_text(struct sink *s, enum tide_chunk_type type, const char *text,
                    struct tide_error *e)
{
    struct tide_chunk c = {.type = (uint8_t)type,
                           .flags = type == TIDE_CHUNK_SUMMARY ? TIDE_CHUNK_MAY_SKIP : 0,
                           .first = s->packer.accesses,
                           .length = (uint32_t)strlen(text)};

    if (strlen(text) > TIDE_PAYLOAD_MAX)
        return tide_fail(e, TIDE_E_USAGE, "what the trace says about itself is longer than 4 MiB");
    return tide_packer_put(&s->packer, &c, (const unsigned char *)text, e);
}

/* Appends a line unless there is nothing to say; false: out of memory. */
static bool add_line(char **text, const char *key, const char *value)
{
    char *line, *longer;

    if (value == NULL || value[0] == '\0')
        return true;
    line = tide_lines_put(key, value);
    longer = line != NULL ? tide_asprintf("%s%s", *text, line) : NULL;
    free(line);
    free(*text);
    *text = longer;
    return longer != NULL;
}

static int put_header(struct sink *s, const struct tide_sink_options *o, struct tide_error *e)
{
    char *text = tide_strdup(""), page[16] = "";
    int rc;

    if (o->host_page_bytes > 0)
        snprintf(page, sizeof page, "%u", o->host_page_bytes);
    if (text == NULL || !add_line(&text, "command", o->command) ||
        !add_line(&text, "recorder", o->recorder) || !add_line(&text, "date", o->date) ||
        !add_line(&text, "note", o->note) || !add_line(&text, "reduction", o->reduction) ||
        !add_line(&text, "host_page_bytes", page))
        rc = tide_nomem(e);
    else
        rc = put_text(s, TIDE_CHUNK_HEADER, text, e);
    free(text);
    return rc;
}

static int begin(void *state, const struct tide_sink_options *o, struct tide_out *out,
                 struct tide_error *e)
{
    struct sink *s = state;
    int rc;

    tide_census_init(&s->census);
    s->counting = true;
    if ((s->encoder = tide_encoder_new(put_block, s, e)) == NULL)
        return TIDE_E_NOMEM;
    rc = tide_packer_init(&s->packer, out, o->level > 0 ? o->level : TIDE_OUT_LEVEL, e);
    return rc == 0 ? put_header(s, o, e) : rc;
}

static int put_access(void *state, const struct tide_access *a, struct tide_out *out,
                      struct tide_error *e)
{
    struct sink *s = state;

    (void)out;
    if (tide_census_access(&s->census, a) != 0)
        return tide_nomem(e);
    return tide_encoder_access(s->encoder, a, e);
}

static int put_event(void *state, const struct tide_event *v, const char *file,
                     struct tide_out *out, struct tide_error *e)
{
    struct sink *s = state;

    (void)out;
    if (tide_census_event(&s->census, v) != 0)
        return tide_nomem(e);
    if (v->type == TIDE_EV_SYSCALL) /* counted, and that is all */
        return 0;
    return tide_encoder_event(s->encoder, v, file, e);
}

static int put_source(void *state, const struct tide_sink_source *source, struct tide_error *e)
{
    struct sink *s = state;

    tide_census_source(&s->census, source);
    free(s->extra);
    s->extra = NULL;
    if (source->extra != NULL && (s->extra = tide_strdup(source->extra)) == NULL)
        return tide_nomem(e);
    return 0;
}

static int end(void *state, struct tide_out *out, struct tide_error *e)
{
    struct sink *s = state;
    char *sum, *text = NULL;
    uint64_t at;
    int rc = tide_encoder_finish(s->encoder, e);

    (void)out;
    if (rc != 0)
        return rc;
    if ((sum = tide_summary_print(&s->census.sum)) != NULL)
        text = tide_asprintf("%s%s", sum, s->extra != NULL ? s->extra : "");
    at = s->packer.offset;
    rc = text != NULL ? put_text(s, TIDE_CHUNK_SUMMARY, text, e) : tide_nomem(e);
    free(sum);
    free(text);
    return rc == 0 ? tide_packer_end(&s->packer, at, e) : rc;
}

static void fini(void *state)
{
    struct sink *s = state;

    if (s->counting)
        tide_census_fini(&s->census);
    tide_encoder_free(s->encoder);
    tide_packer_fini(&s->packer);
    free(s->extra);
}

const struct tide_sink_format tide_sink_tide = {
    .name = "tide",
    .summary = "the native format: everything, small, fast to read, with an index",
    .state_bytes = sizeof(struct sink),
    .says = TIDE_SAYS_ALL,
    .events = (1u << TIDE_EV_TYPES) - 1,
    .about = true,
    .processes = true,
    .packs = true,
    .begin = begin,
    .access = put_access,
    .event = put_event,
    .source = put_source,
    .end = end,
    .fini = fini,
};
