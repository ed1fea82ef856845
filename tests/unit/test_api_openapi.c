/* openapi: schemas from field tables and from the shorthand, and the whole document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/openapi_build.h"
#include "api/openapi_schema.h"
#include "api/route.h"
#include "api/tables.h"

static json_t *parse(const char *text)
{
        json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

        assert_non_null(json);
        return json;
}

static void is(json_t *schema, const char *expected)
{
        json_t *wanted = parse(expected);
        char *text = json_dumps(schema, JSON_COMPACT | JSON_ENCODE_ANY);

        if (!json_equal(schema, wanted))
                fail_msg("%s is not %s", text, expected);
        free(text);
        json_decref(wanted);
        json_decref(schema);
}

static void expands(const char *shorthand, const char *expected)
{
        json_t *given = parse(shorthand);
        json_t *all = parse("{\"Base\":{\"a\":\"text\",\"b?\":\"integer\"}}");

        is(openapi_schema_expand(given, all), expected);
        json_decref(given);
        json_decref(all);
}

static void the_shorthand_expands(void **state)
{
        (void)state;
        expands("\"text\"", "{\"type\":\"string\"}");
        expands("\"any\"", "{}");
        expands("\"decimal\"", "{\"$ref\":\"#/components/schemas/Decimal\"}");
        expands("\"Base: one: of them\"",
                "{\"$ref\":\"#/components/schemas/Base\",\"description\":\"one: of them\"}");
        expands("\"integer|null\"", "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}");
        expands("\"buy|sell\"", "{\"type\":\"string\",\"enum\":[\"buy\",\"sell\"]}");
        expands("\"gtc|ioc|null\"", "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"enum\":"
                                    "[\"gtc\",\"ioc\"]}]}");
        expands("[\"boolean\"]", "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}");
        expands("{\"*\":\"integer\"}",
                "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}");
        expands("{\"...\":\"Base\",\"c\":\"boolean\"}",
                "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
                "\"integer\"},\"c\":{\"type\":\"boolean\"}},\"required\":[\"a\",\"c\"],"
                "\"additionalProperties\":false}");
        expands("{\"only?\":\"time\"}",
                "{\"type\":\"object\",\"properties\":{\"only\":{\"$ref\":"
                "\"#/components/schemas/Time\"}},\"additionalProperties\":false}");
}

static void a_table_says_what_its_reader_takes(void **state)
{
        (void)state;
        is(openapi_schema_table(&positions_leverage_table),
           "{\"type\":\"object\",\"properties\":{\"marginMode\":{\"type\":\"string\",\"enum\":"
           "[\"isolated\",\"cross\"]},\"leverage\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":"
           "1000}},\"required\":[\"leverage\"],\"additionalProperties\":false}");
        is(openapi_schema_table(&batch_place_table),
           "{\"type\":\"object\",\"properties\":{\"orders\":{\"type\":\"array\",\"items\":{"
           "\"type\":"
           "\"object\"},\"minItems\":1,\"maxItems\":20}},\"required\":[\"orders\"],"
           "\"additionalProperties\":false}");
}

static void every_route_is_in_the_document(void **state)
{
        char *text = openapi_build();
        json_t *document = parse(text);
        json_t *paths = json_object_get(document, "paths"), *item;
        size_t n = 0;
        const char *path;

        (void)state;
        json_object_foreach(paths, path, item) n += json_object_size(item);
        assert_int_equal(n, route_count());
        for (size_t i = 0; i < route_count(); i++)
                assert_non_null(json_object_get(paths, route_at(i)->path));
        assert_non_null(strstr(text, "{{name}}"));
        json_decref(document);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_shorthand_expands),
                cmocka_unit_test(a_table_says_what_its_reader_takes),
                cmocka_unit_test(every_route_is_in_the_document),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
