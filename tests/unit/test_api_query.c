/* query: what a query string may say, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/query.h"

struct request {
        char name[8];
        int word;
        unsigned limit;
        int64_t start, seconds;
        bool has_name, has_word, has_limit, has_start, has_seconds;
};

static const char *const words[] = {"up", "down", NULL};
#define AT(member)                                                                                 \
        .offset = offsetof(struct request, member),                                                \
        .present = offsetof(struct request, has_##member)
static const struct field fields[] = {
        {.name = "name", .type = FIELD_TEXT, AT(name), .size = 8},
        {.name = "word", .type = FIELD_WORD, AT(word), .words = words},
        {.name = "limit", .type = FIELD_UINT, AT(limit), .size = 1000},
        {.name = "start", .type = FIELD_TIME, AT(start)},
        {.name = "seconds", .type = FIELD_SECONDS, AT(seconds)},
};

static enum errc read_query(struct request *out, const char *query, struct err *err)
{
        *out = (struct request){.limit = 0};
        *err = (struct err){.code = E_OK};
        return query_read(out, query, fields, sizeof fields / sizeof *fields, err);
}

static void a_query_is_read_whole(void **state)
{
        struct request r;
        struct err err;

        (void)state;
        assert_int_equal(read_query(&r, "name=a%3Ab&word=down&limit=1000&start=0", &err), E_OK);
        assert_string_equal(r.name, "a:b");
        assert_int_equal(r.word, 1);
        assert_int_equal(r.limit, 1000);
        assert_true(r.has_start && r.start == 0);
        assert_int_equal(read_query(&r, "", &err), E_OK);
        assert_false(r.has_name || r.has_word || r.has_limit || r.has_start);
        assert_int_equal(read_query(&r, "&&limit=7&", &err), E_OK);
        assert_int_equal(r.limit, 7);
        assert_int_equal(read_query(&r, "start=253402300799999", &err), E_OK);
}

static void seconds_have_a_sign(void **state)
{
        static const char *const wrong[] = {"-",   "--1",           "+1",           "1.5",
                                            "1e9", "-253402300800", "253402300800", "1-"};
        struct request r;
        struct err err;
        char query[64];

        (void)state;
        assert_int_equal(read_query(&r, "seconds=-253402300799", &err), E_OK);
        assert_true(r.has_seconds && r.seconds == INT64_C(-253402300799));
        assert_int_equal(read_query(&r, "seconds=0", &err), E_OK);
        assert_int_equal(r.seconds, 0);
        assert_int_equal(read_query(&r, "start=-1", &err), E_INVALID); /* of seconds alone */
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                snprintf(query, sizeof query, "seconds=%s", wrong[i]);
                assert_int_equal(read_query(&r, query, &err), E_INVALID);
                assert_string_equal(err.field[0].path, "seconds");
        }
}

static void each_bad_parameter_is_named(void **state)
{
        static const struct {
                const char *query, *field;
        } cases[] = {
                {"limit=0", "limit"},
                {"limit=1001", "limit"},
                {"limit=-1", "limit"},
                {"limit=1.0", "limit"},
                {"limit=1e2", "limit"},
                {"limit=%2B1", "limit"},
                {"limit=01", "limit"},
                {"limit=", "limit"},
                {"limit", "limit"},
                {"limit=5&limit=6", "limit"},
                {"limit=99999999999999999999", "limit"},
                {"start=253402300800000", "start"},
                {"start=yesterday", "start"},
                {"word=left", "word"},
                {"word=", "word"},
                {"name=12345678", "name"},
                {"name=%", "name"},
                {"name=%zz", "name"},
                {"name=%00", "name"},
                {"name=%ff", "name"},
                {"name=%0a", "name"},
                {"nmae=a", "nmae"},
        };
        struct request r;
        struct err err;

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                if (read_query(&r, cases[i].query, &err) != E_INVALID)
                        fail_msg("%s was taken", cases[i].query);
                assert_string_equal(err.field[0].path, cases[i].field);
        }
}

static void a_long_value_is_refused(void **state)
{
        char query[QUERY_VALUE_MAX + 32] = "name=";
        struct request r;
        struct err err;

        (void)state;
        memset(query + 5, 'x', QUERY_VALUE_MAX);
        assert_int_equal(read_query(&r, query, &err), E_INVALID);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_query_is_read_whole),
                cmocka_unit_test(seconds_have_a_sign),
                cmocka_unit_test(each_bad_parameter_is_named),
                cmocka_unit_test(a_long_value_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
