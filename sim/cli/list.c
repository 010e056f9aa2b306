/* Lists of strings: see cli.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

int cli_list_add(struct cli_list *l, const char *item, size_t length, struct tide_error *e)
{
    char **grown = tide_grow(l->items, &l->cap, l->n + 1, sizeof *l->items);
    char *copy;

    if (grown == NULL)
        return tide_nomem(e);
    l->items = grown;
    copy = tide_malloc(length + 1);
    if (copy == NULL)
        return tide_nomem(e);
    memcpy(copy, item, length);
    copy[length] = '\0';
    l->items[l->n++] = copy;
    return 0;
}

static int add_stripped(struct cli_list *l, const char *from, const char *to, const char *text,
                        struct tide_error *e)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    if (from == to)
        return tide_fail(e, TIDE_E_USAGE, "an item of the list '%s' is empty", text);
    return cli_list_add(l, from, (size_t)(to - from), e);
}

int cli_list_split(struct cli_list *l, const char *text, struct tide_error *e)
{
    const char *from = text, *p = text;
    int depth = 0;

    for (; *p != '\0'; p++) {
        if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        else if (*p == ',' && depth <= 0) {
            int rc = add_stripped(l, from, p, text, e);

            if (rc != 0)
                return rc;
            from = p + 1;
        }
    }
    return add_stripped(l, from, p, text, e);
}

void cli_list_fini(struct cli_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct cli_list){0};
}
