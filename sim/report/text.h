/* A growing text that files are made from. Running out of memory is remembered and asked once. */
#ifndef TIDE_REPORT_TEXT_H
#define TIDE_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tide_text {
    char *bytes; /* n bytes, then a NUL; NULL while empty */
    size_t n, cap;
    bool failed; /* out of memory: what was added since is lost */
};

void tide_text_fini(struct tide_text *t);
/* Keeps the memory, forgets the content. */
void tide_text_clear(struct tide_text *t);
void tide_text_add(struct tide_text *t, const char *bytes, size_t n);
/* Forgets all but the first n bytes. */
void tide_text_cut(struct tide_text *t, size_t n);
void tide_text_printf(struct tide_text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Length of the UTF-8 sequence at s, 0 where it is none (overlong ones and surrogates included). */
size_t tide_text_utf8(const char *s);

#endif
