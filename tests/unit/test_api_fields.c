/* api: the field tables, the order's fields, the route table and problem documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/order_fields.h"
#include "api/problem.h"
#include "api/route.h"
#include "api/schema.h"

static enum errc read_order(const char *text, struct plan_order_request *out, struct err *err)
{
        json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

        assert_non_null(json);
        memset(out, 0, sizeof *out);
        memset(err, 0, sizeof *err);
        enum errc rc = order_fields_read(out, json, err);
        json_decref(json);
        return rc;
}

static bool names(const struct err *err, const char *path)
{
        for (unsigned i = 0; i < err->n_fields; i++)
                if (strcmp(err->field[i].path, path) == 0)
                        return true;
        return false;
}

static void an_order_is_read_whole(void **state)
{
        struct plan_order_request r;
        struct err err;

        (void)state;
        assert_int_equal(
                read_order("{\"symbol\":\"BTC\",\"side\":\"sell\",\"type\":\"stopLimit\","
                           "\"size\":\"0.25\",\"price\":\"59000\",\"triggerPrice\":\"59500.5\","
                           "\"timeInForce\":\"alo\",\"reduceOnly\":true,\"slippage\":\"0.01\","
                           "\"marginMode\":\"cross\",\"leverage\":10,\"clientId\":\"a b\","
                           "\"takeProfit\":{\"triggerPrice\":\"61000\"},"
                           "\"stopLoss\":{\"triggerPrice\":\"58000\",\"price\":\"57900\"}}",
                           &r, &err),
                E_OK);
        assert_string_equal(r.symbol, "BTC");
        assert_int_equal(r.side, SIDE_SELL);
        assert_int_equal(r.type, ORDER_TYPE_STOP_LIMIT);
        assert_int_equal(r.sizing, SIZING_SIZE);
        assert_int_equal(r.size.v, 25000000);
        assert_int_equal(r.price.v, INT64_C(5900000000000));
        assert_int_equal(r.trigger_price.v, INT64_C(5950050000000));
        assert_int_equal(r.tif, TIF_ALO);
        assert_true(r.has_price && r.has_trigger && r.has_tif && r.reduce_only && r.has_slippage);
        assert_int_equal(r.slippage.v, NUM_RATE_SCALE / 100);
        assert_true(r.has_mode && r.mode == MARGIN_CROSS && r.has_leverage && r.leverage == 10);
        assert_true(r.take_profit.present && !r.take_profit.has_price);
        assert_true(r.stop_loss.present && r.stop_loss.has_price);
        assert_int_equal(r.stop_loss.price.v, INT64_C(5790000000000));
        assert_string_equal(r.client_id, "a b");
}

static void each_wrong_field_is_named(void **state)
{
        static const struct {
                const char *json;
                const char *field;
        } cases[] = {
                {"\"size\":0.25", "size"},
                {"\"size\":\"-1\"", "size"},
                {"\"size\":\"0\"", "size"},
                {"\"size\":\"NaN\"", "size"},
                {"\"size\":\"1e400\"", "size"},
                {"\"size\":\"1e3\"", "size"},
                {"\"size\":\"0.123456789\"", "size"},
                {"\"size\":\"99999999999999999999\"", "size"},
                {"\"size\":\" 1\"", "size"},
                {"\"size\":\"+1\"", "size"},
                {"\"size\":\"\"", "size"},
                {"\"size\":null", "size"},
                {"\"size\":[\"1\"]", "size"},
                {"\"size\":\"1\",\"sise\":\"1\"", "sise"},
                {"\"size\":\"1\",\"leverage\":\"10\"", "leverage"},
                {"\"size\":\"1\",\"leverage\":0", "leverage"},
                {"\"size\":\"1\",\"leverage\":-3", "leverage"},
                {"\"size\":\"1\",\"leverage\":1001", "leverage"},
                {"\"size\":\"1\",\"leverage\":2.5", "leverage"},
                {"\"size\":\"1\",\"marginMode\":\"Cross\"", "marginMode"},
                {"\"size\":\"1\",\"reduceOnly\":\"true\"", "reduceOnly"},
                {"\"size\":\"1\",\"slippage\":\"1.1\"", "slippage"},
                {"\"size\":\"1\",\"timeInForce\":\"GTC\"", "timeInForce"},
                {"\"size\":\"1\",\"takeProfit\":{}", "takeProfit.triggerPrice"},
                {"\"size\":\"1\",\"takeProfit\":\"5\"", "takeProfit"},
                {"\"size\":\"1\",\"stopLoss\":{\"triggerPrice\":5}", "stopLoss.triggerPrice"},
                {"\"size\":\"1\",\"stopLoss\":{\"triggerPrice\":\"5\",\"x\":1}", "stopLoss.x"},
                {"\"size\":\"1\",\"clientId\":\"\"", "clientId"},
                {"\"size\":\"1\",\"clientId\":\"a\\nb\"", "clientId"},
                {"\"size\":\"1\",\"notional\":\"5\"", "size"},
                {"\"reduceOnly\":false", "size"},
        };
        struct plan_order_request r;
        struct err err;
        char text[512];

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                snprintf(text, sizeof text,
                         "{\"symbol\":\"BTC\",\"side\":\"buy\",\"type\":\"market\",%s}",
                         cases[i].json);
                if (read_order(text, &r, &err) != E_INVALID || !names(&err, cases[i].field))
                        fail_msg("%s: expected %s to be named", text, cases[i].field);
        }
}

static void all_wrong_fields_are_told_at_once(void **state)
{
        struct plan_order_request r;
        struct err err;

        (void)state;
        assert_int_equal(read_order("{\"side\":\"up\",\"size\":1,\"leverage\":0}", &r, &err),
                         E_INVALID);
        assert_true(names(&err, "side") && names(&err, "size") && names(&err, "leverage"));
        assert_true(names(&err, "symbol") && names(&err, "type"));
}

static void more_wrong_fields_than_are_kept_do_no_harm(void **state)
{
        char text[4096] = "{";
        struct plan_order_request r;
        struct err err;
        size_t n = 1;

        (void)state;
        for (int i = 0; i < 60; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s\"f%d%s\":1", i ? "," : "", i,
                                      "long-name-long-name-long-name-long-name-long-name");
        snprintf(text + n, sizeof text - n, "}");
        assert_int_equal(read_order(text, &r, &err), E_INVALID);
        assert_int_equal(err.n_fields, ERR_FIELDS_MAX);
}

static void paths_find_their_row(void **state)
{
        char param[80];
        enum errc why;
        const struct route *r;

        (void)state;
        r = route_find(METHOD_POST, "/v1/orders/preview", param, sizeof param, &why);
        assert_non_null(r);
        assert_string_equal(r->path, "/v1/orders/preview");
        r = route_find(METHOD_GET, "/v1/orders/preview", param, sizeof param, &why);
        assert_non_null(r); /* an order of that name, as far as the table knows */
        assert_string_equal(param, "preview");
        r = route_find(METHOD_PUT, "/v1/positions/kPEPE/leverage", param, sizeof param, &why);
        assert_non_null(r);
        assert_string_equal(param, "kPEPE");
        assert_null(route_find(METHOD_PUT, "/v1/positions//leverage", param, sizeof param, &why));
        assert_int_equal(why, E_NOT_FOUND);
        assert_null(route_find(METHOD_PATCH, "/v1/orders", param, sizeof param, &why));
        assert_int_equal(why, E_METHOD);
        assert_null(route_find(METHOD_GET, "/v1/orders/a/b", param, sizeof param, &why));
        assert_null(route_find(METHOD_GET, "/v1/order", param, sizeof param, &why));
        assert_non_null(route_find(METHOD_HEAD, "/healthz", param, sizeof param, &why));
}

