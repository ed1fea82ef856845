/* retold: stored answers in which something was unknown, as the journal knows it by now. (What asks the venue about orders
 * is in e2e/a_key_is_for_one_request.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/retold.h"
#include "api/route.h"
#include "base/mem.h"

static struct api api;
static int status;
static char body[8192];

static void answered(void *cookie, int code, const char *text)
{
        (void)cookie;
        status = code;
        assert_true(text_copy(body, sizeof body, text));
}

#define PROBLEM                                                                                    \
        "{\"type\":\"urn:perpgate:problem:outcome_unknown\",\"title\":\"t\",\"status\":504,"       \
        "\"code\":\"outcome_unknown\",\"retryable\":false,\"detail\":\"d\",\"hint\":\"h\","        \
        "\"fields\":[],\"symbol\":\"BTC\",\"orderStatus\":\"unknown\","                            \
        "\"plan\":[{\"action\":\"adjustMargin\",\"status\":\"unknown\",\"amount\":\"50\","         \
        "\"error\":{\"code\":\"outcome_unknown\"}}],\"requestId\":\"1\"}"

/* The answer to the same request again; for the caller to free. */
static json_t *again(const char *kind, enum intent_state state, int stored_status,
                     const char *stored, const char *action)
{
        struct call *call = xcalloc(1, sizeof *call);
        struct store_intent *intent = xcalloc(1, sizeof *intent);
        json_t *json;

        api.open_calls = 1;
        call->api = &api;
        call->answered = answered;
        call->route = route_by_pattern(METHOD_POST, "/v1/positions/{symbol}/margin");
        text_copy(call->request_id, sizeof call->request_id, "2");
        text_copy(intent->kind, sizeof intent->kind, kind);
        text_copy(intent->symbol, sizeof intent->symbol, "BTC");
        intent->state = state;
        intent->answer = stored;
        intent->answer_status = stored_status;
        intent->n_steps = 1;
        text_copy(intent->step[0].action, sizeof intent->step[0].action, action);
        intent->step[0].state = state;
        status = 0;
        retold_reply(call, intent);
        free(intent);
        assert_int_equal(api.open_calls, 0);
        json = json_loads(body, 0, NULL);
        return json;
}

static const char *text(const json_t *json, const char *name)
{
        const char *s = json_string_value(json_object_get(json, name));

        return s ? s : "";
}

static void while_nothing_more_is_known_it_is_told_word_for_word(void **state)
{
        static const enum intent_state open[] = {INTENT_RESERVED, INTENT_SENT, INTENT_UNKNOWN};

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                json_decref(again("margin", open[i], 504, PROBLEM, "adjustMargin"));
                assert_int_equal(status, 504);
                assert_string_equal(body, PROBLEM);
        }
        /* What has an answer of its own kind stays as it was. */
        json_decref(again("margin", INTENT_DONE, 200, "{\"symbol\":\"BTC\"}", "adjustMargin"));
        assert_int_equal(status, 200);
        assert_string_equal(body, "{\"symbol\":\"BTC\"}");
        assert_null(again("margin", INTENT_DONE, 200, "not JSON", "adjustMargin"));
        assert_string_equal(body, "not JSON");
}

static void what_took_effect_after_all_is_no_problem_any_more(void **state)
{
        json_t *json = again("margin", INTENT_DONE, 504, PROBLEM, "adjustMargin");
        const json_t *step = json_array_get(json_object_get(json, "plan"), 0);

        (void)state;
        assert_int_equal(status, 200);
        assert_string_equal(text(step, "status"), "done");
        assert_string_equal(text(step, "amount"), "50");
        assert_null(json_object_get(step, "error"));
        assert_string_equal(text(json, "symbol"), "BTC");
        assert_null(json_object_get(json, "code"));
        assert_null(json_object_get(json, "orderStatus"));
        assert_null(json_object_get(json, "hint"));
        json_decref(json);
}

static void what_did_not_is_another_one(void **state)
{
        json_t *json = again("margin", INTENT_REJECTED, 504, PROBLEM, "adjustMargin");

        (void)state;
        assert_int_equal(status, 503);
        assert_string_equal(text(json, "code"), "venue_unavailable");
        assert_true(json_is_true(json_object_get(json, "retryable")));
        assert_string_equal(text(json, "requestId"), "2");
        assert_string_equal(text(json_array_get(json_object_get(json, "plan"), 0), "status"),
                            "failed");
        json_decref(json);
}

