/* From a machine to rows: see machine.h. */
#include "report/machine.h"

#include <stdio.h>
#include <string.h>

/* One zone until zones are modelled; its name is Linux's. */
static const char zone_name[] = "normal";

size_t tide_report_first_column(enum tide_table table)
{
    return table == TIDE_TABLE_summary ? TIDE_COL_summary_trace + 1 : 1;
}

static void begin(struct tide_csv *c, enum tide_table table)
{
    tide_text_printf(&c->text, "%s,", tide_tables[table].name);
    tide_csv_begin(c, table, tide_report_first_column(table));
}

static void buddy_rows(struct tide_csv *c, const struct tide_machine *m, uint64_t vtime)
{
    const struct tide_buddy *b = tide_machine_buddy(m);

    for (unsigned order = 0; order < TIDE_BUDDY_ORDERS; order++) {
        uint64_t num, den;

        tide_buddy_unusable(b, order, &num, &den);
        begin(c, TIDE_TABLE_buddy);
        tide_csv_u64(c, TIDE_COL_buddy_vtime_refs, vtime);
        tide_csv_text(c, TIDE_COL_buddy_zone, zone_name);
        tide_csv_u64(c, TIDE_COL_buddy_order, order);
        tide_csv_u64(c, TIDE_COL_buddy_free_blocks, b->free_blocks[order]);
        tide_csv_ratio(c, TIDE_COL_buddy_unusable_index, num, den);
        tide_csv_end(c);
    }
}

void tide_report_sample(struct tide_csv *c, const struct tide_machine *m,
                        const struct tide_sample *s)
{
    begin(c, TIDE_TABLE_timeline);
    tide_csv_u64(c, TIDE_COL_timeline_vtime_refs, s->vtime_refs);
    tide_csv_u64(c, TIDE_COL_timeline_faults, s->faults);
    tide_csv_u64(c, TIDE_COL_timeline_resident_pages, s->resident_pages);
    tide_csv_u64(c, TIDE_COL_timeline_free_frames, s->free_frames);
    tide_csv_u64(c, TIDE_COL_timeline_wss_pages, s->wss_pages);
    tide_csv_u64(c, TIDE_COL_timeline_tlb_misses, s->tlb_misses);
    tide_csv_end(c);
    buddy_rows(c, m, s->vtime_refs);
}

static void tlb_rows(struct tide_csv *c, const struct tide_machine *m)
{
    const struct tide_tlb *t = tide_machine_tlb(m);

    for (unsigned i = 0; i < t->n; i++) {
        const struct tide_tlb_array_stats *s = &t->arrays[i].stats;

        begin(c, TIDE_TABLE_tlb);
        tide_csv_text(c, TIDE_COL_tlb_level, t->arrays[i].config.name);
        tide_csv_u64(c, TIDE_COL_tlb_lookups, s->lookups);
        tide_csv_u64(c, TIDE_COL_tlb_hits, s->hits);
        tide_csv_u64(c, TIDE_COL_tlb_misses, s->misses);
        tide_csv_ratio(c, TIDE_COL_tlb_hit_ratio, s->hits, s->lookups);
        tide_csv_u64(c, TIDE_COL_tlb_compulsory_misses, s->compulsory_misses);
        tide_csv_u64(c, TIDE_COL_tlb_evictions, s->evictions);
        tide_csv_u64(c, TIDE_COL_tlb_invalidations, s->invalidations);
        tide_csv_end(c);
    }
}

