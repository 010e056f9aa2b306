/* From YAML values to a machine: see machine_yaml.h.
 *
 * Keys are taken in a fixed order, page size first, because the defaults of others follow from it.
 * TLB arrays are normalised, so that equal machines print equally: an array that serves the
 * machine's page size has no list of sizes (n_sizes 0), and arrays of a preset that do not serve it
 * are left out. The built-in TLB goes along with any page size; a preset that is named does not.
 */
#include "config/machine_yaml.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/experiment.h"
#include "config/presets.h"

enum { POLICIES_MAX = 128 };

/* The place of the first of some keys that the layer holds. */
static struct tide_place place(const struct tide_layer *layer, const enum tide_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (layer->slot[keys[i]] != NULL)
            return layer->slot[keys[i]]->place;
    return layer->root;
}

static bool read_number32(struct tide_load *l, const struct tide_yaml *value, const char *name,
                          uint32_t *out)
{
    uint64_t wide;

    if (!tide_read_number(l, value, name, tide_parse_u64, &wide))
        return false;
    if (wide > UINT32_MAX) {
        tide_problem_at(&l->problems, value->place, "%s: '%s' is too large", name, value->text);
        return false;
    }
    *out = (uint32_t)wide;
    return true;
}

/* ---- page size, frames and memory ---- */

static bool read_page_shift(struct tide_load *l, const struct tide_yaml *value, const char *name,
                            unsigned *shift)
{
    uint64_t bytes;

    if (!tide_read_number(l, value, name, tide_parse_size, &bytes))
        return false;
    for (*shift = TIDE_PAGE_SHIFT_MIN; *shift <= TIDE_PAGE_SHIFT_MAX; (*shift)++)
        if (bytes == UINT64_C(1) << *shift)
            return true;
    tide_problem_hint(
        &l->problems,
        tide_problem_at(&l->problems, value->place, "%s: no page has '%s'", name, value->text),
        "a power of two from 64B to 1G");
    return false;
}

static bool same_radix(const struct tide_pagetable_config *a, const struct tide_pagetable_config *b)
{
    if (a->levels != b->levels)
        return false;
    for (unsigned k = 1; k <= a->levels; k++)
        if (a->bits[k] != b->bits[k])
            return false;
    return true;
}

/* Levels and index bits by default, the rest as it is. */
static void set_radix(struct tide_pagetable_config *c, unsigned levels, unsigned page_shift)
{
    struct tide_pagetable_config fresh;

    tide_pagetable_defaults(&fresh, levels, page_shift);
    c->levels = fresh.levels;
    memcpy(c->bits, fresh.bits, sizeof c->bits);
}

static void apply_page_size(struct tide_load *l, const struct tide_layer *layer,
                            struct tide_machine_config *c)
{
    static const unsigned usual[] = {4, 5, 3, 2};
    const struct tide_yaml *value = layer->slot[TIDE_KEY_PAGE_SIZE];
    struct tide_tlb_config usual_tlb;
    unsigned shift;

    if (value == NULL || !read_page_shift(l, value, tide_key_path(TIDE_KEY_PAGE_SIZE), &shift))
        return;
    /* A table of the default form keeps it: its form for the new page size. */
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        struct tide_pagetable_config was;

        tide_pagetable_defaults(&was, usual[i], c->page_shift);
        if (same_radix(&was, &c->pagetable)) {
            set_radix(&c->pagetable, usual[i], shift);
            break;
        }
    }
    /* So does the TLB of a machine that was given none. */
    tide_machine_default_tlb(&usual_tlb, c->page_shift);
    if (memcmp(&usual_tlb, &c->tlb, sizeof usual_tlb) == 0)
        tide_machine_default_tlb(&c->tlb, shift);
    c->page_shift = shift;
}

static void apply_frames(struct tide_load *l, const struct tide_yaml *value,
                         struct tide_machine_config *c)
{
    const char *name = tide_key_path(TIDE_KEY_FRAMES), *word;
    struct tide_problem *p;
    struct tide_error e;
    size_t digits;

