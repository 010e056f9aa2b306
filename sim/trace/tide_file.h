/* A tide file seen from outside: what it says about itself, its index, damage and repair.
 *
 * Nothing here decodes an access. A file is a sequence of gzip members, one for each chunk of the
 * content (README.md has the layout); their headers tell lengths, so it can be walked without
 * inflating, and the last members hold a summary and an index. What was cut or lost is rebuilt by
 * that walk. Content that was compressed again by something else (zstd, one gzip member) is still a
 * trace for tide_reader_open(), but has no index.
 */
#ifndef TIDE_TRACE_TIDE_FILE_H
#define TIDE_TRACE_TIDE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "base/error.h"
#include "trace/block.h"

/* Page sizes of which the summary counts distinct (process, page) pairs. */
enum { TIDE_SUMMARY_4K, TIDE_SUMMARY_64K, TIDE_SUMMARY_2M, TIDE_SUMMARY_SIZES };

/* Of the whole trace, counted by the writer. */
struct tide_summary {
    uint64_t accesses[TIDE_KINDS]; /* by enum tide_kind */
    uint64_t events[TIDE_EV_TYPES];
    uint64_t bytes[TIDE_KINDS]; /* sum of sizes */
    uint64_t pages[TIDE_SUMMARY_SIZES];
    uint64_t side_pages[TIDE_SIDES];    /* distinct pages of 4 KiB fetched from; of data */
    uint64_t side_runs[TIDE_SIDES];     /* runs of accesses of a side to one page of 4 KiB */
    uint64_t first_byte, last_byte;     /* lowest and highest address touched */
    uint64_t other_lines, lost_results; /* of the source, as struct tide_trace_info has them */
    uint32_t processes;                 /* that touched memory or had an event */
    bool has_layout, has_syscalls;      /* as struct tide_trace_info */
    uint64_t source_bytes;              /* of the source's content; 0: not known */
    uint32_t source_crc32;              /* of that */
};

/* A group decodes on its own: it begins with an empty dictionary. */
struct tide_group {
    uint64_t offset;          /* of its first member in the file */
    uint64_t content_offset;  /* of its first chunk in the content */
    uint64_t first, accesses; /* ordinals in the trace */
    uint32_t blocks;
};

struct tide_file;

/* 1: *out is open. 0: the file can be read, but not by an index: it is no tide file, it was
 * compressed again, or it is a pipe ("-" as well); read it as any trace. Negative: an error, also
 * where no whole block precedes the damage. Release with tide_file_close(). */
TIDE_MUST_CHECK int tide_file_open(const char *path, struct tide_file **out, struct tide_error *e);
void tide_file_close(struct tide_file *f);

/* The file ends as the writer ended it: end, index and summary are there. False: it was cut, and
 * the groups are what a walk over member headers found. */
bool tide_file_complete(const struct tide_file *f);
/* NULL where the summary is lost. */
const struct tide_summary *tide_file_summary(const struct tide_file *f);
/* The value of a key of the header or the summary, or NULL; it stays until the next call. Keys of
 * the header: command, recorder, date, note, reduction, host_page_bytes, writer. Those of
 * tide_sink_source.extra are found too. */
const char *tide_file_value(struct tide_file *f, const char *key);
/* In order of the trace; *n groups, which belong to the file. */
const struct tide_group *tide_file_groups(const struct tide_file *f, size_t *n);
uint64_t tide_file_accesses(const struct tide_file *f);
uint64_t tide_file_bytes(const struct tide_file *f);         /* of the file */
uint64_t tide_file_content_bytes(const struct tide_file *f); /* inflated */
/* The group that holds an access: its index. `access` < tide_file_accesses(). */
size_t tide_file_find(const struct tide_file *f, uint64_t access);

struct tide_reader;

/* A reader of groups [from, to) alone. Blocks' `first` are ordinals in the whole trace; its first
 * event is PROCESS for each process known by then. NULL on failure. */
struct tide_reader *tide_file_reader(const struct tide_file *f, size_t from, size_t to,
                                     struct tide_error *e);

/* ---- verify and repair ---- */

struct tide_damage {
    uint64_t offset;         /* in the file */
    uint64_t content_offset; /* in the content, as far as it is known */
    uint64_t block;          /* number of the block in the trace, from 0 */
    uint64_t record;         /* access that is the first to be lost */
    uint64_t lost;           /* accesses; 0: not known */
    const char *what;        /* one sentence without a full stop */
};

struct tide_verdict {
    uint64_t blocks, accesses;           /* intact, that is, they decode */
    uint64_t behind;                     /* of these accesses, those behind the first damage */
    uint64_t lost_blocks, lost_accesses; /* as far as it is known */
    uint64_t damages;
    bool complete; /* as tide_file_complete() */
};

typedef void tide_damage_fn(void *context, const struct tide_damage *d);

/* Inflates and decodes everything, group by group, and goes on behind damage; `tell` may be NULL.
 * Returns 0, TIDE_E_TRACE where anything is damaged, or what kept it from looking. */
TIDE_MUST_CHECK int tide_file_verify(const char *path, tide_damage_fn *tell, void *context,
                                     struct tide_verdict *v, struct tide_error *e);
/* Writes what is intact to a new file `to`, which is whole and valid. A block is intact if it and
 * the earlier ones of its group decode. Accesses behind a gap move up; the note of the new file
 * says how many are lost. Returns 0, also where nothing was damaged; TIDE_E_TRACE where nothing is
 * intact. */
TIDE_MUST_CHECK int tide_file_repair(const char *path, const char *to, tide_damage_fn *tell,
                                     void *context, struct tide_verdict *v, struct tide_error *e);

#endif
