/* gem5's packet traces: `gem5`, then protobuf messages, each behind its length.
 *
 *     "gem5" | length PacketHeader | length Packet | length Packet ...
 *
 * Lengths, keys and most values are varints: 7 bits a byte, low ones first, bit 7 set on all but
 * the last. A key is field * 8 + wire type. Of a Packet, cmd (2), addr (3), size (4) and flags (5)
 * are read: ReadReq is a read, or a fetch where the flag INST_FETCH is set; WriteReq is a write;
 * other commands are skipped and counted. Addresses are physical unless the monitor stood before
 * the MMU; they are taken as they are, of one process.
 *
 * Source: gem5, src/proto/packet.proto, src/mem/packet.hh (commands), src/mem/request.hh (flags).
 */
#include <string.h>

#include "trace/record.h"

#define MAGIC "gem5"

enum { MAGIC_BYTES = sizeof MAGIC - 1, LENGTH_MAX = 5, MESSAGE_MAX = 65536 };
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { FIELD_CMD = 2, FIELD_ADDR = 3, FIELD_SIZE = 4, FIELD_FLAGS = 5, FIELDS = 6 };
enum { CMD_READ = 1, CMD_WRITE = 4, FLAG_INST_FETCH = 0x100 };

struct gem5 {
    uint64_t messages; /* taken: the first is the header */
    bool begun;        /* PROCESS has been delivered */
};

/* A varint before `end`. False, with *at at its beginning, where it is cut or too long. */
static bool varint(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    const unsigned char *p = *at;
    uint64_t v = 0;

    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        v |= (uint64_t)(*p & 0x7f) << shift;
        if (*p++ < 0x80) {
            *out = v;
            *at = p;
            return true;
        }
    }
    return false;
}

/* Reads a message's fields below FIELDS into `fields`. NULL, or what is wrong at *at. */
static const char *take_fields(const unsigned char **at, const unsigned char *end,
                               uint64_t fields[FIELDS], unsigned *seen)
{
    while (*at < end) {
        const unsigned char *from = *at;
        uint64_t key, value = 0, skip = 0;

        if (!varint(at, end, &key))
            return "a field's key is damaged";
        switch (key & 7) {
        case WIRE_VARINT:
            if (!varint(at, end, &value))
                return "a field's value is damaged";
            break;
        case WIRE_64:
            skip = 8;
            break;
        case WIRE_32:
            skip = 4;
            break;
        case WIRE_BYTES:
            if (!varint(at, end, &skip))
                return "a field's length is damaged";
            break;
        default:
            *at = from;
            return "a field has no known wire type";
        }
        if (skip > (uint64_t)(end - *at)) {
            *at = from;
            return "a field is longer than its message";
        }
        *at += skip;
        if ((key & 7) == WIRE_VARINT && key >> 3 < FIELDS) {
            fields[key >> 3] = value;
            *seen |= 1u << (key >> 3);
        }
    }
    return NULL;
}

static const char *take_packet(const unsigned char **at, const unsigned char *end,
                               struct tide_block *b, struct tide_trace_info *info)
{
    static const unsigned needed = 1u << FIELD_CMD | 1u << FIELD_ADDR | 1u << FIELD_SIZE;
    const unsigned char *from = *at;
    uint64_t fields[FIELDS] = {0};
    unsigned seen = 0;
    const char *bad = take_fields(at, end, fields, &seen);
    enum tide_kind kind;

    if (bad != NULL)
        return bad;
    *at = from;
    if ((seen & needed) != needed)
        return "the packet lacks its command, address or size";
    if (fields[FIELD_CMD] == CMD_WRITE) {
        kind = TIDE_WRITE;
    } else if (fields[FIELD_CMD] == CMD_READ) {
        kind = fields[FIELD_FLAGS] & FLAG_INST_FETCH ? TIDE_FETCH : TIDE_READ;
    } else {
        info->other_lines++;
        return NULL;
    }
    if ((bad = tide_bad_extent(fields[FIELD_ADDR], fields[FIELD_SIZE])) == NULL)
        b->accesses[b->n_accesses++] = (struct tide_access){.addr = fields[FIELD_ADDR],
                                                            .size = (uint32_t)fields[FIELD_SIZE],
                                                            .kind = (uint8_t)kind};
    return bad;
}

/* Takes the message at w->pos. 1, 0 where it is not all in the window, or an error. */
static int take_message(struct gem5 *s, struct tide_reader_window *w, struct tide_block *b,
                        struct tide_trace_info *info, struct tide_error *e)
{
    const unsigned char *p = w->bytes + w->pos, *end = w->bytes + w->len;
    const char *bad = NULL;
    uint64_t length;

    if (!varint(&p, end, &length)) {
        if (end - p >= LENGTH_MAX)
            return tide_damaged_record(w, p, s->messages, e, "the message's length is damaged");
        return 0;
    }
    if (length > MESSAGE_MAX)
        return tide_damaged_record(w, w->bytes + w->pos, s->messages, e,
                                   "a message of %llu bytes is too long for a packet",
                                   (unsigned long long)length);
    if (length > (uint64_t)(end - p))
        return 0;
    end = p + length;
    if (s->messages == 0) {
        uint64_t fields[FIELDS];
        unsigned seen = 0;

        bad = take_fields(&p, end, fields, &seen);
    } else {
        bad = take_packet(&p, end, b, info);
    }
    if (bad != NULL)
        return tide_damaged_record(w, p, s->messages, e, "%s", bad);
    s->messages++;
    w->pos = (size_t)(end - w->bytes);
    return 1;
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct gem5 *s = state;
    int rc = 1;

    if (!s->begun) {
        if (w->len < MAGIC_BYTES || memcmp(w->bytes, MAGIC, MAGIC_BYTES) != 0)
            return tide_damaged_record(w, w->bytes, 0, e, "the trace does not begin with 'gem5'");
        w->pos = MAGIC_BYTES;
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    while (rc == 1 && w->pos < w->len) {
        if (b->n_accesses == TIDE_BLOCK_ACCESSES)
            return 1;
        rc = take_message(s, w, b, info, e);
    }
    if (rc == 0 && w->at_end)
        return tide_cut_record(w, s->messages, e);
    return rc < 0 ? rc : 0;
}

const struct tide_format tide_format_gem5 = {
    .name = "gem5",
    .summary = "gem5's packet traces (protobuf)",
    .example = "(binary: 'gem5', then messages with command, address, size)",
    .state_bytes = sizeof(struct gem5),
    .magic = MAGIC,
    .parse = parse,
};
