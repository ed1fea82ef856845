/* acting: whose a sub-account is, is asked once, and not again for every made-up address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/acting.h"

/* A venue that keeps what it is asked until it is told to answer. */
static struct {
        unsigned n_asked;
        struct addr wallet;
        venue_sub_accounts_fn *done;
        void *cookie;
} asked;

static void read_sub_accounts(struct venue *venue, const struct addr *user,
                              venue_sub_accounts_fn *done, void *cookie)
{
        (void)venue;
        asked.n_asked++;
        asked.wallet = *user;
        asked.done = done;
        asked.cookie = cookie;
}

static void answer(enum errc code, unsigned n_subs)
{
        struct venue_sub_account subs[3] = {{.address = {{1}}}, {.address = {{2}}}};
        struct err err = {.code = code};

        asked.done(asked.cookie, &err, subs, n_subs);
}

struct rig {
        struct venue_ops ops;
        struct venue venue;
        struct clock_manual clock;
        struct api api;
};

static const struct addr wallet = {{0xaa}}, other_wallet = {{0xbb}};

static int set_up(void **state)
{
        static struct rig rig;

        memset(&rig, 0, sizeof rig);
        memset(&asked, 0, sizeof asked);
        rig.ops.read_sub_accounts = read_sub_accounts;
        rig.venue.ops = &rig.ops;
        clock_manual_init(&rig.clock, 1000);
        rig.api.o.clock = &rig.clock.clock;
        rig.api.o.venue = &rig.venue;
        rig.api.o.loop = loop_new();
        rig.api.acting = acting_new(&rig.api);
        *state = &rig;
        return 0;
}

static int tear_down(void **state)
{
        struct rig *rig = *state;

        acting_free(rig->api.acting);
        loop_free(rig->api.o.loop);
        return 0;
}

struct reply {
        unsigned n;
        enum errc code;
};

static void told(void *cookie, const struct err *err)
{
        struct reply *reply = cookie;

        reply->n++;
        reply->code = err->code;
}

static void turn(struct rig *rig)
{
        for (int i = 0; i < 5; i++)
                loop_turn(rig->api.o.loop, 0);
}

static void check(struct rig *rig, const struct addr *of, uint8_t sub, struct reply *reply)
{
        struct addr address = {{sub}};

        *reply = (struct reply){0};
        acting_check(rig->api.acting, of, &address, told, reply);
        assert_int_equal(reply->n, 0); /* never before it returns */
        turn(rig);
}

static void expect(const struct reply *reply, enum errc code)
{
        assert_int_equal(reply->n, 1);
        assert_int_equal(reply->code, code);
}

static void many_ask_and_the_venue_is_asked_once(void **state)
{
        struct rig *rig = *state;
        struct reply a, b, stranger;

        check(rig, &wallet, 1, &a);
        check(rig, &wallet, 2, &b);
        check(rig, &wallet, 9, &stranger);
        assert_int_equal(asked.n_asked, 1);
        assert_true(hex_addr_equal(&asked.wallet, &wallet));
        answer(E_OK, 2);
        expect(&a, E_OK);
        expect(&b, E_OK);
        expect(&stranger, E_NOT_FOUND);
        check(rig, &wallet, 1, &a);
        expect(&a, E_OK);
        assert_int_equal(asked.n_asked, 1);
}

static void what_is_not_listed_is_not_asked_about_at_once(void **state)
{
        struct rig *rig = *state;
        struct reply r;

        check(rig, &wallet, 9, &r);
        answer(E_OK, 1);
        expect(&r, E_NOT_FOUND);
        for (int i = 0; i < 20; i++) {
                check(rig, &wallet, (uint8_t)(10 + i), &r);
                expect(&r, E_NOT_FOUND);
        }
        clock_manual_advance(&rig->clock, 9999);
        check(rig, &wallet, 2, &r);
        expect(&r, E_NOT_FOUND);
        assert_int_equal(asked.n_asked, 1);
        clock_manual_advance(&rig->clock, 1);
        check(rig, &wallet, 2, &r); /* made elsewhere in the meantime */
        assert_int_equal(asked.n_asked, 2);
        answer(E_OK, 2);
        expect(&r, E_OK);
}

static void one_wallets_are_not_anothers(void **state)
{
        struct rig *rig = *state;
        struct reply r;

        check(rig, &wallet, 1, &r);
        answer(E_OK, 1);
        expect(&r, E_OK);
        check(rig, &other_wallet, 1, &r);
        assert_int_equal(asked.n_asked, 2);
        assert_true(hex_addr_equal(&asked.wallet, &other_wallet));
        answer(E_OK, 0);
        expect(&r, E_NOT_FOUND);
}

static void a_failed_question_is_asked_again(void **state)
{
        struct rig *rig = *state;
        struct reply r;

        check(rig, &wallet, 1, &r);
        answer(E_VENUE_UNAVAILABLE, 0);
        expect(&r, E_VENUE_UNAVAILABLE);
        check(rig, &wallet, 1, &r);
        assert_int_equal(asked.n_asked, 2);
        answer(E_OK, 1);
        expect(&r, E_OK);
        clock_manual_advance(&rig->clock, 1000000);
        check(rig, &wallet, 1, &r); /* known, whatever the venue is up to */
        expect(&r, E_OK);
        assert_int_equal(asked.n_asked, 2);
}

static void what_was_just_made_is_known(void **state)
{
        struct rig *rig = *state;
        struct venue_sub_account listed = {.address = {{6}}};
        struct addr made = {{5}};
        struct reply r;

        acting_add(rig->api.acting, &wallet, &made);
        check(rig, &wallet, 5, &r);
        expect(&r, E_OK);
        acting_learn(rig->api.acting, &wallet, &listed, 1);
        check(rig, &wallet, 6, &r);
        expect(&r, E_OK);
        check(rig, &wallet, 7, &r); /* the list is fresh */
        expect(&r, E_NOT_FOUND);
        assert_int_equal(asked.n_asked, 0);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                RIG(many_ask_and_the_venue_is_asked_once),
                RIG(what_is_not_listed_is_not_asked_about_at_once),
                RIG(one_wallets_are_not_anothers),
                RIG(a_failed_question_is_asked_again),
                RIG(what_was_just_made_is_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