static void a_step_beside_an_order_that_stands_is_settled_alone(void **state)
{
        json_t *json = again("order", INTENT_DONE, 200,
                             "{\"id\":\"0x00\",\"status\":\"filled\",\"plan\":[{\"action\":"
                             "\"adjustMargin\",\"status\":\"unknown\"}]}",
                             "adjustMargin");

        (void)state;
        assert_int_equal(status, 200);
        assert_string_equal(text(json, "status"), "filled");
        assert_string_equal(text(json_array_get(json_object_get(json, "plan"), 0), "status"),
                            "done");
        json_decref(json);
}

static void cancels_are_told_one_by_one(void **state)
{
        static const char stored[] =
                "{\"code\":\"outcome_unknown\",\"results\":[{\"id\":\"a\",\"status\":\"unknown\"},"
                "{\"id\":\"b\",\"status\":\"unknown\"}],\"more\":false}";
        json_t *json = again("cancel", INTENT_DONE, 504, stored, "cancel");
        const json_t *results = json_object_get(json, "results");

        (void)state;
        assert_int_equal(status, 200);
        assert_string_equal(text(json_array_get(results, 0), "status"), "cancelled");
        assert_string_equal(text(json_array_get(results, 1), "status"), "cancelled");
        json_decref(json);
        json = again("cancel", INTENT_DONE, 504,
                     "{\"id\":\"a\",\"code\":\"outcome_unknown\",\"orderStatus\":\"unknown\"}",
                     "cancel");
        assert_string_equal(text(json, "status"), "cancelled");
        json_decref(json);
}

static void what_has_a_list_of_its_own_points_there(void **state)
{
        (void)state;
        json_decref(again("subAccount", INTENT_DONE, 504, PROBLEM, "createSubAccount"));
        assert_int_equal(status, 504);
        assert_string_equal(body, PROBLEM);
}

static void an_order_that_was_not_sent_is_told_so(void **state)
{
        json_t *json = again("order", INTENT_DONE, 504,
                             "{\"code\":\"outcome_unknown\",\"id\":\"0x00\",\"orderStatus\":"
                             "\"rejected\",\"plan\":[{\"action\":\"setLeverage\",\"status\":"
                             "\"unknown\"},{\"action\":\"order\",\"status\":\"skipped\"}]}",
                             "setLeverage");
        const json_t *plan = json_object_get(json, "plan");

        (void)state;
        assert_int_equal(status, 503);
        assert_string_equal(text(json, "orderStatus"), "rejected");
        assert_string_equal(text(json_array_get(plan, 0), "status"), "done");
        assert_string_equal(text(json_array_get(plan, 1), "status"), "skipped");
        json_decref(json);
}

static void an_answer_that_was_never_given_is_made_when_the_journal_knows(void **state)
{
        json_t *json = again("margin", INTENT_RESERVED, 0, NULL, "adjustMargin");

        (void)state;
        assert_int_equal(status, 409);
        assert_string_equal(text(json, "code"), "in_progress");
        assert_string_equal(text(json, "hint"), "GET /v1/positions");
        json_decref(json);
        json = again("margin", INTENT_DONE, 0, NULL, "adjustMargin");
        assert_int_equal(status, 200);
        assert_string_equal(text(json, "symbol"), "BTC");
        assert_string_equal(text(json_array_get(json_object_get(json, "plan"), 0), "status"),
                            "done");
        json_decref(json);
        json = again("margin", INTENT_REJECTED, 0, NULL, "adjustMargin");
        assert_int_equal(status, 503);
        json_decref(json);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(while_nothing_more_is_known_it_is_told_word_for_word),
                cmocka_unit_test(what_took_effect_after_all_is_no_problem_any_more),
                cmocka_unit_test(what_did_not_is_another_one),
                cmocka_unit_test(a_step_beside_an_order_that_stands_is_settled_alone),
                cmocka_unit_test(cancels_are_told_one_by_one),
                cmocka_unit_test(what_has_a_list_of_its_own_points_there),
                cmocka_unit_test(an_order_that_was_not_sent_is_told_so),
                cmocka_unit_test(an_answer_that_was_never_given_is_made_when_the_journal_knows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
