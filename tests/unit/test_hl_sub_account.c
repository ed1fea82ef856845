/* hl_compile, hl_outcome and hl_family, as far as sub-accounts go: digests with known answers, what the
 * venue says of a new one, and the list of those a master has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_compile.h"
#include "adapters/hyperliquid/hl_family.h"
#include "adapters/hyperliquid/hl_outcome.h"
#include "adapters/hyperliquid/hl_raw.h"

static struct addr address(const char *text)
{
        struct addr a;

        assert_int_equal(hex_parse_addr(&a, text, strlen(text)), 0);
        return a;
}

static void expect_compiled(const struct venue_action *action, const struct addr *sub,
                            bool is_mainnet, uint64_t nonce, uint64_t expires_after,
                            const char *content, const char *digest)
{
        struct venue_compiled compiled;
        char text[HASH_STR_MAX];

        assert_int_equal(
                hl_compile(&compiled, action, NULL, is_mainnet, sub, nonce, expires_after, NULL),
                0);
        assert_string_equal(hex_print_hash(text, &compiled.content), content);
        assert_string_equal(hex_print_hash(text, &compiled.digest), digest);
        assert_int_equal(compiled.has_sub_account, sub != NULL);
        if (sub)
                assert_true(hex_addr_equal(&compiled.sub_account, sub));
        venue_compiled_fini(&compiled);
}

/* The vector gen-l1-053, made with another client. */
static void a_digest_tells_whom_the_action_is_for(void **state)
{
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        struct addr sub = address("0x1719884eb866cb12b2287399b15f7db5e7d775ea");
        struct venue_compiled own;
        char text[HASH_STR_MAX];

        (void)state;
        cancel.u.cancel.cancel[0].oid = 9007199254740991;
        expect_compiled(&cancel, &sub, true, 1790002539382, 1790000100000,
                        "0xb5ac9ba898dd9a785683bc7e8a65dfae16c5c86c861543c01c427d4055393cea",
                        "0x6cca572ba9a3092b5c420753fe47a6f2c5ac7ac57a9cff4b115ca3ed16fa879c");
        assert_int_equal(
                hl_compile(&own, &cancel, NULL, true, NULL, 1790002539382, 1790000100000, NULL), 0);
        assert_string_not_equal(
                hex_print_hash(text, &own.digest),
                "0x6cca572ba9a3092b5c420753fe47a6f2c5ac7ac57a9cff4b115ca3ed16fa879c");
        venue_compiled_fini(&own);
}

/* py-012, py-013, ex-017 and gen-l1-107 */
static void making_and_funding_have_known_digests(void **state)
{
        struct venue_action make = {.kind = VENUE_CREATE_SUB_ACCOUNT, .u.sub_name = "example"};
        struct venue_action fund = {.kind = VENUE_FUND_SUB_ACCOUNT};

        (void)state;
        expect_compiled(&make, NULL, true, 0, 0,
                        "0x9a7b5272baf65d28b0589bd50863a42ac35897553a6beb274e625b6faf7d6bb1",
                        "0x4423e9ec1018e626f959974e00f3715aa1d91ad58815ae8f11f8c7283e70973c");
        expect_compiled(&make, NULL, false, 0, 0,
                        "0x9a7b5272baf65d28b0589bd50863a42ac35897553a6beb274e625b6faf7d6bb1",
                        "0x1467a6a95a4a57ea2b1cb7af29b52aa9922df169c5ee945f641d10ccee9d6c21");
        fund.u.fund.sub_account = address("0x1d9470d4b963f552e6f671a81619d395877bf409");
        fund.u.fund.is_deposit = true;
        fund.u.fund.amount.v = 10 * NUM_MICRO;
        expect_compiled(&fund, NULL, true, 0, 0,
                        "0xd12f71eba9e3e792812bfdf01a6a92f4d4016bb0541e850b41f770891c0cc447",
                        "0x16d4f3be13b4dfbbe7015924637e6b2cbf8f63eb3c21538c3f5ad73a4b5022c4");
        fund.u.fund.sub_account = address("0x7e52ac8f2f151739ea041f2cd5342bb9ae1d5061");
        fund.u.fund.is_deposit = false;
        fund.u.fund.amount.v = INT64_C(123456789) * NUM_MICRO;
        expect_compiled(&fund, NULL, true, 1790005067409, 0,
                        "0x0c49c66185ad46ab161c5455e67a9bc1fee0ccaab34b9046bcaf8a7b9730fc26",
                        "0x0daa50e10b194a049a1bc33875a511065954ccfa18a6c0f29a107fa3744c7691");
}

