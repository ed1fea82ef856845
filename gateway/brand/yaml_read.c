#include "brand/yaml_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#define PATH_MAX_LEN 128

static void join_path(char *out, size_t cap, const char *path, const char *key)
{
        snprintf(out, cap, "%s%s%s", path, *path ? "." : "", key);
}

bool yaml_read_digits(const char *text, uint64_t max, uint64_t *out)
{
        uint64_t v = 0;

        if (!*text || (text[0] == '0' && text[1]))
                return false;
        for (; *text; text++) {
                unsigned digit = (unsigned)(*text - '0');
                if (*text < '0' || *text > '9' || v > (UINT64_MAX - digit) / 10)
                        return false;
                v = 10 * v + digit;
        }
        *out = v;
        return v <= max;
}

static void store_uint(void *at, size_t size, uint64_t v)
{
        uint16_t v16 = (uint16_t)v;
        uint32_t v32 = (uint32_t)v;

        must(size == sizeof v16 || size == sizeof v32 || size == sizeof v);
        if (size == sizeof v16)
                memcpy(at, &v16, size);
        else if (size == sizeof v32)
                memcpy(at, &v32, size);
        else
                memcpy(at, &v, size);
}

static bool has_control(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

static bool read_text(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      const struct yaml_field *f, void *at)
{
        size_t len = strlen(node->text);
        size_t max = f->max ? (size_t)f->max : f->size - 1;

        must(max < f->size);
        if (node->is_plain && len == 0) {
                problem_add(sink, node->line, "%s: expected %s, found nothing", path,
                            f->expected ? f->expected : "a text");
        } else if (len < (size_t)f->min || len > max) {
                problem_add(sink, node->line, "%s: expected %lld to %zu bytes, found %zu", path,
                            (long long)f->min, max, len);
        } else if (has_control(node->text)) {
                problem_add(sink, node->line, "%s: expected one line without control characters",
                            path);
        } else if (len > 0 && f->accepts && !f->accepts(node->text)) {
                problem_add(sink, node->line, "%s: expected %s, found \"%.80s\"", path, f->expected,
                            node->text);
        } else {
                memcpy(at, node->text, len + 1);
                return true;
        }
        return false;
}

static bool read_uint(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      const struct yaml_field *f, void *at)
{
        uint64_t v = 0;

        if (node->is_plain && yaml_read_digits(node->text, (uint64_t)f->max, &v) &&
            v >= (uint64_t)f->min) {
                store_uint(at, f->size, v);
                return true;
        }
        problem_add(sink, node->line,
                    "%s: expected a whole number from %lld to %lld, found %s%.40s%s", path,
                    (long long)f->min, (long long)f->max, node->is_plain ? "" : "\"", node->text,
                    node->is_plain ? "" : "\"");
        return false;
}

static bool read_bool(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      void *at)
{
        bool v = strcmp(node->text, "true") == 0;

        if (node->is_plain && (v || strcmp(node->text, "false") == 0)) {
                memcpy(at, &v, sizeof v);
                return true;
        }
        problem_add(sink, node->line, "%s: expected true or false, found \"%.40s\"", path,
                    node->text);
        return false;
}

static bool read_word(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      const struct yaml_field *f, void *at)
{
        char list[256] = "";

        for (unsigned i = 0; f->words[i]; i++) {
                size_t used = strlen(list);
                if (strcmp(node->text, f->words[i]) == 0) {
                        must(f->size == sizeof i);
                        memcpy(at, &i, sizeof i);
                        return true;
                }
                snprintf(list + used, sizeof list - used, "%s%s", i ? " or " : "", f->words[i]);
        }
        problem_add(sink, node->line, "%s: expected %s, found \"%.40s\"", path, list, node->text);
        return false;
}

static bool read_rate(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      const struct yaml_field *f, void *at)
{
        char min[NUM_STR_MAX], max[NUM_STR_MAX];
        struct rate r;

        if (num_parse_rate(&r, node->text, strlen(node->text)) == E_OK && r.v >= f->min &&
            r.v <= f->max) {
                memcpy(at, &r, sizeof r);
                return true;
        }
        problem_add(sink, node->line, "%s: expected a decimal from %s to %s, found \"%.40s\"", path,
                    num_print_rate(min, (struct rate){f->min}),
                    num_print_rate(max, (struct rate){f->max}), node->text);
        return false;
}

bool yaml_read_value(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                     const struct yaml_field *f, void *object)
{
        char *at = (char *)object + f->offset;

        if (node->kind == NODE_BAD)
                return false;
        if (node->kind != NODE_SCALAR) {
                problem_add(sink, node->line, "%s: expected a single value, found a %s", path,
                            node->kind == NODE_LIST ? "list" : "map");
                return false;
        }
        switch (f->type) {
        case FIELD_TEXT: return read_text(sink, path, node, f, at);
        case FIELD_UINT: return read_uint(sink, path, node, f, at);
        case FIELD_BOOL: return read_bool(sink, path, node, at);
        case FIELD_WORD: return read_word(sink, path, node, f, at);
        case FIELD_RATE: return read_rate(sink, path, node, f, at);
        case FIELD_MAP:
        case FIELD_CUSTOM: break;
        }
        must(f->type != FIELD_MAP && f->type != FIELD_CUSTOM);
        return false;
}

bool yaml_read_is_list(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       size_t max)
{
        if (node->kind == NODE_LIST && node->n <= max)
                return true;
        if (node->kind == NODE_LIST)
                problem_add(sink, node->line, "%s: expected at most %zu entries, found %zu", path,
                            max, node->n);
        else if (node->kind != NODE_BAD)
                problem_add(sink, node->line, "%s: expected a list", path);
        return false;
}

bool yaml_read_is_map(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      size_t max)
{
        if (node->kind == NODE_MAP && node->n <= max)
                return true;
        if (node->kind == NODE_MAP)
                problem_add(sink, node->line, "%s: expected at most %zu keys, found %zu", path, max,
                            node->n);
        else if (node->kind != NODE_BAD)
                problem_add(sink, node->line, "%s: expected keys with values", path);
        return false;
}

static const struct yaml_field *field_by_key(const struct yaml_field *fields, const char *key)
{
        for (; fields->key; fields++)
                if (strcmp(fields->key, key) == 0)
                        return fields;
        return NULL;
}

static void check_unknown(struct problem_sink *sink, const char *path, const struct yaml_node *map,
                          const struct yaml_field *fields)
{
        char known[400] = "";

        for (const struct yaml_field *f = fields; f->key; f++) {
                size_t used = strlen(known);
                snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", f->key);
        }
        for (size_t i = 0; i < map->n; i++) {
                const struct yaml_node *key = map->key[i];
                if (key->kind != NODE_SCALAR || field_by_key(fields, key->text))
                        continue;
                problem_add(sink, key->line, "%s%sexpected one of these keys: %s; found \"%.60s\"",
                            path, *path ? ": " : "", known, key->text);
        }
}

/* A fallback goes through the same reader as a written value. */
static void apply_fallback(struct problem_sink *sink, const char *path, const struct yaml_field *f,
                           unsigned line, void *object)
{
        struct yaml_node node = {.kind = NODE_SCALAR, .line = line, .is_plain = *f->fallback != 0};

        node.text = xstrdup(f->fallback);
        must(yaml_read_value(sink, path, &node, f, object));
        free(node.text);
}

static void read_field(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       unsigned line, const struct yaml_field *f, void *object)
{
        if (!node && f->required) {
                problem_add(sink, line, "%s: expected this key, which is required", path);
                return;
        }
        if (f->type == FIELD_MAP)
                yaml_read_map(sink, path, node, line, f->fields, object);
        else if (f->type == FIELD_CUSTOM)
                f->read(sink, path, node, object);
        else if (node)
                (void)yaml_read_value(sink, path, node, f, object);
        else if (f->fallback)
                apply_fallback(sink, path, f, line, object);
}

void yaml_read_map(struct problem_sink *sink, const char *path, const struct yaml_node *map,
                   unsigned line, const struct yaml_field *fields, void *object)
{
        if (map && !yaml_read_is_map(sink, *path ? path : "the file", map, YAML_DOC_NODES_MAX))
                return;
        if (map) {
                line = map->line;
                check_unknown(sink, path, map, fields);
        }
        for (const struct yaml_field *f = fields; f->key; f++) {
                char full[PATH_MAX_LEN];
                join_path(full, sizeof full, path, f->key);
                read_field(sink, full, yaml_doc_get(map, f->key), line, f, object);
        }
}
