/* Runs a program under Valgrind's lackey: see valgrind.h.
 *
 * One loop over all descriptors; what is read is parsed and written on the spot, so Valgrind waits
 * when we are slower, which we are not. Logs are read when the layout has come: it belongs before
 * them. Descriptors may stay open in daemons that outlive the program: the end is when the program
 * has been reaped and nothing more is to be read.
 *
 * Source: Valgrind 3.19, coregrind/m_debuglog.c (the lines of -d), m_libcprint.c (--log-fd and
 * --log-socket).
 */
#include "trace/valgrind.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

extern char **environ;

enum {
    WAIT_MS = 100,
    PROGRESS_MS = 200,
    KILL_MS = 3000,     /* a program that was asked to end is killed then */
    LOG_FD_LEAST = 200, /* the program finds the low numbers as free as without us */
    FIXED_POLLS = 3
};

/* ---- standard error ---- */

/* `--PID:1: aspacem `: digits, a digit, eight characters of a module's name. */
enum match { NO, PERHAPS, YES };

static enum match match_talk(const char *s, size_t n)
{
    size_t i = 0, digits = 0, name = 0;

    for (; i < 2; i++) {
        if (i == n)
            return PERHAPS;
        if (s[i] != '-')
            return NO;
    }
    while (i < n && s[i] >= '0' && s[i] <= '9' && digits < 10)
        i++, digits++;
    if (i == n)
        return PERHAPS;
    if (digits == 0 || s[i++] != ':')
        return NO;
    if (i == n)
        return PERHAPS;
    if (s[i] < '0' || s[i] > '9')
        return NO;
    if (++i == n)
        return PERHAPS;
    if (s[i++] != ':')
        return NO;
    for (; i < n && name < 8; i++, name++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_' ||
              s[i] == '-' || s[i] == ' '))
            return NO;
    if (i == n)
        return PERHAPS;
    return s[i] == ' ' ? YES : NO;
}

/* Of what is held, passes on what begins no line of Valgrind's. */
static int let_go(struct tide_stderr_split *s, struct tide_error *e)
{
    size_t from = 0;
    int rc = 0;

    while (from < s->n_held && match_talk(s->held + from, s->n_held - from) == NO)
        from++;
    if (from > 0)
        rc = s->program(s->context, s->held, from, e);
    s->n_held -= from;
    memmove(s->held, s->held + from, s->n_held);
    return rc;
}

int tide_stderr_split(struct tide_stderr_split *s, const char *bytes, size_t n,
                      struct tide_error *e)
{
    const char *p = bytes, *end = bytes + n;
    int rc = 0;

    while (p < end && rc == 0) {
        if (s->inside) {
            const char *feed = memchr(p, '\n', (size_t)(end - p));
            const char *to = feed != NULL ? feed + 1 : end;

            rc = s->talk(s->context, p, (size_t)(to - p), e);
            s->inside = feed == NULL;
            p = to;
        } else if (s->n_held == 0 && *p != '-') {
            const char *dash = memchr(p, '-', (size_t)(end - p));
            const char *to = dash != NULL ? dash : end;

            rc = s->program(s->context, p, (size_t)(to - p), e);
            p = to;
        } else {
            assert(s->n_held < sizeof s->held);
            s->held[s->n_held++] = *p++;
            if (match_talk(s->held, s->n_held) == YES) {
                rc = s->talk(s->context, s->held, s->n_held, e);
                s->n_held = 0;
                s->inside = true;
            } else {
                rc = let_go(s, e);
            }
        }
    }
    return rc;
}

int tide_stderr_split_end(struct tide_stderr_split *s, struct tide_error *e)
{
    size_t n = s->n_held;

    s->n_held = 0;
    return n > 0 ? s->program(s->context, s->held, n, e) : 0;
}

/* ---- the recording ---- */

struct log {
    int fd;
    unsigned number; /* of the process */
    struct tide_recorder *recorder;
    struct recording *of;
};

