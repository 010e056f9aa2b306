/* What a lackey log tells of the program besides its accesses: pid, command line, the layout at
 * start (-d) and the system calls that change it (--trace-syscalls=yes), as events.
 */
#ifndef TIDE_TRACE_LACKEY_IMAGE_H
#define TIDE_TRACE_LACKEY_IMAGE_H

#include "trace/text.h"

struct tide_lackey_fd {
    char *path;    /* NULL: not known */
    uint32_t file; /* once it has been mapped, else 0 */
};

/* A system call whose result has not come yet; one for each thread. */
struct tide_lackey_call {
    uint64_t tid;
    uint64_t number;
    uint64_t args[6];
    unsigned n_args;
    char *path; /* of open, openat and creat */
};

struct tide_lackey_segment {
    uint64_t start, last; /* the last byte belongs to it */
};

/* Zeroed at the start. */
struct tide_lackey_image {
    bool begun;   /* PROCESS has been delivered */
    uint64_t pid; /* 0: not known yet */

    enum { TIDE_LAYOUT_BEFORE, TIDE_LAYOUT_INSIDE, TIDE_LAYOUT_DONE } layout;
    uint32_t *layout_files; /* by index of the name; 0: none */
    size_t layout_cap;
    /* Of the line before; last 0: none. */
    struct tide_lackey_segment mapped;   /* a segment of the program */
    struct tide_lackey_segment reserved; /* room for the stack */

    char **files; /* file id - 1 -> path or NULL */
    size_t n_files, files_cap;
    struct tide_lackey_fd *fds;
    size_t fds_cap;

    struct tide_lackey_call *calls;
    size_t n_calls, calls_cap;
    uint64_t broken_tid; /* whose SYSCALL line came last and has no result; 0: none */
};

/* A line makes at most PROCESS, MAP and HEAP or STACK: room for them must be in the block. */
enum { TIDE_LACKEY_EVENTS_PER_LINE = 3 };

/* Delivers PROCESS unless that has been done. Before the first access and the first other event. */
void tide_lackey_image_begin(struct tide_lackey_image *s, struct tide_block *b,
                             struct tide_trace_info *info);

/* Takes a line that is no access. *used tells whether it said something; *bad is the place in a
 * layout line that can't be read, or NULL. Returns 0 or TIDE_E_NOMEM. */
int tide_lackey_image_take(struct tide_lackey_image *s, const struct tide_line *line, bool *used,
                           const unsigned char **bad, struct tide_block *b,
                           struct tide_trace_info *info);

/* At the end of the log: counts the results that never came. */
void tide_lackey_image_end(struct tide_lackey_image *s, struct tide_trace_info *info);
void tide_lackey_image_fini(struct tide_lackey_image *s);

/* The path of a file id, or NULL. */
const char *tide_lackey_image_file(const struct tide_lackey_image *s, uint32_t file);

#endif
