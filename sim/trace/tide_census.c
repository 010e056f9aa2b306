/* The summary of a tide file: see tide_census.h. */
#include "trace/tide_census.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr/page.h"
#include "base/mem.h"

static const struct tide_geometry sizes[TIDE_SUMMARY_SIZES] = {
    [TIDE_SUMMARY_4K] = {12, TIDE_VADDR_MAX_BITS},
    [TIDE_SUMMARY_64K] = {16, TIDE_VADDR_MAX_BITS},
    [TIDE_SUMMARY_2M] = {21, TIDE_VADDR_MAX_BITS}};

enum { SMALL_SHIFT = 12 };

void tide_census_init(struct tide_census *c)
{
    *c = (struct tide_census){.sum.first_byte = UINT64_MAX};
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++)
        tide_map_init(&c->pages[i]);
    tide_map_init(&c->processes);
    for (size_t i = 0; i < TIDE_SIDES; i++)
        c->last[i] = TIDE_PAGE_NONE.v;
}

void tide_census_fini(struct tide_census *c)
{
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++)
        tide_map_fini(&c->pages[i]);
    tide_map_fini(&c->processes);
}

static int see_process(struct tide_census *c, unsigned process)
{
    if (tide_map_put(&c->processes, process, NULL) == NULL)
        return TIDE_E_NOMEM;
    c->sum.processes = (uint32_t)c->processes.count;
    return 0;
}

static int touch(struct tide_census *c, unsigned process, uint64_t addr, enum tide_side side)
{
    uint64_t page = tide_page_of(sizes[TIDE_SUMMARY_4K], process, addr).v, *sides;
    bool inserted;

    if (page == c->last[side])
        return 0;
    c->last[side] = page;
    c->sum.side_runs[side]++;
    sides = tide_map_put(&c->pages[TIDE_SUMMARY_4K], page, &inserted);
    if (sides == NULL)
        return TIDE_E_NOMEM;
    if ((*sides & UINT64_C(1) << side) == 0) {
        *sides |= UINT64_C(1) << side;
        c->sum.side_pages[side]++;
    }
    if (!inserted)
        return 0;
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++) {
        if (i != TIDE_SUMMARY_4K &&
            tide_map_put(&c->pages[i], tide_page_of(sizes[i], process, addr).v, NULL) == NULL)
            return TIDE_E_NOMEM;
        c->sum.pages[i] = c->pages[i].count;
    }
    return see_process(c, process);
}

int tide_census_access(struct tide_census *c, const struct tide_access *a)
{
    enum tide_side side = tide_side_of((enum tide_kind)a->kind);
    uint64_t last = a->addr + (a->size - 1);
    uint64_t left = (last >> SMALL_SHIFT) - (a->addr >> SMALL_SHIFT);
    int rc;

    c->sum.accesses[a->kind]++;
    c->sum.bytes[a->kind] += a->size;
    if (a->addr < c->sum.first_byte)
        c->sum.first_byte = a->addr;
    if (last > c->sum.last_byte)
        c->sum.last_byte = last;
    rc = touch(c, a->process, a->addr, side);
    for (; rc == 0 && left > 0; left--)
        rc = touch(c, a->process, last - ((left - 1) << SMALL_SHIFT), side);
    return rc;
}

int tide_census_event(struct tide_census *c, const struct tide_event *v)
{
    c->sum.events[v->type]++;
    if (v->type == TIDE_EV_MAP && (v->flags & TIDE_MAP_FROM_LAYOUT))
        c->sum.has_layout = true;
    return see_process(c, v->process);
}

void tide_census_source(struct tide_census *c, const struct tide_sink_source *source)
{
    const struct tide_trace_info *info = source->info;

    c->sum.source_bytes = source->bytes;
    c->sum.source_crc32 = source->crc32;
    if (info == NULL)
        return;
    c->sum.other_lines = info->other_lines;
    c->sum.lost_results = info->lost_results;
    c->sum.has_layout |= info->has_layout;
    c->sum.has_syscalls |= info->has_syscalls;
    if (info->events[TIDE_EV_SYSCALL] > c->sum.events[TIDE_EV_SYSCALL])
        c->sum.events[TIDE_EV_SYSCALL] = info->events[TIDE_EV_SYSCALL];
}

/* ---- as text ---- */

