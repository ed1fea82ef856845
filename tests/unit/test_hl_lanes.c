/* A feed over several egress addresses: each has the venue's limits to itself, and one that fails is
 * left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

static const struct feed_topic contexts = {.kind = FEED_CONTEXTS};
static const char three[][VENUE_ADDRESS_MAX] = {"127.0.0.2", "127.0.0.3", "127.0.0.4"};
/* The first is of a network kept for documents: nobody has it. */
static const char bad_first[][VENUE_ADDRESS_MAX] = {"203.0.113.77", "127.0.0.2"};
static const char one_prefix[][VENUE_ADDRESS_MAX] = {"2001:db8::1", "2001:db8::2", "127.0.0.2"};

static void from(struct rig *rig, const char (*egress)[VENUE_ADDRESS_MAX], unsigned n)
{
        rig->egress = egress;
        rig->n_egress = n;
        open_feed(rig);
}

static const char *address_that_said(struct rig *rig, const char *text)
{
        return rig->address[peer_that_said(rig, text)];
}

/* Users and subscriptions at the server that come from the address. */
static unsigned users_of(const struct rig *rig, const char *address)
{
        unsigned n = 0;

        for (size_t i = 0; i < rig->n_subs; i++) {
                bool is_new =
                        rig->sub[i].user[0] && strcmp(rig->address[rig->sub[i].peer], address) == 0;

                for (size_t k = 0; k < i; k++)
                        is_new = is_new && strcmp(rig->sub[i].user, rig->sub[k].user) != 0;
                n += is_new;
        }
        return n;
}

static unsigned subs_of(const struct rig *rig, const char *address)
{
        unsigned n = 0;

        for (size_t i = 0; i < rig->n_subs; i++)
                n += strcmp(rig->address[rig->sub[i].peer], address) == 0;
        return n;
}

static void test_each_address_has_its_own_users(void **state)
{
        struct rig *rig = *state;

        rig->limits.users = 2;
        from(rig, three, 3);
        assert_int_equal(feed_user_slots_left(rig->feed), 6);
        for (unsigned user = 1; user <= 7; user++)
                assert_int_equal(try_want(rig, user_topic(FEED_USER_FILLS, user)),
                                 user <= 6 ? E_OK : E_LIMIT);
        assert_int_equal(feed_user_slots_left(rig->feed), 0);
        for (unsigned user = 1; user <= 6; user++)
                AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, user), 1);
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(users_of(rig, three[i]), 2);
        assert_int_equal(metric(rig, "perpgate_feed_users"), 6);
        assert_int_equal(metric(rig, "perpgate_feed_users_max"), 6);
        /* Another kind of the same user takes no room, and room that is given back can be had. */
        want(rig, user_topic(FEED_USER_EVENTS, 1));
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_EVENTS, 1), 1);
        assert_string_equal(address_that_said(rig, "subscribe userFills 01"),
                            address_that_said(rig, "subscribe userFundings 01"));
        drop(rig, user_topic(FEED_USER_FILLS, 5));
        want(rig, user_topic(FEED_USER_FILLS, 7));
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 7), 1);
}

static void test_trades_are_spread(void **state)
{
        struct rig *rig = *state;
        char symbol[SYMBOL_MAX];

        rig->limits.subscriptions = 4;
        from(rig, three, 3);
        for (unsigned i = 0; i < 13; i++) {
                (void)snprintf(symbol, sizeof(symbol), "M%u", i);
                assert_int_equal(try_want(rig, market_topic(FEED_TRADES, symbol)),
                                 i < 12 ? E_OK : E_LIMIT);
        }
        for (unsigned i = 0; i < 12; i++) {
                (void)snprintf(symbol, sizeof(symbol), "M%u", i);
                AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, symbol), 1);
        }
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(subs_of(rig, three[i]), 4);
        assert_false(state_of(rig, market_topic(FEED_TRADES, "M12")).is_wanted);
        assert_true(state_of(rig, market_topic(FEED_TRADES, "M11")).is_live);
        assert_int_equal(metric(rig, "perpgate_feed_connections"), 3);
        assert_int_equal(metric(rig, "perpgate_feed_egress_connections{address=\"127.0.0.3\"}"), 1);
}