static void what_can_not_be_made_or_moved_does_not_compile(void **state)
{
        static const int64_t amounts[] = {0, -NUM_MICRO, 1, NUM_MICRO - 1, INT64_MIN};
        struct venue_action make = {.kind = VENUE_CREATE_SUB_ACCOUNT};
        struct venue_action fund = {.kind = VENUE_FUND_SUB_ACCOUNT};
        struct venue_compiled compiled;

        (void)state;
        assert_int_equal(hl_compile(&compiled, &make, NULL, true, NULL, 1, 0, NULL), E_INVALID);
        memset(make.u.sub_name, 'n', sizeof make.u.sub_name); /* 17, and no end */
        assert_int_equal(hl_compile(&compiled, &make, NULL, true, NULL, 1, 0, NULL), E_INVALID);
        for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
                fund.u.fund.amount.v = amounts[i];
                assert_int_equal(hl_compile(&compiled, &fund, NULL, true, NULL, 1, 0, NULL),
                                 E_INVALID);
        }
}

/* ---- Answers ---- */

static void expect_outcome(const char *body, enum venue_result result, enum errc code)
{
        struct venue_outcome *out = calloc(1, sizeof *out);
        struct http_answer answer = {
                .result = HTTP_ANSWERED, .status = 200, .body = body, .body_len = strlen(body)};
        uint64_t unknown = 0;
        char text[ADDR_STR_MAX];

        assert_non_null(out);
        hl_outcome_read(out, VENUE_CREATE_SUB_ACCOUNT, 0, &answer, E_OK, &unknown);
        assert_int_equal(out->result, result);
        assert_int_equal(out->err.code, code);
        assert_int_equal(unknown, 0);
        if (result == VENUE_DONE)
                assert_string_equal(hex_print_addr(text, &out->created),
                                    "0x1d9470d4b963f552e6f671a81619d395877bf409");
        free(out);
}

#define MADE(type, data)                                                                           \
        "{\"status\":\"ok\",\"response\":{\"type\":\"" type "\",\"data\":" data "}}"

static void a_new_one_is_named_or_its_making_unknown(void **state)
{
        (void)state;
        expect_outcome(MADE("createSubAccount", "\"0x1d9470d4b963f552e6f671a81619d395877bf409\""),
                       VENUE_DONE, E_OK);
        expect_outcome(MADE("createSubAccount", "\"0x1d94\""), VENUE_UNKNOWN, E_OUTCOME_UNKNOWN);
        expect_outcome(MADE("createSubAccount", "null"), VENUE_UNKNOWN, E_OUTCOME_UNKNOWN);
        expect_outcome(MADE("createVault", "\"0x1d9470d4b963f552e6f671a81619d395877bf409\""),
                       VENUE_UNKNOWN, E_OUTCOME_UNKNOWN);
        expect_outcome("{\"status\":\"ok\",\"response\":{\"type\":\"default\"}}", VENUE_UNKNOWN,
                       E_OUTCOME_UNKNOWN);
        expect_outcome("{\"status\":\"err\",\"response\":\"Cannot create sub-accounts until enough "
                       "volume traded. Required: $100000. Traded: $1.00.\"}",
                       VENUE_REFUSED, E_FORBIDDEN);
}

