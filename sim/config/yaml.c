/* YAML text as a tree: see yaml.h. */
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

struct builder {
    yaml_parser_t parser;
    const struct tide_source *source;
    struct tide_problems *ps;
    bool stopped; /* a syntax error: libyaml can't go on */
};

static struct tide_place place_of(const struct builder *b, yaml_mark_t from, yaml_mark_t to)
{
    size_t width = from.line == to.line && to.column > from.column ? to.column - from.column : 1;

    return (struct tide_place){b->source, from.line, from.column, width};
}

/* libyaml tells the place of a byte that is not UTF-8 by its offset only. */
static struct tide_place place_of_byte(const struct tide_source *s, size_t offset)
{
    struct tide_place at = {.source = s, .width = 1};

    /* of a broken character: its first byte */
    while (offset > 0 && offset < s->n && ((unsigned char)s->text[offset - 1] & 0x80) != 0)
        offset--;
    for (size_t i = 0; i < offset && i < s->n; i++) {
        if (s->text[i] == '\n') {
            at.line++;
            at.column = 0;
        } else if (((unsigned char)s->text[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static void syntax_error(struct builder *b)
{
    const yaml_parser_t *y = &b->parser;
    struct tide_problem *p;

    b->stopped = true;
    if (y->error == YAML_MEMORY_ERROR) {
        b->ps->out_of_memory = true;
        return;
    }
    if (y->error == YAML_READER_ERROR) {
        p = tide_problem_at(b->ps, place_of_byte(b->source, y->problem_offset), "%s", y->problem);
        tide_problem_hint(b->ps, p, "a configuration is text in UTF-8");
        return;
    }
    p = tide_problem_at(b->ps, place_of(b, y->problem_mark, y->problem_mark), "%s%s%s", y->problem,
                        y->context != NULL ? " " : "", y->context != NULL ? y->context : "");
    if (y->context != NULL && strstr(y->context, "alias") != NULL)
        tide_problem_hint(b->ps, p, "text that begins with * needs quotes: '*.gz'");
    else if (strstr(y->problem, "cannot start any token") != NULL)
        tide_problem_hint(b->ps, p, "indent with blanks; quote text that begins like this");
    else if (y->context != NULL && y->context_mark.line != y->problem_mark.line)
        tide_problem_hint(b->ps, p, "it began in line %zu", y->context_mark.line + 1);
}

static bool next_event(struct builder *b, yaml_event_t *event)
{
    if (b->stopped)
        return false;
    if (!yaml_parser_parse(&b->parser, event)) {
        syntax_error(b);
        return false;
    }
    return true;
}

static void refuse_decoration(struct builder *b, struct tide_place at, const void *anchor,
                              const void *tag)
{
    if (anchor != NULL)
        tide_problem_hint(b->ps, tide_problem_at(b->ps, at, "anchors are not used here"),
                          "settings that experiments share go in defaults:");
    if (tag != NULL)
        tide_problem_hint(b->ps, tide_problem_at(b->ps, at, "tags are not used here"),
                          "write the plain value");
}

static struct tide_yaml *new_node(struct builder *b, enum tide_yaml_type type, struct tide_place at)
{
    struct tide_yaml *node = tide_arena_alloc(b->ps->arena, sizeof *node);

    if (node == NULL) {
        b->ps->out_of_memory = true;
        b->stopped = true;
        return NULL;
    }
    node->type = type;
    node->place = at;
    node->text = "";
    return node;
}

static const struct tide_yaml *build(struct builder *b, const yaml_event_t *event, unsigned depth);

static const struct tide_yaml *build_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct tide_yaml *node =
        new_node(b, TIDE_YAML_SCALAR, place_of(b, event->start_mark, event->end_mark));

    if (node == NULL)
        return NULL;
    refuse_decoration(b, node->place, event->data.scalar.anchor, event->data.scalar.tag);
    if (strlen(text) != length)
        tide_problem_at(b->ps, node->place, "a NUL byte has no place in a value");
    node->text = tide_arena_copy(b->ps->arena, text, length);
    if (node->text == NULL) {
        b->ps->out_of_memory = true;
        b->stopped = true;
        return NULL;
    }
    return node;
}

/* Children of a collection while their number is not known; on the heap, as they grow. */
struct children {
    const struct tide_yaml **list;
    size_t n, cap;
};

static bool append(struct builder *b, struct children *c, const struct tide_yaml *child)
{
    const struct tide_yaml **grown;

    if (child == NULL)
        return false;
    grown = tide_grow(c->list, &c->cap, c->n + 1, sizeof *grown);
    if (grown == NULL) {
        b->ps->out_of_memory = true;
        b->stopped = true;
        return false;
    }
    c->list = grown;
    c->list[c->n++] = child;
    return true;
}

static bool keep(struct builder *b, const struct children *c, struct tide_yaml *node)
{
    size_t step = node->type == TIDE_YAML_MAPPING ? 2 : 1;
    const struct tide_yaml **both = tide_arena_alloc(b->ps->arena, (c->n + 1) * sizeof *both);

    if (both == NULL) {
        b->ps->out_of_memory = true;
        b->stopped = true;
        return false;
    }
    node->n = c->n / step;
    node->values = both;
    node->keys = step == 2 ? both + node->n : NULL;
    for (size_t i = 0; i < node->n; i++) {
        node->values[i] = c->list[i * step + step - 1];
        if (step == 2)
            node->keys[i] = c->list[i * step];
    }
    return true;
}

static void check_keys(struct builder *b, const struct tide_yaml *node)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct tide_yaml *key = node->keys[i];

        if (key->type != TIDE_YAML_SCALAR) {
            tide_problem_at(b->ps, key->place, "a key must be a plain word");
            continue;
        }
        if (strcmp(key->text, "<<") == 0)
            tide_problem_hint(b->ps,
                              tide_problem_at(b->ps, key->place, "merge keys are not used here"),
                              "settings that experiments share go in defaults:");
        for (size_t j = 0; j < i; j++) {
            if (node->keys[j]->type != TIDE_YAML_SCALAR ||
                strcmp(key->text, node->keys[j]->text) != 0)
                continue;
            tide_problem_hint(b->ps,
                              tide_problem_at(b->ps, key->place, "duplicate key '%s'", key->text),
                              "first in line %zu", node->keys[j]->place.line + 1);
            break;
        }
    }
}

static const struct tide_yaml *build_collection(struct builder *b, const yaml_event_t *event,
                                                unsigned depth)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    yaml_event_type_t last = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    struct tide_yaml *node = new_node(b, mapping ? TIDE_YAML_MAPPING : TIDE_YAML_SEQUENCE,
                                      place_of(b, event->start_mark, event->end_mark));
    struct children children = {0};
    bool ok = node != NULL;

    if (!ok)
        return NULL;
    if (mapping)
        refuse_decoration(b, node->place, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    else
        refuse_decoration(b, node->place, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    if (depth == TIDE_YAML_MAX_DEPTH) {
        tide_problem_at(b->ps, node->place, "nested more than %d levels deep", TIDE_YAML_MAX_DEPTH);
        b->stopped = true;
        return NULL;
    }
    while (ok) {
        yaml_event_t child;

        if (!(ok = next_event(b, &child)))
            break;
        if (child.type == last) {
            /* A flow collection on one line is underlined as a whole, a block one at its start. */
            if (event->start_mark.index < event->end_mark.index)
                node->place = place_of(b, event->start_mark, child.end_mark);
            yaml_event_delete(&child);
            break;
        }
        ok = append(b, &children, build(b, &child, depth + 1));
        yaml_event_delete(&child);
    }
    ok = ok && keep(b, &children, node);
    free(children.list);
    if (ok && mapping)
        check_keys(b, node);
    return ok ? node : NULL;
}

static const struct tide_yaml *build(struct builder *b, const yaml_event_t *event, unsigned depth)
{
    struct tide_place at = place_of(b, event->start_mark, event->end_mark);
    struct tide_yaml *node;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return build_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return build_collection(b, event, depth);
    default: /* an alias: the only other event that stands for a node */
        tide_problem_hint(b->ps, tide_problem_at(b->ps, at, "aliases are not used here"),
                          "quote text that begins with *; shared settings go in defaults:");
        node = new_node(b, TIDE_YAML_SCALAR, at);
        if (node != NULL)
            node->refused = true;
        return node;
    }
}

const struct tide_yaml *tide_yaml_parse(const struct tide_source *s, struct tide_problems *ps)
{
    struct builder b = {.source = s, .ps = ps};
    const struct tide_yaml *root = NULL;
    size_t before = ps->raised;
    bool more = true;

    if (!yaml_parser_initialize(&b.parser)) {
        ps->out_of_memory = true;
        return NULL;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)s->text, s->n);
    while (more) {
        yaml_event_t event;

        if (!next_event(&b, &event))
            break;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            more = false;
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (root != NULL) {
                tide_problem_hint(ps,
                                  tide_problem_at(ps,
                                                  place_of(&b, event.start_mark, event.end_mark),
                                                  "a second document begins"),
                                  "several experiments of one file go under experiments:");
                more = false;
            }
            break;
        default:
            root = build(&b, &event, 0);
        }
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&b.parser);
    if (root == NULL && ps->raised == before && !ps->out_of_memory)
        tide_problem_at(ps, (struct tide_place){s, 0, 0, 1}, "there is nothing in it");
    return b.stopped ? NULL : root;
}

const struct tide_yaml *tide_yaml_get(const struct tide_yaml *mapping, const char *key)
{
    for (size_t i = 0; i < mapping->n; i++)
        if (mapping->keys[i]->type == TIDE_YAML_SCALAR && strcmp(mapping->keys[i]->text, key) == 0)
            return mapping->values[i];
    return NULL;
}
