#include "api/openapi_schema.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/schema.h"
#include "base/mem.h"

#define WORD_MAX 64

static json_t *typed(const char *type)
{
        return json_pack("{s:s}", "type", type);
}

json_t *openapi_schema_ref(const char *name)
{
        char ref[128];
        int n = snprintf(ref, sizeof ref, "#/components/schemas/%s", name);

        must(n > 0 && (size_t)n < sizeof ref);
        return json_pack("{s:s}", "$ref", ref);
}

/* --- from field tables --- */

static json_t *text(size_t min, size_t max)
{
        return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength", (json_int_t)min,
                         "maxLength", (json_int_t)max);
}

static json_t *array(json_t *items, size_t max)
{
        return json_pack("{s:s, s:o, s:i, s:I}", "type", "array", "items", items, "minItems", 1,
                         "maxItems", (json_int_t)max);
}

static json_t *words(const char *const *word)
{
        json_t *all = json_array();

        for (; *word; word++)
                must(json_array_append_new(all, json_string(*word)) == 0);
        return json_pack("{s:s, s:o}", "type", "string", "enum", all);
}

json_t *openapi_schema_field(const struct field *f)
{
        const struct field_table sub = {f->sub, f->n_sub};

        switch (f->type) {
        case FIELD_TEXT: return text(1, f->size - 1);
        case FIELD_RAW: return text(0, f->size);
        case FIELD_PX:
        case FIELD_QTY:
        case FIELD_USD: return openapi_schema_ref("PositiveDecimal");
        case FIELD_SIGNED_USD: return openapi_schema_ref("Decimal");
        case FIELD_RATE: return openapi_schema_ref("Rate");
        case FIELD_WORD: return words(f->words);
        case FIELD_BOOL: return typed("boolean");
        case FIELD_UINT:
                return json_pack("{s:s, s:i, s:I}", "type", "integer", "minimum", 1, "maximum",
                                 (json_int_t)f->size);
        case FIELD_UINT_OR_NULL:
                return json_pack("{s:[s, s], s:i, s:I}", "type", "integer", "null", "minimum", 0,
                                 "maximum", (json_int_t)f->size);
        case FIELD_ADDRESS: return openapi_schema_ref("Address");
        case FIELD_TIME: return openapi_schema_ref("Time");
        case FIELD_SECONDS: return typed("integer");
        case FIELD_TEXTS: return array(text(0, f->size), FIELD_TEXTS_MAX);
        case FIELD_STRINGS: return array(typed("string"), f->size);
        case FIELD_LIST: return array(typed("object"), f->size);
        case FIELD_OBJECT: return openapi_schema_table(&sub);
        case FIELD_OBJECT_OR_NULL:
                return json_pack("{s:[o, o]}", "anyOf", openapi_schema_table(&sub), typed("null"));
        }
        never("field type");
}

static json_t *object_of(json_t *properties, json_t *required)
{
        json_t *object = json_pack("{s:s, s:o}", "type", "object", "properties", properties);

        if (json_array_size(required))
                must(json_object_set(object, "required", required) == 0);
        json_decref(required);
        must(json_object_set_new(object, "additionalProperties", json_false()) == 0);
        return object;
}

json_t *openapi_schema_table(const struct field_table *table)
{
        json_t *properties = json_object(), *required = json_array();

        for (size_t i = 0; i < table->n; i++) {
                const struct field *f = &table->field[i];
                must(json_object_set_new(properties, f->name, openapi_schema_field(f)) == 0);
                if (f->required)
                        must(json_array_append_new(required, json_string(f->name)) == 0);
        }
        return object_of(properties, required);
}

/* --- from shorthand --- */

/* A type of the shorthand by its word, or NULL when the word stands for itself. */
static json_t *named(const char *word)
{
        static const struct {
                const char *word, *schema;
        } refs[] = {{"decimal", "Decimal"}, {"time", "Time"}, {"address", "Address"}};

        if (*word >= 'A' && *word <= 'Z')
                return openapi_schema_ref(word);
        for (size_t i = 0; i < sizeof refs / sizeof *refs; i++)
                if (strcmp(word, refs[i].word) == 0)
                        return openapi_schema_ref(refs[i].schema);
        if (strcmp(word, "text") == 0)
                return typed("string");
        if (strcmp(word, "any") == 0)
                return json_object();
        if (strcmp(word, "integer") == 0 || strcmp(word, "number") == 0 ||
            strcmp(word, "boolean") == 0 || strcmp(word, "null") == 0 ||
            strcmp(word, "object") == 0)
                return typed(word);
        return NULL;
}

/* "a|b|null": either of types, or the words that it may be. */
static json_t *either(const char *s, size_t len)
{
        json_t *kinds = json_array(), *enumerated = json_array(), *schema;
        const char *end = s + len;

        while (s < end) {
                const char *bar = memchr(s, '|', (size_t)(end - s));
                size_t n = (size_t)((bar ? bar : end) - s);
                char word[WORD_MAX];
                json_t *kind;
                must(n > 0 && n < sizeof word);
                memcpy(word, s, n);
                word[n] = '\0';
                kind = named(word);
                must(kind ? json_array_append_new(kinds, kind) == 0
                          : json_array_append_new(enumerated, json_string(word)) == 0);
                s += n + (bar != NULL);
        }
        if (json_array_size(enumerated))
                must(json_array_append_new(kinds, json_pack("{s:s, s:O}", "type", "string", "enum",
                                                            enumerated)) == 0);
        schema = json_array_size(kinds) == 1 ? json_incref(json_array_get(kinds, 0))
                                             : json_pack("{s:O}", "anyOf", kinds);
        json_decref(kinds);
        json_decref(enumerated);
        return schema;
}

static json_t *expand_text(const char *s)
{
        const char *colon = strstr(s, ": ");
        json_t *schema = either(s, colon ? (size_t)(colon - s) : strlen(s));

        if (colon)
                must(json_object_set_new(schema, "description", json_string(colon + 2)) == 0);
        return schema;
}

static void add_members(json_t *properties, json_t *required, const json_t *shorthand,
                        const json_t *all)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)shorthand, key, value)
        {
                size_t n = strlen(key);
                bool optional = key[n - 1] == '?';
                if (strcmp(key, "...") == 0) {
                        const json_t *other = json_object_get(all, json_string_value(value));
                        must(other != NULL);
                        add_members(properties, required, other, all);
                        continue;
                }
                n -= optional;
                must(json_object_setn_new(properties, key, n, openapi_schema_expand(value, all)) ==
                     0);
                if (!optional)
                        must(json_array_append_new(required, json_stringn(key, n)) == 0);
        }
}

json_t *openapi_schema_expand(const json_t *shorthand, const json_t *all)
{
        const json_t *any_name = json_object_get(shorthand, "*");
        json_t *properties, *required;

        if (json_is_string(shorthand))
                return expand_text(json_string_value(shorthand));
        if (json_is_array(shorthand))
                return json_pack("{s:s, s:o}", "type", "array", "items",
                                 openapi_schema_expand(json_array_get(shorthand, 0), all));
        if (any_name)
                return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                                 openapi_schema_expand(any_name, all));
        properties = json_object();
        required = json_array();
        add_members(properties, required, shorthand, all);
        return object_of(properties, required);
}