static void a_long_parameter_is_no_match(void **state)
{
        char path[256] = "/v1/orders/";
        char param[80];
        enum errc why;

        (void)state;
        memset(path + 11, 'x', 79);
        assert_non_null(route_find(METHOD_GET, path, param, sizeof param, &why));
        memset(path + 11, 'x', 80);
        assert_null(route_find(METHOD_GET, path, param, sizeof param, &why));
}

static void every_route_is_labelled_and_bounded(void **state)
{
        (void)state;
        for (size_t i = 0; i < route_count(); i++) {
                const struct route *r = route_at(i);
                assert_non_null(r->handler);
                if (r->method == METHOD_GET || r->method == METHOD_DELETE)
                        assert_true(r->max_body_bytes <= 1024);
                if (r->risk != ROUTE_READS)
                        assert_true(route_is_private(r));
                for (size_t k = 0; k < i; k++)
                        assert_false(route_at(k)->method == r->method &&
                                     strcmp(route_at(k)->path, r->path) == 0);
        }
}

static void methods_of_a_path(void **state)
{
        char allowed[64];

        (void)state;
        route_allowed("/v1/orders", allowed, sizeof allowed);
        assert_non_null(strstr(allowed, "POST"));
        assert_non_null(strstr(allowed, "GET"));
        assert_non_null(strstr(allowed, "DELETE"));
        route_allowed("/nothing", allowed, sizeof allowed);
        assert_string_equal(allowed, "");
}

