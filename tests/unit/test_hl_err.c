/* hl_err and hl_outcome: every error text of the reference has its code, and every answer the venue
 * or the network can give ends in one of the three words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "adapters/hyperliquid/hl_err.h"
#include "adapters/hyperliquid/hl_outcome.h"

struct text_case {
        const char *text;
        enum errc code;
};

/* As the venue sends them, with the parts that vary filled in. */
static const struct text_case texts[] = {
        {"Price must be divisible by tick size. asset=13", E_TICK},
        {"Order must have minimum value of $10.", E_TOO_SMALL},
        {"Order must have minimum value of 10 USDC.", E_TOO_SMALL},
        {"Insufficient margin to place order. asset=0", E_MARGIN},
        {"Reduce only order would increase position. asset=3", E_REDUCE_ONLY},
        {"Post only order would have immediately matched, bbo was 1@2. asset=4", E_VENUE_REJECTED},
        {"Order could not immediately match against any resting orders. asset=1", E_VENUE_REJECTED},
        {"Invalid TP/SL price. asset=1", E_VENUE_REJECTED},
        {"No liquidity available for market order. asset=1", E_VENUE_REJECTED},
        {"Order would increase open interest while open interest is capped", E_VENUE_REJECTED},
        {"Order rejected due to price more aggressive than oracle while at open interest cap",
         E_VENUE_REJECTED},
        {"Order would increase open interest too quickly", E_VENUE_REJECTED},
        {"Order price too far from oracle", E_VENUE_REJECTED},
        {"Price too far from oracle asset=750024", E_VENUE_REJECTED},
        {"Order price cannot be more than 80% away from the reference price", E_VENUE_REJECTED},
        {"Order price cannot be more than 95% away from the reference price", E_VENUE_REJECTED},
        {"Order would cause position to exceed margin tier limit at current leverage", E_LEVERAGE},
        {"Order has insufficient spot balance to trade", E_MARGIN},
        {"Insufficient spot balance asset=10107", E_MARGIN},
        {"Order has invalid price.", E_TICK},
        {"Order has invalid size.", E_LOT},
        {"Order has zero size.", E_LOT},
        {"Builder fee has not been approved.", E_BUILDER_FEE},
        {"Builder has insufficient balance to be approved.", E_VENUE_REJECTED},
        {"Order was never placed, already canceled, or filled. asset=0", E_NOT_FOUND},
        {"Cannot modify canceled or filled order", E_NOT_FOUND},
        {"Unexpected number of trigger orders", E_INVALID},
        {"Only post-only orders allowed immediately after a network upgrade", E_HALTED},
        {"Invalid TWAP duration: 1 min(s)", E_INVALID},
        {"TWAP order value too small. Min is $1200, which is $10 per minute.", E_TOO_SMALL},
        {"TWAP was never placed, already canceled, or filled.", E_NOT_FOUND},
        {"Reduce-only TWAP order would increase position.", E_REDUCE_ONLY},
        {"User or API Wallet 0x00000000000000000000000000000000000000aa does not exist.", E_AGENT},
        {"L1 error: User or API Wallet 0x00 does not exist.", E_AGENT},
        {"Must deposit before performing actions. User: 0x00", E_AGENT},
        {"Unable to recover signer.", E_INTERNAL},
        {"Invalid nonce: duplicate nonce 1700000000000", E_OUTCOME_UNKNOWN},
        {"Invalid nonce: nonce too low 1 < 2", E_VENUE_REJECTED},
        {"Action already expired", E_VENUE_UNAVAILABLE},
        {"Signed action over weight limit of 200.", E_INVALID},
        {"Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0. Place "
         "taker orders to free up 1 request per USDC traded.",
         E_RATE_LIMITED},
        {"Vault not registered: 0x00", E_NOT_FOUND},
        {"Vault may not perform this action", E_FORBIDDEN},
        {"Action disabled when unified account is active", E_FORBIDDEN},
        {"Extra agent already used.", E_AGENT},
        {"Too many extra agents for cumulative volume traded. Current limit is 3", E_AGENT},
        {"User has pending agent removal", E_RATE_LIMITED},
        {"Agent valid_until already expired.", E_INVALID},
        {"Agent can only send asset to same user or their sub-accounts.", E_FORBIDDEN},
        {"Invalid leverage value", E_LEVERAGE},
        {"Cannot switch leverage type with open position.", E_MARGIN_MODE},
        {"Cross margin is not allowed for this asset.", E_MARGIN_MODE},
        {"Cross position does not have sufficient margin available to decrease leverage. To "
         "decrease leverage, deposit more collateral.",
         E_MARGIN},
        {"Isolated position does not have sufficient margin available to decrease leverage. To "
         "decrease leverage, add margin to the position.",
         E_MARGIN},
        {"Cannot automatically accept new margin tiers on BTC", E_LEVERAGE},
        {"Position does not use isolated margin.", E_MARGIN_MODE},
        {"Update to isolated margin cannot be zero.", E_INVALID},
        {"Cannot update margin for empty position.", E_NOT_FOUND},
        {"Account does not have sufficient margin available for increase.", E_MARGIN},
        {"Position does not have sufficient margin for reduction.", E_MARGIN_NOT_REMOVABLE},
        {"Cannot remove isolated margin for this asset. To remove margin, reduce the position.",
         E_MARGIN_NOT_REMOVABLE},
        {"Asset not strict isolated", E_MARGIN_MODE},
        {"Unknown user while updating isolated margin.", E_NOT_FOUND},
        {"Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: "
         "$1.",
         E_FORBIDDEN},
        {"Cannot create sub-accounts until enough volume traded. Required: $100000. Traded: $1.",
         E_FORBIDDEN},
        {"Insufficient balance for withdrawal", E_MARGIN},
        {"Insufficient balance for token transfer", E_MARGIN},
        {"Insufficient balance for token transfer gas", E_MARGIN},
        {"Invalid send", E_INVALID},
        {"Invalid sub-account transfer from 0x00 to 0x01", E_INVALID},
        {"Sub-account not registered: 0x00", E_NOT_FOUND},
        {"Sub-account name is already in use.", E_INVALID},
        {"Too many sub-accounts. Current limit is 10", E_FORBIDDEN},
        {"Error placing new order during modify: Price must be divisible by tick size.", E_TICK},
        {"Unknown coin XYZ", E_MARKET_NOT_OFFERED},
        {"Referral code not registered", E_NOT_FOUND},
        {"Deployer has not staked enough", E_VENUE_REJECTED},
        {"Percentage is invalid.", E_INVALID},
        {"Invalid multi-sig outer signer", E_FORBIDDEN},
};