#define MASTER "0x00000000000000000000000000000000000000a1"
#define OTHER  "0x00000000000000000000000000000000000000b2"
#define SUB_1  "0x0000000000000000000000000000000000000051"
#define STATE(value)                                                                               \
        "\"clearinghouseState\":{\"marginSummary\":{\"accountValue\":\"" value                     \
        "\"},\"withdrawable\":\"7.5\"}"
#define ROW(of, sub, name, state)                                                                  \
        "{\"name\":\"" name "\",\"subAccountUser\":\"" sub "\",\"master\":\"" of "\"," state       \
        ",\"spotState\":{\"balances\":[]}}"

static enum errc parse(const char *text, struct venue_sub_account **rows, size_t *n)
{
        struct addr master = address(MASTER);
        json_t *answer = hl_raw_load(text, strlen(text), NULL);
        struct err err = {.code = E_OK};
        enum errc rc;

        assert_non_null(answer);
        rc = hl_family_parse(rows, n, answer, &master, &err);
        assert_int_equal(err.code, rc);
        json_decref(answer);
        return rc;
}

static void a_master_has_those_that_name_it(void **state)
{
        struct venue_sub_account *rows;
        struct addr sub = address(SUB_1);
        size_t n = 9;

        (void)state;
        assert_int_equal(parse("null", &rows, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(parse("[]", &rows, &n), 0);
        assert_int_equal(n, 0);
        free(rows);
        assert_int_equal(parse("[" ROW(MASTER, SUB_1, "hedge", STATE("12.345678")) "]", &rows, &n),
                         0);
        assert_int_equal(n, 1);
        assert_true(hex_addr_equal(&rows[0].address, &sub));
        assert_string_equal(rows[0].name, "hedge");
        assert_int_equal(rows[0].equity.v, INT64_C(1234567800));
        assert_int_equal(rows[0].withdrawable.v, 75 * NUM_SCALE / 10);
        free(rows);
}

static void what_is_not_such_a_list_is_refused_whole(void **state)
{
        static const char *const answers[] = {
                "{}",
                "\"none\"",
                "[null]",
                "[" ROW(OTHER, SUB_1, "hedge", STATE("1")) "]",
                "[" ROW(MASTER, SUB_1, "hedge", STATE("1")) "," ROW(OTHER, SUB_1, "x",
                                                                    STATE("1")) "]",
                "[" ROW(MASTER, "0x51", "hedge", STATE("1")) "]",
                "[" ROW(MASTER, SUB_1, "hedge", STATE("much")) "]",
                "[" ROW(MASTER, SUB_1, "hedge", "\"clearinghouseState\":{}") "]",
        };
        struct venue_sub_account *rows;
        struct buf many;
        size_t n;

        (void)state;
        for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
                assert_int_equal(parse(answers[i], &rows, &n), E_VENUE_UNAVAILABLE);
                assert_null(rows);
        }
        buf_init(&many, 1 << 16);
        for (unsigned i = 0; i <= VENUE_SUB_ACCOUNTS_MAX; i++)
                buf_puts(&many, i ? "," ROW(MASTER, SUB_1, "n", STATE("1"))
                                  : "[" ROW(MASTER, SUB_1, "n", STATE("1")));
        buf_putc(&many, ']');
        assert_int_equal(parse(buf_cstr(&many), &rows, &n), E_VENUE_UNAVAILABLE);
        buf_fini(&many);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_digest_tells_whom_the_action_is_for),
                cmocka_unit_test(making_and_funding_have_known_digests),
                cmocka_unit_test(what_can_not_be_made_or_moved_does_not_compile),
                cmocka_unit_test(a_new_one_is_named_or_its_making_unknown),
                cmocka_unit_test(a_master_has_those_that_name_it),
                cmocka_unit_test(what_is_not_such_a_list_is_refused_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
