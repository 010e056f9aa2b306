/* The registry of policies, made from policies.def. */
#include "replacement/policy.h"

#include <string.h>

#define TIDE_POLICY(symbol) extern const struct tide_policy tide_policy_##symbol;
#include "replacement/policies.def"
#undef TIDE_POLICY

const struct tide_policy *const tide_policies[] = {
#define TIDE_POLICY(symbol) &tide_policy_##symbol,
#include "replacement/policies.def"
#undef TIDE_POLICY
    NULL};

const struct tide_policy *tide_policy_find(const char *name)
{
    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}
