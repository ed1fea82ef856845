/* Actions and approvals over real sockets: the server's side recovers who signed what was posted, and
 * every way an answer can go wrong ends in one of three words. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"
#include "hl_fixture.h"

static const char done_plain[] = "{\"status\":\"ok\",\"response\":{\"type\":\"default\"}}";

/* ---- Submitting ---- */

static struct {
        unsigned n;
        enum venue_result result;
        struct err err;
        unsigned n_items;
        uint64_t oid;
} got;

static void on_outcome(void *cookie, const struct venue_outcome *outcome)
{
        (void)cookie;
        got.n++;
        got.result = outcome->result;
        got.err = outcome->err;
        got.n_items = outcome->n_items;
        got.oid = outcome->item[0].oid;
}

static bool has_outcome(void)
{
        return got.n > 0;
}

static struct venue_action limit_order(const char *price, const char *size)
{
        struct venue_action a = {.kind = VENUE_ORDER, .asset = 0, .u.order.n = 1};
        struct venue_order *o = &a.u.order.order[0];

        o->side = SIDE_BUY;
        o->tif = TIF_GTC;
        assert_int_equal(num_parse_px(&o->price, price, strlen(price)), 0);
        assert_int_equal(num_parse_qty(&o->size, size, strlen(size)), 0);
        o->cloid.b[15] = 1;
        return a;
}

static void submit_for(const struct addr *sub_account, const struct venue_action *action,
                       uint64_t nonce, uint64_t expires_after)
{
        struct venue_compiled compiled;
        struct signature sig;
        struct err err = {0};

        if (venue->ops->compile(venue, &compiled, action, sub_account, nonce, expires_after, &err))
                fail_msg("%s", err.detail);
        assert_int_equal(secp_sign(secp, &sig, &compiled.digest, key), 0);
        memset(&got, 0, sizeof got);
        venue->ops->submit(venue, &compiled, &sig, on_outcome, NULL);
        assert_int_equal(got.n, 0); /* never before it returns */
        venue_compiled_fini(&compiled);
}

static void submit(const struct venue_action *action, uint64_t nonce, uint64_t expires_after)
{
        submit_for(NULL, action, nonce, expires_after);
}

static void submit_and_wait(const struct venue_action *action)
{
        submit(action, 1790000000000, 0);
        assert_true(hl_fixture_turn_until(has_outcome));
}

/* What the server received, parsed and recovered as a venue would. */
static json_t *recover_posted(struct hl_request *request, struct addr *by)
{
        json_t *body;

        pthread_mutex_lock(&hl_server.lock);
        body = hl_raw_load(hl_server.exchange_body, strlen(hl_server.exchange_body), NULL);
        pthread_mutex_unlock(&hl_server.lock);
        assert_non_null(body);
        assert_int_equal(hl_raw_request(request, body, NULL), 0);
        assert_int_equal(hl_raw_recover(secp, by, request, false), 0);
        return body;
}

static void a_signed_order_reaches_the_venue(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        struct hl_request request;
        struct addr by;
        json_t *body;

        (void)state;
        a.u.order.has_builder = true;
        a.u.order.builder.b[19] = 0xb1;
        a.u.order.builder_fee_tenth_bp = 25;
        submit(&a, 1790000000001, 1790000015000);
        assert_true(hl_fixture_turn_until(has_outcome));
        assert_int_equal(got.n, 1);
        assert_int_equal(got.result, VENUE_DONE);
        assert_int_equal(got.n_items, 1);
        assert_int_equal(got.oid, 42);
        body = recover_posted(&request, &by);
        assert_true(hex_addr_equal(&by, &signer));
        assert_int_equal(request.envelope.nonce, 1790000000001);
        assert_int_equal(request.envelope.expires_after, 1790000015000);
        assert_false(request.envelope.has_vault);
        assert_int_equal(json_integer_value(
                                 json_object_get(json_object_get(request.action, "builder"), "f")),
                         25);
        json_decref(body);
}

static void posted(char *out, size_t cap)
{
        pthread_mutex_lock(&hl_server.lock);
        assert_true(text_copy(out, cap, hl_server.exchange_body));
        pthread_mutex_unlock(&hl_server.lock);
}

