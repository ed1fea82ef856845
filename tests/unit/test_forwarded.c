/* forwarded: whose request it is behind proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/forwarded.h"

static const struct forwarded_proxies ours = {.n = 3,
                                              .address = {"127.0.0.1", "10.0.0.2", "2001:db8::2"}};

static void expect(const char *peer, const char *list, const char *client)
{
        char out[FORWARDED_ADDRESS_MAX];

        forwarded_client(out, peer, list, &ours);
        if (strcmp(out, client) != 0)
                fail_msg("%s behind %s: expected %s, got %s", list, peer, client, out);
}

static void a_strangers_word_is_a_claim(void **state)
{
        (void)state;
        expect("192.0.2.1", "", "192.0.2.1");
        expect("192.0.2.1", "203.0.113.9", "192.0.2.1");
        expect("192.0.2.1", "203.0.113.9, 127.0.0.1", "192.0.2.1");
}

static void a_proxy_names_who_called_it(void **state)
{
        (void)state;
        expect("127.0.0.1", "203.0.113.9", "203.0.113.9");
        expect("127.0.0.1", "2001:DB8:0::9", "2001:db8::9");
        expect("127.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9");
        expect("127.0.0.1", "198.51.100.7,\t203.0.113.9 ", "203.0.113.9");
}

static void several_proxies_vouch_for_one_another(void **state)
{
        (void)state;
        expect("127.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9");
        expect("127.0.0.1", "203.0.113.9,2001:db8:0:0::2,10.0.0.2", "203.0.113.9");
        expect("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9");
        expect("127.0.0.1", "10.0.0.2, 203.0.113.9", "203.0.113.9");
        expect("127.0.0.1", "10.0.0.2", "10.0.0.2"); /* the proxy's own request */
}

static void what_is_no_address_ends_the_walk(void **state)
{
        char lengthy[200];

        (void)state;
        memset(lengthy, '1', sizeof lengthy);
        lengthy[sizeof lengthy - 1] = '\0';
        expect("127.0.0.1", "", "127.0.0.1");
        expect("127.0.0.1", ",", "127.0.0.1");
        expect("127.0.0.1", "203.0.113.9,", "127.0.0.1");
        expect("127.0.0.1", "unknown", "127.0.0.1");
        expect("127.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2");
        expect("127.0.0.1", "203.0.113.9:443", "127.0.0.1");
        expect("127.0.0.1", "203.0.113.09", "127.0.0.1");
        expect("127.0.0.1", lengthy, "127.0.0.1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_strangers_word_is_a_claim),
                cmocka_unit_test(a_proxy_names_who_called_it),
                cmocka_unit_test(several_proxies_vouch_for_one_another),
                cmocka_unit_test(what_is_no_address_ends_the_walk),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
