/* api_socket: orders over a socket: one per key, and what stops an opening stops it here too. */
#include "api_socket_rig.h"

#define ORDER(limit)                                                                               \
        "{\"symbol\":\"BTC\",\"side\":\"buy\",\"size\":\"0.01\",\"type\":\"limit\",\"price\":"     \
        "\"" limit "\",\"marginMode\":\"isolated\",\"leverage\":2}"

/* What the wallet signs for an order, as the body that submits it. */
static char *prepared(struct bench *bench, const struct api_socket_who *who, const char *order)
{
        struct reply r = {0};
        json_t *signatures = json_array(), *body;
        char *text;
        size_t i;
        json_t *step;

        CALL(&r, 200, "", .who = who, .method = METHOD_POST, .path = "/v1/orders/prepare",
             .body = order);
        json_array_foreach(json_object_get(r.json, "sign"), i, step)
        {
                const char *digest = json_string_value(json_object_get(step, "digest"));
                char signature[133];
                struct hash32 hash;

                assert_int_equal(hex_decode(hash.b, 32, digest + 2, strlen(digest + 2)), E_OK);
                sign_digest(bench, &hash, signature);
                json_array_append_new(signatures, json_string(signature));
        }
        body = json_pack("{ss so}", "id", text_of(&r, "id"), "signatures", signatures);
        text = json_dumps(body, 0);
        json_decref(body);
        reply_fini(&r);
        return text;
}

static void a_key_of_a_request_is_for_one_order(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0}, again = {0};
        char *body = prepared(bench, &who, ORDER("40000"));
        char *other = prepared(bench, &who, ORDER("41000"));

        CALL(&r, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body, .idempotency_key = "one");
        assert_false(r.replayed);
        CALL(&again, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body, .idempotency_key = "one");
        assert_true(again.replayed);
        assert_true(json_equal(r.json, again.json));
        CALL(&again, 409, "idempotency_conflict", .who = &who, .method = METHOD_POST,
             .path = "/v1/orders/submit", .body = other, .idempotency_key = "one");
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        assert_int_equal(json_array_size(json_object_get(r.json, "data")), 1);
        reply_fini(&r);
        reply_fini(&again);
        free(body);
        free(other);
}

static void a_gateway_that_ends_opens_nothing(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};
        char *body = prepared(bench, &who, ORDER("40000"));

        api_drain(bench->app.api);
        CALL(&r, 503, "trading_halted", .who = &who, .method = METHOD_POST,
             .path = "/v1/orders/submit", .body = body);
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        reply_fini(&r);
        free(body);
}

static void a_blocked_region_opens_nothing(void **state)
{
        struct bench *bench = *state;
        struct brand *brand = NULL;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};
        char *body;

        for (size_t i = 0; i < bench->app.config->brands->n; i++)
                if (strcmp(bench->app.config->brands->brand[i]->id, BRAND) == 0)
                        brand = bench->app.config->brands->brand[i];
        assert_non_null(brand);
        text_copy(brand->region_header, sizeof brand->region_header, "x-country");
        text_copy(brand->region[0], sizeof brand->region[0], "ZZ");
        brand->n_regions = 1;
        body = prepared(bench, &who, ORDER("40000"));
        text_copy(bench->from.country, sizeof bench->from.country, "ZZ");
        CALL(&r, 451, "region_blocked", .who = &who, .method = METHOD_POST,
             .path = "/v1/orders/submit", .body = body);
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        text_copy(bench->from.country, sizeof bench->from.country, "CH");
        CALL(&r, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body);
        reply_fini(&r);
        free(body);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                RIG(a_key_of_a_request_is_for_one_order),
                RIG(a_gateway_that_ends_opens_nothing),
                RIG(a_blocked_region_opens_nothing),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
