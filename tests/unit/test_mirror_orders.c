/* Scripted histories: resting orders by lists, statuses, fills and own actions. */
#include "mirror_script.h"

static struct venue_open_order open_order(const char *symbol, uint64_t oid, enum side side,
                                          const char *price, const char *size)
{
        struct venue_open_order o = {.side = side,
                                     .oid = oid,
                                     .price = {num(price)},
                                     .size = {num(size)},
                                     .original_size = {num(size)}};

        snprintf(o.symbol, sizeof o.symbol, "%s", symbol);
        return o;
}

static void list(struct script *s, const struct venue_open_order *orders, size_t n,
                 int64_t asked_at, int64_t at)
{
        struct mirror_reading reading = {asked_at, at};
        struct addr user = who(1);

        mirror_orders(s->mirror, &user, "", &reading, orders, n);
}

static void resting_orders_follow_fills_and_lists(void **state)
{
        struct script *s = *state;
        struct venue_open_order two[2] = {open_order("AA", 5, SIDE_BUY, "95", "4"),
                                          open_order("AA", 6, SIDE_BUY, "90", "4")};
        struct feed_trade maker = trade_of("AA", 1, 9, false, "1", "95", 1, T0 + 2000);

        read_long(s, T0 + 1000);
        list(s, two, 2, T0 + 1000, T0 + 1100);
        look(s, T0 + 1500);
        assert_true(s->view.orders_known);
        assert_int_equal(s->view.n_orders, 2);
        /* 4 * 95 / 10 + 4 * 90 / 10 */
        expect(s->view.resting, "74");
        expect(s->view.account.withdrawable, "926");
        mirror_trades(s->mirror, &maker, 1, T0 + 2000);
        look(s, T0 + 2000);
        expect(s->order[0].size, "3");
        assert_true(s->view.orders_known);
        /* At a price where nothing rests: what rests is not known. */
        maker = trade_of("AA", 1, 9, false, "1", "94", 2, T0 + 2100);
        mirror_trades(s->mirror, &maker, 1, T0 + 2100);
        look(s, T0 + 2100);
        assert_false(s->view.orders_known);
        list(s, &two[1], 1, T0 + 3000, T0 + 3100);
        look(s, T0 + 3100);
        assert_true(s->view.orders_known);
        assert_int_equal(s->view.n_orders, 1);
}

/* A flat account with 1,000, of which the venue lets so much go. */
static void read_flat(struct script *s, const char *withdrawable, int64_t at)
{
        struct sheet sheet = sheet_of("1000");
        struct mirror_reading reading = {at, at};
        struct addr user = who(1);

        sheet.account.as_of = at;
        sheet.account.account_value = sheet.account.cross.account_value;
        sheet.account.withdrawable.v = num(withdrawable);
        mirror_state(s->mirror, &user, "", &reading, &sheet.account);
}

static void what_is_not_known_of_the_reserve_is_the_venues(void **state)
{
        struct script *s = *state;
        struct venue_action leverage = {.kind = VENUE_SET_LEVERAGE, .asset = 1};
        struct venue_open_order one = open_order("BB", 5, SIDE_BUY, "9", "4");

        /* The leverage of BB is not known; the venue holds 7.2 back. */
        read_flat(s, "992.8", T0 + 1000);
        list(s, &one, 1, T0 + 1000, T0 + 1100);
        look(s, T0 + 1500);
        expect(s->view.resting, "7.2");
        expect(s->view.account.withdrawable, "992.8");
        /* From here on it is another. */
        leverage.u.leverage.leverage = 3;
        leverage.u.leverage.mode = MARGIN_CROSS;
        tell(s, send(s, &leverage, T0 + 2000), ITEM_RESTING, "0", "0", 0, T0 + 2100);
        look(s, T0 + 2200);
        expect(s->view.resting, "12");
        expect(s->view.account.withdrawable, "988");
}

static void where_nothing_can_leave_nothing_is_shown_to_be_free(void **state)
{
        struct script *s = *state;
        struct venue_open_order one = open_order("BB", 5, SIDE_BUY, "9", "4");

        read_flat(s, "0", T0 + 1000);
        list(s, &one, 1, T0 + 1000, T0 + 1100);
        look(s, T0 + 1500);
        expect(s->view.account.withdrawable, "0");
        /* What came since makes the venue's figure void. */
        one.oid = 6;
        list(s, &one, 1, T0 + 1200, T0 + 1600);
        look(s, T0 + 1600);
        assert_true(s->view.account.withdrawable.v > 0);
}