/* What the journal keeps is what was sent, and sent again it is the same to the byte. */
static void a_letter_is_what_is_posted(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        struct venue_compiled compiled = {.nonce = 0};
        static char first[8192], again[8192];
        struct signature sig;
        struct err err = {0};
        struct buf letter;

        (void)state;
        if (venue->ops->compile(venue, &compiled, &a, NULL, 1790000000001, 1790000015000, &err))
                fail_msg("%s", err.detail);
        assert_int_equal(secp_sign(secp, &sig, &compiled.digest, key), 0);
        buf_init(&letter, 1 << 16);
        venue->ops->letter(venue, &letter, &compiled, &sig);
        memset(&got, 0, sizeof got);
        venue->ops->submit(venue, &compiled, &sig, on_outcome, NULL);
        assert_true(hl_fixture_turn_until(has_outcome));
        posted(first, sizeof first);
        assert_string_equal(first, buf_cstr(&letter));
        memset(&got, 0, sizeof got);
        venue->ops->submit_again(venue, letter.data, letter.len, compiled.kind, compiled.n_items,
                                 on_outcome, NULL);
        assert_int_equal(got.n, 0); /* never before it returns */
        assert_true(hl_fixture_turn_until(has_outcome));
        assert_int_equal(got.result, VENUE_DONE);
        assert_int_equal(got.oid, 42);
        posted(again, sizeof again);
        assert_string_equal(again, first);
        buf_fini(&letter);
        venue_compiled_fini(&compiled);
}

static void what_is_done_for_a_sub_account_names_it(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        struct addr sub = {{0x5a, 1}};
        struct hl_request request;
        struct addr by;
        json_t *body;

        (void)state;
        submit_for(&sub, &a, 1790000000001, 1790000015000);
        assert_true(hl_fixture_turn_until(has_outcome));
        body = recover_posted(&request, &by);
        assert_true(hex_addr_equal(&by, &signer));
        assert_true(request.envelope.has_vault);
        assert_true(hex_addr_equal(&request.envelope.vault, &sub));
        /* Sent for another, the same signature would be a stranger's. */
        request.envelope.vault.b[0]++;
        assert_int_equal(hl_raw_recover(secp, &by, &request, false), 0);
        assert_false(hex_addr_equal(&by, &signer));
        json_decref(body);
}

static void every_action_recovers_its_signer(void **state)
{
        struct venue_action lever = {
                .kind = VENUE_SET_LEVERAGE, .asset = 1, .u.leverage = {MARGIN_ISOLATED, 10}};
        struct venue_action margin = {
                .kind = VENUE_ADJUST_MARGIN, .asset = 1, .u.margin.amount = {-200 * NUM_SCALE}};
        struct venue_action legs = limit_order("60000", "0.25");
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        const struct venue_action *actions[] = {&lever, &margin, &legs, &cancel};
        static const char *const types[] = {"updateLeverage", "updateIsolatedMargin", "order",
                                            "cancelByCloid"};

        (void)state;
        legs.u.order.n = 2;
        legs.u.order.legs_follow_parent = true;
        legs.u.order.order[1] = legs.u.order.order[0];
        legs.u.order.order[1].kind = ORDER_TRIGGER;
        legs.u.order.order[1].side = SIDE_SELL;
        legs.u.order.order[1].is_market = true;
        legs.u.order.order[1].trigger = TRIGGER_STOP_LOSS;
        legs.u.order.order[1].trigger_price = (struct px){55000 * NUM_SCALE};
        cancel.u.cancel.cancel[0].by_cloid = true;
        for (size_t i = 0; i < 4; i++) {
                struct hl_request request;
                struct addr by;
                json_t *body;

                submit_and_wait(actions[i]);
                body = recover_posted(&request, &by);
                assert_string_equal(request.type, types[i]);
                assert_true(hex_addr_equal(&by, &signer));
                json_decref(body);
        }
}

static void answers_end_in_three_words(void **state)
{
        static const struct {
                enum server_mode mode;
                enum venue_result result;
                enum errc code;
        } cases[] = {
                {GOOD, VENUE_DONE, E_OK},
                {HTTP_429, VENUE_REFUSED, E_RATE_LIMITED},
                {HTTP_422, VENUE_REFUSED, E_VENUE_REJECTED},
                {HTTP_502, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN},
                {RUBBISH, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN},
                {HANG_UP, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN},
        };
        struct venue_action a = limit_order("60000", "0.25");

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                hl_server_set(&hl_server.exchange_mode, cases[i].mode);
                submit_and_wait(&a);
                assert_int_equal(got.result, cases[i].result);
                assert_int_equal(got.err.code, cases[i].code);
        }
        assert_int_equal(hl_server_count(&hl_server.n_exchange), sizeof cases / sizeof *cases);
}

static void silence_is_unknown_at_the_deadline(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        (void)state;
        o.order_deadline_ms = 50;
        hl_fixture_reopen(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        hl_server_set(&hl_server.exchange_mode, SILENT);
        submit_and_wait(&a);
        assert_int_equal(got.result, VENUE_UNKNOWN);
        assert_int_equal(hl_server_count(&hl_server.n_exchange), 1); /* and it was not sent again */
}

static void nothing_sent_is_refused(void **state)
{
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof addr;
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        (void)state;
        /* Bound and not listening: connections are refused. */
        assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(addr.sin_port));
        hl_fixture_reopen(&o);
        submit_and_wait(&cancel);
        assert_int_equal(got.result, VENUE_REFUSED);
        assert_int_equal(got.err.code, E_VENUE_UNAVAILABLE);
        assert_int_equal(hl_fixture_health(), VENUE_DOWN);
        (void)close(fd);
}