    if (!tide_read_word(l, value, name, &word))
        return;
    digits = strspn(word, "0123456789");
    if (digits > 0 && word[digits] != '\0' && word[digits] != '.' && word[digits] != '%') {
        p = tide_problem_at(&l->problems, value->place, "%s: '%s' is not a number of frames", name,
                            word);
        tide_problem_hint(&l->problems, p,
                          "a size goes with memory: (memory: 64M); frames are a number or a share "
                          "(50%%)");
        return;
    }
    if (tide_parse_amount(word, &c->frames, &e) != 0) {
        tide_problem_from(l, value->place, name, &e);
        return;
    }
    if (c->frames.value == 0) {
        p = tide_problem_at(&l->problems, value->place, "%s: a machine needs a frame", name);
        tide_problem_hint(&l->problems, p, "at least 1");
    }
    c->by_memory = false;
}

static void apply_size_of_memory(struct tide_load *l, const struct tide_layer *layer,
                                 struct tide_machine_config *c)
{
    const struct tide_yaml *frames = layer->slot[TIDE_KEY_FRAMES];
    const struct tide_yaml *memory = layer->slot[TIDE_KEY_MEMORY];
    struct tide_problem *p;

    if (frames != NULL)
        apply_frames(l, frames, c);
    if (memory != NULL && tide_read_number(l, memory, tide_key_path(TIDE_KEY_MEMORY),
                                           tide_parse_size, &c->memory_bytes)) {
        c->by_memory = true;
        if (c->memory_bytes == 0)
            tide_problem_at(&l->problems, memory->place, "%s: a machine needs some memory",
                            tide_key_path(TIDE_KEY_MEMORY));
    }
    if (frames != NULL && memory != NULL) {
        p = tide_problem_at(&l->problems, memory->place, "both frames and memory are given");
        tide_problem_hint(&l->problems, p,
                          "frames counts user pages only, memory the whole machine: choose one");
    }
}

/* ---- policy ---- */

static const struct tide_policy *read_policy(struct tide_load *l, const struct tide_yaml *value)
{
    const char *names[POLICIES_MAX];
    size_t n = 0;
    int i;

    while (tide_policies[n] != NULL && n < POLICIES_MAX) {
        names[n] = tide_policies[n]->name;
        n++;
    }
    i = tide_read_choice(l, value, tide_key_path(TIDE_KEY_POLICY), "replacement policy", names, n);
    return i < 0 ? NULL : tide_policies[i];
}

static void set_policy(struct tide_machine_config *c, const struct tide_policy *policy)
{
    assert(policy->options == NULL || policy->options_bytes <= sizeof c->policy_options);
    c->policy = policy;
    memset(c->policy_options, 0, sizeof c->policy_options);
    if (policy->options != NULL)
        tide_options_defaults(policy->options, c->policy_options);
}

static void set_policy_option(struct tide_load *l, struct tide_machine_config *c, const char *name,
                              struct tide_place at, const struct tide_yaml *value)
{
    const struct tide_option *row = c->policy->options;
    const char *names[64], *word;
    struct tide_problem *p;
    struct tide_error e;
    char owner[64];
    size_t n = 0;

    for (; row != NULL && row->name != NULL && strcmp(row->name, name) != 0; row++)
        if (n < sizeof names / sizeof *names)
            names[n++] = row->name;
    if (row == NULL || row->name == NULL) {
        p = tide_problem_at(&l->problems, at, "policy %s has no option '%s'", c->policy->name,
                            name);
        tide_problem_suggest(&l->problems, p, name, names, n);
        if (n == 0)
            tide_problem_hint(&l->problems, p, "it takes no options");
        return;
    }
    snprintf(owner, sizeof owner, "policy %s", c->policy->name);
    if (tide_read_word(l, value, name, &word) &&
        tide_option_set(c->policy->options, c->policy_options, owner, name, word, &e) != 0)
        tide_problem_from(l, value->place, "", &e);
}

static void apply_policy(struct tide_load *l, const struct tide_layer *layer,
                         struct tide_machine_config *c)
{
    const struct tide_yaml *value = layer->slot[TIDE_KEY_POLICY], *name = value;
    const struct tide_policy *policy;

