/* siwe: one text per message, EIP-55 addresses, and every way a message can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "auth/siwe.h"
#include "auth/siwe_text.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ADDRESS  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

#define HEAD "meridian.localhost wants you to sign in with your Ethereum account:\n" ADDRESS "\n\n"
#define TAIL                                                                                       \
        "URI: https://meridian.localhost\nVersion: 1\nChain ID: 42161\n"                           \
        "Nonce: 0123456789abcdef\nIssued At: 2026-09-21T14:13:20.000Z"
#define MESSAGE HEAD "Sign in to Meridian.\n\n" TAIL

static struct siwe a_message(void)
{
        struct siwe siwe = {.domain = "meridian.localhost",
                            .statement = "Sign in to Meridian.",
                            .uri = "https://meridian.localhost",
                            .version = "1",
                            .chain_id = 42161,
                            .nonce = "0123456789abcdef",
                            .issued_at = INT64_C(1790000000000)};

        assert_int_equal(hex_parse_addr(&siwe.address, ADDRESS, strlen(ADDRESS)), E_OK);
        return siwe;
}

static void expect_text(const struct siwe *siwe, const char *text)
{
        char out[SIWE_MESSAGE_MAX];
        struct siwe back;
        struct err err = {0};

        assert_int_equal(siwe_print(out, sizeof out, siwe), strlen(text));
        assert_string_equal(out, text);
        if (siwe_parse(&back, text, strlen(text), &err))
                fail_msg("%s", err.detail);
        assert_string_equal(back.domain, siwe->domain);
        assert_true(hex_addr_equal(&back.address, &siwe->address));
        assert_string_equal(back.statement, siwe->statement);
        assert_string_equal(back.uri, siwe->uri);
        assert_string_equal(back.version, siwe->version);
        assert_true(back.chain_id == siwe->chain_id);
        assert_string_equal(back.nonce, siwe->nonce);
        assert_int_equal(back.issued_at, siwe->issued_at);
        assert_int_equal(back.expires_at, siwe->expires_at);
        assert_int_equal(back.not_before, siwe->not_before);
}

static void a_message_prints_and_parses(void **state)
{
        struct siwe siwe = a_message();

        (void)state;
        expect_text(&siwe, MESSAGE);
        siwe.statement[0] = '\0';
        expect_text(&siwe, HEAD "\n" TAIL);
        siwe.expires_at = siwe.issued_at + 300123;
        expect_text(&siwe, HEAD "\n" TAIL "\nExpiration Time: 2026-09-21T14:18:20.123Z");
        siwe.not_before = 1;
        expect_text(&siwe, HEAD "\n" TAIL "\nExpiration Time: 2026-09-21T14:18:20.123Z"
                                "\nNot Before: 1970-01-01T00:00:00.001Z");
        siwe.expires_at = 0;
        expect_text(&siwe, HEAD "\n" TAIL "\nNot Before: 1970-01-01T00:00:00.001Z");
}

static void what_does_not_fit_or_forges_lines_is_not_printed(void **state)
{
        char out[SIWE_MESSAGE_MAX];
        struct siwe siwe = a_message();
        size_t whole = strlen(MESSAGE);

        (void)state;
        assert_int_equal(siwe_print(out, whole + 1, &siwe), whole);
        for (size_t cap = 1; cap <= whole; cap++)
                assert_int_equal(siwe_print(out, cap, &siwe), 0);
#define REFUSED(change)                                                                            \
        do {                                                                                       \
                siwe = a_message();                                                                \
                change;                                                                            \
                assert_int_equal(siwe_print(out, sizeof out, &siwe), 0);                           \
        } while (0)
        REFUSED(siwe.statement[3] = '\n');
        REFUSED(siwe.statement[3] = '"');
        REFUSED(siwe.statement[3] = '\x80');
        REFUSED(siwe.domain[0] = '\0');
        REFUSED(siwe.domain[3] = '\n');
        REFUSED(siwe.domain[3] = '@');
        REFUSED(siwe.domain[3] = '/');
        REFUSED(siwe.uri[0] = '\0');
        REFUSED(siwe.uri[5] = ' ');
        REFUSED(siwe.uri[0] = '1');
        REFUSED(siwe.nonce[7] = '\0');
        REFUSED(siwe.nonce[7] = '-');
        REFUSED(siwe.version[0] = '2');
        REFUSED(siwe.chain_id = 0);
        REFUSED(siwe.issued_at = 0);
        REFUSED(siwe.issued_at = -1);
        REFUSED(siwe.expires_at = INT64_MAX);
#undef REFUSED
}

static enum errc parse(const char *text, size_t len, struct err *err)
{
        struct siwe out;
        char *exact = malloc(len + 1); /* so that a read past the end is seen */
        enum errc rc;

        memcpy(exact, text, len);
        *err = (struct err){0};
        rc = siwe_parse(&out, exact, len, err);
        free(exact);
        return rc;
}

