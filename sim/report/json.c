/* JSON: see json.h. */
#include "report/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void tide_json_fini(struct tide_json *j)
{
    tide_text_fini(&j->text);
    *j = (struct tide_json){0};
}

static void line(struct tide_json *j)
{
    tide_text_printf(&j->text, "\n%*s", (int)(2 * j->depth), "");
}

static void string(struct tide_text *t, const char *s)
{
    tide_text_add(t, "\"", 1);
    while (*s != '\0') {
        size_t n = tide_text_utf8(s);

        if (n == 0)
            tide_text_printf(t, "\\ufffd");
        else if (*s == '"' || *s == '\\')
            tide_text_printf(t, "\\%c", *s);
        else if (*s == '\n')
            tide_text_printf(t, "\\n");
        else if (*s == '\t')
            tide_text_printf(t, "\\t");
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            tide_text_printf(t, "\\u%04x", (unsigned)(unsigned char)*s);
        else
            tide_text_add(t, s, n);
        s += n > 0 ? n : 1;
    }
    tide_text_add(t, "\"", 1);
}

static void begin(struct tide_json *j, const char *key)
{
    if (j->filled)
        tide_text_add(&j->text, ",", 1);
    if (j->depth > 0)
        line(j);
    j->filled = true;
    if (key != NULL) {
        string(&j->text, key);
        tide_text_add(&j->text, ": ", 2);
    }
}

void tide_json_open(struct tide_json *j, const char *key, char bracket)
{
    begin(j, key);
    tide_text_add(&j->text, &bracket, 1);
    j->depth++;
    j->filled = false;
}

void tide_json_close(struct tide_json *j, char bracket)
{
    assert(j->depth > 0);
    j->depth--;
    if (j->filled)
        line(j);
    tide_text_add(&j->text, &bracket, 1);
    j->filled = true;
}

void tide_json_string(struct tide_json *j, const char *key, const char *s)
{
    if (s == NULL) {
        tide_json_raw(j, key, "null");
        return;
    }
    begin(j, key);
    string(&j->text, s);
}

void tide_json_u64(struct tide_json *j, const char *key, uint64_t v)
{
    begin(j, key);
    tide_text_printf(&j->text, "%" PRIu64, v);
}

void tide_json_bool(struct tide_json *j, const char *key, bool v)
{
    tide_json_raw(j, key, v ? "true" : "false");
}

void tide_json_raw(struct tide_json *j, const char *key, const char *json)
{
    begin(j, key);
    tide_text_add(&j->text, json, strlen(json));
}
