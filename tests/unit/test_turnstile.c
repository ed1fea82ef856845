/* turnstile: one at a time per account and symbol, in order, without anybody waiting for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/turnstile.h"

struct visitor {
        struct turnstile_pass pass;
        int order; /* of entering; 0: not yet */
};

static int entered_so_far;

static void entered(struct turnstile_pass *pass)
{
        struct visitor *v = list_entry(pass, struct visitor, pass);

        assert_int_equal(v->order, 0);
        v->order = ++entered_so_far;
}

static void settle(struct loop *loop)
{
        for (int i = 0; i < 20; i++)
                loop_turn(loop, 0);
}

static void one_at_a_time_in_order(void **state)
{
        struct loop *loop = loop_new();
        struct turnstile *t = turnstile_new(loop);
        struct visitor v[3] = {{.order = 0}};
        struct addr a = {{1}};

        (void)state;
        entered_so_far = 0;
        for (int i = 0; i < 3; i++) {
                assert_int_equal(turnstile_enter(t, &v[i].pass, &a, "BTC", entered), E_OK);
                assert_int_equal(v[i].order, 0); /* never before return */
        }
        settle(loop);
        assert_int_equal(v[0].order, 1);
        assert_int_equal(v[1].order, 0);
        turnstile_leave(t, &v[1].pass); /* gives up while waiting */
        turnstile_leave(t, &v[0].pass);
        settle(loop);
        assert_int_equal(v[1].order, 0);
        assert_int_equal(v[2].order, 2);
        turnstile_leave(t, &v[2].pass);
        turnstile_leave(t, &v[2].pass); /* harmless */
        settle(loop);
        turnstile_free(t);
        loop_free(loop);
}

static void giving_up_in_line_lets_nobody_in(void **state)
{
        struct loop *loop = loop_new();
        struct turnstile *t = turnstile_new(loop);
        struct visitor v[3] = {{.order = 0}};
        struct addr a = {{1}};

        (void)state;
        entered_so_far = 0;
        for (int i = 0; i < 3; i++)
                assert_int_equal(turnstile_enter(t, &v[i].pass, &a, "BTC", entered), E_OK);
        settle(loop);
        turnstile_leave(t, &v[1].pass);
        settle(loop); /* the first is inside already: it must not be told again */
        assert_int_equal(v[0].order, 1);
        assert_int_equal(v[2].order, 0);
        turnstile_leave(t, &v[0].pass);
        settle(loop);
        assert_int_equal(v[2].order, 2);
        turnstile_leave(t, &v[2].pass);
        turnstile_free(t); /* no turn of the loop in between */
        loop_free(loop);
}

static void others_do_not_wait(void **state)
{
        struct loop *loop = loop_new();
        struct turnstile *t = turnstile_new(loop);
        struct visitor v[3] = {{.order = 0}};
        struct addr a = {{1}}, b = {{2}};

        (void)state;
        entered_so_far = 0;
        assert_int_equal(turnstile_enter(t, &v[0].pass, &a, "BTC", entered), E_OK);
        assert_int_equal(turnstile_enter(t, &v[1].pass, &a, "ETH", entered), E_OK);
        assert_int_equal(turnstile_enter(t, &v[2].pass, &b, "BTC", entered), E_OK);
        settle(loop);
        for (int i = 0; i < 3; i++) {
                assert_true(v[i].order > 0);
                turnstile_leave(t, &v[i].pass);
        }
        settle(loop);
        turnstile_free(t);
        loop_free(loop);
}

static void the_line_is_bounded(void **state)
{
        static struct visitor v[TURNSTILE_WAITING_MAX + 1];
        struct loop *loop = loop_new();
        struct turnstile *t = turnstile_new(loop);
        struct addr a = {{1}};

        (void)state;
        memset(v, 0, sizeof v);
        entered_so_far = 0;
        for (int i = 0; i < TURNSTILE_WAITING_MAX; i++)
                assert_int_equal(turnstile_enter(t, &v[i].pass, &a, "BTC", entered), E_OK);
        assert_int_equal(turnstile_enter(t, &v[TURNSTILE_WAITING_MAX].pass, &a, "BTC", entered),
                         E_LIMIT);
        turnstile_leave(t, &v[TURNSTILE_WAITING_MAX].pass); /* refused: not inside */
        for (int i = 0; i < TURNSTILE_WAITING_MAX; i++) {
                settle(loop);
                assert_int_equal(v[i].order, i + 1);
                turnstile_leave(t, &v[i].pass);
        }
        settle(loop);
        turnstile_free(t);
        loop_free(loop);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_at_a_time_in_order),
                cmocka_unit_test(giving_up_in_line_lets_nobody_in),
                cmocka_unit_test(others_do_not_wait),
                cmocka_unit_test(the_line_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
