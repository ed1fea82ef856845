/* agent_life: names, slots, succession and warnings of agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/agent_life.h"
#include "base/mem.h"

#define DAY INT64_C(86400000)

static struct addr an_addr(uint8_t tag)
{
        return (struct addr){.b = {[19] = tag}};
}

static struct store_account with_agent(const char *name, bool approved)
{
        struct store_account r = {.has_agent = true,
                                  .agent = an_addr(1),
                                  .agent_approved = approved,
                                  .agent_sealed = {1},
                                  .agent_sealed_len = 73,
                                  .agent_valid_until = 1000,
                                  .agent_nonce = 5};

        text_copy(r.agent_name, sizeof r.agent_name, name);
        return r;
}

static struct store_account with_next(void)
{
        struct store_account r = with_agent("meridian valid_until 1000", true);

        r.has_next = true;
        r.next = (struct store_agent){.address = an_addr(2),
                                      .name = "meridian-2 valid_until 2000",
                                      .sealed = {2},
                                      .sealed_len = 73,
                                      .valid_until = 2000,
                                      .nonce = 6};
        return r;
}

static enum errc choose(char out[AGENT_LIFE_NAME_MAX], const char *asked, bool replace,
                        const struct store_account *r, const struct venue_agent *agents, size_t n,
                        struct err *err)
{
        struct agent_life_request request = {.replace = replace};

        *err = (struct err){.code = E_OK};
        text_copy(request.name, sizeof request.name, asked);
        return agent_life_choose(out, &request, "meridian", r, agents, n, 3, err);
}

static void a_successor_has_a_name_of_its_own(void **state)
{
        struct store_account none = {.created_at = 1};
        struct store_account used = with_agent("meridian valid_until 99", true);
        struct store_account unapproved = with_agent("meridian valid_until 99", false);
        struct venue_agent listed[] = {{.address = an_addr(1), .name = "meridian"},
                                       {.address = an_addr(3), .name = "meridian-2"}};
        char name[AGENT_LIFE_NAME_MAX];
        struct err err;

        (void)state;
        assert_int_equal(choose(name, "", false, &none, NULL, 0, &err), E_OK);
        assert_string_equal(name, "meridian");
        assert_int_equal(choose(name, "", false, &unapproved, NULL, 0, &err), E_OK);
        assert_string_equal(name, "meridian"); /* nothing to stand beside */
        assert_int_equal(choose(name, "", false, &used, listed, 1, &err), E_OK);
        assert_string_equal(name, "meridian-2");
        assert_int_equal(choose(name, "", false, &used, listed, 2, &err), E_OK);
        assert_string_equal(name, "meridian-3");
        assert_int_equal(choose(name, "bot", false, &used, listed, 2, &err), E_OK);
        assert_string_equal(name, "bot");
        assert_int_equal(choose(name, "meridian", false, &used, listed, 1, &err), E_INVALID);
        assert_int_equal(choose(name, "meridian", true, &used, listed, 1, &err), E_INVALID);
        assert_string_equal(err.field[0].path, "name");
}

static void nobody_is_evicted_unasked(void **state)
{
        struct store_account none = {.created_at = 1};
        struct venue_agent listed[] = {{.address = an_addr(7), .name = "phone"},
                                       {.address = an_addr(8), .name = "bot"},
                                       {.address = an_addr(9), .name = "meridian"}};
        char name[AGENT_LIFE_NAME_MAX];
        struct err err;

        (void)state;
        assert_int_equal(choose(name, "phone", false, &none, listed, 1, &err), E_FORBIDDEN);
        assert_int_equal(choose(name, "", false, &none, listed, 3, &err), E_FORBIDDEN);
        assert_non_null(strstr(err.detail, "phone, bot, meridian"));
        assert_int_equal(choose(name, "new", true, &none, listed, 3, &err), E_FORBIDDEN);
        assert_int_equal(choose(name, "bot", true, &none, listed, 3, &err), E_OK);
        assert_string_equal(name, "bot");
        assert_int_equal(choose(name, "new", false, &none, listed, 2, &err), E_OK);
}

static void long_brands_still_get_names(void **state)
{
        struct venue_agent listed[] = {{.address = an_addr(7), .name = "abcdefghijklmnop"}};
        struct agent_life_request request = {.replace = false};
        struct store_account none = {.created_at = 1};
        char name[AGENT_LIFE_NAME_MAX];

        (void)state;
        assert_int_equal(agent_life_choose(name, &request, "abcdefghijklmnopqrstuvwxyz", &none,
                                           listed, 1, 3, NULL),
                         E_OK);
        assert_string_equal(name, "abcdefghijkl-2");
}

static void the_approved_successor_takes_the_place(void **state)
{
        struct store_account r = with_next();
        struct addr next = r.next.address, current = r.agent;

        (void)state;
        agent_life_approved(&r, &current); /* the one in use stays in use */
        assert_true(r.has_next && hex_addr_equal(&r.agent, &current));
        agent_life_approved(&r, &next);
        assert_false(r.has_next);
        assert_true(hex_addr_zero(&r.next.address) && r.next.sealed_len == 0);
        assert_true(hex_addr_equal(&r.agent, &next));
        assert_true(r.agent_approved && r.agent_sealed[0] == 2);
        assert_int_equal(r.agent_valid_until, 2000);
        assert_int_equal(r.agent_nonce, 6);
        assert_string_equal(r.agent_name, "meridian-2 valid_until 2000");
}

static void the_venues_list_is_followed(void **state)
{
        struct store_account r = with_agent("meridian valid_until 1000", false);
        struct store_account next = with_next();
        struct venue_agent listed[] = {
                {.address = an_addr(1), .name = "meridian", .valid_until = 900}};
        struct venue_agent both[] = {{.address = an_addr(1), .name = "meridian"},
                                     {.address = an_addr(2), .name = "meridian-2"}};

        (void)state;
        assert_false(agent_life_follow(&r, NULL, 0));
        assert_false(r.agent_approved);
        assert_true(agent_life_follow(&r, listed, 1));
        assert_true(r.agent_approved);
        assert_int_equal(r.agent_valid_until, 900); /* as the venue says */
        assert_false(agent_life_follow(&r, listed, 1));
        /* An approval whose answer was lost. */
        assert_true(agent_life_follow(&next, both, 2));
        assert_true(next.agent.b[19] == 2 && !next.has_next);
        assert_int_equal(next.agent_valid_until, 2000); /* the venue did not say */
}

static void warnings_come_at_thirty_seven_and_one_day(void **state)
{
        static const struct {
                int64_t left;
                unsigned days;
        } cases[] = {{31 * DAY, 0}, {30 * DAY + 1, 0}, {30 * DAY, 30}, {7 * DAY + 1, 30},
                     {7 * DAY, 7},  {DAY + 1, 7},      {DAY, 1},       {0, 1},
                     {-5 * DAY, 1}};
        int64_t now = 1700000000000;

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_int_equal(agent_life_warning(now + cases[i].left, now), cases[i].days);
        assert_int_equal(agent_life_warning(0, now), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_successor_has_a_name_of_its_own),
                cmocka_unit_test(nobody_is_evicted_unasked),
                cmocka_unit_test(long_brands_still_get_names),
                cmocka_unit_test(the_approved_successor_takes_the_place),
                cmocka_unit_test(the_venues_list_is_followed),
                cmocka_unit_test(warnings_come_at_thirty_seven_and_one_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