struct recording {
    const struct tide_valgrind_options *options;
    const struct tide_valgrind_hooks *hooks;
    struct tide_valgrind_result *result;
    pid_t pid;
    bool reaped;
    int signals, err, listener; /* descriptors, or -1 */
    struct log **logs;
    size_t n_logs, cap_logs;
    unsigned n_processes;
    uint64_t ended; /* accesses of processes whose log is over */
    struct pollfd *polls;
    size_t cap_polls;
    struct tide_stderr_split split;
    enum { LAYOUT_BEFORE, LAYOUT_INSIDE, LAYOUT_DONE } layout;
    char line[256]; /* of the debug log: its beginning */
    size_t n_line;
    bool inside_line;         /* the program's output ended without a line feed */
    bool terminal_gone;       /* our standard error takes no more */
    int64_t told, asked;      /* when progress was told; the program was asked to end (0: not) */
    struct tide_error failed; /* the first one */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int io_error(const char *what, struct tide_error *e)
{
    return tide_fail(e, TIDE_E_IO, "cannot %s: %s", what, strerror(errno));
}

static struct tide_sink *open_sink(void *context, const struct tide_trace_info *info,
                                   struct tide_error *e)
{
    const struct log *l = context;
    const struct tide_valgrind_hooks *h = l->of->hooks;

    return h->open(h->context, l->number, info, e);
}

static void ask_to_end(struct recording *r)
{
    if (r->reaped || r->asked != 0)
        return;
    r->asked = now_ms();
    kill(r->pid, SIGTERM);
}

/* Keeps the first error. Damage ends one recording, anything else the program as well. */
static void fail(struct recording *r, const struct tide_error *e)
{
    if (r->failed.code == 0)
        r->failed = *e;
    if (e->code != TIDE_E_TRACE)
        ask_to_end(r);
}

static int add_log(struct recording *r, int fd, struct tide_error *e)
{
    const struct tide_valgrind_options *o = r->options;
    struct log *l = tide_calloc(1, sizeof *l), **grown;

    if (l == NULL)
        return tide_nomem(e);
    *l = (struct log){.fd = fd, .number = r->n_processes, .of = r};
    l->recorder = tide_recorder_new(&(struct tide_recorder_options){.no_fetches = o->no_fetches,
                                                                    .skip = o->skip,
                                                                    .max = o->max,
                                                                    .shim = o->shim,
                                                                    .open = open_sink,
                                                                    .context = l},
                                    e);
    grown = tide_grow(r->logs, &r->cap_logs, r->n_logs + 1, sizeof *grown);
    if (grown != NULL)
        r->logs = grown;
    if (l->recorder == NULL || grown == NULL) {
        tide_recorder_free(l->recorder);
        free(l);
        return tide_nomem(e);
    }
    r->logs[r->n_logs++] = l;
    r->n_processes++;
    return 0;
}

/* `broken`: the recorder has failed for another reason than damage, and leaves no file. */
static void end_log(struct recording *r, size_t i, bool broken)
{
    struct log *l = r->logs[i];
    uint64_t accesses = tide_recorder_accesses(l->recorder);
    struct tide_error e = {0};

    if (!broken && tide_recorder_finish(l->recorder, &e) != 0)
        fail(r, &e);
    else if (!broken && accesses > 0)
        r->result->processes++;
    r->ended += accesses;
    tide_recorder_free(l->recorder);
    if (l->fd >= 0)
        close(l->fd);
    free(l);
    r->logs[i] = r->logs[--r->n_logs];
}

/* A piece of a log. Returns false when it is over. */
static bool read_log(struct recording *r, size_t i)
{
    struct log *l = r->logs[i];
    struct tide_error e = {0};
    ssize_t got;
    size_t n;
    char *room = tide_recorder_room(l->recorder, &n);
    int rc;

    do
        got = read(l->fd, room, n);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0) { /* a process that was killed may leave its connection reset */
        end_log(r, i, false);
        return false;
    }
    rc = tide_recorder_took(l->recorder, (size_t)got, &e);
    if (rc < 0) {
        fail(r, &e);
        if (e.code != TIDE_E_TRACE) {
            end_log(r, i, true);
            return false;
        }
    }
    if (rc == 1 && !r->options->children && !r->result->stopped) {
        r->result->stopped = true;
        ask_to_end(r);
    }
    return true;
}

/* ---- standard error of the program ---- */