static const struct {
        const char *text;
        unsigned line;
} malformed[] = {
        {"x", 1},
        {"\n", 1},
        {" wants you to sign in with your Ethereum account:\n" ADDRESS "\n\n\n" TAIL, 1},
        {"https://meridian.localhost wants you to sign in with your Ethereum account:\n", 1},
        {"a b wants you to sign in with your Ethereum account:\n", 1},
        {"brand.example@evil.example wants you to sign in with your Ethereum account:\n", 1},
        {"meridian.localhost wants you to sign in with your Ethereum account: \n", 1},
        {"meridian.localhost wants you to sign in with your ethereum account:\n", 1},
        {"meridian.localhost wants you to sign in with your Ethereum account:", 2},
        {"m wants you to sign in with your Ethereum account:\r\n" ADDRESS "\n\n\n" TAIL, 1},
        {"m wants you to sign in with your Ethereum account:\n0x5aa\n\n\n" TAIL, 2},
        {"m wants you to sign in with your Ethereum account:\n"
         "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\n\n\n" TAIL,
         2}, /* lower case */
        {"m wants you to sign in with your Ethereum account:\n"
         "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD\n\n\n" TAIL,
         2}, /* last letter */
        {"m wants you to sign in with your Ethereum account:\n"
         "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n\n\n" TAIL,
         2},
        {"m wants you to sign in with your Ethereum account:\n"
         "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n\n\n" TAIL,
         2},
        {"m wants you to sign in with your Ethereum account:\n" ADDRESS, 3},
        {"m wants you to sign in with your Ethereum account:\n" ADDRESS "\nx\n\n" TAIL, 3},
        {HEAD, 5},
        {HEAD TAIL, 5},
        {HEAD "a \"quote\"\n\n" TAIL, 4},
        {HEAD "two\nlines\n\n" TAIL, 5},
        {HEAD "tab\t\n\n" TAIL, 4},
        {HEAD "\n\n" TAIL, 5},
        {HEAD "\nVersion: 1\n", 5},
        {HEAD "\nURI: \n", 5},
        {HEAD "\nURI:https://m\n", 5},
        {HEAD "\nuri: https://m\n", 5},
        {HEAD "\nURI: m\n", 5},
        {HEAD "\nURI: https:\n", 5},
        {HEAD "\nURI: https://a b\n", 5},
        {HEAD "\nURI: https://m\n", 6},
        {HEAD "\nURI: https://m\nVersion: 2\n", 6},
        {HEAD "\nURI: https://m\nVersion: 01\n", 6},
        {HEAD "\nURI: https://m\nVersion: 1", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 0\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 01\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: -1\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 0x1\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 1 \n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 18446744073709551616\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 99999999999999999999\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 100000000000000000000\n", 7},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 1\nNonce: 1234567\n", 8},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 1\nNonce: 1234567-\n", 8},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 1\nNonce: "
              "01234567890123456789012345678901234567890123456789012345678901234\n",
         8},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 1\nNonce: 12345678\n", 9},
        {HEAD "\nURI: https://m\nVersion: 1\nChain ID: 1\nNonce: 12345678", 9},
        {MESSAGE "\n", 11},
        {MESSAGE "\nExpiration Time: soon", 11},
        {MESSAGE "\nExpiration Time: ", 11},
        {MESSAGE "\nNot Before: 2026-09-21T14:13:20Z", 11},
        {MESSAGE "\nNot Before: 2026-09-21T14:13:20.000Z"
                 "\nExpiration Time: 2026-09-21T14:13:20.000Z",
         12},
        {MESSAGE "\nExpiration Time: 2026-09-21T14:13:20.000Z"
                 "\nExpiration Time: 2026-09-21T14:13:20.000Z",
         12},
        {MESSAGE "\nRequest ID: 7", 11},
        {MESSAGE "\nResources:", 11},
        {MESSAGE "\nExpiration Time: 2026-09-21T14:13:20.000Z\n", 12},
};

