/* A setting that is not found as it was to be may have been made and changed since: what was sent after it
 * is not given up for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/recover.h"

#define EXPIRES 10000

/* Leverage, then an order. */
struct world {
        struct recover_step step[2];
        struct recover_plan plan;
        struct recover_next next;
        int64_t now;
};

static void begin(struct world *w, bool can_be_undone)
{
        *w = (struct world){.now = EXPIRES + RECOVER_GRACE_MS};
        for (unsigned i = 0; i < 2; i++)
                w->step[i] = (struct recover_step){.may_send = true, .expires_at = EXPIRES};
        w->step[0].can_be_undone = can_be_undone;
        w->step[0].has_before = true;
        w->plan = (struct recover_plan){.n = 2, .step = w->step};
        recover_next(&w->next, &w->plan, w->now);
}

/* Waits as long as it is told to, then says the word. */
static void say(struct world *w, enum recover_word word)
{
        if (w->next.act == RECOVER_WAIT) {
                w->now = w->next.at;
                recover_next(&w->next, &w->plan, w->now);
        }
        recover_hear(&w->plan, w->next.step, w->next.act, word, w->now);
        recover_next(&w->next, &w->plan, w->now);
}

static void miss(struct world *w)
{
        say(w, RECOVER_SAYS_MISSING);
        say(w, RECOVER_SAYS_MISSING);
}

static void test_the_order_is_asked_about(void **state)
{
        struct world w;

        (void)state;
        begin(&w, true);
        miss(&w);
        assert_int_equal(w.step[0].fate, RECOVER_REJECTED);
        assert_int_equal(w.next.act, RECOVER_ASK);
        assert_int_equal(w.next.step, 1);
        say(&w, RECOVER_SAYS_DONE);
        assert_int_equal(w.next.act, RECOVER_END);
        assert_int_equal(w.step[1].fate, RECOVER_DONE);
        assert_int_equal(w.step[0].fate, RECOVER_DONE); /* else the order had not been sent */
}

/* Refused at the venue: it got there. What somebody else set since is not put back. */
static void test_a_refused_order_puts_nothing_back(void **state)
{
        struct world w;

        (void)state;
        begin(&w, true);
        miss(&w);
        say(&w, RECOVER_SAYS_REFUSED);
        assert_int_equal(w.next.act, RECOVER_END);
        assert_int_equal(w.step[1].fate, RECOVER_REJECTED);
        assert_int_equal(w.step[0].fate, RECOVER_DONE);
}

static void test_an_order_that_never_arrived_is_rejected_with_it(void **state)
{
        struct world w;

        (void)state;
        begin(&w, true);
        miss(&w);
        miss(&w);
        assert_int_equal(w.next.act, RECOVER_END);
        assert_int_equal(w.step[0].fate, RECOVER_REJECTED);
        assert_int_equal(w.step[1].fate, RECOVER_REJECTED);
}

/* At another leverage than it was asked for with, it must not leave. */
static void test_the_order_is_not_sent(void **state)
{
        struct world w;

        (void)state;
        begin(&w, true);
        miss(&w);
        w.step[1].expires_at = w.now + 60000;
        say(&w, RECOVER_SAYS_MISSING);
        assert_int_equal(w.next.act, RECOVER_WAIT);
        assert_int_equal(w.next.at, w.step[1].expires_at + RECOVER_GRACE_MS);
        say(&w, RECOVER_SAYS_DONE);
        assert_int_equal(w.step[1].fate, RECOVER_DONE);
}

/* What nobody can undo was never done: nothing after it left. */
static void test_what_can_not_be_undone_proves_it(void **state)
{
        struct world w;

        (void)state;
        begin(&w, false);
        miss(&w);
        assert_int_equal(w.next.act, RECOVER_END);
        assert_int_equal(w.step[1].fate, RECOVER_REJECTED);
        begin(&w, true);
        w.step[0].fate = RECOVER_REJECTED; /* as the journal has it */
        recover_next(&w.next, &w.plan, w.now);
        assert_int_equal(w.next.act, RECOVER_END);
        assert_int_equal(w.step[1].fate, RECOVER_REJECTED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_order_is_asked_about),
                cmocka_unit_test(test_a_refused_order_puts_nothing_back),
                cmocka_unit_test(test_an_order_that_never_arrived_is_rejected_with_it),
                cmocka_unit_test(test_the_order_is_not_sent),
                cmocka_unit_test(test_what_can_not_be_undone_proves_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
