/* schema: lists, and objects that may be null. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/schema.h"
#include "base/num.h"

struct inner {
        struct px price;
};
struct outer {
        const json_t *list;
        struct inner object;
        bool has_object, object_is_null;
};

static const struct field inner_fields[] = {
        {.name = "price",
         .type = FIELD_PX,
         .required = true,
         .offset = offsetof(struct inner, price),
         .present = FIELD_NO_FLAG},
};
static const struct field outer_fields[] = {
        {.name = "list",
         .type = FIELD_LIST,
         .offset = offsetof(struct outer, list),
         .present = FIELD_NO_FLAG,
         .size = 2},
        {.name = "object",
         .type = FIELD_OBJECT_OR_NULL,
         .offset = offsetof(struct outer, object),
         .present = offsetof(struct outer, has_object),
         .sub = inner_fields,
         .n_sub = 1,
         .null = offsetof(struct outer, object_is_null)},
};

static enum errc read_text(struct outer *out, json_t **json, const char *text, struct err *err)
{
        *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(*json);
        *out = (struct outer){.list = NULL};
        *err = (struct err){.code = E_OK};
        return schema_read(out, *json, outer_fields, 2, err);
}

static void a_list_holds_objects_up_to_its_bound(void **state)
{
        static const char *const bad[] = {"{\"list\":[]}", "{\"list\":{}}", "{\"list\":[{},{},{}]}",
                                          "{\"list\":[1]}", "{\"list\":[{},null]}"};
        struct outer out;
        struct err err;
        json_t *json;

        (void)state;
        assert_int_equal(read_text(&out, &json, "{\"list\":[{},{}]}", &err), E_OK);
        assert_int_equal(json_array_size(out.list), 2);
        json_decref(json);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_int_equal(read_text(&out, &json, bad[i], &err), E_INVALID);
                assert_string_equal(err.field[0].path, "list");
                json_decref(json);
        }
}

static void null_is_told_apart_from_absent(void **state)
{
        struct outer out;
        struct err err;
        json_t *json;

        (void)state;
        assert_int_equal(read_text(&out, &json, "{}", &err), E_OK);
        assert_false(out.has_object || out.object_is_null);
        json_decref(json);
        assert_int_equal(read_text(&out, &json, "{\"object\":null}", &err), E_OK);
        assert_true(!out.has_object && out.object_is_null);
        json_decref(json);
        assert_int_equal(read_text(&out, &json, "{\"object\":{\"price\":\"5\"}}", &err), E_OK);
        assert_true(out.has_object && !out.object_is_null && out.object.price.v == 5 * NUM_SCALE);
        json_decref(json);
        assert_int_equal(read_text(&out, &json, "{\"object\":{}}", &err), E_INVALID);
        assert_string_equal(err.field[0].path, "object.price");
        json_decref(json);
        assert_int_equal(read_text(&out, &json, "{\"object\":{\"price\":null}}", &err), E_INVALID);
        json_decref(json);
        assert_int_equal(read_text(&out, &json, "{\"object\":7}", &err), E_INVALID);
        json_decref(json);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_list_holds_objects_up_to_its_bound),
                cmocka_unit_test(null_is_told_apart_from_absent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