static json_t *problem_of(const struct err *err, const char *more)
{
        struct buf out;

        buf_init(&out, 65536);
        problem_print(&out, err, "request-1", more);
        json_t *json = json_loadb((char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
        buf_fini(&out);
        assert_non_null(json);
        return json;
}

static void a_problem_tells_code_fields_and_hint(void **state)
{
        struct err err = {.code = E_OK};

        (void)state;
        (void)err_field(&err, E_TICK, "price", "has too many \"digits\"");
        err_hint(&err, "nearest: 60000 or 60001");
        json_t *p = problem_of(&err, "\"plan\":[]");
        assert_string_equal(json_string_value(json_object_get(p, "code")), "invalid_tick");
        assert_int_equal(json_integer_value(json_object_get(p, "status")), 422);
        assert_true(json_is_false(json_object_get(p, "retryable")));
        assert_string_equal(json_string_value(json_object_get(p, "requestId")), "request-1");
        assert_string_equal(json_string_value(json_object_get(p, "hint")),
                            "nearest: 60000 or 60001");
        assert_string_equal(json_string_value(json_object_get(
                                    json_array_get(json_object_get(p, "fields"), 0), "field")),
                            "price");
        assert_true(json_is_array(json_object_get(p, "plan")));
        json_decref(p);
}

static void an_internal_error_tells_nothing_of_itself(void **state)
{
        struct err err = {.code = E_OK};

        (void)state;
        (void)err_set(&err, E_CRYPTO, "row 7 of table agents does not open");
        json_t *p = problem_of(&err, "");
        assert_null(strstr(json_string_value(json_object_get(p, "detail")), "agents"));
        assert_string_equal(json_string_value(json_object_get(p, "code")), "internal");
        json_decref(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_order_is_read_whole),
                cmocka_unit_test(each_wrong_field_is_named),
                cmocka_unit_test(all_wrong_fields_are_told_at_once),
                cmocka_unit_test(more_wrong_fields_than_are_kept_do_no_harm),
                cmocka_unit_test(paths_find_their_row),
                cmocka_unit_test(a_long_parameter_is_no_match),
                cmocka_unit_test(every_route_is_labelled_and_bounded),
                cmocka_unit_test(methods_of_a_path),
                cmocka_unit_test(a_problem_tells_code_fields_and_hint),
                cmocka_unit_test(an_internal_error_tells_nothing_of_itself),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
