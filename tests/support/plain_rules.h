/* What the files of plain models share: a policy's rules, and a few helpers. See plain_policies.h.
 */
#ifndef TIDE_TESTS_PLAIN_RULES_H
#define TIDE_TESTS_PLAIN_RULES_H

#include "plain_policies.h"

/* Hooks may be NULL, but for victim. A page that leaves is still in list[] when gone is told; one
 * that comes is in it when load is told. */
struct plain_rules {
    const char *name; /* NULL ends a table */
    void (*open)(struct plain *p, const char *settings);
    /* a page without a frame is referenced, before room is made */
    void (*fault)(struct plain *p, tide_page page);
    size_t (*victim)(struct plain *p); /* index in list[] */
    void (*load)(struct plain *p, struct plain_page *page);
    void (*reference)(struct plain *p, struct plain_page *page);
    void (*gone)(struct plain *p, const struct plain_page *page, bool evicted);
    void (*forget)(struct plain *p, tide_page page);
    void (*tick)(struct plain *p);
};

/* Of plain_policies_2.c and plain_policies_3.c. */
extern const struct plain_rules plain_rules_2[], plain_rules_3[];

/* The page's index in list[], or n. */
size_t plain_find(const struct plain *p, tide_page page);
/* The number behind "name=", or the default. */
uint64_t plain_number(const char *settings, const char *name, uint64_t def);

#endif