static int pass_on(void *context, const char *bytes, size_t n, struct tide_error *e)
{
    struct recording *r = context;

    (void)e;
    if (r->hooks->output != NULL)
        r->hooks->output(r->hooks->context);
    r->inside_line = bytes[n - 1] != '\n';
    while (n > 0 && !r->terminal_gone) {
        ssize_t done = write(STDERR_FILENO, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) /* nobody listens, and nobody can be told */
            r->terminal_gone = true;
        else
            bytes += done, n -= (size_t)done;
    }
    return 0;
}

static void look_at_line(struct recording *r)
{
    r->line[r->n_line] = '\0';
    if (r->layout == LAYOUT_BEFORE && strstr(r->line, "Memory layout at client startup") != NULL)
        r->layout = LAYOUT_INSIDE;
    else if (r->layout == LAYOUT_INSIDE && strstr(r->line, " aspacem >>>") != NULL)
        r->layout = LAYOUT_DONE;
    r->n_line = 0;
}

/* The layout goes to the recorder, in front of the log. */
static int take_talk(void *context, const char *bytes, size_t n, struct tide_error *e)
{
    struct recording *r = context;

    while (n > 0 && r->layout != LAYOUT_DONE && r->n_logs > 0) {
        size_t piece = n, room;
        const char *feed = memchr(bytes, '\n', n);
        char *to = tide_recorder_room(r->logs[0]->recorder, &room);
        size_t seen;

        if (feed != NULL)
            piece = (size_t)(feed + 1 - bytes);
        if (piece > room)
            piece = room;
        memcpy(to, bytes, piece);
        if (tide_recorder_took(r->logs[0]->recorder, piece, e) < 0)
            return e->code;
        seen = piece < sizeof r->line - 1 - r->n_line ? piece : sizeof r->line - 1 - r->n_line;
        memcpy(r->line + r->n_line, bytes, seen);
        r->n_line += seen;
        if (bytes[piece - 1] == '\n')
            look_at_line(r);
        bytes += piece;
        n -= piece;
    }
    return 0;
}

static void read_stderr(struct recording *r)
{
    char piece[16384];
    struct tide_error e = {0};
    ssize_t got;

    do
        got = read(r->err, piece, sizeof piece);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got > 0) {
        if (tide_stderr_split(&r->split, piece, (size_t)got, &e) != 0)
            fail(r, &e);
        return;
    }
    if (tide_stderr_split_end(&r->split, &e) != 0)
        fail(r, &e);
    close(r->err);
    r->err = -1;
}

/* ---- starting ---- */

static int block_signals(struct recording *r, sigset_t *before, struct tide_error *e)
{
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &ours, before) != 0)
        return io_error("block signals", e);
    r->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    return r->signals >= 0 ? 0 : io_error("receive signals", e);
}

static int listen_here(struct recording *r, unsigned *port, struct tide_error *e)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;

    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(r->listener, SOMAXCONN) != 0 ||
        getsockname(r->listener, (struct sockaddr *)&at, &n) != 0)
        return io_error("listen for the logs of the processes", e);
    *port = ntohs(at.sin_port);
    return 0;
}

/* A pipe whose reading end is ours, not blocking, and whose other end is the program's. */
static int make_pipe(int *ours, int *theirs, struct tide_error *e)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return io_error("make a pipe", e);
    *ours = ends[0];
    *theirs = ends[1];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        return io_error("make a pipe", e);
    return 0;
}

/* The environment with the shim in front of what is preloaded. The new string comes last in
 * memory; the array is freed with it. */
