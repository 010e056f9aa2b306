/* From a layer of YAML values to a machine. */
#ifndef TIDE_CONFIG_MACHINE_YAML_H
#define TIDE_CONFIG_MACHINE_YAML_H

#include <stdbool.h>

#include "config/settings.h"
#include "pager/machine.h"

/* Sets in *c what the layer holds; the rest stays. `final`: the machine is complete, so check how
 * its parts fit together; else only each value for itself (its base may be changed by a sweep). */
void tide_machine_apply(struct tide_load *l, const struct tide_layer *layer, bool final,
                        struct tide_machine_config *c);

/* Whether an array holds pages of this size; with no list of sizes it holds the machine's. */
bool tide_array_serves(const struct tide_tlb_array_config *a, unsigned page_shift);

#endif
