/* lost_keys: where the store can't vouch for a key, the venue is asked: for the account's history once, by one
 * at a time, and for the order alone while that is not known. */
#include "asked_venue.h"
#include "store_rig.h"

#include "api/identity.h"
#include "api/lost_keys.h"
#include "api/route.h"
#include "base/log.h"
#include "store/store_keys.h"
#include "store/store_past.h"

#define T0        INT64_C(1700000000000)
#define DAY       STORE_KEY_KEPT_MS
#define MINUTE    INT64_C(60000)
#define CALLS_MAX 16

/* --- who asks --- */

static struct brand brand = {.id = "harbor"};

struct asking {
        struct call call;
        unsigned n;
        enum errc rc;
        char hint[128];
};

struct world {
        struct rig *rig;
        struct clock_manual clock;
        struct api api;
        struct lost_keys *lost;
        unsigned n;
        struct asking by[CALLS_MAX];
};

static void done(struct call *call, const struct err *err)
{
        struct asking *who = (struct asking *)(void *)call;

        who->n++;
        who->rc = err->code;
        (void)text_copy(who->hint, sizeof who->hint, err->hint);
}

/* The store's thread has answered, or there is nothing to come. */
static void settle(struct world *w)
{
        for (int i = 0; i < 20; i++)
                loop_turn(w->rig->loop, 5);
}

static void wait_for_questions(struct world *w, unsigned n)
{
        for (int i = 0; i < 600 && asked.n < n; i++)
                loop_turn(w->rig->loop, 100);
        assert_int_equal(asked.n, n);
}

static void wait_for(struct world *w, const struct asking *who)
{
        for (int i = 0; i < 600 && who->n == 0; i++)
                loop_turn(w->rig->loop, 100);
        assert_int_equal(who->n, 1);
}

static struct asking *ask(struct world *w, unsigned account, const char *key)
{
        struct asking *who = &w->by[w->n++];

        assert_true(w->n <= CALLS_MAX);
        *who = (struct asking){.call.api = &w->api, .call.brand = &brand};
        who->call.account = rig_addr(account);
        who->call.route = route_by_pattern(METHOD_POST, "/v1/orders");
        who->call.key_day = w->clock.now_wall_ms / DAY;
        assert_true(text_copy(who->call.key, sizeof who->call.key, key));
        lost_keys_check(w->lost, &who->call, done);
        return who;
}

static void restart(struct world *w, int64_t known_since)
{
        lost_keys_free(w->lost);
        w->lost = lost_keys_new(&w->api);
        lost_keys_known_since(w->lost, known_since);
}

static int setup(void **state)
{
        struct world *w = xcalloc(1, sizeof *w);
        void *rig = NULL;

        assert_int_equal(rig_setup(&rig), 0);
        w->rig = rig;
        clock_manual_init(&w->clock, T0);
        memset(&asked, 0, sizeof asked);
        asked.venue.ops = &ops;
        w->api.o.store = w->rig->store;
        w->api.o.clock = &w->clock.clock;
        w->api.o.venue = &asked.venue;
        restart(w, T0 - MINUTE);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;
        void *rig = w->rig;

        lost_keys_free(w->lost);
        free(w);
        return rig_teardown(&rig);
}

/* The order that this account has placed under this key, at that time. */
static struct venue_order_status order_of(unsigned account, const char *key, int64_t at)
{
        struct call call = {.brand = &brand, .account = rig_addr(account)};
        struct venue_order_status s = {.found = true, .status = "filled", .status_at = at};

        assert_true(text_copy(call.key, sizeof call.key, key));
        identity_cloids_of_day(&s.order.cloid, 1, &call, at / DAY);
        s.order.has_cloid = true;
        s.order.placed_at = at;
        return s;
}

/* --- one reads, the others wait --- */

