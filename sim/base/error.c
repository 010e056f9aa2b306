/* Errors: see error.h. */
#include "base/error.h"

#include <stdio.h>

int tide_fail(struct tide_error *e, int code, const char *what, ...)
{
    if (e != NULL) {
        va_list ap;

        *e = (struct tide_error){.code = code};
        va_start(ap, what);
        vsnprintf(e->what, sizeof e->what, what, ap);
        va_end(ap);
    }
    return code;
}

void tide_error_where(struct tide_error *e, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(e->where, sizeof e->where, fmt, ap);
    va_end(ap);
}

void tide_error_remedy(struct tide_error *e, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(e->remedy, sizeof e->remedy, fmt, ap);
    va_end(ap);
}

int tide_exit_code(int code)
{
    if (code >= 0)
        return 0;
    return code == TIDE_E_NOMEM ? -TIDE_E_IO : -code;
}
