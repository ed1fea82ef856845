/* Reads over real sockets: each is answered once, never early, and a failed one says why; reads wait
 * for the budget that orders pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hl_fixture.h"

/* ---- Reads ---- */

static struct {
        unsigned n;
        enum errc code;
        int64_t value;
} read_;

static void take(const struct err *err, int64_t value)
{
        read_.n++;
        read_.code = err->code;
        read_.value = value;
}

static void on_number(void *cookie, const struct err *err, int64_t value)
{
        (void)cookie;
        take(err, value);
}

static void on_account(void *cookie, const struct err *err, struct venue_account *account)
{
        (void)cookie;
        take(err, account->withdrawable.v);
        if (account->position) { /* moved out, as a callee may */
                struct venue_account mine = *account;

                account->position = NULL;
                venue_account_fini(&mine);
        }
}

static void on_setting(void *cookie, const struct err *err, const struct venue_setting *s)
{
        (void)cookie;
        take(err, s->leverage);
}

static void on_orders(void *cookie, const struct err *err, const struct venue_open_order *orders,
                      size_t n)
{
        (void)cookie;
        (void)orders;
        take(err, (int64_t)n);
}

static void on_status(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        (void)cookie;
        take(err, s->found);
}

static void on_fills(void *cookie, const struct err *err, const struct venue_fill *fills, size_t n)
{
        (void)cookie;
        (void)fills;
        take(err, (int64_t)n);
}

static void on_book(void *cookie, const struct err *err, const struct venue_book *book)
{
        (void)cookie;
        take(err, book->as_of);
}

static void on_trades(void *cookie, const struct err *err, const struct venue_trade *trades,
                      size_t n)
{
        (void)cookie;
        take(err, n > 0 ? trades[0].at : -1);
}

static void on_fees(void *cookie, const struct err *err, const struct venue_fees *fees)
{
        (void)cookie;
        take(err, fees->taker.v);
}

static bool has_read(void)
{
        return read_.n > 0;
}

static void expect_read(enum errc code, int64_t value)
{
        assert_int_equal(read_.n, 0);
        assert_true(hl_fixture_turn_until(has_read));
        assert_int_equal(read_.n, 1);
        assert_int_equal(read_.code, code);
        if (!code)
                assert_int_equal(read_.value, value);
        memset(&read_, 0, sizeof read_);
}

static const struct addr user = {.b = {[19] = 0xee}};