static void an_account_is_read_once_and_all_are_told(void **state)
{
        struct world *w = *state;
        struct venue_order_status orders[] = {order_of(1, "b", T0 - 2 * MINUTE)};
        struct asking *a = ask(w, 1, "a"), *b = ask(w, 1, "b"), *c;

        wait_for_questions(w, 1);
        c = ask(w, 1, "c");
        settle(w);
        assert_int_equal(asked.n, 1);
        assert_int_equal(a->n + b->n + c->n, 0);
        answer_history(orders, 1);
        assert_int_equal(a->n + b->n + c->n, 3);
        assert_int_equal(a->rc, E_OK);
        assert_int_equal(b->rc, E_IDEMPOTENCY);
        assert_non_null(strstr(b->hint, "GET /v1/orders/0x"));
        assert_int_equal(c->rc, E_OK);
        /* And from then on at once. */
        a = ask(w, 1, "d");
        b = ask(w, 1, "b");
        assert_int_equal(a->rc, E_OK);
        assert_int_equal(b->rc, E_IDEMPOTENCY);
        assert_int_equal(asked.n_histories, 1);
        assert_int_equal(asked.n_lookups, 0);
}

static void what_needs_no_such_care_asks_nobody(void **state)
{
        struct world *w = *state;
        struct asking *who;

        restart(w, T0 - DAY); /* the whole of the last day is known */
        who = ask(w, 1, "a");
        assert_int_equal(who->n, 1);
        assert_int_equal(who->rc, E_OK);
        settle(w);
        assert_int_equal(asked.n, 0);
}

/* --- what was read lasts --- */

static void what_was_read_is_not_read_again_after_a_restart(void **state)
{
        struct world *w = *state;
        struct venue_order_status orders[] = {order_of(1, "a", T0 - 2 * MINUTE)};
        struct asking *who = ask(w, 1, "z");

        wait_for_questions(w, 1);
        answer_history(orders, 1);
        assert_int_equal(who->rc, E_OK);
        settle(w);
        restart(w, T0 - MINUTE);
        who = ask(w, 1, "a");
        wait_for(w, who);
        assert_int_equal(who->rc, E_IDEMPOTENCY);
        who = ask(w, 1, "b");
        assert_int_equal(who->rc, E_OK);
        assert_int_equal(asked.n_histories, 1);
        /* A store that was put back since knows less. */
        restart(w, T0);
        who = ask(w, 1, "a");
        wait_for_questions(w, 1);
        answer_history(orders, 1);
        assert_int_equal(who->rc, E_IDEMPOTENCY);
        assert_int_equal(asked.n_histories, 2);
}

static void what_the_store_tells_meanwhile_voids_what_was_begun(void **state)
{
        struct world *w = *state;
        struct venue_order_status orders[] = {order_of(1, "a", T0 - 2 * MINUTE)};
        struct asking *who;

        restart(w, INT64_MAX); /* not told yet */
        who = ask(w, 1, "a");
        wait_for_questions(w, 1);
        lost_keys_known_since(w->lost, T0 - MINUTE);
        answer_history(NULL, 0);
        wait_for_questions(w, 1);
        assert_false(asked.open[0].is_history); /* it asks for itself */
        answer_lookup(T0 - 2 * MINUTE);
        assert_int_equal(who->rc, E_IDEMPOTENCY);
        who = ask(w, 1, "a");
        wait_for_questions(w, 1);
        answer_history(orders, 1);
        assert_int_equal(who->rc, E_IDEMPOTENCY);
        assert_int_equal(asked.n_histories, 2);
}

/* --- a venue that is in trouble is not asked for more than it needs --- */