    if (value != NULL && value->type == TIDE_YAML_MAPPING) {
        name = tide_yaml_get(value, "name");
        if (name == NULL) {
            tide_problem_hint(&l->problems,
                              tide_problem_at(&l->problems, value->place, "the policy has no name"),
                              "write {name: lru, ...}");
            return;
        }
    }
    if (name != NULL) {
        if ((policy = read_policy(l, name)) == NULL)
            return;
        set_policy(c, policy);
        for (size_t i = 0; name != value && i < value->n; i++)
            if (strcmp(value->keys[i]->text, "name") != 0)
                set_policy_option(l, c, value->keys[i]->text, value->keys[i]->place,
                                  value->values[i]);
    }
    for (size_t i = 0; i < layer->n_tweaks; i++)
        if (layer->tweaks[i].key == TIDE_KEY_POLICY)
            set_policy_option(l, c, layer->tweaks[i].path, layer->tweaks[i].value->place,
                              layer->tweaks[i].value);
}

/* ---- page table ---- */

static void apply_bits(struct tide_load *l, const struct tide_yaml *value,
                       struct tide_pagetable_config *c)
{
    struct tide_pagetable_config fresh = *c;

    memset(fresh.bits, 0, sizeof fresh.bits);
    if (value->type != TIDE_YAML_SEQUENCE || value->n < 2 || value->n > TIDE_PT_MAX_LEVELS) {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, value->place,
                                          "%s must be a list of 2 to %d numbers",
                                          tide_key_path(TIDE_KEY_PT_BITS), TIDE_PT_MAX_LEVELS),
                          "index bits of each level, the root first: [9, 9, 9, 9]");
        return;
    }
    fresh.levels = (unsigned)value->n;
    for (size_t i = 0; i < value->n; i++)
        if (!read_number32(l, value->values[i], "index bits", &fresh.bits[value->n - i]))
            return;
    *c = fresh;
}

static void apply_radix(struct tide_load *l, const struct tide_layer *layer,
                        struct tide_machine_config *c)
{
    const struct tide_yaml *levels = layer->slot[TIDE_KEY_PT_LEVELS];
    const struct tide_yaml *bits = layer->slot[TIDE_KEY_PT_BITS];
    uint32_t n = 0;

    if (levels != NULL && read_number32(l, levels, tide_key_path(TIDE_KEY_PT_LEVELS), &n)) {
        if (n >= 2 && n <= TIDE_PT_MAX_LEVELS) {
            if (bits == NULL)
                set_radix(&c->pagetable, n, c->page_shift);
        } else {
            tide_problem_hint(&l->problems,
                              tide_problem_at(&l->problems, levels->place,
                                              "%s: no page table has %" PRIu32 " levels",
                                              tide_key_path(TIDE_KEY_PT_LEVELS), n),
                              "from 2 to %d", TIDE_PT_MAX_LEVELS);
            n = 0;
        }
    }
    if (bits == NULL)
        return;
    apply_bits(l, bits, &c->pagetable);
    if (n != 0 && bits->type == TIDE_YAML_SEQUENCE && bits->n != n)
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, bits->place,
                                          "bits for %zu levels, but levels: %" PRIu32, bits->n, n),
                          "bits alone will do");
}

static void read_walk_cache(struct tide_load *l, const struct tide_yaml *value,
                            struct tide_walk_cache_config *w)
{
    static const char *const known[] = {"level", "entries", "ways"};
    const struct tide_yaml *ways;

    if (value->type != TIDE_YAML_MAPPING) {
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, value->place, "a walk cache must be a mapping"),
            "like {level: 2, entries: 32, ways: 4}");
        return;
    }
    for (size_t i = 0; i < value->n; i++) {
        const char *key = value->keys[i]->text;

        if (strcmp(key, "level") == 0)
            read_number32(l, value->values[i], key, &w->level);
        else if (strcmp(key, "entries") == 0)
            read_number32(l, value->values[i], key, &w->entries);
        else if (strcmp(key, "ways") != 0)
            tide_problem_suggest(&l->problems,
                                 tide_problem_at(&l->problems, value->keys[i]->place,
                                                 "unknown key '%s' in a walk cache", key),
                                 key, known, sizeof known / sizeof *known);
    }
    for (size_t k = 0; k < 2; k++)
        if (tide_yaml_get(value, known[k]) == NULL)
            tide_problem_at(&l->problems, value->place, "the walk cache lacks '%s'", known[k]);
    ways = tide_yaml_get(value, "ways");
    w->ways = w->entries;
    if (ways != NULL && (ways->type != TIDE_YAML_SCALAR || strcmp(ways->text, "full") != 0))
        read_number32(l, ways, "ways", &w->ways);
}

