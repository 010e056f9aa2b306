/* From curves to rows: see curves.h. */
#include "report/curves.h"

bool tide_report_is_curve(enum tide_table table)
{
    return table == TIDE_TABLE_mrc || table == TIDE_TABLE_wss || table == TIDE_TABLE_wst ||
           table == TIDE_TABLE_reuse;
}

static uint64_t page_bytes(const struct tide_curves_config *c)
{
    return UINT64_C(1) << c->geometry.page_shift;
}

static int miss_row(const struct tide_curves_config *c, const char *policy, uint64_t frames,
                    uint64_t faults, const struct tide_curve_rows *rows, struct tide_error *e)
{
    struct tide_csv *csv = rows->begin(rows->context, TIDE_TABLE_mrc);

    tide_csv_u64(csv, TIDE_COL_mrc_page_bytes, page_bytes(c));
    tide_csv_text(csv, TIDE_COL_mrc_policy, policy);
    tide_csv_u64(csv, TIDE_COL_mrc_frames, frames);
    tide_csv_u64(csv, TIDE_COL_mrc_faults, faults);
    tide_csv_end(csv);
    return rows->end(rows->context, TIDE_TABLE_mrc, e);
}

static int miss_curve(const struct tide_curves *c, enum tide_curve which,
                      const struct tide_curve_rows *rows, struct tide_error *e)
{
    const struct tide_distances *d = tide_curves_distances(c, which);
    uint64_t faults = tide_distances_references(d), pages = tide_curves_pages(c);
    int rc = 0;

    for (uint64_t frames = 1; frames <= pages && rc == 0; frames++) {
        faults -= frames < d->cap ? d->counts[frames] : 0;
        rc = miss_row(tide_curves_config_of(c), tide_curve_names[which], frames, faults, rows, e);
    }
    return rc;
}

static int reuse_row(const struct tide_curves *c, uint64_t distance, uint64_t references,
                     const struct tide_curve_rows *rows, struct tide_error *e)
{
    struct tide_csv *csv = rows->begin(rows->context, TIDE_TABLE_reuse);

    tide_csv_u64(csv, TIDE_COL_reuse_page_bytes, page_bytes(tide_curves_config_of(c)));
    if (distance > 0)
        tide_csv_u64(csv, TIDE_COL_reuse_distance_pages, distance);
    else
        tide_csv_text(csv, TIDE_COL_reuse_distance_pages, "");
    tide_csv_u64(csv, TIDE_COL_reuse_references, references);
    tide_csv_end(csv);
    return rows->end(rows->context, TIDE_TABLE_reuse, e);
}

static int reuse_histogram(const struct tide_curves *c, const struct tide_curve_rows *rows,
                           struct tide_error *e)
{
    const struct tide_distances *d = tide_curves_distances(c, TIDE_CURVE_REUSE);
    int rc = 0;

    for (size_t k = 1; k < d->cap && rc == 0; k++)
        if (d->counts[k] > 0)
            rc = reuse_row(c, k, d->counts[k], rows, e);
    if (rc == 0)
        rc = reuse_row(c, 0, d->cap > 0 ? d->counts[0] : 0, rows, e);
    return rc;
}

struct window_rows {
    const struct tide_curves *curves;
    const struct tide_curve_rows *rows;
};

static int window_row(void *context, const struct tide_window_point *p, struct tide_error *e)
{
    const struct window_rows *w = context;
    struct tide_csv *csv = w->rows->begin(w->rows->context, TIDE_TABLE_wss);
    uint64_t references = tide_curves_references(w->curves);

    tide_csv_u64(csv, TIDE_COL_wss_page_bytes, page_bytes(tide_curves_config_of(w->curves)));
    tide_csv_u64(csv, TIDE_COL_wss_tau_refs, p->tau);
    tide_csv_ratio(csv, TIDE_COL_wss_wss_pages, p->size_sum, references);
    tide_csv_ratio(csv, TIDE_COL_wss_miss_ratio, p->faults, references);
    tide_csv_ratio(csv, TIDE_COL_wss_vmin_pages, p->vmin_sum, references);
    tide_csv_ratio(csv, TIDE_COL_wss_footprint_pages, p->footprint_sum, p->windows);
    tide_csv_u64(csv, TIDE_COL_wss_reuses, p->gaps);
    tide_csv_end(csv);
    return w->rows->end(w->rows->context, TIDE_TABLE_wss, e);
}

int tide_report_curves(const struct tide_curves *c, const struct tide_curve_rows *rows,
                       struct tide_error *e)
{
    unsigned which = tide_curves_config_of(c)->which;
    struct window_rows windows = {.curves = c, .rows = rows};
    int rc = 0;

    if ((which & 1 << TIDE_CURVE_LRU) != 0)
        rc = miss_curve(c, TIDE_CURVE_LRU, rows, e);
    if (rc == 0 && (which & 1 << TIDE_CURVE_OPT) != 0)
        rc = miss_curve(c, TIDE_CURVE_OPT, rows, e);
    if (rc == 0 && (which & 1 << TIDE_CURVE_WORKING_SET) != 0)
        rc = tide_windows_points(tide_curves_windows(c), window_row, &windows, e);
    if (rc == 0 && (which & 1 << TIDE_CURVE_REUSE) != 0)
        rc = reuse_histogram(c, rows, e);
    return rc;
}

int tide_report_sizes(const struct tide_curves_config *c, const struct tide_size_table *sizes,
                      const struct tide_curve_rows *rows, struct tide_error *e)
{
    int rc = 0;

    for (size_t i = 0; i < sizes->n_policies * sizes->n_frames && rc == 0; i++)
        rc = miss_row(c, sizes->names[i / sizes->n_frames], sizes->frames[i % sizes->n_frames],
                      sizes->faults[i], rows, e);
    return rc;
}

int tide_report_series(const struct tide_curves_config *c, uint64_t vtime, const uint64_t *taus,
                       const uint64_t *pages, size_t n, const struct tide_curve_rows *rows,
                       struct tide_error *e)
{
    int rc = 0;

    for (size_t k = 0; k < n && rc == 0; k++) {
        struct tide_csv *csv = rows->begin(rows->context, TIDE_TABLE_wst);

        tide_csv_u64(csv, TIDE_COL_wst_vtime_refs, vtime);
        tide_csv_u64(csv, TIDE_COL_wst_tau_refs, taus[k]);
        tide_csv_u64(csv, TIDE_COL_wst_wss_pages, pages[k]);
        tide_csv_u64(csv, TIDE_COL_wst_page_bytes, page_bytes(c));
        tide_csv_end(csv);
        rc = rows->end(rows->context, TIDE_TABLE_wst, e);
    }
    return rc;
}
