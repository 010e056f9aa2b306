/* Runs a command on one core and prints what it cost: CPU seconds and peak memory.
 *
 * Usage: measure CORE COMMAND [ARGS...]
 * Prints "SECONDS KIB": user plus system time of the command and of the children it waited for, and
 * the largest resident set among them. The command's standard output goes to /dev/null. Exit code:
 * 0, or 1 if the command could not be run or failed.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measure CORE COMMAND [ARGS...]\n");
        return 2;
    }

    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET((size_t)strtoul(argv[1], NULL, 10), &core);
    if (sched_setaffinity(0, sizeof core, &core) != 0) {
        perror("measure: pinning to the core");
        return 1;
    }

    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
            execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }

    int status;
    struct rusage use;
    if (child < 0 || wait4(child, &status, 0, &use) != child) {
        perror("measure");
        return 1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 1;
    printf("%.3f %ld\n", seconds(use.ru_utime) + seconds(use.ru_stime), use.ru_maxrss);
    return 0;
}