static void process_rows(struct tide_csv *c, const struct tide_machine *m)
{
    uint64_t page_mask = (UINT64_C(1) << tide_machine_config_of(m)->page_shift) - 1;

    for (size_t i = 0; i < tide_machine_processes(m); i++) {
        struct tide_process_counts p;

        tide_machine_process(m, i, &p);
        begin(c, TIDE_TABLE_processes);
        tide_csv_u64(c, TIDE_COL_processes_pid, p.pid);
        tide_csv_u64(c, TIDE_COL_processes_references, p.references);
        tide_csv_u64(c, TIDE_COL_processes_faults_minor, p.faults_minor);
        tide_csv_u64(c, TIDE_COL_processes_faults_major, p.faults_major);
        tide_csv_u64(c, TIDE_COL_processes_rss_pages, p.rss_pages);
        tide_csv_u64(c, TIDE_COL_processes_rss_peak_pages, p.rss_peak_pages);
        tide_csv_u64(c, TIDE_COL_processes_vsz_pages,
                     (p.vsz_bytes >> tide_machine_config_of(m)->page_shift) +
                         ((p.vsz_bytes & page_mask) != 0));
        tide_csv_end(c);
    }
}

static void fault_rows(struct tide_csv *c, const struct tide_machine *m)
{
    struct tide_counts counts;

    tide_machine_counts(m, &counts);
    for (size_t k = 0; k < TIDE_FAULT_KINDS; k++) {
        begin(c, TIDE_TABLE_faults);
        tide_csv_text(c, TIDE_COL_faults_kind, tide_fault_kind_names[k]);
        tide_csv_u64(c, TIDE_COL_faults_count, counts.kinds[k]);
        tide_csv_end(c);
    }
}

static void slab_rows(struct tide_csv *c, const struct tide_machine *m)
{
    const struct tide_slab_cache *const *caches;
    size_t n = tide_machine_slab_caches(m, &caches);

    for (size_t i = 0; i < n; i++) {
        const struct tide_slab_cache *s = caches[i];
        uint64_t slabs = (uint64_t)s->n_full + s->n_partial + s->n_empty;

        begin(c, TIDE_TABLE_slab);
        tide_csv_text(c, TIDE_COL_slab_cache, s->name);
        tide_csv_u64(c, TIDE_COL_slab_object_bytes, s->object_bytes);
        tide_csv_u64(c, TIDE_COL_slab_order, s->geometry.order);
        tide_csv_u64(c, TIDE_COL_slab_objects_per_slab, s->geometry.objects);
        tide_csv_u64(c, TIDE_COL_slab_active_objects, s->active_objects);
        tide_csv_u64(c, TIDE_COL_slab_total_objects, slabs * s->geometry.objects);
        tide_csv_u64(c, TIDE_COL_slab_slabs, slabs);
        tide_csv_end(c);
    }
}

static void settings(struct tide_csv *c, const struct tide_machine_config *config)
{
    struct tide_text t = {0};
    char value[64];

    if (config->by_memory)
        tide_format_size(config->memory_bytes, value, sizeof value);
    else
        tide_format_amount(config->frames, value, sizeof value);
    tide_csv_text(c, TIDE_COL_summary_frames_setting, value);

    for (const struct tide_option *o = config->policy->options; o != NULL && o->name != NULL; o++) {
        tide_option_print(o, config->policy_options, value, sizeof value);
        tide_text_printf(&t, "%s%s=%s", t.n > 0 ? " " : "", o->name, value);
    }
    tide_csv_text(c, TIDE_COL_summary_policy_options, t.n > 0 ? t.bytes : "");
    tide_text_clear(&t);

    for (unsigned i = 0; i < config->tlb.n; i++) {
        const struct tide_tlb_array_config *a = &config->tlb.arrays[i];

        tide_text_printf(&t, "%s%s:%u/%u", t.n > 0 ? " " : "", a->name, a->entries, a->ways);
    }
    tide_csv_text(c, TIDE_COL_summary_tlb, t.n > 0 ? t.bytes : "none");
    c->text.failed |= t.failed;
    tide_text_fini(&t);
    tide_csv_u64(c, TIDE_COL_summary_seed, config->seed);
}

void tide_report_summary(struct tide_csv *c, const struct tide_machine *m,
                         enum tide_machine_status status)
{
    const struct tide_machine_config *config = tide_machine_config_of(m);
    const struct tide_pagetable *pt = tide_machine_pagetable(m);
    uint64_t cycles = tide_machine_cycles(m), faults, segfaults = 0, walk_cache_hits = 0;
    struct tide_counts n;

