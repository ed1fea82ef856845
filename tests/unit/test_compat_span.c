/* compat_span: a member's value, byte for byte as it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compat/compat_span.h"

static void expect(const char *text, const char *key, const char *value)
{
        const char *at = NULL;
        size_t len = 0;

        if (!compat_span_find(&at, &len, text, strlen(text), key))
                fail_msg("%s: no %s", text, key);
        if (len != strlen(value) || memcmp(at, value, len) != 0)
                fail_msg("%s: %s is %.*s, expected %s", text, key, (int)len, at, value);
}

static void expect_none(const char *text, size_t len, const char *key)
{
        const char *at;
        size_t n;

        if (compat_span_find(&at, &n, text, len, key))
                fail_msg("%.*s: found %s: %.*s", (int)len, text, key, (int)n, at);
}

static void values_are_found_as_they_are_written(void **state)
{
        (void)state;
        expect("{\"a\":1}", "a", "1");
        expect(" {\n\"b\" : [1, 2] , \"a\"\t:  {\"x\": 1.0 ,\"y\":\"}\"}  }", "a",
               "{\"x\": 1.0 ,\"y\":\"}\"}");
        expect("{\"a\":\"\\\"a\\\":2\",\"b\":3}", "b", "3");
        expect("{\"a\":\"\\\\\",\"b\":true}", "b", "true");
        expect("{\"x\":{\"a\":1},\"a\":null}", "a", "null");
        expect("{\"x\":[{\"a\":1},\"]\"],\"a\":18446744073709551615}", "a", "18446744073709551615");
        expect("{\"\":0,\"a\":-1e5 }", "a", "-1e5");
        expect("{\"\":0,\"a\":-1e5 }", "", "0");
        expect("{\"a\":1,\"a\":2}", "a", "1"); /* whoever loads the text refuses the second one */
}

static void what_is_not_there_is_not_found(void **state)
{
        static const char *const texts[] = {
                "",
                "{",
                "{}",
                "[]",
                "\"a\"",
                "{\"a\"",
                "{\"a\":",
                "{\"a\":}",
                "{\"b\":1}",
                "{\"b\":1,",
                "{\"b\":[1}",
                "{a:1}",
                "{\"b\":\"",
                "{\"b\":\"\\",
                "{\"b\":{\"a\":1}}",
                "{\"\\u0061\":1}",
                "{\"b\" 1}",
                "{\"b\":]]",
                "{\"a\":[[]",
                "{\"a\":\"x",
                "{\"ab\":1}",
        };

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                expect_none(texts[i], strlen(texts[i]), "a");
}

/* A text ends where its length says, whatever stands behind. */
static void nothing_behind_the_end_is_read(void **state)
{
        static const char text[] = "{\"b\":1,\"a\":\"xyz\"}";

        (void)state;
        for (size_t len = 0; len < sizeof text - 2; len++)
                expect_none(text, len, "a");
        expect(text, "a", "\"xyz\"");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values_are_found_as_they_are_written),
                cmocka_unit_test(what_is_not_there_is_not_found),
                cmocka_unit_test(nothing_behind_the_end_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