static void after_a_failure_it_rests_longer_and_longer(void **state)
{
        struct world *w = *state;
        struct asking *a = ask(w, 1, "a"), *b = ask(w, 1, "b");

        for (int64_t rest = 1000; rest <= 4000; rest *= 2) {
                wait_for_questions(w, 1);
                fail_next();
                /* Who waited asks for its order alone, under its name of today and of yesterday. */
                answer_lookups_with_nothing();
                assert_int_equal(a->rc + b->rc, E_OK);
                assert_int_equal(a->n + b->n, 2);
                clock_manual_advance(&w->clock, rest - 1);
                a = ask(w, 1, "a");
                settle(w);
                assert_int_equal(asked.n, 1);
                assert_false(asked.open[0].is_history);
                answer_lookups_with_nothing();
                assert_int_equal(a->n, 1);
                clock_manual_advance(&w->clock, 1);
                a = ask(w, 1, "a");
                b = ask(w, 1, "b");
        }
        assert_int_equal(asked.n_histories, 3);
        wait_for_questions(w, 1);
        answer_history(NULL, 0);
        assert_int_equal(a->n + b->n, 2);
        assert_int_equal(asked.n_histories, 4);
}

static void a_lookup_that_fails_places_nothing(void **state)
{
        struct world *w = *state;
        struct asking *who = ask(w, 1, "a");

        wait_for_questions(w, 1);
        fail_next();
        assert_int_equal(who->n, 0);
        fail_next();
        assert_int_equal(who->rc, E_VENUE_UNAVAILABLE);
        /* Found under yesterday's name; one that is a day old is no more. */
        who = ask(w, 1, "a");
        answer_lookup(0);
        assert_int_equal(who->n, 0);
        answer_lookup(T0 - DAY + 1);
        assert_int_equal(who->rc, E_IDEMPOTENCY);
        who = ask(w, 1, "a");
        answer_lookup(T0 - DAY);
        answer_lookup(0);
        assert_int_equal(who->rc, E_OK);
        assert_int_equal(asked.n_histories, 1);
}

static void few_accounts_are_read_at_once(void **state)
{
        struct world *w = *state;
        struct asking *who[4], *fifth;

        for (unsigned i = 0; i < 4; i++)
                who[i] = ask(w, i + 1, "a");
        wait_for_questions(w, 4);
        assert_int_equal(asked.n_histories, 4);
        fifth = ask(w, 5, "a");
        assert_int_equal(asked.n_lookups, 1);
        for (unsigned i = 0; i < 4; i++)
                answer_history(NULL, 0);
        answer_lookups_with_nothing();
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(who[i]->n, 1);
        assert_int_equal(fifth->n, 1);
        fifth = ask(w, 5, "b"); /* its turn */
        wait_for_questions(w, 1);
        answer_history(NULL, 0);
        assert_int_equal(fifth->n, 1);
        assert_int_equal(asked.n_histories, 5);
}

/* --- what counts --- */

static void orders_of_another_time_do_not_count(void **state)
{
        struct world *w = *state;
        struct venue_order_status orders[] = {
                order_of(1, "old", T0 - DAY), order_of(1, "new", T0 - MINUTE + 11 * MINUTE),
                order_of(1, "just", T0 - MINUTE + 9 * MINUTE), order_of(1, "nameless", T0 - 1)};
        struct asking *who;

        orders[3].order.has_cloid = false;
        clock_manual_advance(&w->clock, 15 * MINUTE);
        who = ask(w, 1, "z");
        wait_for_questions(w, 1);
        answer_history(orders, 4);
        assert_int_equal(who->n, 1);
        assert_int_equal(ask(w, 1, "old")->rc, E_OK);
        assert_int_equal(ask(w, 1, "new")->rc, E_OK); /* the store knows it, or nobody does */
        assert_int_equal(ask(w, 1, "nameless")->rc, E_OK);
        assert_int_equal(ask(w, 1, "just")->rc, E_IDEMPOTENCY);
        clock_manual_advance(&w->clock, DAY - 10 * MINUTE);
        lost_keys_known_since(w->lost, T0 - MINUTE); /* the day is over */
        assert_int_equal(ask(w, 1, "just")->rc, E_OK);
}