/* `leaf`: how many levels above that of 4K pages the machine's pages are: levels of a preset are
 * counted for 4K pages, and those that the machine does not have are left out. */
static void apply_walk_caches(struct tide_load *l, const struct tide_yaml *value, bool preset,
                              bool final, struct tide_machine_config *c)
{
    unsigned leaf = c->page_shift == 21 ? 1 : c->page_shift == 30 ? 2 : 0;
    struct tide_pagetable_config one = c->pagetable;
    struct tide_error e;
    unsigned va_bits;

    if (value->type != TIDE_YAML_SEQUENCE || value->n > TIDE_PT_MAX_LEVELS) {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, value->place,
                                          "%s must be a list of at most %d walk caches",
                                          tide_key_path(TIDE_KEY_PT_WALK_CACHES),
                                          TIDE_PT_MAX_LEVELS),
                          "like [{level: 2, entries: 32, ways: 4}], or [] for none");
        return;
    }
    c->pagetable.n_walk_caches = 0;
    for (size_t i = 0; i < value->n; i++) {
        struct tide_walk_cache_config w = {0};
        size_t before = l->problems.raised;

        read_walk_cache(l, value->values[i], &w);
        if (l->problems.raised != before)
            continue;
        if (preset) {
            if (w.level < 2 + leaf || w.level - leaf > c->pagetable.levels)
                continue;
            w.level -= leaf;
        }
        c->pagetable.walk_caches[c->pagetable.n_walk_caches++] = w;
        one.n_walk_caches = 0;
        if (!final || tide_pagetable_check(&one, c->page_shift, &va_bits, NULL) != 0)
            continue; /* the table itself is wrong: reported with it */
        one.n_walk_caches = 1;
        one.walk_caches[0] = w;
        if (tide_pagetable_check(&one, c->page_shift, &va_bits, &e) != 0)
            tide_problem_from(l, value->values[i]->place, "", &e);
    }
}

/* ---- TLB ---- */

/* An array while its keys are read: `ways: full` follows the entries. */
struct draft {
    struct tide_tlb_array_config a;
    bool full;
    struct tide_place at;
};

static void read_page_sizes(struct tide_load *l, const struct tide_yaml *value,
                            struct tide_tlb_array_config *a)
{
    const struct tide_yaml *const *sizes = &value;
    size_t n = 1;

    if (value->type == TIDE_YAML_SEQUENCE) {
        sizes = value->values;
        n = value->n;
    }
    if (n == 0 || n > TIDE_TLB_MAX_SIZES) {
        tide_problem_at(&l->problems, value->place, "page_sizes must be 1 to %d sizes",
                        TIDE_TLB_MAX_SIZES);
        return;
    }
    a->n_sizes = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned shift, at = a->n_sizes;

        if (!read_page_shift(l, sizes[i], "page_sizes", &shift))
            return;
        while (at > 0 && a->page_shifts[at - 1] > shift)
            at--;
        if (at > 0 && a->page_shifts[at - 1] == shift) {
            tide_problem_at(&l->problems, sizes[i]->place, "page_sizes: '%s' stands there twice",
                            sizes[i]->text);
            return;
        }
        memmove(&a->page_shifts[at + 1], &a->page_shifts[at], a->n_sizes - at);
        a->page_shifts[at] = (uint8_t)shift;
        a->n_sizes++;
    }
}

static void read_name(struct tide_load *l, const struct tide_yaml *value,
                      struct tide_tlb_array_config *a)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *word;

    if (!tide_read_word(l, value, "name", &word))
        return;
    if (strlen(word) >= sizeof a->name || word[strspn(word, letters)] != '\0')
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, value->place, "'%s' can't be the name of an array", word),
            "at most %zu letters, digits, - and _", sizeof a->name - 1);
    else
        snprintf(a->name, sizeof a->name, "%s", word);
}