static void a_list_asked_for_before_a_cancel_does_not_bring_it_back(void **state)
{
        struct script *s = *state;
        struct venue_action cancel = {.kind = VENUE_CANCEL, .asset = 0};
        struct venue_action place = order_action(false, "4", "95", TIF_GTC);
        struct venue_open_order one = open_order("AA", 5, SIDE_BUY, "95", "4");

        read_long(s, T0 + 1000);
        list(s, NULL, 0, T0 + 1000, T0 + 1000);
        tell(s, send(s, &place, T0 + 1500), ITEM_RESTING, "0", "0", 5, T0 + 1600);
        look(s, T0 + 1600);
        assert_int_equal(s->view.n_orders, 1);
        /* A list of before it was placed does not take it away. */
        list(s, NULL, 0, T0 + 1550, T0 + 1700);
        look(s, T0 + 1700);
        assert_int_equal(s->view.n_orders, 1);
        cancel.u.cancel.n = 1;
        cancel.u.cancel.cancel[0].oid = 5;
        tell(s, send(s, &cancel, T0 + 2000), ITEM_CANCELLED, "0", "0", 5, T0 + 2100);
        list(s, &one, 1, T0 + 2050, T0 + 2200);
        look(s, T0 + 2200);
        assert_int_equal(s->view.n_orders, 0);
}

static void a_stop_that_fires_is_told_once(void **state)
{
        struct script *s = *state;
        struct venue_order_status status = {.found = true, .status_at = T0 + 2000};
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        status.order = open_order("AA", 5, SIDE_SELL, "80", "10");
        status.order.is_trigger = true;
        status.order.trigger = TRIGGER_STOP_LOSS;
        list(s, &status.order, 1, T0 + 1000, T0 + 1000);
        snprintf(status.status, sizeof status.status, "triggered");
        mirror_order_status(s->mirror, &user, &status, T0 + 2100);
        mirror_order_status(s->mirror, &user, &status, T0 + 2100);
        assert_int_equal(s->n_triggered, 1);
        assert_int_equal(s->triggered.oid, 5);
        snprintf(status.status, sizeof status.status, "filled");
        status.status_at++;
        mirror_order_status(s->mirror, &user, &status, T0 + 2200);
        look(s, T0 + 2200);
        assert_int_equal(s->view.n_orders, 0);
}

/* Of an account that is not followed nothing is pushed: the list shows that the stop is gone. */
static void a_stop_that_is_gone_unsaid_is_asked_about(void **state)
{
        struct script *s = *state;
        struct venue_open_order order[2] = {open_order("AA", 5, SIDE_SELL, "80", "10"),
                                            open_order("AA", 6, SIDE_BUY, "70", "1")};

        read_long(s, T0 + 1000);
        order[0].is_trigger = true;
        order[0].trigger = TRIGGER_STOP_LOSS;
        list(s, order, 2, T0 + 1000, T0 + 1000);
        assert_int_equal(s->n_vanished, 0);
        list(s, NULL, 0, T0 + 2000, T0 + 2000);
        list(s, NULL, 0, T0 + 3000, T0 + 3000);
        assert_int_equal(s->n_vanished, 1);
        assert_int_equal(s->vanished, 5); /* not the limit order */
}

/* What the venue then says of it tells the trigger, once. */
static void a_stop_that_was_filled_was_triggered(void **state)
{
        struct script *s = *state;
        struct venue_order_status status = {.found = true, .status_at = T0 + 2000};
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        status.order = open_order("AA", 5, SIDE_SELL, "80", "10");
        status.order.is_trigger = true;
        status.order.trigger_price.v = 7;
        snprintf(status.status, sizeof status.status, "canceled");
        mirror_order_status(s->mirror, &user, &status, T0 + 2100);
        assert_int_equal(s->n_triggered, 0);
        status.order.oid = 6;
        snprintf(status.status, sizeof status.status, "filled");
        mirror_order_status(s->mirror, &user, &status, T0 + 2100);
        mirror_order_status(s->mirror, &user, &status, T0 + 2200);
        assert_int_equal(s->n_triggered, 1);
        assert_int_equal(s->triggered.trigger_price.v, 7);
}

/* A push has no trigger, and here came before any list: what it was is told when it is known, once. */
static void a_stop_that_fires_before_it_is_known_is_told_when_it_is(void **state)
{
        struct script *s = *state;
        struct venue_order_status status = {.found = true, .status_at = T0 + 2000};
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        status.order = open_order("AA", 5, SIDE_SELL, "80", "10");
        snprintf(status.status, sizeof status.status, "triggered");
        mirror_order_status(s->mirror, &user, &status, T0 + 2100);
        assert_int_equal(s->n_triggered, 1);
        assert_int_equal(s->triggered.trigger_price.v, 0);
        snprintf(status.status, sizeof status.status, "filled");
        status.status_at++;
        mirror_order_status(s->mirror, &user, &status, T0 + 2200);
        assert_int_equal(s->n_triggered, 1);
        status.order.is_trigger = true;
        status.order.trigger = TRIGGER_TAKE_PROFIT;
        status.order.trigger_price.v = 7;
        for (int i = 0; i < 2; i++)
                mirror_order_status(s->mirror, &user, &status, T0 + 2300 + i);
        assert_int_equal(s->n_triggered, 2);
        assert_int_equal(s->triggered.trigger_price.v, 7);
        assert_int_equal(s->triggered.trigger, TRIGGER_TAKE_PROFIT);
}

