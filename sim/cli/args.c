/* Reading arguments by a command's own table of flags: see cli.h.
 *
 * Not getopt_long(): its messages can't name the nearest flag, and a second table would have to be
 * kept beside the one that help is made from.
 */
#include <stdarg.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"
#include "cli/cli.h"

enum { MOST_FLAGS = 32 };

int cli_usage(const struct cli_args *args, struct tide_error *e, const char *what, ...)
{
    char text[sizeof e->what];
    va_list ap;

    va_start(ap, what);
    vsnprintf(text, sizeof text, what, ap);
    va_end(ap);
    tide_fail(e, TIDE_E_USAGE, "%s", text);
    tide_error_where(e, "%s", args->command->name);
    tide_error_remedy(e, "see: pagetide help %s", args->command->name);
    return TIDE_E_USAGE;
}

static int unknown_flag(const struct cli_args *args, const char *given, size_t length,
                        struct tide_error *e)
{
    const char *names[MOST_FLAGS];
    char word[64];
    const char *near;
    size_t n = 0;

    for (const struct cli_flag *f = args->command->flags; f != NULL && f->id != 0; f++)
        names[n++] = f->name;
    snprintf(word, sizeof word, "%.*s", (int)length, given);
    near = tide_nearest(word, names, n);
    cli_usage(args, e, "unknown option '--%s'", word);
    if (near != NULL)
        tide_error_remedy(e, "did you mean '--%s'? see: pagetide help %s", near,
                          args->command->name);
    return TIDE_E_USAGE;
}

static int long_flag(struct cli_args *args, const char *text, const char **value,
                     struct tide_error *e)
{
    size_t length = strcspn(text, "=");

    for (const struct cli_flag *f = args->command->flags; f != NULL && f->id != 0; f++) {
        if (strlen(f->name) != length || strncmp(f->name, text, length) != 0)
            continue;
        if (f->arg == NULL && text[length] == '=')
            return cli_usage(args, e, "--%s takes no value", f->name);
        if (f->arg == NULL)
            return f->id;
        if (text[length] == '=')
            *value = text + length + 1;
        else if (args->at < args->argc)
            *value = args->argv[args->at++];
        else
            return cli_usage(args, e, "--%s needs a value: %s", f->name, f->arg);
        return f->id;
    }
    return unknown_flag(args, text, length, e);
}

static int short_flag(struct cli_args *args, const char **value, struct tide_error *e)
{
    char letter = *args->cluster++;

    for (const struct cli_flag *f = args->command->flags; f != NULL && f->id != 0; f++) {
        if (f->id != letter)
            continue;
        if (f->arg == NULL)
            return f->id;
        if (*args->cluster != '\0')
            *value = args->cluster;
        else if (args->at < args->argc)
            *value = args->argv[args->at++];
        else
            return cli_usage(args, e, "-%c needs a value: %s", letter, f->arg);
        args->cluster = NULL;
        return f->id;
    }
    return cli_usage(args, e, "unknown option '-%c'", letter);
}

int cli_next(struct cli_args *args, const char **value, struct tide_error *e)
{
    const char *text;

    *value = NULL;
    if (args->cluster != NULL && *args->cluster != '\0')
        return short_flag(args, value, e);
    args->cluster = NULL;
    if (args->at >= args->argc)
        return CLI_END;
    text = args->argv[args->at++];
    if (args->words_only || text[0] != '-' || text[1] == '\0') { /* "-" is standard input */
        *value = text;
        return CLI_WORD;
    }
    if (strcmp(text, "--") == 0) {
        args->words_only = true;
        return cli_next(args, value, e);
    }
    if (text[1] == '-')
        return long_flag(args, text + 2, value, e);
    args->cluster = text + 1;
    return short_flag(args, value, e);
}

int cli_count(const struct cli_args *args, const char *flag, const char *value, uint64_t min,
              uint64_t max, uint64_t *out, struct tide_error *e)
{
    struct tide_error why;

    if (tide_parse_count(value, out, &why) != 0)
        return cli_usage(args, e, "%s: %.400s", flag, why.what);
    if (*out < min || *out > max)
        return cli_usage(args, e, "%s: %s is not within %llu..%llu", flag, value,
                         (unsigned long long)min, (unsigned long long)max);
    return 0;
}

int cli_set(const char *flag, struct tide_machine_config *c, const char *key, const char *value,
            struct tide_error *e)
{
    int rc = tide_machine_set(c, key, value, e);

    if (rc != TIDE_E_CONFIG)
        return rc;
    e->code = TIDE_E_USAGE;
    tide_error_where(e, "%s %.200s", flag, value);
    return TIDE_E_USAGE;
}

int cli_engine(const struct cli_args *args, const char *value, enum tide_engine *out,
               struct tide_error *e)
{
    if (strcmp(value, "fast") == 0)
        *out = TIDE_ENGINE_FAST;
    else if (strcmp(value, "plain") == 0)
        *out = TIDE_ENGINE_PLAIN;
    else
        return cli_usage(args, e, "--engine: '%s' is neither fast nor plain", value);
    return 0;
}

int cli_memory(struct tide_machine_config *c, const char *text, struct tide_error *e)
{
    size_t n = strlen(text);
    char frames[64];
    int rc;

    if (n > 0 && text[n - 1] == '%')
        return cli_set("-m", c, "frames", text, e);
    if (n > 1 && n <= sizeof frames && text[n - 1] == 'f') {
        snprintf(frames, sizeof frames, "%.*s", (int)(n - 1), text);
        rc = cli_set("-m", c, "frames", frames, e);
        if (rc == TIDE_E_USAGE)
            tide_error_where(e, "-m %s", text);
        return rc;
    }
    if (n > 0 && strspn(text, "0123456789") == n) {
        tide_fail(e, TIDE_E_USAGE, "%.200s of what?", text);
        tide_error_where(e, "-m");
        tide_error_remedy(e,
                          "%.40sf is frames, %.40s%% a share of the trace's pages, %.40sM memory",
                          text, text, text);
        return TIDE_E_USAGE;
    }
    return cli_set("-m", c, "memory", text, e);
}