static void read_array_key(struct tide_load *l, struct draft *d, const char *key,
                           struct tide_place at, const struct tide_yaml *value)
{
    static const char *const known[] = {"name",   "level",      "for",       "entries", "ways",
                                        "policy", "page_sizes", "page_size", "latency"};
    static const char *const sides[] = {"instruction", "data", "both"}; /* TIDE_TLB_FOR_* - 1 */
    int i;

    if (strcmp(key, "name") == 0) {
        read_name(l, value, &d->a);
    } else if (strcmp(key, "level") == 0) {
        read_number32(l, value, key, &d->a.level);
    } else if (strcmp(key, "for") == 0) {
        if ((i = tide_read_choice(l, value, key, "side of a TLB array", sides, 3)) >= 0)
            d->a.serves = (uint32_t)i + 1;
    } else if (strcmp(key, "entries") == 0) {
        read_number32(l, value, key, &d->a.entries);
    } else if (strcmp(key, "ways") == 0) {
        d->full = value->type == TIDE_YAML_SCALAR && strcmp(value->text, "full") == 0;
        if (!d->full)
            read_number32(l, value, key, &d->a.ways);
    } else if (strcmp(key, "policy") == 0) {
        i = tide_read_choice(l, value, key, "policy of a TLB array", tide_tlb_kind_names,
                             TIDE_TLB_KINDS);
        if (i >= 0)
            d->a.kind = (enum tide_tlb_kind)i;
    } else if (strcmp(key, "page_sizes") == 0 || strcmp(key, "page_size") == 0) {
        read_page_sizes(l, value, &d->a);
    } else if (strcmp(key, "latency") == 0) {
        read_number32(l, value, key, &d->a.latency);
    } else {
        tide_problem_suggest(
            &l->problems, tide_problem_at(&l->problems, at, "unknown key '%s' in a TLB array", key),
            key, known, sizeof known / sizeof *known);
    }
}

static void read_array(struct tide_load *l, const struct tide_yaml *value, struct draft *d)
{
    static const char *const required[] = {"name", "entries"};

    *d = (struct draft){.full = true, .at = value->place};
    d->a.level = 1;
    d->a.serves = TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA;
    d->a.kind = TIDE_TLB_lru;
    if (value->type != TIDE_YAML_MAPPING) {
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, value->place, "a TLB array must be a mapping"),
            "like {name: l1d, level: 1, for: data, entries: 64, ways: 4}");
        return;
    }
    for (size_t i = 0; i < value->n; i++)
        read_array_key(l, d, value->keys[i]->text, value->keys[i]->place, value->values[i]);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (tide_yaml_get(value, required[i]) == NULL)
            tide_problem_at(&l->problems, value->place, "the TLB array lacks '%s'", required[i]);
    if (tide_yaml_get(value, "page_size") != NULL && tide_yaml_get(value, "page_sizes") != NULL)
        tide_problem_at(&l->problems, value->place, "page_size and page_sizes are given both");
}

bool tide_array_serves(const struct tide_tlb_array_config *a, unsigned page_shift)
{
    for (unsigned i = 0; i < a->n_sizes; i++)
        if (a->page_shifts[i] == page_shift)
            return true;
    return a->n_sizes == 0;
}

/* The normal form: no list of sizes for an array that serves the machine's page size. */
static void follow_page_size(struct tide_tlb_array_config *a, unsigned page_shift)
{
    if (!tide_array_serves(a, page_shift))
        return;
    a->n_sizes = 0;
    memset(a->page_shifts, 0, sizeof a->page_shifts);
}

/* Reads the arrays of a list; returns their number. */
static unsigned read_arrays(struct tide_load *l, const struct tide_yaml *list,
                            struct draft drafts[TIDE_TLB_MAX_ARRAYS])
{
    if (list->type != TIDE_YAML_SEQUENCE || list->n == 0 || list->n > TIDE_TLB_MAX_ARRAYS) {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, list->place,
                                          "a TLB is 'none', a preset or a list of 1 to %d arrays",
                                          TIDE_TLB_MAX_ARRAYS),
                          "like [{name: l1d, level: 1, for: data, entries: 64, ways: 4}]");
        return 0;
    }
    for (size_t i = 0; i < list->n; i++)
        read_array(l, list->values[i], &drafts[i]);
    return (unsigned)list->n;
}

