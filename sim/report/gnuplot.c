/* gnuplot as a filter: see gnuplot.h.
 *
 * Three pipes and poll(): gnuplot may write before it has read everything, so neither side may wait
 * for the other. posix_spawn() needs no shell, so no text of a trace or a column is ever parsed by
 * one.
 */
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum { SCRIPT, PICTURE, WORDS, PIPES };

struct child {
    pid_t pid;
    int fd[PIPES]; /* our ends; -1: closed */
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int start_failed(int cause, struct tide_error *e)
{
    if (cause == ENOENT) {
        tide_fail(e, TIDE_E_IO, "gnuplot draws the plots, and it is not installed");
        tide_error_remedy(e, "install the package gnuplot-nox (Debian, Ubuntu) or gnuplot");
    } else {
        tide_fail(e, TIDE_E_IO, "cannot start gnuplot: %s", strerror(cause));
    }
    return TIDE_E_IO;
}

/* The child's ends become its standard input, output and error. */
static int spawn(struct child *c, const int (*pipes)[2], struct tide_error *e)
{
    /* -d: the user's and the system's settings would change the figures */
    char name[] = "gnuplot", settings[] = "-d", input[] = "-";
    char *const argv[] = {name, settings, input, NULL};
    /* PDF files hold a date: the same for all, unless the user chose one */
    char epoch[] = "SOURCE_DATE_EPOCH=0";
    char **environment;
    size_t n = 0;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int cause;

    while (environ[n] != NULL)
        n++;
    environment = tide_calloc(n + 2, sizeof *environment);
    if (environment == NULL)
        return tide_nomem(e);
    memcpy(environment, environ, n * sizeof *environment);
    if (getenv("SOURCE_DATE_EPOCH") == NULL)
        environment[n] = epoch;
    /* neither init fails in glibc or musl; where one did, the spawn would */
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE); /* ignored here, but not by gnuplot */
    posix_spawnattr_setsigdefault(&attributes, &signals);
    cause = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    for (int i = 0; i < PIPES && cause == 0; i++)
        cause = posix_spawn_file_actions_adddup2(&actions, pipes[i][i == SCRIPT ? 0 : 1], i);
    if (cause == 0)
        cause = posix_spawnp(&c->pid, name, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return cause == 0 ? 0 : start_failed(cause, e);
}

static int start(struct child *c, struct tide_error *e)
{
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int rc = 0;

    for (int i = 0; i < PIPES && rc == 0; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0)
            rc = start_failed(errno, e);
    }
    if (rc == 0)
        rc = spawn(c, (const int(*)[2])pipes, e);
    for (int i = 0; i < PIPES; i++) {
        int ours = i == SCRIPT ? 1 : 0;

        close_end(&pipes[i][1 - ours]);
        if (rc != 0)
            close_end(&pipes[i][ours]);
        c->fd[i] = pipes[i][ours];
    }
    /* the script is written as far as the pipe has room, so that answers are read in between */
    if (rc == 0)
        fcntl(c->fd[SCRIPT], F_SETFL, O_NONBLOCK);
    return rc;
}

static void take(int *fd, struct tide_text *into)
{
    char buf[16 * 1024];
    ssize_t got = read(*fd, buf, sizeof buf);

    if (got > 0)
        tide_text_add(into, buf, (size_t)got);
    else if (got == 0 || errno != EINTR)
        close_end(fd);
}

static void talk(struct child *c, const char *script, size_t n, struct tide_text *picture,
                 struct tide_text *words)
{
    while (c->fd[SCRIPT] >= 0 || c->fd[PICTURE] >= 0 || c->fd[WORDS] >= 0) {
        struct pollfd ready[PIPES];

        for (int i = 0; i < PIPES; i++)
            ready[i] = (struct pollfd){c->fd[i], i == SCRIPT ? POLLOUT : POLLIN, 0};
        if (poll(ready, PIPES, -1) < 0)
            continue; /* a signal */
        if (ready[SCRIPT].revents != 0) {
            ssize_t put = write(c->fd[SCRIPT], script, n);

            if (put > 0) {
                script += put;
                n -= (size_t)put;
            }
            /* where gnuplot has left early, its words tell why */
            if (n == 0 || (put < 0 && errno != EAGAIN && errno != EINTR))
                close_end(&c->fd[SCRIPT]);
        }
        if (ready[PICTURE].revents != 0)
            take(&c->fd[PICTURE], picture);
        if (ready[WORDS].revents != 0)
            take(&c->fd[WORDS], words);
    }
}

/* The line of gnuplot's words that says what is wrong: the last one that is not empty. */
static const char *complaint(struct tide_text *words)
{
    char *last = words->bytes;

    if (words->n == 0)
        return "it says nothing";
    while (words->n > 0 && strchr(" \n", words->bytes[words->n - 1]) != NULL)
        words->bytes[--words->n] = '\0';
    for (char *p = words->bytes; *p != '\0'; p++) {
        if (*p == '\n')
            last = p + 1;
    }
    return last + strspn(last, " ");
}

int tide_gnuplot(const char *script, size_t n, struct tide_text *out, struct tide_error *e)
{
    struct tide_text words = {0};
    struct child c;
    int status, rc = start(&c, e);

    if (rc != 0)
        return rc;
    talk(&c, script, n, out, &words);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        rc = tide_fail(e, TIDE_E_IO, "gnuplot failed: %.300s", complaint(&words));
    else if (out->failed)
        rc = tide_nomem(e);
    tide_text_fini(&words);
    return rc;
}
