/* Runs a command on chosen cores and prints what it cost: time and peak memory.
 *
 * Usage: measure CORES COMMAND [ARGS...]     CORES: 0 or 0,1; all: as it comes
 * Prints "WALL CPU KIB": seconds that passed; user plus system seconds of the command and of the
 * children it waited for; the largest resident set among them. The command's standard output goes
 * to /dev/null. Exit code: 0, or 1 if the command could not be run or failed.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int pin(const char *list)
{
    cpu_set_t cores;

    if (strcmp(list, "all") == 0)
        return 0;
    CPU_ZERO(&cores);
    for (char *end; *list != '\0'; list = *end == ',' ? end + 1 : end) {
        CPU_SET((size_t)strtoul(list, &end, 10), &cores);
        if (end == list)
            return -1;
    }
    return sched_setaffinity(0, sizeof cores, &cores);
}

int main(int argc, char **argv)
{
    struct rusage use;
    double started;
    pid_t child;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: measure CORES COMMAND [ARGS...]\n");
        return 2;
    }
    if (pin(argv[1]) != 0) {
        perror("measure: pinning to the cores");
        return 1;
    }
    started = now();
    child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);

        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
            execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &use) != child) {
        perror("measure");
        return 1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 1;
    printf("%.4f %.4f %ld\n", now() - started, seconds(use.ru_utime) + seconds(use.ru_stime),
           use.ru_maxrss);
    return 0;
}