/* ---- Approvals ---- */

static void approve(const struct venue_approval *approval, const char *type)
{
        struct buf typed;
        struct hash32 digest;
        struct signature sig;
        struct hl_request request;
        struct eip712_result result;
        struct addr by;
        json_t *data;
        json_t *body;

        buf_init(&typed, 65536);
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, approval), 0);
        data = hl_raw_load((const char *)typed.data, typed.len, NULL);
        assert_non_null(data);
        assert_int_equal(
                json_array_size(json_object_get(json_object_get(data, "types"), "EIP712Domain")),
                4);
        assert_non_null(json_object_get(json_object_get(data, "types"),
                                        json_string_value(json_object_get(data, "primaryType"))));
        assert_int_equal(json_object_size(json_object_get(data, "message")), 4);
        assert_int_equal(secp_sign(secp, &sig, &digest, key), 0);
        memset(&got, 0, sizeof got);
        venue->ops->approval_submit(venue, approval, &sig, on_outcome, NULL);
        assert_int_equal(got.n, 0);
        assert_true(hl_fixture_turn_until(has_outcome));
        assert_int_equal(got.result, VENUE_DONE);
        body = recover_posted(&request, &by);
        assert_string_equal(request.type, type);
        assert_true(hex_addr_equal(&by, &signer));
        assert_int_equal(hl_raw_user_digest(&result, request.action, NULL), 0);
        assert_memory_equal(result.digest.b, digest.b, 32);
        json_decref(body);
        json_decref(data);
        buf_fini(&typed);
}

static void approvals_are_typed_data_and_action(void **state)
{
        struct venue_approval agent = {.kind = APPROVE_AGENT,
                                       .chain_id = 42161,
                                       .nonce = 1790000000003,
                                       .agent.b[19] = 0xc3,
                                       .name = "perp\"gate valid_until 1799999999999"};
        struct venue_approval builder = {.kind = APPROVE_BUILDER_FEE,
                                         .chain_id = 0x66eee,
                                         .nonce = 1790000000004,
                                         .builder.b[19] = 0xb1,
                                         .builder_fee_tenth_bp = 25};
        struct buf typed;
        struct hash32 digest;

        (void)state;
        hl_server_answer_exchange(done_plain);
        approve(&agent, "approveAgent");
        approve(&builder, "approveBuilderFee");
        pthread_mutex_lock(&hl_server.lock);
        assert_non_null(strstr(hl_server.exchange_body, "\"maxFeeRate\":\"0.025%\""));
        pthread_mutex_unlock(&hl_server.lock);
        buf_init(&typed, 65536);
        builder.builder_fee_tenth_bp = 1001;
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &builder), E_INVALID);
        buf_fini(&typed);
}

static void a_wallet_without_money_is_told(void **state)
{
        struct venue_approval agent = {.kind = APPROVE_AGENT, .chain_id = 1, .nonce = 1};
        struct signature sig = {.v = 27};

        (void)state;
        hl_server.exchange_answer =
                "{\"status\":\"err\",\"response\":\"Must deposit before performing "
                "actions. User: 0x00\"}";
        memset(&got, 0, sizeof got);
        venue->ops->approval_submit(venue, &agent, &sig, on_outcome, NULL);
        assert_true(hl_fixture_turn_until(has_outcome));
        assert_int_equal(got.result, VENUE_REFUSED);
        assert_int_equal(got.err.code, E_MARGIN);
}

static void metrics_count_what_happened(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        struct buf out;

        (void)state;
        hl_server_set(&hl_server.exchange_mode, HTTP_502);
        submit_and_wait(&a);
        hl_server_set(&hl_server.exchange_mode, GOOD);
        hl_server_answer_exchange("{\"status\":\"err\",\"response\":\"Brand new\"}");
        submit_and_wait(&a);
        buf_init(&out, 65536);
        venue->ops->metrics(venue, &out);
        assert_int_equal(buf_check(&out), 0);
        assert_non_null(strstr(
                buf_cstr(&out),
                "perpgate_venue_requests_total{kind=\"exchange\",result=\"http_other\"} 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_venue_unknown_errors_total 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_venue_markets 3\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_venue_weight_left "));
        buf_fini(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                HL_TEST(a_signed_order_reaches_the_venue),
                HL_TEST(a_letter_is_what_is_posted),
                HL_TEST(what_is_done_for_a_sub_account_names_it),
                HL_TEST(every_action_recovers_its_signer),
                HL_TEST(answers_end_in_three_words),
                HL_TEST(silence_is_unknown_at_the_deadline),
                HL_TEST(nothing_sent_is_refused),
                HL_TEST(approvals_are_typed_data_and_action),
                HL_TEST(a_wallet_without_money_is_told),
                HL_TEST(metrics_count_what_happened),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
