/* Terminals, error lines and the end of stdout: see cli.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

unsigned cli_width(void)
{
    struct winsize w;

    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20)
        return w.ws_col;
    return 80;
}

bool cli_colour(FILE *f)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(f)) && (none == NULL || *none == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

void cli_print_error(const struct tide_error *e)
{
    bool colour = cli_colour(stderr);

    if (e->what[0] == '\0')
        return;
    fprintf(stderr, "pagetide: %s%s%serror:%s %s\n", e->where, e->where[0] != '\0' ? ": " : "",
            colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", e->what);
    if (e->remedy[0] != '\0')
        fprintf(stderr, "    = %s\n", e->remedy);
}

/* Whether a write to stdout failed because nobody reads it any more. errno is long gone when
 * stdio's error flag is looked at, but a pipe without a reader still says so. */
static bool reader_is_gone(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0;
}

int cli_close_stdout(struct tide_error *e)
{
    int rc = 0;

    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout) && fclose(stdout) == 0)
        return 0;
    if (!reader_is_gone()) {
        /* stdio forgets why an earlier buffer failed */
        rc = tide_fail(e, TIDE_E_IO, "writing failed%s%s", errno != 0 ? ": " : "",
                       errno != 0 ? strerror(errno) : "");
        tide_error_where(e, "standard output");
        tide_error_remedy(e, "is the disk full? what was printed is not complete");
    }
    return rc;
}