static void reads_are_answered(void **state)
{
        const struct market *m = venue->ops->market_by_symbol(venue, "BTC");
        struct market btc;

        (void)state;
        assert_non_null(m);
        btc = *m;
        venue->ops->read_account(venue, &user, "", on_account, NULL);
        expect_read(E_OK, 9 * NUM_SCALE);
        venue->ops->read_setting(venue, &user, &btc, on_setting, NULL);
        expect_read(E_OK, 10);
        venue->ops->read_open_orders(venue, &user, "", on_orders, NULL);
        expect_read(E_OK, 0);
        venue->ops->lookup(venue, &user, &(struct cloid){.b = {1}}, 0, on_status, NULL);
        expect_read(E_OK, 0);
        venue->ops->lookup(venue, &user, NULL, 77, on_status, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_fills(venue, &user, on_fills, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_book(venue, &btc, on_book, NULL);
        expect_read(E_OK, 1);
        venue->ops->read_shown_book(venue, &btc, on_book, NULL);
        expect_read(E_OK, 1);
        venue->ops->read_trades(venue, &btc, on_trades, NULL);
        expect_read(E_OK, 7);
        venue->ops->read_fees(venue, &user, on_fees, NULL);
        expect_read(E_OK, 450000000);
        venue->ops->read_builder_fee(venue, &user, &user, on_number, NULL);
        expect_read(E_OK, 25);
}

static void agents_are_found_named_and_unnamed(void **state)
{
        static const struct addr named = {.b = {[19] = 0xa1}};
        static const struct addr expired = {.b = {[19] = 0xa2}};
        static const struct addr unnamed = {.b = {[19] = 0xa3}};
        static const struct addr stranger = {.b = {[19] = 0x01}};

        (void)state;
        venue->ops->read_agent(venue, &user, &named, on_number, NULL);
        expect_read(E_OK, 1);
        venue->ops->read_agent(venue, &user, &expired, on_number, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_agent(venue, &user, &unnamed, on_number, NULL);
        expect_read(E_OK, 1); /* userRole names the user */
        venue->ops->read_agent(venue, &stranger, &unnamed, on_number, NULL);
        expect_read(E_OK, 0); /* and it is not that one */
}

static void failed_reads_say_so(void **state)
{
        static const struct {
                enum server_mode mode;
                enum errc code;
        } cases[] = {
                {HTTP_502, E_VENUE_UNAVAILABLE}, {HTTP_422, E_VENUE_UNAVAILABLE},
                {RUBBISH, E_VENUE_UNAVAILABLE},  {HANG_UP, E_VENUE_UNAVAILABLE},
                {HTTP_429, E_RATE_LIMITED},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                hl_server_set(&hl_server.info_mode, cases[i].mode);
                venue->ops->read_account(venue, &user, "", on_account, NULL);
                expect_read(cases[i].code, 0);
        }
}

/* ---- Beside orders ---- */

static struct {
        unsigned n;
        enum venue_result result;
} got;

static void on_outcome(void *cookie, const struct venue_outcome *outcome)
{
        (void)cookie;
        got.n++;
        got.result = outcome->result;
}

static bool has_outcome(void)
{
        return got.n > 0;
}

static void submit(const struct venue_action *action)
{
        struct venue_compiled compiled;
        struct signature sig;

        assert_int_equal(venue->ops->compile(venue, &compiled, action, NULL, 1, 0, NULL), 0);
        assert_int_equal(secp_sign(secp, &sig, &compiled.digest, key), 0);
        memset(&got, 0, sizeof got);
        venue->ops->submit(venue, &compiled, &sig, on_outcome, NULL);
        venue_compiled_fini(&compiled);
}

/* ---- Budget ---- */

static void orders_pass_when_reads_must_wait(void **state)
{
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        (void)state;
        o.weight_per_minute = 40; /* one poll, then the reserve alone */
        o.order_reserve = 20;
        o.read_deadline_ms = 40;
        o.contexts_every_ms = 1000000;
        hl_server_answer_exchange("{\"status\":\"ok\",\"response\":{\"type\":\"cancel\",\"data\":{"
                                  "\"statuses\":[\"success\"]}}}");
        hl_fixture_reopen(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        venue->ops->read_account(venue, &user, "", on_account, NULL);
        expect_read(E_RATE_LIMITED, 0);
        submit(&cancel);
        assert_true(hl_fixture_turn_until(has_outcome));
        assert_int_equal(got.result, VENUE_DONE);
        assert_int_equal(hl_server_count(&hl_server.n_info), 0);
}

static void too_many_waiting_reads_are_refused(void **state)
{
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        (void)state;
        o.weight_per_minute = 40;
        o.order_reserve = 20;
        o.contexts_every_ms = 1000000;
        hl_fixture_reopen(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        memset(&read_, 0, sizeof read_);
        for (unsigned i = 0; i < 300; i++)
                venue->ops->read_account(venue, &user, "", on_account, NULL);
        assert_int_equal(read_.n, 0);
        assert_true(hl_fixture_turn_until(has_read));
        assert_int_equal(read_.n, 300 - 256);
        assert_int_equal(read_.code, E_RATE_LIMITED);
        venue->ops->close(venue); /* the others are told now */
        venue = NULL;
        assert_int_equal(read_.n, 300);
        assert_int_equal(read_.code, E_VENUE_UNAVAILABLE);
        memset(&read_, 0, sizeof read_);
}

static void closing_tells_everybody_once(void **state)
{
        struct venue_action a = {.kind = VENUE_CANCEL, .u.cancel.n = 1};

        (void)state;
        hl_server_set(&hl_server.exchange_mode, SILENT);
        hl_server_set(&hl_server.info_mode, SILENT);
        submit(&a);
        memset(&read_, 0, sizeof read_);
        venue->ops->read_account(venue, &user, "", on_account, NULL);
        for (unsigned i = 0; i < 20; i++)
                loop_turn(loop, 1);
        venue->ops->close(venue);
        venue = NULL;
        assert_int_equal(got.n, 1);
        assert_true(got.result == VENUE_UNKNOWN || got.result == VENUE_REFUSED);
        assert_int_equal(read_.n, 1);
        assert_int_equal(read_.code, E_VENUE_UNAVAILABLE);
        memset(&read_, 0, sizeof read_);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                HL_TEST(reads_are_answered),
                HL_TEST(agents_are_found_named_and_unnamed),
                HL_TEST(failed_reads_say_so),
                HL_TEST(orders_pass_when_reads_must_wait),
                HL_TEST(too_many_waiting_reads_are_refused),
                HL_TEST(closing_tells_everybody_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