static void malformed_messages_name_their_line(void **state)
{
        struct err err;
        char expected[32];

        (void)state;
        assert_int_equal(parse(MESSAGE, strlen(MESSAGE), &err), E_OK);
        for (size_t i = 0; i < COUNT(malformed); i++) {
                snprintf(expected, sizeof expected, "Line %u of", malformed[i].line);
                if (parse(malformed[i].text, strlen(malformed[i].text), &err) != E_SYNTAX)
                        fail_msg("accepted: %s", malformed[i].text);
                if (strncmp(err.detail, expected, strlen(expected)) != 0)
                        fail_msg("case %zu: \"%s\", not line %u", i, err.detail, malformed[i].line);
        }
}

static void no_prefix_and_no_changed_byte_passes_for_the_message(void **state)
{
        char text[] = MESSAGE, back[SIWE_MESSAGE_MAX];
        struct siwe out;
        struct err err;

        (void)state;
        for (size_t len = 0; len < strlen(text); len++)
                assert_int_equal(parse(text, len, &err), E_SYNTAX);
        /* Whatever a changed byte makes of it, what parses prints as it was given. */
        for (size_t i = 0; i < strlen(MESSAGE); i++) {
                for (int c = 0; c < 256; c++) {
                        text[i] = (char)c;
                        if (siwe_parse(&out, text, strlen(MESSAGE), NULL))
                                continue;
                        assert_int_equal(siwe_print(back, sizeof back, &out), strlen(MESSAGE));
                        assert_memory_equal(back, text, strlen(MESSAGE));
                }
                text[i] = MESSAGE[i];
        }
}

static void lengths_are_bounded(void **state)
{
        static char text[2 * SIWE_MESSAGE_MAX];
        struct err err;
        char filler[400];

        (void)state;
        memset(filler, 'a', sizeof filler);
        snprintf(text, sizeof text, HEAD "%.255s\n\n" TAIL, filler);
        assert_int_equal(parse(text, strlen(text), &err), E_OK);
        snprintf(text, sizeof text, HEAD "%.256s\n\n" TAIL, filler);
        assert_int_equal(parse(text, strlen(text), &err), E_SYNTAX);
        snprintf(text, sizeof text, "%.255s%s", filler, strchr(MESSAGE, ' '));
        assert_int_equal(parse(text, strlen(text), &err), E_OK);
        snprintf(text, sizeof text, "%.256s%s", filler, strchr(MESSAGE, ' '));
        assert_int_equal(parse(text, strlen(text), &err), E_SYNTAX);
        memset(text, 'a', sizeof text);
        assert_int_equal(parse(text, SIWE_MESSAGE_MAX, &err), E_SYNTAX);
        assert_int_equal(parse(text, sizeof text, &err), E_SYNTAX);
        assert_int_equal(parse(text, 0, &err), E_SYNTAX);
}

static void a_zero_byte_ends_nothing(void **state)
{
        char text[] = MESSAGE;
        struct err err;

        (void)state;
        for (size_t i = 0; i < strlen(MESSAGE); i++) {
                text[i] = '\0';
                assert_int_equal(parse(text, strlen(MESSAGE), &err), E_SYNTAX);
                text[i] = MESSAGE[i];
        }
}

