/* Books, best prices and candles as the feed tells them, and what can't be true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

#define LEVEL(px) "{\"px\":\"" px "\",\"sz\":\"0.5\",\"n\":3}"
#define BOOK(bid, ask)                                                                             \
        "{\"coin\":\"BTC\",\"time\":1790357129742,\"levels\":[[" LEVEL(bid) "," LEVEL(             \
                "1.5") "],[" LEVEL(ask) "]]}"

static void say_book(struct rig *rig, unsigned peer, const char *data)
{
        say_to(rig, peer, "{\"channel\":\"l2Book\",\"data\":%s}", data);
}

static void test_book(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_BOOK, "BTC");
        const struct told *told;

        open_feed(rig);
        want(rig, btc);
        await_said(rig, "subscribe l2Book BTC", 1);
        say_book(rig, 0, BOOK("100.5", "101"));
        AWAIT(rig, FEED_LIVE, btc, 1);
        told = await(rig, FEED_BOOK_WHOLE, btc, 1);
        assert_string_equal(told->text, "BTC 2 1 100.5");
        assert_true(told->is_snapshot);
        assert_string_equal(told->raw, BOOK("100.5", "101"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_book),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