static void test_an_address_that_cannot_be_used_is_left(void **state)
{
        struct rig *rig = *state;

        rig->limits.answer_ms = 600;
        from(rig, bad_first, 2);
        want(rig, contexts);
        want(rig, market_topic(FEED_TRADES, "BTC"));
        want(rig, market_topic(FEED_TRADES, "ETH"));
        want(rig, user_topic(FEED_USER_FILLS, 1));
        want(rig, user_topic(FEED_USER_FILLS, 2));
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "ETH"), 1);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 1), 1);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 2), 1);
        await_said(rig, "subscribe allDexsAssetCtxs", 1);
        assert_int_equal(metric(rig, "perpgate_feed_egress_connections{address=\"203.0.113.77\"}"),
                         0);
        /* Nothing of what moved is left behind: what is dropped is dropped. */
        drop(rig, market_topic(FEED_TRADES, "BTC"));
        drop(rig, market_topic(FEED_TRADES, "ETH"));
        await_said(rig, "unsubscribe trades BTC", 1);
        await_said(rig, "unsubscribe trades ETH", 1);
}

static void test_addresses_of_one_prefix_are_one(void **state)
{
        struct rig *rig = *state;

        rig->limits.users = 2;
        from(rig, one_prefix, 3);
        assert_int_equal(feed_user_slots_left(rig->feed), 4);
}

static void test_closing_in_a_callback(void **state)
{
        struct rig *rig = *state;

        from(rig, three, 3);
        rig->closes_in_callback = true;
        for (unsigned user = 1; user <= 6; user++)
                want(rig, user_topic(FEED_USER_FILLS, user));
        while (rig->feed)
                loop_turn(rig->loop, 20);
        settle(rig, 50);
        assert_int_equal(rig->n_told, 1);
}

/* What is read and handed on as well is one subscription: of the address that has it. */
static void test_what_is_shared_is_on_one_address(void **state)
{
        static const char *const symbols[] = {"A", "B", "C", "D", "E", "F"};
        struct rig *rig = *state;

        from(rig, three, 3);
        for (size_t i = 0; i < 6; i++) {
                struct feed_topic read = market_topic(FEED_TRADES, symbols[i]);
                char json[64];

                want(rig, read);
                AWAIT(rig, FEED_LIVE, read, 1);
                (void)snprintf(json, sizeof(json), "{\"type\":\"trades\",\"coin\":\"%s\"}",
                               symbols[i]);
                want(rig, verbatim(rig, json));
                AWAIT(rig, FEED_LIVE, verbatim(rig, json), 1);
        }
        assert_int_equal(rig->n_said, 6);
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(subs_of(rig, three[i]), 2);
}

/* A user's topics are all on one address, however they are written. */
static void test_words_of_a_user(void **state)
{
        struct rig *rig = *state;
        struct feed_topic word;

        from(rig, three, 3);
        for (unsigned user = 1; user <= 3; user++) {
                want(rig, user_topic(FEED_USER_FILLS, user));
                AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, user), 1);
        }
        word = verbatim(rig, "{\"type\":\"userFundings\",\"user\":"
                             "\"0x0000000000000000000000000000000000000002\"}");
        want(rig, word);
        AWAIT(rig, FEED_LIVE, word, 1);
        assert_string_equal(address_that_said(rig, "subscribe userFundings 02"),
                            address_that_said(rig, "subscribe userFills 02"));
}

static void test_every_address_proves(void **state)
{
        struct rig *rig = *state;

        from(rig, three, 2);
        want(rig, market_topic(FEED_TRADES, "A"));
        want(rig, market_topic(FEED_TRADES, "B"));
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "A"), 1);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "B"), 1);
        feed_prove(rig->feed);
        AWAIT(rig, FEED_PROVEN, market_topic(FEED_TRADES, "A"), 1);
        AWAIT(rig, FEED_PROVEN, market_topic(FEED_TRADES, "B"), 1);
}

/* Another address has room for another book of the coin. */
static void test_books_of_one_coin(void **state)
{
        struct rig *rig = *state;
        char json[96];
        unsigned n = 0;

        rig->has_books = true;
        rig->limits.connections = 2;
        from(rig, three, 3);
        want(rig, market_topic(FEED_BOOK, "BTC"));
        for (unsigned figures = 2; figures <= 5; figures++) {
                struct feed_topic word;

                (void)snprintf(json, sizeof(json),
                               "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":%u}", figures);
                word = verbatim(rig, json);
                if (try_want(rig, word))
                        continue;
                AWAIT(rig, FEED_LIVE, word, 1);
                n++;
        }
        assert_int_equal(n, 3); /* one of each address, whose other connection is kept */
        AWAIT(rig, FEED_LIVE, market_topic(FEED_BOOK, "BTC"), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_each_address_has_its_own_users),
                T(test_trades_are_spread),
                T(test_an_address_that_cannot_be_used_is_left),
                T(test_addresses_of_one_prefix_are_one),
                T(test_closing_in_a_callback),
                T(test_what_is_shared_is_on_one_address),
                T(test_words_of_a_user),
                T(test_every_address_proves),
                T(test_books_of_one_coin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
