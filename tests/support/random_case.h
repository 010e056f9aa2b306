/* Random traces and machines for property tests: everything a trace can hold, everything a machine
 * can be, small enough that thousands run in a minute. */
#ifndef TESTS_SUPPORT_RANDOM_CASE_H
#define TESTS_SUPPORT_RANDOM_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "pager/machine.h"

/* A Valgrind lackey log in new memory: layout and system calls (each present in most traces, so
 * that strict and inferred address spaces occur), fetches, reads, writes and modifies, some of them
 * across pages, some outside every VMA or against permissions; phases, loops, scans and repeats. */
char *random_lackey(struct tide_rng *r, size_t accesses, size_t *n);

/* A machine that passes tide_machine_check. `policy`: the one to use. */
void random_machine(struct tide_rng *r, const struct tide_policy *policy,
                    struct tide_machine_config *c);

#endif