static char **make_environment(const char *shim, char **preload)
{
    const char *before = getenv("LD_PRELOAD");
    size_t n = 0, kept = 0;
    char **list;

    while (environ[n] != NULL)
        n++;
    *preload = before != NULL && before[0] != '\0' ? tide_asprintf("LD_PRELOAD=%s:%s", shim, before)
                                                   : tide_asprintf("LD_PRELOAD=%s", shim);
    list = tide_calloc(n + 2, sizeof *list);
    if (*preload == NULL || list == NULL) {
        free(list);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
            list[kept++] = environ[i];
    list[kept] = *preload;
    return list;
}

static int not_started(int cause, struct tide_error *e)
{
    if (cause == ENOENT) {
        tide_fail(e, TIDE_E_RUN, "valgrind is not installed, or not in PATH");
        tide_error_remedy(e, "install the package valgrind: apt-get install valgrind, dnf install "
                             "valgrind, pacman -S valgrind");
        return TIDE_E_RUN;
    }
    return tide_fail(e, TIDE_E_RUN, "cannot start valgrind: %s", strerror(cause));
}

static int spawn(struct recording *r, char **argv, int err, const sigset_t *mask,
                 struct tide_error *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **environment = environ, *preload = NULL;
    sigset_t defaults;
    int cause;

    if (r->options->shim != NULL &&
        (environment = make_environment(r->options->shim, &preload)) == NULL) {
        free(preload);
        return tide_nomem(e);
    }
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* we ignore it, which the program must not inherit */
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (err >= 0)
        posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    cause = posix_spawnp(&r->pid, argv[0], &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (environment != environ)
        free(environment);
    free(preload);
    return cause == 0 ? 0 : not_started(cause, e);
}

/* Starts the program; what is ours of the descriptors is in `r` afterwards. */
static int start(struct recording *r, const sigset_t *mask, struct tide_error *e)
{
    static const char *const fixed[] = {"valgrind",
                                        "--vgdb=no",
                                        "--tool=lackey",
                                        "--trace-mem=yes",
                                        "--trace-syscalls=yes",
                                        "--child-silent-after-fork=yes"};
    enum { FIXED = sizeof fixed / sizeof *fixed };
    int err = -1, log = -1, log_read = -1, rc = 0;
    size_t n = 0, at = 0;
    char option[64];
    char **argv;

    while (r->options->argv[n] != NULL)
        n++;
    if ((argv = tide_calloc(n + FIXED + 3, sizeof *argv)) == NULL)
        return tide_nomem(e);
    for (; at < FIXED; at++)
        argv[at] = (char *)(uintptr_t)fixed[at]; /* exec's argument is not const, and not written */
    if (r->options->children) {
        unsigned port = 0;

        rc = listen_here(r, &port, e);
        snprintf(option, sizeof option, "--log-socket=127.0.0.1:%u", port);
        argv[at++] = (char *)(uintptr_t) "--trace-children=yes";
        r->layout = LAYOUT_DONE;
    } else {
        if ((rc = make_pipe(&r->err, &err, e)) == 0 && (rc = make_pipe(&log_read, &log, e)) == 0) {
            int high = fcntl(log, F_DUPFD, LOG_FD_LEAST);

            close(log);
            log = high;
            if (high < 0)
                rc = io_error("make a pipe", e);
            else
                rc = add_log(r, log_read, e);
            if (rc == 0)
                log_read = -1; /* the log has it now */
        }
        snprintf(option, sizeof option, "--log-fd=%d", log);
        argv[at++] = (char *)(uintptr_t) "-d";
    }
    argv[at++] = option;
    memcpy(argv + at, r->options->argv, n * sizeof *argv);
    if (rc == 0)
        rc = spawn(r, argv, err, mask, e);
    free(argv);
    if (err >= 0)
        close(err);
    if (log >= 0)
        close(log);
    if (log_read >= 0)
        close(log_read);
    return rc;
}

/* ---- the loop ---- */

static void take_signals(struct recording *r)
{
    struct signalfd_siginfo s;

    while (read(r->signals, &s, sizeof s) == (ssize_t)sizeof s) {
        /* Ctrl-C has reached the program as well */
        if (!r->reaped && !(s.ssi_signo == SIGINT && s.ssi_code == SI_KERNEL))
            kill(r->pid, (int)s.ssi_signo);
    }
}

static void accept_all(struct recording *r)
{
    for (;;) {
        struct tide_error e = {0};
        int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
            return;
        if (add_log(r, fd, &e) != 0) {
            close(fd);
            fail(r, &e);
        }
    }
}

static void tell(struct recording *r, bool always)
{
    uint64_t accesses = r->ended;
    int64_t now = now_ms();

    if (r->hooks->progress == NULL || r->inside_line || (!always && now - r->told < PROGRESS_MS))
        return;
    for (size_t i = 0; i < r->n_logs; i++)
        accesses += tide_recorder_accesses(r->logs[i]->recorder);
    r->told = now;
    r->hooks->progress(r->hooks->context, accesses, r->n_processes);
}

static void reap(struct recording *r)
{
    if (!r->reaped && waitpid(r->pid, &r->result->status, WNOHANG) == r->pid) {
        r->reaped = true;
        r->layout = LAYOUT_DONE; /* or it will never be */
    }
    if (!r->reaped && r->asked != 0 && now_ms() - r->asked > KILL_MS)
        kill(r->pid, SIGKILL);
}

/* One round. Returns whether there was anything to read, negative on failure. */
static int pump(struct recording *r, struct tide_error *e)
{
    bool logs_too = r->layout == LAYOUT_DONE;
    size_t n = FIXED_POLLS + (logs_too ? r->n_logs : 0);
    struct pollfd *p = tide_grow(r->polls, &r->cap_polls, n, sizeof *p);
    int ready;

    if (p == NULL)
        return tide_nomem(e);
    r->polls = p;
    p[0] = (struct pollfd){r->signals, POLLIN, 0};
    p[1] = (struct pollfd){r->err, POLLIN, 0};
    p[2] = (struct pollfd){r->listener, POLLIN, 0};
    for (size_t i = FIXED_POLLS; i < n; i++)
        p[i] = (struct pollfd){r->logs[i - FIXED_POLLS]->fd, POLLIN, 0};
    ready = poll(p, n, r->reaped ? WAIT_MS / 10 : WAIT_MS);
    if (ready < 0 && errno != EINTR)
        return io_error("wait for the program", e);
    if (ready <= 0)
        return 0;
    if (p[0].revents != 0)
        take_signals(r);
    if (p[1].revents != 0)
        read_stderr(r);
    /* from the end: a log that is over is replaced by the last one */
    for (size_t i = n; i-- > FIXED_POLLS;)
        if (p[i].revents != 0)
            read_log(r, i - FIXED_POLLS);
    if (p[2].revents != 0)
        accept_all(r);
    return 1;
}

static int follow(struct recording *r, struct tide_error *e)
{
    for (;;) {
        bool reaped = r->reaped;
        int rc = pump(r, e);

        if (rc < 0)
            return rc;
        if (rc == 0 && r->err >= 0 && tide_stderr_split_end(&r->split, e) != 0)
            return e->code; /* Valgrind writes its lines at once: this is a prompt */
        reap(r);
        tell(r, false);
        /* Reaped before a round that found nothing: all has been read. With children, their
         * connections end by themselves. */
        if (reaped && rc == 0 && (!r->options->children || r->n_logs == 0))
            return 0;
        if (reaped && !r->options->children && r->n_logs == 0 && r->err < 0)
            return 0;
    }
}

int tide_valgrind_record(const struct tide_valgrind_options *o,
                         const struct tide_valgrind_hooks *hooks,
                         struct tide_valgrind_result *result, struct tide_error *e)
{
    struct recording r = {.options = o,
                          .hooks = hooks,
                          .result = result,
                          .signals = -1,
                          .err = -1,
                          .listener = -1,
                          .split = {.program = pass_on, .talk = take_talk}};
    sigset_t before;
    int rc;

    *result = (struct tide_valgrind_result){0};
    r.split.context = &r;
    rc = block_signals(&r, &before, e);
    if (rc == 0)
        rc = start(&r, &before, e);
    if (rc == 0) {
        rc = follow(&r, e);
        if (!r.reaped) { /* the loop has failed */
            kill(r.pid, SIGKILL);
            waitpid(r.pid, &result->status, 0);
        }
    }
    while (r.n_logs > 0)
        end_log(&r, r.n_logs - 1, rc != 0 || (r.failed.code != 0 && r.failed.code != TIDE_E_TRACE));
    tell(&r, true);
    result->accesses = r.ended;
    if (rc == 0 && r.failed.code != 0) {
        *e = r.failed;
        rc = r.failed.code;
    }
    if (r.signals >= 0) {
        close(r.signals);
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    if (r.err >= 0)
        close(r.err);
    if (r.listener >= 0)
        close(r.listener);
    free(r.logs);
    free(r.polls);
    return rc;
}