/* Source: the test cases of EIP-55. */
static void addresses_are_written_in_eip55(void **state)
{
        static const char *const known[] = {
                "0x52908400098527886E0F7030069857D2E4169EE7",
                "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
                "0xde709f2102306220921060314715629080e2fb77",
                "0x27b1fdb04752bbc536007a920d24acb045561c26",
                "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        };
        struct addr address;
        char out[ADDR_STR_MAX];

        (void)state;
        for (size_t i = 0; i < COUNT(known); i++) {
                assert_int_equal(hex_parse_addr(&address, known[i], 42), E_OK);
                siwe_text_print_addr(out, &address);
                assert_string_equal(out, known[i]);
                assert_int_equal(siwe_text_parse_addr(&address, known[i], 42), E_OK);
                for (size_t j = 0; j < 42; j++) { /* each letter in the other case */
                        memcpy(out, known[i], 43);
                        if (((unsigned char)out[j] | 0x20) < 'a')
                                continue;
                        out[j] = (char)(out[j] ^ 0x20);
                        assert_int_equal(siwe_text_parse_addr(&address, out, 42), E_SYNTAX);
                }
                assert_int_equal(siwe_text_parse_addr(&address, known[i], 41), E_SYNTAX);
        }
}

static void times_are_the_calendars(void **state)
{
        static const struct {
                int64_t ms;
                const char *text;
        } known[] = {
                {0, "1970-01-01T00:00:00.000Z"},
                {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
                {INT64_C(4107542399999), "2100-02-28T23:59:59.999Z"},
                {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
                {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        };
        static const char *const unfit[] = {
                "",
                "2026-09-21T14:13:20Z",
                "2026-09-21T14:13:20.0000Z",
                "2026-09-21T14:13:20.000z",
                "2026-09-21t14:13:20.000Z",
                "2026-09-21 14:13:20.000Z",
                "2026-09-21T14:13:20.000+",
                "2026-9-021T14:13:20.000Z",
                "2026-00-21T14:13:20.000Z",
                "2026-13-21T14:13:20.000Z",
                "2026-02-29T14:13:20.000Z",
                "2100-02-29T14:13:20.000Z",
                "2026-04-31T14:13:20.000Z",
                "2026-04-00T14:13:20.000Z",
                "2026-04-32T14:13:20.000Z",
                "2026-09-21T24:00:00.000Z",
                "2026-09-21T23:60:00.000Z",
                "2026-09-21T23:59:60.000Z",
                "1969-12-31T23:59:59.999Z",
                "-026-09-21T14:13:20.000Z",
                "9999-12-32T00:00:00.000Z",
        };
        char out[SIWE_TIME_MAX];
        int64_t ms;

        (void)state;
        for (size_t i = 0; i < COUNT(known); i++) {
                assert_int_equal(siwe_text_print_time(out, known[i].ms), E_OK);
                assert_string_equal(out, known[i].text);
                assert_int_equal(siwe_text_parse_time(&ms, out, strlen(out)), E_OK);
                assert_int_equal(ms, known[i].ms);
        }
        assert_int_equal(siwe_text_print_time(out, -1), E_RANGE);
        assert_int_equal(siwe_text_print_time(out, INT64_C(253402300800000)), E_RANGE);
        for (size_t i = 0; i < COUNT(unfit); i++) {
                if (siwe_text_parse_time(&ms, unfit[i], strlen(unfit[i])) != E_SYNTAX)
                        fail_msg("accepted %s", unfit[i]);
        }
}

static void every_day_agrees_with_the_c_library(void **state)
{
        char out[SIWE_TIME_MAX], expected[40];

        (void)state;
        for (int64_t day = 0; day < 2932897; day += 3) {
                time_t t = (time_t)(day * 86400 + day % 86400);
                struct tm tm;
                int64_t ms;

                assert_non_null(gmtime_r(&t, &tm));
                assert_true(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &tm) > 0);
                if (siwe_text_print_time(out, (int64_t)t * 1000) || strcmp(out, expected) != 0)
                        fail_msg("%lld: %s, not %s", (long long)t, out, expected);
                if (siwe_text_parse_time(&ms, out, strlen(out)) || ms != (int64_t)t * 1000)
                        fail_msg("%s does not come back", out);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_message_prints_and_parses),
                cmocka_unit_test(what_does_not_fit_or_forges_lines_is_not_printed),
                cmocka_unit_test(malformed_messages_name_their_line),
                cmocka_unit_test(no_prefix_and_no_changed_byte_passes_for_the_message),
                cmocka_unit_test(lengths_are_bounded),
                cmocka_unit_test(a_zero_byte_ends_nothing),
                cmocka_unit_test(addresses_are_written_in_eip55),
                cmocka_unit_test(times_are_the_calendars),
                cmocka_unit_test(every_day_agrees_with_the_c_library),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