    tide_machine_counts(m, &n);
    faults = n.faults_minor + n.faults_major;
    for (size_t k = TIDE_FAULT_SEGV_MAP; k <= TIDE_FAULT_SEGV_NONCANONICAL; k++)
        segfaults += n.kinds[k];
    for (size_t k = 0; k <= TIDE_PT_MAX_LEVELS; k++)
        walk_cache_hits += pt->stats.walk_cache_hits[k];

    tide_csv_begin(c, TIDE_TABLE_summary, tide_report_first_column(TIDE_TABLE_summary));
    tide_csv_text(c, TIDE_COL_summary_policy, config->policy->name);
    if (config->policy->variable_space)
        tide_csv_text(c, TIDE_COL_summary_frames, "");
    else
        tide_csv_u64(c, TIDE_COL_summary_frames, tide_machine_frames(m));
    tide_csv_u64(c, TIDE_COL_summary_page_bytes, UINT64_C(1) << config->page_shift);
    tide_csv_u64(c, TIDE_COL_summary_accesses, n.accesses);
    tide_csv_u64(c, TIDE_COL_summary_references, n.references);
    tide_csv_u64(c, TIDE_COL_summary_distinct_pages, n.distinct_pages);
    tide_csv_u64(c, TIDE_COL_summary_faults_minor, n.faults_minor);
    tide_csv_u64(c, TIDE_COL_summary_faults_major, n.faults_major);
    tide_csv_u64(c, TIDE_COL_summary_faults, faults);
    tide_csv_ratio(c, TIDE_COL_summary_fault_ratio, faults, n.references);
    tide_csv_u64(c, TIDE_COL_summary_evictions, n.evictions);
    tide_csv_u64(c, TIDE_COL_summary_writebacks, n.writebacks);
    tide_csv_u64(c, TIDE_COL_summary_tlb_misses, n.tlb_misses);
    tide_csv_u64(c, TIDE_COL_summary_walks, n.walks);
    tide_csv_u64(c, TIDE_COL_summary_walk_refs, n.walk_refs);
    tide_csv_ratio(c, TIDE_COL_summary_eat_cycles, cycles, n.references);
    tide_csv_ratio(c, TIDE_COL_summary_mean_resident_pages, n.resident_sum, n.references);
    tide_csv_text(c, TIDE_COL_summary_reference_mode, tide_references_names[config->references]);
    tide_csv_text(c, TIDE_COL_summary_status, tide_status_names[status]);
    settings(c, config);
    tide_csv_u64(c, TIDE_COL_summary_segfaults, segfaults);
    tide_csv_u64(c, TIDE_COL_summary_walk_cache_hits, walk_cache_hits);
    tide_csv_u64(c, TIDE_COL_summary_page_tables_peak, pt->stats.tables_peak);
    tide_csv_u64(c, TIDE_COL_summary_cycles, cycles);
    tide_csv_text(c, TIDE_COL_summary_vmas, tide_machine_inferred(m) ? "inferred" : "layout");
    tide_csv_text(c, TIDE_COL_summary_observe, tide_observe_names[config->observe]);
    tide_csv_text(c, TIDE_COL_summary_flush_on_clear,
                  config->observe != TIDE_OBSERVE_ACCESSED_BIT ? ""
                  : config->flush_on_clear                     ? "yes"
                                                               : "no");
    tide_csv_end(c);
}

void tide_report_machine(struct tide_csv *c, const struct tide_machine *m,
                         enum tide_machine_status status)
{
    tide_text_printf(&c->text, "%s,", tide_tables[TIDE_TABLE_summary].name);
    tide_report_summary(c, m, status);
    tlb_rows(c, m);
    process_rows(c, m);
    fault_rows(c, m);
    slab_rows(c, m);
    if (tide_machine_config_of(m)->interval == 0) {
        struct tide_counts n;

        tide_machine_counts(m, &n);
        buddy_rows(c, m, n.references);
    }
}
