#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/tally.h"

static void a_bound_is_kept_by_name(void **state)
{
        struct tally *t = tally_new();

        (void)state;
        assert_true(tally_add(t, "a", 2));
        assert_true(tally_add(t, "a", 2));
        assert_false(tally_add(t, "a", 2));
        assert_true(tally_add(t, "b", 2));
        tally_drop(t, "a");
        assert_true(tally_add(t, "a", 2));
        assert_false(tally_add(t, "a", 1)); /* a bound that was lowered */
        tally_free(t);
}

static void no_bound_is_none(void **state)
{
        struct tally *t = tally_new();

        (void)state;
        for (unsigned i = 0; i < 1000; i++)
                assert_true(tally_add(t, "a", 0));
        for (unsigned i = 0; i < 999; i++)
                tally_drop(t, "a");
        assert_false(tally_add(t, "a", 1));
        tally_drop(t, "a");
        assert_true(tally_add(t, "a", 1));
        tally_free(t);
}

static void names_of_strangers_leave_nothing(void **state)
{
        struct tally *t = tally_new();
        char name[32];

        (void)state;
        for (unsigned i = 0; i < 10000; i++) {
                snprintf(name, sizeof name, "%u", i);
                assert_true(tally_add(t, name, 1));
                tally_drop(t, name);
        }
        tally_free(t);
        tally_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bound_is_kept_by_name),
                cmocka_unit_test(no_bound_is_none),
                cmocka_unit_test(names_of_strangers_leave_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