static void a_word_that_is_not_known_ends_no_order(void **state)
{
        struct script *s = *state;
        struct venue_order_status status = {.found = true, .status_at = T0 + 1500};
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        status.order = open_order("AA", 5, SIDE_BUY, "95", "4");
        list(s, &status.order, 1, T0 + 1000, T0 + 1100);
        snprintf(status.status, sizeof status.status, "hibernating");
        mirror_order_status(s->mirror, &user, &status, T0 + 2100);
        look(s, T0 + 2100);
        assert_int_equal(s->view.n_orders, 1);
        assert_false(s->view.orders_known); /* to be read again */
        snprintf(status.status, sizeof status.status, "cometCanceled");
        mirror_order_status(s->mirror, &user, &status, T0 + 2200);
        look(s, T0 + 2200);
        assert_int_equal(s->view.n_orders, 0);
}

static enum errc setting(struct script *s, const char *symbol, int64_t now, unsigned *leverage)
{
        struct venue_setting out = {.leverage = 0};
        struct addr user = who(1);
        enum errc rc = mirror_view_setting(s->mirror, &user, symbol, now, &out);

        *leverage = out.leverage;
        return rc;
}

static void set(struct script *s, const char *symbol, unsigned leverage, int64_t at)
{
        struct mirror_reading reading = {at, at};
        struct addr user = who(1);

        mirror_setting(s->mirror, &user, symbol, &reading, MARGIN_CROSS, leverage);
}

/* A state with that much cash, and a list with it, of which so much is reserved. */
static void read_with(struct script *s, const struct venue_open_order *orders, size_t n,
                      const char *cash, const char *reserved, int64_t at)
{
        struct sheet sheet = sheet_of(cash);

        list(s, orders, n, at, at);
        sheet.account.cross.resting.v = num(reserved);
        deliver(s, &sheet, at);
}

static void a_leverage_changed_elsewhere_shows_in_what_orders_reserve(void **state)
{
        struct script *s = *state;
        struct venue_open_order one = open_order("AA", 5, SIDE_BUY, "90", "10");
        unsigned leverage;

        set(s, "AA", 10, T0 + 900);
        set(s, "BB", 5, T0 + 900);
        read_with(s, &one, 1, "1000", "90", T0 + 1000);
        read_with(s, &one, 1, "1000", "90", T0 + 2000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_WITHDRAWABLE], 0);
        /* A deposit is no reason to forget what is set. */
        read_with(s, &one, 1, "5000", "90", T0 + 3000);
        assert_int_equal(stats_of(s).drift_explained[FIELD_CROSS_CASH], 1);
        assert_int_equal(setting(s, "AA", T0 + 3000, &leverage), E_OK);
        assert_int_equal(leverage, 10);
        read_with(s, &one, 1, "5000", "180", T0 + 4000);
        assert_int_equal(setting(s, "AA", T0 + 4000, &leverage), E_NOT_FOUND);
        /* Nothing rests there: nothing tells. */
        assert_int_equal(setting(s, "BB", T0 + 4000, &leverage), E_OK);
        set(s, "AA", 5, T0 + 5000);
        read_with(s, &one, 1, "5000", "180", T0 + 6000);
        assert_int_equal(setting(s, "AA", T0 + 6000, &leverage), E_OK);
        assert_int_equal(leverage, 5);
}

static void a_setting_that_nothing_confirms_is_read_again(void **state)
{
        struct script *s = *state;
        unsigned leverage;

        set(s, "AA", 10, T0 + 900);
        set(s, "BB", 5, T0 + 900);
        read_long(s, T0 + 1000);
        assert_int_equal(setting(s, "BB", T0 + 600900, &leverage), E_OK);
        assert_int_equal(leverage, 5);
        assert_int_equal(setting(s, "BB", T0 + 600901, &leverage), E_NOT_FOUND);
        set(s, "BB", 3, T0 + 700000);
        assert_int_equal(setting(s, "BB", T0 + 700000, &leverage), E_OK);
        assert_int_equal(leverage, 3);
        /* That of a position is what the state says. */
        assert_int_equal(setting(s, "AA", T0 + 900000, &leverage), E_OK);
        assert_int_equal(leverage, 10);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(resting_orders_follow_fills_and_lists),
                T(what_is_not_known_of_the_reserve_is_the_venues),
                T(where_nothing_can_leave_nothing_is_shown_to_be_free),
                T(a_list_asked_for_before_a_cancel_does_not_bring_it_back),
                T(a_stop_that_fires_is_told_once),
                T(a_stop_that_is_gone_unsaid_is_asked_about),
                T(a_stop_that_was_filled_was_triggered),
                T(a_stop_that_fires_before_it_is_known_is_told_when_it_is),
                T(a_word_that_is_not_known_ends_no_order),
                T(a_leverage_changed_elsewhere_shows_in_what_orders_reserve),
                T(a_setting_that_nothing_confirms_is_read_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
