/* Planning an order in a builder's dex: its market's fee, its collateral. */
#include "plan_world.h"

static struct world w;

static int fresh(void **state)
{
        (void)state;
        world_init(&w);
        return 0;
}

static void limit_at(const char *price)
{
        w.request.type = ORDER_TYPE_LIMIT;
        w.request.has_price = true;
        w.request.price = px(price);
}

/* What the market makes of the rates: a fee of its deployer's on top, a tenth in growth mode. */
static void a_market_has_its_share_of_the_fee(void **state)
{
        (void)state;
        limit_at("50000");
        assert_built(&w);
        struct usd whole = w.plan.risk.venue_fee;
        w.market.fee_share = rate("1.5");
        w.market.rebate_share = rate("0.1");
        assert_built(&w);
        assert_int_equal(2 * w.plan.risk.venue_fee.v, 3 * whole.v);
        w.market.fee_share = rate("0.2");
        assert_built(&w);
        assert_int_equal(5 * w.plan.risk.venue_fee.v, whole.v);
        w.fees.taker = w.fees.maker = rate("-0.0001");
        assert_built(&w);
        struct usd rebate = w.plan.risk.venue_fee;
        assert_true(rebate.v < 0);
        w.market.rebate_share = rate("1");
        assert_built(&w);
        assert_int_equal(w.plan.risk.venue_fee.v, 10 * rebate.v);
}

/* Which money is short is said by name. */
static void the_collateral_that_is_short_is_named(void **state)
{
        (void)state;
        (void)snprintf(w.market.collateral, sizeof w.market.collateral, "USDX");
        w.account.cross.account_value = usd("1");
        limit_at("50000");
        assert_refused(&w, E_MARGIN, NULL);
        assert_says(&w, "USDX");
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_market_has_its_share_of_the_fee),
                TEST(the_collateral_that_is_short_is_named),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
