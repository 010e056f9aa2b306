/* Fuzz target: an experiment file, parsed from memory and printed again.
 *
 * What is accepted must read back as the same machine; what is refused must be reported.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

/* A machine's canonical text is an experiment file of that machine, but for its traces. */
static void check_print(const struct tide_machine_config *c, FILE *out)
{
    struct tide_experiments again = {0};
    struct tide_diagnostics d = {.out = out};
    struct tide_error e = {0};
    char *text = tide_machine_print(c), *file, *same;

    check(text != NULL, "a machine can be printed");
    file = tide_asprintf("traces: ['-']\n%s", text);
    check(file != NULL, "there is memory");
    check(tide_experiments_parse(file, strlen(file), "printed", "", NULL, 0, &again, &d, &e) == 0,
          "what is printed can be read");
    check(again.n == 1 && again.list[0].n_machines == 1, "as one machine");
    same = tide_machine_print(&again.list[0].machines[0]);
    check(same != NULL && strcmp(same, text) == 0, "which is the same");
    free(same);
    free(file);
    free(text);
    tide_experiments_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tide_experiments x = {0};
    struct tide_error e = {0};
    FILE *out = fopen("/dev/null", "w");
    struct tide_diagnostics d = {.out = out};
    int rc;

    check(out != NULL, "there is a /dev/null");
    rc = tide_experiments_parse((const char *)data, size, "fuzz", "", NULL, 0, &x, &d, &e);
    check(rc == 0 || rc == TIDE_E_CONFIG || rc == TIDE_E_IO || rc == TIDE_E_NOMEM, "a code");
    check(rc != TIDE_E_CONFIG || d.errors > 0, "what is refused is reported");
    for (size_t i = 0; rc == 0 && i < x.n; i++)
        for (size_t k = 0; k < x.list[i].n_machines && k < 4; k++)
            check_print(&x.list[i].machines[k], out);
    tide_experiments_free(&x);
    fclose(out);
    return 0;
}
