/* The keeper's feed for others: what they want of it beside the mirror, and who listens. On the paper venue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "keeper/keeper.h"
#include "paper_fixture.h"

#define WAIT_MS 60000

struct listener {
        struct rig *rig;
        struct keeper_tap *tap;
        unsigned n, n_books, n_live;
        bool untaps;                 /* itself, at the first event */
        struct listener *untaps_too; /* another */
};

struct rig {
        struct paper_fixture f;
        struct venue *venue;
        struct keeper *keeper;
        struct listener one, two;
};

static const struct feed_topic book = {.kind = FEED_BOOK, .symbol = "BTC"};
static const struct feed_topic trades = {.kind = FEED_TRADES, .symbol = "BTC"};

static int64_t now_ms(const struct rig *rig)
{
        return clock_mono_ms(loop_clock(rig->f.loop));
}

static void on_event(void *cookie, const struct feed_event *event)
{
        struct listener *l = cookie;

        assert_non_null(l->tap); /* never once it is untapped */
        l->n++;
        l->n_books += event->kind == FEED_BOOK_WHOLE && event->topic->kind == FEED_BOOK;
        l->n_live += event->kind == FEED_LIVE && event->topic->kind == FEED_BOOK;
        if (l->untaps_too) {
                keeper_untap(l->untaps_too->tap);
                l->untaps_too->tap = NULL;
                l->untaps_too = NULL;
        }
        if (l->untaps) {
                keeper_untap(l->tap);
                l->tap = NULL;
        }
}

static void listen(struct rig *rig, struct listener *l)
{
        l->rig = rig;
        l->tap = keeper_tap(rig->keeper, on_event, l);
}

/* Turns until it is more, or the wait is over. */
static void await_more(struct rig *rig, const unsigned *n, unsigned than)
{
        int64_t until = now_ms(rig) + WAIT_MS;

        while (*n <= than && now_ms(rig) < until)
                loop_turn(rig->f.loop, 20);
        assert_true(*n > than);
}

static void open_keeper(struct rig *rig, bool has_feed)
{
        struct err err = {.code = E_OK};
        char base[64], url[64];
        struct venue_options venue = {
                .kind = "hyperliquid",
                .base_url = base,
                .is_mainnet = true,
                .weight_per_minute = 1200,
                .order_deadline_ms = 5000,
                .read_deadline_ms = 5000,
                .contexts_every_ms = 500,
                .markets_every_ms = 60000,
                .max_in_flight = 4,
        };
        struct keeper_options options = {.kind = "hyperliquid"};

        (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", paper_port(rig->f.paper));
        (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws", paper_port(rig->f.paper));
        rig->venue = venue_open(rig->f.loop, &venue, &err);
        assert_non_null(rig->venue);
        options.loop = rig->f.loop;
        options.venue = rig->venue;
        options.feed_url = has_feed ? url : NULL;
        options.limits.linger_ms = -1;
        rig->keeper = keeper_open(&options, &err);
        if (!rig->keeper)
                fail_msg("%s", err.detail);
}

static int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        paper_fixture_open(&rig->f, NULL);
        *state = rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;

        keeper_close(rig->keeper);
        rig->venue->ops->close(rig->venue);
        paper_fixture_close(&rig->f);
        free(rig);
        return 0;
}

static struct feed_topic_state state_of(struct rig *rig, const struct feed_topic *topic)
{
        struct feed_topic_state state;

        keeper_feed_state(rig->keeper, topic, &state);
        return state;
}

static void test_taps(void **state)
{
        struct rig *rig = *state;

        open_keeper(rig, true);
        listen(rig, &rig->one);
        listen(rig, &rig->two);
        assert_int_equal(keeper_want(rig->keeper, &book), E_OK);
        await_more(rig, &rig->one.n_live, 0);
        assert_true(rig->one.n_books > 0);
        assert_int_equal(rig->two.n, rig->one.n); /* both hear the same */
        assert_true(state_of(rig, &book).is_live);
        keeper_untap(rig->two.tap);
        rig->two.tap = NULL;
        paper_fixture_price(&rig->f, "BTC", "60500");
        await_more(rig, &rig->one.n_books, rig->one.n_books);
        keeper_drop(rig->keeper, &book);
        assert_false(state_of(rig, &book).is_wanted);
        keeper_untap(NULL);
}

/* What the mirror wants stays, whoever else does not want it any more. */
static void test_counted_with_the_mirrors(void **state)
{
        struct rig *rig = *state;
        int64_t until;

        open_keeper(rig, true);
        until = now_ms(rig) + WAIT_MS;
        while (!state_of(rig, &trades).is_live && now_ms(rig) < until)
                loop_turn(rig->f.loop, 20);
        assert_true(state_of(rig, &trades).is_live);
        assert_int_equal(keeper_want(rig->keeper, &trades), E_OK);
        keeper_drop(rig->keeper, &trades);
        assert_true(state_of(rig, &trades).is_live);
}

static void test_untapped_from_within(void **state)
{
        struct rig *rig = *state;
        unsigned before;

        open_keeper(rig, true);
        listen(rig, &rig->one);
        listen(rig, &rig->two);
        rig->one.untaps = true;
        rig->one.untaps_too = &rig->two;
        await_more(rig, &rig->one.n, 0);
        assert_int_equal(rig->one.n, 1);
        assert_int_equal(rig->two.n, 0);
        listen(rig, &rig->two);
        before = rig->two.n;
        await_more(rig, &rig->two.n, before); /* prices come each second */
        assert_int_equal(rig->one.n, 1);
}

static void test_words(void **state)
{
        static const char mids[] = "{ \"type\": \"allMids\" }";
        struct rig *rig = *state;
        struct feed_topic topic;

        open_keeper(rig, true);
        assert_int_equal(keeper_verbatim(rig->keeper, &topic, "{}", 2), E_INVALID);
        assert_int_equal(keeper_verbatim(rig->keeper, &topic, mids, strlen(mids)), E_OK);
        assert_int_equal(keeper_want(rig->keeper, &topic), E_OK);
        listen(rig, &rig->one);
        await_more(rig, &rig->one.n, 0);
}

static void test_without_a_feed(void **state)
{
        struct rig *rig = *state;
        struct feed_topic topic;

        open_keeper(rig, false);
        listen(rig, &rig->one);
        assert_int_equal(keeper_want(rig->keeper, &book), E_NOT_FOUND);
        assert_int_equal(keeper_verbatim(rig->keeper, &topic, "{}", 2), E_NOT_FOUND);
        keeper_drop(rig->keeper, &book);
        assert_false(state_of(rig, &book).is_wanted);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_taps, setup, teardown),
                cmocka_unit_test_setup_teardown(test_counted_with_the_mirrors, setup, teardown),
                cmocka_unit_test_setup_teardown(test_untapped_from_within, setup, teardown),
                cmocka_unit_test_setup_teardown(test_words, setup, teardown),
                cmocka_unit_test_setup_teardown(test_without_a_feed, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
