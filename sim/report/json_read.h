/* A JSON document in memory (RFC 8259): values in one array, linked by index.
 *
 * Numbers keep their text, so that nothing is lost. Strings end in a NUL; one that holds a NUL
 * (\u0000) is refused.
 */
#ifndef TIDE_REPORT_JSON_READ_H
#define TIDE_REPORT_JSON_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum tide_json_type {
    TIDE_JSON_NULL,
    TIDE_JSON_BOOL,
    TIDE_JSON_NUMBER,
    TIDE_JSON_STRING,
    TIDE_JSON_ARRAY,
    TIDE_JSON_OBJECT
};

struct tide_json_value {
    enum tide_json_type type;
    const char *key;  /* of a member of an object, else NULL */
    const char *text; /* of a string, number, true, false or null; "" for the others */
    uint32_t child;   /* first element or member; 0: none */
    uint32_t next;    /* the next one of the same parent; 0: none */
};

struct tide_json_doc {
    char *bytes;
    struct tide_json_value *values; /* [0] is the document */
    size_t n, cap;                  /* n 0: nothing loaded */
};

TIDE_MUST_CHECK int tide_json_load(const char *path, struct tide_json_doc *out,
                                   struct tide_error *e);
/* From memory, which is copied; `path` is for errors: "PATH:LINE:COLUMN". */
TIDE_MUST_CHECK int tide_json_parse(const char *path, const char *bytes, size_t n,
                                    struct tide_json_doc *out, struct tide_error *e);
void tide_json_doc_fini(struct tide_json_doc *d);

/* First element or member, the one after it; NULL at the end (and for v NULL). */
const struct tide_json_value *tide_json_first(const struct tide_json_doc *d,
                                              const struct tide_json_value *v);
const struct tide_json_value *tide_json_next(const struct tide_json_doc *d,
                                             const struct tide_json_value *v);
/* The member of that name; NULL where there is none, or v is NULL or no object. */
const struct tide_json_value *tide_json_member(const struct tide_json_doc *d,
                                               const struct tide_json_value *v, const char *key);
/* The text of that member; "" where there is none. */
const char *tide_json_text(const struct tide_json_doc *d, const struct tide_json_value *v,
                           const char *key);

#endif
