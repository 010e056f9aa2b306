/* What stands at an axis: a column's name with its unit, from metrics/columns.def. */
#ifndef TIDE_REPORT_AXIS_H
#define TIDE_REPORT_AXIS_H

#include <stddef.h>

/* "faults", "vtime_refs (references)", "fault_ratio (faults / references)". `file`: a path that
 * ends in the table's file; a column that no table of this name has stays a bare name. */
void tide_axis_name(const char *file, const char *column, char *buf, size_t n);

#endif