static void every_text_has_its_code(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct err err;
                bool known = false;
                enum errc code = hl_err_set(&err, texts[i].text, &known);

                if (code != texts[i].code || !known)
                        fail_msg("%s: %s", texts[i].text, err_constant(code));
                assert_string_equal(err.venue_message, texts[i].text);
                assert_int_equal(err.code, code);
                assert_true(err.detail[0] != '\0');
        }
}

static void unknown_texts_stay_verbatim(void **state)
{
        static const char *const unknown[] = {"", "x", "price must be divisible by tick size",
                                              "Something entirely new asset=5", "L1 error: "};

        (void)state;
        for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
                struct err err;
                bool known = true;

                assert_int_equal(hl_err_set(&err, unknown[i], &known), E_VENUE_REJECTED);
                assert_false(known);
                assert_string_equal(err.venue_message, unknown[i]);
        }
}

static void long_texts_are_cut(void **state)
{
        char text[1000];
        struct err err;
        bool known;

        (void)state;
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        assert_int_equal(hl_err_set(&err, text, &known), E_VENUE_REJECTED);
        assert_true(strlen(err.venue_message) < sizeof err.venue_message);
}

/* ---- Outcomes ---- */

static struct venue_outcome out; /* too large for a stack */
static uint64_t unknown_texts;

static void read_answer(enum venue_action_kind kind, unsigned n, long status, const char *body)
{
        struct http_answer answer = {.result = HTTP_ANSWERED,
                                     .status = status,
                                     .body = body,
                                     .body_len = strlen(body),
                                     .content_type = "",
                                     .retry_after_ms = -1};

        hl_outcome_read(&out, kind, n, &answer, E_OK, &unknown_texts);
}

#define STATUSES(s)                                                                                \
        "{\"status\":\"ok\",\"response\":{\"type\":\"order\",\"data\":{\"statuses\":[" s "]}}}"
#define RESTING "{\"resting\":{\"oid\":77738308}}"
#define FILLED  "{\"filled\":{\"totalSz\":\"0.02\",\"avgPx\":\"1891.4\",\"oid\":77747314}}"
#define FAILED  "{\"error\":\"Order must have minimum value of $10. asset=1\"}"

