/* The past over real sockets: each read is answered once, with its rows or with what went wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hl_fixture.h"

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

static void on_candles(void *cookie, const struct err *err, const struct venue_candle *c, size_t n)
{
        (void)cookie;
        take(err, n ? (int64_t)c[0].trades : -1);
}

static void on_rates(void *cookie, const struct err *err, const struct venue_funding_rate *r,
                     size_t n)
{
        (void)cookie;
        take(err, n ? r[0].rate.v : -1);
}

static void on_fills(void *cookie, const struct err *err, const struct venue_fill *f, size_t n,
                     const struct venue_span *span)
{
        (void)cookie;
        assert_true(err->code || (n == 1 && f[0].tid == 3 && span->part == VENUE_WHOLE));
        take(err, span->newest_at);
}

static void on_payments(void *cookie, const struct err *err, const struct venue_payment *p,
                        size_t n, const struct venue_span *span)
{
        (void)cookie;
        (void)span;
        take(err, n ? p[0].amount.v : -1);
}

static void on_ledger(void *cookie, const struct err *err, const struct venue_ledger_row *r,
                      size_t n, const struct venue_span *span)
{
        (void)cookie;
        assert_true(err->code || (n == 1 && strcmp(r[0].amount, "10.0") == 0));
        take(err, span->oldest_at);
}

static void on_orders(void *cookie, const struct err *err, const struct venue_order_status *o,
                      size_t n)
{
        (void)cookie;
        (void)o;
        take(err, (int64_t)n);
}

static void on_agents(void *cookie, const struct err *err, const struct venue_agent *a, size_t n)
{
        (void)cookie;
        take(err, n == 1 ? a[0].address.b[19] : -1); /* the other one has expired */
}

static void on_allowance(void *cookie, const struct err *err, const struct venue_allowance *a)
{
        (void)cookie;
        take(err, (int64_t)(a->cap - a->used));
}

static const struct addr user = {.b = {[19] = 0xee}};

static void the_past_is_read(void **state)
{
        const struct market *m = venue->ops->market_by_symbol(venue, "BTC");
        struct market btc;

        (void)state;
        assert_non_null(m);
        btc = *m;
        venue->ops->read_candles(venue, &btc, "1m", 0, 120000, on_candles, NULL);
        expect_read(E_OK, 4);
        venue->ops->read_funding_history(venue, &btc, 0, 10, on_rates, NULL);
        expect_read(E_OK, 12500000);
        venue->ops->read_past_fills(venue, &user, 0, 10, on_fills, NULL);
        expect_read(E_OK, 9);
        venue->ops->read_payments(venue, &user, 0, 10, on_payments, NULL);
        expect_read(E_OK, -150000000);
        venue->ops->read_ledger(venue, &user, 0, 10, on_ledger, NULL);
        expect_read(E_OK, 7);
        venue->ops->read_past_orders(venue, &user, on_orders, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_agents(venue, &user, on_agents, NULL);
        expect_read(E_OK, 0xa1);
        venue->ops->read_allowance(venue, &user, on_allowance, NULL);
        expect_read(E_OK, 10005);
}

static void reads_draw_on_the_budget(void **state)
{
        struct venue_budget before, after;

        (void)state;
        venue->ops->budget(venue, &before);
        venue->ops->read_allowance(venue, &user, on_allowance, NULL);
        expect_read(E_OK, 10005);
        venue->ops->budget(venue, &after);
        assert_int_equal(before.weight_per_minute, after.weight_per_minute);
        assert_true(after.weight_left <= before.weight_left - 20);
}

static void failed_reads_say_so(void **state)
{
        static const enum server_mode modes[] = {HTTP_502, RUBBISH, HANG_UP};

        (void)state;
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
                hl_server_set(&hl_server.info_mode, modes[i]);
                venue->ops->read_past_fills(venue, &user, 0, 10, on_fills, NULL);
                expect_read(E_VENUE_UNAVAILABLE, 0);
                venue->ops->read_ledger(venue, &user, 0, 10, on_ledger, NULL);
                expect_read(E_VENUE_UNAVAILABLE, 0);
                venue->ops->read_agents(venue, &user, on_agents, NULL);
                expect_read(E_VENUE_UNAVAILABLE, 0);
        }
}

#define MANY 80

static unsigned n_over, n_refused;

static void on_one_of_many(void *cookie, const struct err *err, const struct venue_candle *c,
                           size_t n)
{
        (void)cookie;
        (void)c;
        (void)n;
        n_over++;
        n_refused += err->code == E_RATE_LIMITED;
}

static void on_trades(void *cookie, const struct err *err, const struct venue_trade *trades,
                      size_t n)
{
        (void)trades;
        on_one_of_many(cookie, err, NULL, n);
}

static void on_book(void *cookie, const struct err *err, const struct venue_book *book)
{
        (void)book;
        on_one_of_many(cookie, err, NULL, 0);
}

static bool are_over(void)
{
        return n_over == MANY;
}

static void on_account(void *cookie, const struct err *err, struct venue_account *account)
{
        (void)cookie;
        (void)account;
        take(err, 1);
}

/* Anybody may ask for trades, and for candles of ever other windows: they don't use up what trading reads by. */
static void the_past_leaves_weight_for_trading(void **state)
{
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);
        struct market btc;

        (void)state;
        o.weight_per_minute = 1200;
        o.order_reserve = 300;
        o.read_deadline_ms = 400;
        hl_fixture_reopen(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        btc = *venue->ops->market_by_symbol(venue, "BTC");
        n_over = n_refused = 0;
        for (unsigned i = 0; i < MANY / 2; i++) {
                venue->ops->read_trades(venue, &btc, on_trades, NULL);
                venue->ops->read_candles(venue, &btc, "1m", i, 120000, on_one_of_many, NULL);
        }
        venue->ops->read_account(venue, &user, "", on_account, NULL);
        expect_read(E_OK, 1);
        assert_true(hl_fixture_turn_until(are_over));
        assert_in_range(n_refused, MANY / 2, MANY - 1);
}

/* Books that are looked at: however many are, those that an order waits for are read. */
static void books_that_are_shown_leave_weight_for_trading(void **state)
{
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);
        struct market btc;

        (void)state;
        o.weight_per_minute = 240; /* these books weigh 160, what reads may have is 180 */
        o.order_reserve = 60;
        o.read_deadline_ms = 400;
        o.contexts_every_ms = o.markets_every_ms = 60000; /* they draw on the same budget */
        hl_fixture_reopen(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        btc = *venue->ops->market_by_symbol(venue, "BTC");
        n_over = n_refused = 0;
        for (unsigned i = 0; i < MANY; i++)
                venue->ops->read_shown_book(venue, &btc, on_book, NULL);
        venue->ops->read_account(venue, &user, "", on_account, NULL);
        expect_read(E_OK, 1);
        assert_true(hl_fixture_turn_until(are_over));
        assert_in_range(n_refused, 1, MANY / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                HL_TEST(the_past_is_read),
                HL_TEST(reads_draw_on_the_budget),
                HL_TEST(failed_reads_say_so),
                HL_TEST(the_past_leaves_weight_for_trading),
                HL_TEST(books_that_are_shown_leave_weight_for_trading),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