static void a_key_is_free_a_day_after_its_order(void **state)
{
        struct world *w = *state;
        struct venue_order_status orders[] = {order_of(1, "a", T0 - 10 * MINUTE)};
        struct asking *who = ask(w, 1, "z");

        wait_for_questions(w, 1);
        answer_history(orders, 1);
        assert_int_equal(who->n, 1);
        clock_manual_advance(&w->clock, DAY - 10 * MINUTE - 1);
        assert_int_equal(ask(w, 1, "a")->rc, E_IDEMPOTENCY);
        clock_manual_advance(&w->clock, 1);
        assert_int_equal(ask(w, 1, "a")->rc, E_OK);
        assert_int_equal(asked.n_histories, 1);
}

/* A list that is as long as the venue's ever is may lack some, unless it reaches back a day. */
static void a_full_list_is_the_whole_day_where_it_reaches_back(void **state)
{
        struct world *w = *state;
        struct venue_order_status *orders = xcalloc(STORE_PAST_MAX, sizeof *orders);
        struct asking *who;

        for (unsigned i = 0; i < STORE_PAST_MAX; i++)
                orders[i] = order_of(1, log_fmt("k%u", i), T0 - 5 * MINUTE);
        who = ask(w, 1, "z");
        wait_for_questions(w, 1);
        answer_history(orders, STORE_PAST_MAX);
        wait_for_questions(w, 1); /* it is asked about by itself */
        answer_lookup(T0 - 3 * 60 * MINUTE);
        assert_int_equal(who->rc, E_IDEMPOTENCY);
        assert_int_equal(ask(w, 1, "k1999")->rc, E_IDEMPOTENCY);
        assert_int_equal(asked.n, 0);

        orders[7].status_at =
                T0 - DAY; /* open since then: that tells nothing of those that ended */
        (void)text_copy(orders[7].status, sizeof orders[7].status, "open");
        who = ask(w, 2, "z");
        wait_for_questions(w, 1);
        answer_history(orders, STORE_PAST_MAX);
        wait_for_questions(w, 1);
        answer_lookups_with_nothing();
        assert_int_equal(who->rc, E_OK);

        (void)text_copy(orders[7].status, sizeof orders[7].status, "filled");
        who = ask(w, 3, "z");
        wait_for_questions(w, 1);
        answer_history(orders, STORE_PAST_MAX);
        assert_int_equal(asked.n, 0);
        assert_int_equal(who->rc, E_OK);
        /* So it is told by the store, too. */
        settle(w);
        restart(w, T0 - MINUTE);
        wait_for(w, ask(w, 3, "y"));
        (void)ask(w, 1, "y");
        wait_for_questions(w, 1);
        assert_false(asked.open[0].is_history);
        answer_lookups_with_nothing();
        free(orders);
}

static void more_accounts_than_fit_are_found_in_the_store(void **state)
{
        struct world *w = *state;
        struct venue_order_status orders[] = {order_of(7, "a", T0 - 2 * MINUTE)};

        for (unsigned i = 0; i < 1024 + 8; i++) {
                struct asking *who = ask(w, i, "z");

                wait_for_questions(w, 1);
                answer_history(orders, i == 7);
                assert_int_equal(who->n, 1);
                w->n = 0;
        }
        wait_for(w, ask(w, 7, "z")); /* it had to make room */
        assert_int_equal(ask(w, 7, "a")->rc, E_IDEMPOTENCY);
        assert_int_equal(asked.n_histories, 1024 + 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(an_account_is_read_once_and_all_are_told),
                TEST(what_needs_no_such_care_asks_nobody),
                TEST(what_was_read_is_not_read_again_after_a_restart),
                TEST(what_the_store_tells_meanwhile_voids_what_was_begun),
                TEST(after_a_failure_it_rests_longer_and_longer),
                TEST(a_lookup_that_fails_places_nothing),
                TEST(few_accounts_are_read_at_once),
                TEST(orders_of_another_time_do_not_count),
                TEST(a_key_is_free_a_day_after_its_order),
                TEST(a_full_list_is_the_whole_day_where_it_reaches_back),
                TEST(more_accounts_than_fit_are_found_in_the_store),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
