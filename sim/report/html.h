/* The report: one HTML page from a folder of results.
 *
 * For each trace: miss curves, distance to OPT, working sets, what happened over time, fault kinds,
 * TLB misses, free memory and slabs; then the configuration and where everything comes from. What a
 * folder has no data for is not on the page, and the page says so. The same folder gives the same
 * bytes.
 */
#ifndef TIDE_REPORT_HTML_H
#define TIDE_REPORT_HTML_H

#include "report/results.h"
#include "report/text.h"

/* Without plots no gnuplot is needed; the tables stay. */
TIDE_MUST_CHECK int tide_html_report(const struct tide_results *r, bool plots,
                                     struct tide_text *out, struct tide_error *e);

#endif