/* Numbers that are written in decimal, by key. */
#define NUMBERS(X)                                \
    X("accesses-fetch", accesses[TIDE_FETCH])     \
    X("accesses-read", accesses[TIDE_READ])       \
    X("accesses-write", accesses[TIDE_WRITE])     \
    X("accesses-modify", accesses[TIDE_MODIFY])   \
    X("bytes-fetch", bytes[TIDE_FETCH])           \
    X("bytes-read", bytes[TIDE_READ])             \
    X("bytes-write", bytes[TIDE_WRITE])           \
    X("bytes-modify", bytes[TIDE_MODIFY])         \
    X("pages-4K", pages[TIDE_SUMMARY_4K])         \
    X("pages-64K", pages[TIDE_SUMMARY_64K])       \
    X("pages-2M", pages[TIDE_SUMMARY_2M])         \
    X("pages-fetch", side_pages[TIDE_SIDE_FETCH]) \
    X("pages-data", side_pages[TIDE_SIDE_DATA])   \
    X("runs-fetch", side_runs[TIDE_SIDE_FETCH])   \
    X("runs-data", side_runs[TIDE_SIDE_DATA])     \
    X("first-byte", first_byte)                   \
    X("last-byte", last_byte)                     \
    X("other-lines", other_lines)                 \
    X("lost-results", lost_results)               \
    X("processes", processes)                     \
    X("has-layout", has_layout)                   \
    X("has-syscalls", has_syscalls)               \
    X("source-bytes", source_bytes)               \
    X("source-crc32", source_crc32)

/* Appends to *text and frees what was there. */
static bool append(char **text, const char *key, uint64_t value)
{
    char *longer = tide_asprintf("%s%s %" PRIu64 "\n", *text, key, value);

    free(*text);
    *text = longer;
    return longer != NULL;
}

char *tide_summary_print(const struct tide_summary *sum)
{
    char *text = tide_strdup("");
    bool ok = text != NULL;

#define PRINT(key, member) ok = ok && append(&text, key, (uint64_t)sum->member);
    NUMBERS(PRINT)
#undef PRINT
    for (size_t i = 0; i < TIDE_EV_TYPES && ok; i++) {
        char key[64];

        snprintf(key, sizeof key, "events-%s", tide_event_names[i]);
        ok = append(&text, key, sum->events[i]);
    }
    return text;
}

static uint64_t number(const char *text, const char *key)
{
    char value[32];

    return tide_lines_get(text, key, value, sizeof value) ? strtoull(value, NULL, 10) : 0;
}

void tide_summary_parse(struct tide_summary *sum, const char *text)
{
    memset(sum, 0, sizeof *sum);
#define PARSE(key, member) sum->member = (__typeof__(sum->member))number(text, key);
    NUMBERS(PARSE)
#undef PARSE
    for (size_t i = 0; i < TIDE_EV_TYPES; i++) {
        char key[64];

        snprintf(key, sizeof key, "events-%s", tide_event_names[i]);
        sum->events[i] = number(text, key);
    }
}

bool tide_lines_get(const char *text, const char *key, char *to, size_t bytes)
{
    size_t length = strlen(key), n = 0;

    while (text != NULL && *text != '\0' &&
           (strncmp(text, key, length) != 0 || text[length] != ' '))
        if ((text = strchr(text, '\n')) != NULL)
            text++;
    if (text == NULL || *text == '\0')
        return false;
    for (text += length + 1; *text != '\0' && *text != '\n' && n + 1 < bytes; text++) {
        char byte = *text;

        if (byte == '\\' && text[1] != '\0' && text[1] != '\n')
            byte = *++text == 'n' ? '\n' : *text;
        to[n++] = byte;
    }
    to[n] = '\0';
    return true;
}

char *tide_lines_put(const char *key, const char *value)
{
    size_t length = strlen(key), n = length + 1;
    char *line = tide_malloc(length + 2 * strlen(value) + 3);

    if (line == NULL)
        return NULL;
    memcpy(line, key, length);
    line[length] = ' ';
    for (; *value != '\0'; value++) {
        if (*value == '\n' || *value == '\\')
            line[n++] = '\\';
        line[n++] = *value == '\n' ? 'n' : *value;
    }
    line[n++] = '\n';
    line[n] = '\0';
    return line;
}