static void statuses_become_items(void **state)
{
        (void)state;
        read_answer(VENUE_ORDER, 3, 200, STATUSES(RESTING "," FILLED "," FAILED));
        assert_int_equal(out.result, VENUE_DONE);
        assert_int_equal(out.err.code, 0);
        assert_int_equal(out.n_items, 3);
        assert_int_equal(out.item[0].status, ITEM_RESTING);
        assert_int_equal(out.item[0].oid, 77738308);
        assert_int_equal(out.item[1].status, ITEM_FILLED);
        assert_int_equal(out.item[1].filled.v, 2000000);
        assert_int_equal(out.item[1].average.v, 189140000000);
        assert_int_equal(out.item[2].status, ITEM_REFUSED);
        assert_int_equal(out.item[2].refusal, E_TOO_SMALL);
        read_answer(VENUE_ORDER, 3, 200,
                    STATUSES(FILLED ",\"waitingForFill\",\"waitingForTrigger\""));
        assert_int_equal(out.result, VENUE_DONE);
        assert_int_equal(out.item[1].status, ITEM_WAITING_PARENT);
        assert_int_equal(out.item[2].status, ITEM_TRIGGER_PENDING);
        read_answer(VENUE_CANCEL, 2, 200, STATUSES("\"success\"," FAILED));
        assert_int_equal(out.result, VENUE_DONE);
        assert_int_equal(out.item[0].status, ITEM_CANCELLED);
}

static void an_ok_over_a_failure_is_a_refusal(void **state)
{
        (void)state;
        read_answer(VENUE_ORDER, 1, 200, STATUSES(FAILED));
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_TOO_SMALL);
        assert_string_equal(out.err.venue_message, "Order must have minimum value of $10. asset=1");
        read_answer(VENUE_ORDER, 3, 200, STATUSES(FAILED)); /* one for the whole batch */
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.n_items, 3);
        assert_int_equal(out.item[2].refusal, E_TOO_SMALL);
        read_answer(
                VENUE_ORDER, 2, 200,
                "{\"status\":\"err\",\"response\":\"Signed action over weight limit of 200.\"}");
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_INVALID);
        assert_int_equal(out.n_items, 0);
}

static void plain_actions_are_done_or_refused(void **state)
{
        (void)state;
        read_answer(VENUE_SET_LEVERAGE, 0, 200,
                    "{\"status\":\"ok\",\"response\":{\"type\":\"default\"}}");
        assert_int_equal(out.result, VENUE_DONE);
        read_answer(VENUE_ADJUST_MARGIN, 0, 200,
                    "{\"status\":\"err\",\"response\":\"Position does not use isolated margin.\"}");
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_MARGIN_MODE);
}

static void doubt_is_unknown(void **state)
{
        static const char *const bodies[] = {
                "",
                "rubbish",
                "{",
                "[]",
                "null",
                "{\"status\":\"ok\"}",
                "{\"status\":\"perhaps\",\"response\":\"x\"}",
                "{\"status\":\"err\",\"response\":{}}",
                "{\"status\":\"ok\",\"response\":{\"type\":\"default\"}}",
                STATUSES(""),
                STATUSES(RESTING),
                STATUSES(RESTING "," RESTING "," RESTING),
                STATUSES(RESTING ",{}"),
                STATUSES(RESTING ",\"success\""),
                STATUSES(RESTING ",{\"resting\":{\"oid\":\"5\"}}"),
                STATUSES(RESTING ",{\"filled\":{\"oid\":5,\"totalSz\":\"x\",\"avgPx\":\"1\"}}"),
                "{\"status\":\"err\",\"response\":\"Invalid nonce: duplicate nonce 5\"}",
        };
        static const long statuses[] = {201, 204, 301, 408, 500, 502, 503, 504, 520};

        (void)state;
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
                read_answer(VENUE_ORDER, 2, 200, bodies[i]);
                if (out.result != VENUE_UNKNOWN)
                        fail_msg("%s", bodies[i]);
                assert_int_equal(out.err.code, E_OUTCOME_UNKNOWN);
                assert_int_equal(out.n_items, 0);
                assert_int_equal(out.was_received, strstr(bodies[i], "duplicate nonce") != NULL);
        }
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
                read_answer(VENUE_ORDER, 1, statuses[i], STATUSES(RESTING));
                assert_int_equal(out.result, VENUE_UNKNOWN);
        }
}