/* l1d.entries: value */
static void tweak_array(struct tide_load *l, const struct tide_tweak *t, struct draft *drafts,
                        unsigned n)
{
    size_t length = strcspn(t->path, ".");
    const char *names[TIDE_TLB_MAX_ARRAYS];
    char name[64];

    snprintf(name, sizeof name, "%.*s", (int)length, t->path);
    for (unsigned i = 0; i < n; i++) {
        names[i] = drafts[i].a.name;
        if (strcmp(names[i], name) == 0) {
            read_array_key(l, &drafts[i], t->path[length] == '.' ? t->path + length + 1 : "",
                           t->value->place, t->value);
            return;
        }
    }
    tide_problem_suggest(
        &l->problems,
        tide_problem_at(&l->problems, t->value->place, "the TLB has no array '%s'", name), name,
        names, n);
}

/* Leaves only the arrays of a preset that serve the machine's page size. */
static unsigned select_arrays(struct tide_load *l, const char *preset, struct tide_place at,
                              unsigned page_shift, struct draft *drafts, unsigned n)
{
    char list[160] = "", size[24];
    uint64_t sizes = 0;
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < drafts[i].a.n_sizes; k++)
            sizes |= UINT64_C(1) << drafts[i].a.page_shifts[k];
        if (tide_array_serves(&drafts[i].a, page_shift))
            drafts[kept++] = drafts[i];
    }
    if (kept > 0)
        return kept;
    for (unsigned shift = 0; shift < 64; shift++) {
        if ((sizes >> shift & 1) == 0)
            continue;
        tide_format_size(UINT64_C(1) << shift, size, sizeof size);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s",
                 list[0] != '\0' ? ", " : "", size);
    }
    tide_format_size(UINT64_C(1) << page_shift, size, sizeof size);
    tide_problem_hint(&l->problems,
                      tide_problem_at(&l->problems, at, "TLB preset '%s' has no array for %s pages",
                                      preset, size),
                      "it has some for %s", list);
    return 0;
}

/* Ways, sizes and shape of the arrays as read; into *t. */
static void finish_arrays(struct tide_load *l, struct draft *drafts, unsigned n,
                          unsigned page_shift, bool final, struct tide_tlb_config *t)
{
    *t = (struct tide_tlb_config){.n = n};
    for (unsigned i = 0; i < n; i++) {
        struct tide_tlb_array_config *a = &drafts[i].a;
        struct tide_tlb_config one = {.n = 1};
        struct tide_error e;

        if (drafts[i].full)
            a->ways = a->entries;
        follow_page_size(a, page_shift);
        t->arrays[i] = *a;
        /* Its shape alone, so that the message can point at the array. */
        one.arrays[0] = *a;
        one.arrays[0].level = 1;
        one.arrays[0].n_sizes = 0;
        if (final && tide_tlb_check(&one, page_shift, &e) != 0)
            tide_problem_from(l, drafts[i].at, "", &e);
    }
}

static void apply_tlb(struct tide_load *l, const struct tide_layer *layer, bool final,
                      struct tide_machine_config *c)
{
    const struct tide_yaml *value = layer->slot[TIDE_KEY_TLB];
    const struct tide_preset *preset = NULL;
    struct draft drafts[TIDE_TLB_MAX_ARRAYS];
    size_t before = l->problems.raised;
    unsigned n = 0;
    bool tweaked = false;

