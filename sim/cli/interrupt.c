/* The last words of a process that is interrupted: see cli.h. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* A signal handler has no argument of ours: the one place that needs a variable of the file. */
static const char *volatile last_words;

static void say_and_end(int number)
{
    const char *text = last_words;

    /* there is nobody to tell about a failed write */
    if (text != NULL && write(STDERR_FILENO, text, strlen(text)) < 0)
        text = NULL;
    signal(number, SIG_DFL);
    raise(number);
}

void cli_on_interrupt(const char *text)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    last_words = text;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old, ours = {.sa_handler = text != NULL ? say_and_end : SIG_DFL};

        sigemptyset(&ours.sa_mask);
        /* nohup and shells' background jobs ignore signals on purpose */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &ours, NULL);
    }
}