static void refusals_before_execution(void **state)
{
        struct http_answer answer = {.result = HTTP_NOT_SENT, .body = "", .reason = "no route"};

        (void)state;
        read_answer(VENUE_ORDER, 1, 429, "");
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_RATE_LIMITED);
        read_answer(VENUE_ORDER, 1, 422,
                    "Failed to deserialize the JSON body into the target type");
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_VENUE_REJECTED);
        assert_string_equal(out.err.venue_message,
                            "Failed to deserialize the JSON body into the target type");
        hl_outcome_read(&out, VENUE_ORDER, 1, &answer, E_OK, &unknown_texts);
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_VENUE_UNAVAILABLE);
        hl_outcome_read(&out, VENUE_ORDER, 1, &answer, E_RATE_LIMITED, &unknown_texts);
        assert_int_equal(out.result, VENUE_REFUSED);
        assert_int_equal(out.err.code, E_RATE_LIMITED);
        answer.result = HTTP_UNKNOWN;
        hl_outcome_read(&out, VENUE_ORDER, 1, &answer, E_OK, &unknown_texts);
        assert_int_equal(out.result, VENUE_UNKNOWN);
}

static void unknown_texts_are_counted(void **state)
{
        (void)state;
        unknown_texts = 0;
        read_answer(VENUE_ORDER, 1, 200, "{\"status\":\"err\",\"response\":\"Brand new\"}");
        assert_int_equal(unknown_texts, 1);
        read_answer(VENUE_ORDER, 2, 200, STATUSES(RESTING ",{\"error\":\"Also new\"}"));
        assert_int_equal(unknown_texts, 2);
        read_answer(VENUE_ORDER, 1, 200, STATUSES(FAILED));
        assert_int_equal(unknown_texts, 2);
}

/* ---- Captured answers ---- */

static json_t *capture(const char *name)
{
        char path[512];
        json_t *root;

        (void)snprintf(path, sizeof path, "%s/captures/exchange/%s.json", SHARED_DIR, name);
        root = json_load_file(path, 0, NULL);
        return root;
}

static enum venue_action_kind kind_of(const json_t *response)
{
        const json_t *inner = json_object_get(response, "response");
        const char *type = json_string_value(json_object_get(inner, "type"));

        if (type && strcmp(type, "order") == 0)
                return VENUE_ORDER;
        return type && strcmp(type, "cancel") == 0 ? VENUE_CANCEL : VENUE_SET_LEVERAGE;
}

static void captured_answers_are_understood(void **state)
{
        static const char *const files[] = {"banky--samples",          "bytex--responses",
                                            "heiye115--modify-error",  "hl-docs--samples",
                                            "keitaj--builder-fee",     "papaartems--errors",
                                            "rust-sdk--post-payloads", "shield--responses"};
        size_t n = 0;

        (void)state;
        unknown_texts = 0;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                json_t *file = capture(files[i]);
                const json_t *data = json_object_get(file, "data");

                if (!file) {
                        print_message("captures are not here: skipped\n");
                        skip();
                }
                for (size_t k = 0; k < json_array_size(data); k++) {
                        const json_t *response =
                                json_object_get(json_array_get(data, k), "response");
                        const json_t *inner = json_object_get(response, "response");
                        const char *type = json_string_value(json_object_get(inner, "type"));
                        char *text;

                        if (!response || (type && strncmp(type, "twap", 4) == 0))
                                continue; /* we never send those */
                        text = json_dumps(response, 0);
                        read_answer(kind_of(response),
                                    kind_of(response) == VENUE_SET_LEVERAGE ? 0 : 1, 200, text);
                        if (out.result == VENUE_UNKNOWN && !strstr(text, "duplicate nonce"))
                                fail_msg("%s: %s", files[i], text);
                        free(text);
                        n++;
                }
                json_decref(file);
        }
        print_message("%zu captured answers\n", n);
        assert_true(n >= 45);
        assert_int_equal(unknown_texts, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_text_has_its_code),
                cmocka_unit_test(unknown_texts_stay_verbatim),
                cmocka_unit_test(long_texts_are_cut),
                cmocka_unit_test(statuses_become_items),
                cmocka_unit_test(an_ok_over_a_failure_is_a_refusal),
                cmocka_unit_test(plain_actions_are_done_or_refused),
                cmocka_unit_test(doubt_is_unknown),
                cmocka_unit_test(refusals_before_execution),
                cmocka_unit_test(unknown_texts_are_counted),
                cmocka_unit_test(captured_answers_are_understood),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
