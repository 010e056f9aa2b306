/* From a machine to rows: the one place that names and divides what the stages count.
 *
 * Rows go out in *stored form*: "TABLE,cells" without what is known only when tables are put
 * together (the run id, and the trace's name in summary), so they depend on nothing but the machine
 * and the trace's content.
 */
#ifndef TIDE_REPORT_MACHINE_H
#define TIDE_REPORT_MACHINE_H

#include "pager/machine.h"
#include "report/csv.h"

/* The first column of a table's stored rows. */
size_t tide_report_first_column(enum tide_table table);

/* At the end of an interval: a row of timeline, and buddy's by zone and order. */
void tide_report_sample(struct tide_csv *c, const struct tide_machine *m,
                        const struct tide_sample *s);
/* At the end of the run: a row of summary, and those of tlb, processes, faults and slab; of buddy
 * too where the machine has no intervals. */
void tide_report_machine(struct tide_csv *c, const struct tide_machine *m,
                         enum tide_machine_status status);
/* The row of summary alone, from its first stored column on, without table name. */
void tide_report_summary(struct tide_csv *c, const struct tide_machine *m,
                         enum tide_machine_status status);

#endif
