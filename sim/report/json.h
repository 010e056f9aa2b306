/* A writer of JSON (RFC 8259): well-formed by construction, two blanks a level.
 *
 * Inside an object every value has a key; inside an array key is NULL. Bytes that are not UTF-8
 * (paths may hold any) become U+FFFD, for a JSON text must be UTF-8.
 */
#ifndef TIDE_REPORT_JSON_H
#define TIDE_REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "report/text.h"

struct tide_json {
    struct tide_text text;
    unsigned depth;
    bool filled; /* the open object or array holds something */
};

void tide_json_fini(struct tide_json *j);
void tide_json_open(struct tide_json *j, const char *key, char bracket); /* '{' or '[' */
void tide_json_close(struct tide_json *j, char bracket);                 /* '}' or ']' */
/* NULL writes null. */
void tide_json_string(struct tide_json *j, const char *key, const char *s);
void tide_json_u64(struct tide_json *j, const char *key, uint64_t v);
void tide_json_bool(struct tide_json *j, const char *key, bool v);
/* A value that is JSON already. */
void tide_json_raw(struct tide_json *j, const char *key, const char *json);

#endif