    for (size_t i = 0; i < layer->n_tweaks; i++)
        tweaked = tweaked || layer->tweaks[i].key == TIDE_KEY_TLB;
    if (value == NULL && !tweaked)
        return;
    if (value == NULL) {
        for (; n < c->tlb.n; n++)
            drafts[n] = (struct draft){
                c->tlb.arrays[n], c->tlb.arrays[n].ways == c->tlb.arrays[n].entries, layer->root};
    } else if (value->type != TIDE_YAML_SCALAR) {
        n = read_arrays(l, value, drafts);
    } else if (strcmp(value->text, "none") != 0) {
        preset = tide_preset_find(l, value->text, value->place);
        if (preset == NULL)
            return;
        n = read_arrays(l, preset->tlb, drafts);
        if (final && l->problems.raised == before)
            n = select_arrays(l, preset->name, value->place, c->page_shift, drafts, n);
    }
    for (size_t i = 0; i < layer->n_tweaks; i++) {
        size_t so_far = l->problems.raised;

        if (layer->tweaks[i].key != TIDE_KEY_TLB)
            continue;
        tweak_array(l, &layer->tweaks[i], drafts, n);
        for (unsigned k = 0; k < n && l->problems.raised == so_far; k++)
            drafts[k].at = layer->tweaks[i].value->place;
    }
    if (l->problems.raised != before)
        return;
    finish_arrays(l, drafts, n, c->page_shift, final, &c->tlb);
    if (preset != NULL && preset->walk_caches != NULL &&
        layer->slot[TIDE_KEY_PT_WALK_CACHES] == NULL)
        apply_walk_caches(l, preset->walk_caches, true, final, c);
}

/* ---- the rest ---- */

static void apply_words(struct tide_load *l, const struct tide_layer *layer,
                        struct tide_machine_config *c)
{
    static const char *const kinds[] = {"radix", NULL}, *const caches[] = {"cold", "warm", NULL},
                             *const answers[] = {"no", "yes", "false", "true", NULL};
    static const struct {
        enum tide_key key;
        const char *what;
        const char *const *names;
    } words[] = {
        {TIDE_KEY_OBSERVE, "way to observe references", tide_observe_names},
        {TIDE_KEY_FLUSH_ON_CLEAR, "answer", answers},
        {TIDE_KEY_REFERENCES, "way to show references", tide_references_names},
        {TIDE_KEY_PT_KIND, "kind of page table", kinds},
        {TIDE_KEY_PAGE_CACHE, "state of the page cache", caches},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct tide_yaml *value = layer->slot[words[i].key];
        size_t n = 0;
        int choice;

        if (value == NULL)
            continue;
        while (words[i].names[n] != NULL)
            n++;
        choice = tide_read_choice(l, value, tide_key_path(words[i].key), words[i].what,
                                  words[i].names, n);
        if (choice < 0)
            continue;
        if (words[i].key == TIDE_KEY_OBSERVE)
            c->observe = (enum tide_observe)choice;
        else if (words[i].key == TIDE_KEY_FLUSH_ON_CLEAR)
            c->flush_on_clear = choice % 2 == 1;
        else if (words[i].key == TIDE_KEY_REFERENCES)
            c->references = (enum tide_references)choice;
        else if (words[i].key == TIDE_KEY_PAGE_CACHE)
            c->page_cache_warm = choice == 1;
    }
}

static void apply_numbers(struct tide_load *l, const struct tide_layer *layer,
                          struct tide_machine_config *c)
{
    const struct {
        enum tide_key key;
        uint64_t *out;
    } numbers[] = {
        {TIDE_KEY_COST_MEMORY, &c->costs.memory},
        {TIDE_KEY_COST_WALK_REF, &c->costs.walk_ref},
        {TIDE_KEY_COST_MINOR_FAULT, &c->costs.minor_fault},
        {TIDE_KEY_COST_MAJOR_FAULT, &c->costs.major_fault},
        {TIDE_KEY_COST_WRITEBACK, &c->costs.writeback},
        {TIDE_KEY_SEED, &c->seed},
        {TIDE_KEY_WARMUP, &c->warmup},
        {TIDE_KEY_SKIP, &c->skip},
        {TIDE_KEY_LIMIT, &c->limit},
        {TIDE_KEY_OUTPUT_INTERVAL, &c->interval},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct tide_yaml *value = layer->slot[numbers[i].key];

        if (value == NULL)
            continue;
        if (numbers[i].key == TIDE_KEY_LIMIT && value->type == TIDE_YAML_SCALAR &&
            strcmp(value->text, "all") == 0)
            c->limit = UINT64_MAX;
        else
            tide_read_number(l, value, tide_key_path(numbers[i].key),
                             numbers[i].key == TIDE_KEY_SEED ? tide_parse_u64 : tide_parse_count,
                             numbers[i].out);
    }
}

/* Messages about a whole machine begin with the key that is wrong, with or without its groups. */
static struct tide_place place_of_message(const struct tide_layer *layer, const char *what)
{
    static const enum tide_key otherwise[] = {TIDE_KEY_POLICY, TIDE_KEY_OBSERVE};

    for (int key = 0; key < TIDE_KEYS; key++) {
        const char *path = tide_key_path((enum tide_key)key), *dot = strrchr(path, '.');
        const char *name = dot != NULL ? dot + 1 : path;

        if (layer->slot[key] != NULL &&
            (strncmp(what, path, strlen(path)) == 0 || strncmp(what, name, strlen(name)) == 0))
            return layer->slot[key]->place;
    }
    return place(layer, otherwise, 2);
}

static void check(struct tide_load *l, const struct tide_layer *layer,
                  const struct tide_machine_config *c)
{
    static const enum tide_key for_tlb[] = {TIDE_KEY_TLB, TIDE_KEY_PAGE_SIZE},
                               for_table[] = {TIDE_KEY_PT_BITS, TIDE_KEY_PT_LEVELS,
                                              TIDE_KEY_PT_ENTRY_BYTES, TIDE_KEY_PT_WALK_CACHES,
                                              TIDE_KEY_PAGE_SIZE};
    size_t before = l->problems.raised;
    struct tide_error e;
    unsigned va_bits;

    if (tide_tlb_check(&c->tlb, c->page_shift, &e) != 0)
        tide_problem_from(l, place(layer, for_tlb, 2), "", &e);
    if (tide_pagetable_check(&c->pagetable, c->page_shift, &va_bits, &e) != 0)
        tide_problem_from(l, place(layer, for_table, 5), "", &e);
    if (l->problems.raised == before && tide_machine_check(c, &e) != 0)
        tide_problem_from(l, place_of_message(layer, e.what), "", &e);
}

void tide_machine_apply(struct tide_load *l, const struct tide_layer *layer, bool final,
                        struct tide_machine_config *c)
{
    const struct tide_yaml *entry_bytes = layer->slot[TIDE_KEY_PT_ENTRY_BYTES];
    const struct tide_yaml *walk_caches = layer->slot[TIDE_KEY_PT_WALK_CACHES];
    size_t before = l->problems.raised;

    for (unsigned i = 0; i < c->tlb.n; i++)
        follow_page_size(&c->tlb.arrays[i], c->page_shift); /* before it changes */
    apply_page_size(l, layer, c);
    apply_size_of_memory(l, layer, c);
    apply_policy(l, layer, c);
    apply_words(l, layer, c);
    apply_radix(l, layer, c);
    if (entry_bytes != NULL)
        read_number32(l, entry_bytes, tide_key_path(TIDE_KEY_PT_ENTRY_BYTES),
                      &c->pagetable.entry_bytes);
    if (walk_caches != NULL)
        apply_walk_caches(l, walk_caches, false, final, c);
    apply_tlb(l, layer, final, c);
    apply_numbers(l, layer, c);
    if (final && l->problems.raised == before)
        check(l, layer, c);
}

/* One setting of a command line: key and value as a layer of their own. The machine around it may
 * not be complete yet, but a TLB preset needs a page size: the one that the machine has by now. */
int tide_machine_set(struct tide_machine_config *c, const char *key, const char *value,
                     struct tide_error *e)
{
    struct tide_machine_config fresh = *c;
    const struct tide_source *source;
    const struct tide_yaml *node = NULL;
    struct tide_layer layer = {0};
    struct tide_load l;
    char path[128];
    int rc = 0;

    tide_load_init(&l);
    snprintf(path, sizeof path, "machine.%s", key);
    if (tide_path_sweepable(key))
        snprintf(path, sizeof path, "%s", key);
    source = tide_load_source(&l, key, value, strlen(value), true);
    if (source != NULL)
        node = tide_yaml_parse(source, &l.problems);
    if (node != NULL) {
        layer.root = node->place;
        tide_layer_set(&l, &layer, path, node->place, node);
        tide_machine_apply(&l, &layer, true, &fresh);
    }
    if (l.problems.out_of_memory)
        rc = tide_nomem(e);
    else if (l.problems.first != NULL)
        rc = tide_problems_error(&l.problems, e);
    else
        *c = fresh;
    tide_load_fini(&l);
    return rc;
}
