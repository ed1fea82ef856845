/* auth: challenges, and logins with real signatures. */
#include "auth_rig.h"

static void a_wallet_signs_in(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = sign_in(bench, &site_a);
        struct auth_session session;
        char header[80];

        assert_true(hex_addr_equal(&l.address, &bench->trader));
        assert_int_equal(l.expires_at, NOW + SESSION_MS);
        assert_int_equal(strlen(l.token), 43);
        bearer(header, &l);
        assert_int_equal(check(bench, BRAND_A, header, &session), E_OK);
        assert_true(hex_addr_equal(&session.address, &bench->trader));
        assert_int_equal(session.expires_at, l.expires_at);
        assert_true(auth_check_cached(bench->auth, BRAND_A, header, &session));
        header[0] = 'b'; /* the scheme's case does not matter */
        assert_int_equal(check(bench, BRAND_A, header, &session), E_OK);
}

static void the_message_says_what_the_site_is(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX];
        struct siwe siwe;

        challenge(bench, &site_a, 1, message);
        assert_int_equal(siwe_parse(&siwe, message, strlen(message), NULL), E_OK);
        assert_string_equal(siwe.domain, site_a.host);
        assert_string_equal(siwe.uri, site_a.uri);
        assert_string_equal(siwe.statement, site_a.statement);
        assert_true(hex_addr_equal(&siwe.address, &bench->trader));
        assert_int_equal(siwe.chain_id, 1);
        assert_int_equal(siwe.issued_at, NOW);
        assert_int_equal(siwe.expires_at, NOW + CHALLENGE_MS);
        challenge(bench, &site_b, 0, message);
        assert_int_equal(siwe_parse(&siwe, message, strlen(message), NULL), E_OK);
        assert_int_equal(siwe.chain_id, 42161);
        assert_string_equal(siwe.statement, "");
        assert_int_equal(login(bench, &site_b, message).rc, E_OK);
}

static void a_chain_that_is_not_the_sites_gets_no_challenge(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX];
        struct err err = {0};
        int64_t at;

        assert_int_equal(
                auth_challenge(bench->auth, &site_b, &bench->trader, 1, message, &at, &err),
                E_INVALID);
        assert_string_equal(err.field[0].path, "chainId");
}

static void a_site_whose_texts_do_not_fit_is_a_configuration_error(void **state)
{
        struct bench *bench = *state;
        struct auth_site site = site_a;
        char message[SIWE_MESSAGE_MAX], words[400];
        struct err err = {0};
        int64_t at;

        site.statement = "two\nlines";
        assert_int_equal(auth_challenge(bench->auth, &site, &bench->trader, 0, message, &at, &err),
                         E_CONFIG);
        memset(words, 'a', sizeof words);
        words[sizeof words - 1] = '\0';
        site.statement = words;
        assert_int_equal(auth_challenge(bench->auth, &site, &bench->trader, 0, message, &at, NULL),
                         E_CONFIG);
}

static void a_message_serves_once(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX];
        struct auth_login l;

        challenge(bench, &site_a, 0, message);
        assert_int_equal(login(bench, &site_a, message).rc, E_OK);
        l = login(bench, &site_a, message);
        expect_refused(&l, E_UNAUTHORIZED, "nonce");
}

static void a_failed_login_spends_the_nonce_too(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX];
        struct auth_login l;

        challenge(bench, &site_a, 0, message);
        l = login_signed(bench, &site_a, message, "0x00");
        expect_refused(&l, E_SYNTAX, "65 bytes");
        l = login(bench, &site_a, message);
        expect_refused(&l, E_UNAUTHORIZED, "nonce");
}

static void a_message_for_another_domain_is_refused(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX];
        struct auth_login l;

        challenge(bench, &site_a, 0, message);
        l = login(bench, &site_b, message);
        expect_refused(&l, E_UNAUTHORIZED, "The message is for meridian.localhost, this is atlas");
        assert_int_equal(login(bench, &site_a, message).rc, E_OK); /* the nonce is not spent */
}

static void a_nonce_of_another_brand_is_unknown(void **state)
{
        struct bench *bench = *state;
        struct auth_site twin = site_b; /* two brands on one host can't lend each other nonces */
        char message[SIWE_MESSAGE_MAX];
        struct auth_login l;

        twin.host = site_a.host;
        challenge(bench, &site_a, 0, message);
        l = login(bench, &twin, message);
        expect_refused(&l, E_UNAUTHORIZED, "nonce");
}

/* The issued message with one field changed and signed anew. */
static struct auth_login login_changed(struct bench *bench, void (*change)(struct siwe *))
{
        char message[SIWE_MESSAGE_MAX];
        struct siwe siwe;

        challenge(bench, &site_a, 0, message);
        assert_int_equal(siwe_parse(&siwe, message, strlen(message), NULL), E_OK);
        change(&siwe);
        assert_true(siwe_print(message, sizeof message, &siwe) > 0);
        return login(bench, &site_a, message);
}

static void to_foreign_chain(struct siwe *siwe)
{
        siwe->chain_id = 5;
}
static void to_other_chain(struct siwe *siwe)
{
        siwe->chain_id = 1;
}
static void to_other_address(struct siwe *siwe)
{
        siwe->address = rig_addr(77);
}
static void to_other_statement(struct siwe *siwe)
{
        siwe->statement[0] = 's';
}
static void to_later_expiry(struct siwe *siwe)
{
        siwe->expires_at++;
}
static void to_no_expiry(struct siwe *siwe)
{
        siwe->expires_at = 0;
}
static void to_past_expiry(struct siwe *siwe)
{
        siwe->expires_at = NOW;
}
static void to_later_start(struct siwe *siwe)
{
        siwe->not_before = NOW + 1;
}
static void to_other_nonce(struct siwe *siwe)
{
        siwe->nonce[0] = siwe->nonce[0] == '0' ? '1' : '0';
}

static void only_the_issued_text_is_taken(void **state)
{
        static const struct {
                void (*change)(struct siwe *);
                const char *words;
        } cases[] = {
                {to_foreign_chain, "is for chain 5"},
                {to_other_chain, "not the one that was issued"},
                {to_other_address, "was issued for"},
                {to_other_statement, "not the one that was issued"},
                {to_later_expiry, "not the one that was issued"},
                {to_no_expiry, "not the one that was issued"},
                {to_past_expiry, "expired at 2026-09-21T14:13:20.000Z"},
                {to_later_start, "not valid yet"},
                {to_other_nonce, "nonce"},
        };
        struct bench *bench = *state;

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct auth_login l = login_changed(bench, cases[i].change);
                expect_refused(&l, E_UNAUTHORIZED, cases[i].words);
        }
}

static void rubbish_is_a_syntax_error(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = login_signed(bench, &site_a, "hello", "0x00");

        expect_refused(&l, E_SYNTAX, "Line 1");
        l = login_signed(bench, &site_a, "", "");
        expect_refused(&l, E_SYNTAX, "empty");
}

static void a_message_is_good_for_five_minutes(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX], late[SIWE_MESSAGE_MAX];
        struct auth_login l;

        challenge(bench, &site_a, 0, message);
        challenge(bench, &site_a, 0, late);
        clock_manual_advance(&bench->clock, CHALLENGE_MS - 1);
        assert_int_equal(login(bench, &site_a, message).rc, E_OK);
        clock_manual_advance(&bench->clock, 1);
        l = login(bench, &site_a, late);
        expect_refused(&l, E_UNAUTHORIZED, "expired at 2026-09-21T14:18:20.000Z");
        /* A wall clock that is set back does not bring an old message to life. */
        challenge(bench, &site_a, 0, message);
        clock_manual_advance(&bench->clock, CHALLENGE_MS);
        bench->clock.now_wall_ms -= CHALLENGE_MS;
        l = login(bench, &site_a, message);
        expect_refused(&l, E_UNAUTHORIZED, "expired");
}

static void another_wallets_signature_names_both(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX], signature[133];
        uint8_t other[32] = {7};
        struct auth_login l;

        challenge(bench, &site_a, 0, message);
        sign(bench, message, other, signature);
        l = login_signed(bench, &site_a, message, signature);
        expect_refused(&l, E_UNAUTHORIZED, "was made by 0x");

        struct siwe siwe;
        char names[64] = "but ";
        const char *line = strchr(message, '\n') + 1;
        assert_int_equal(siwe_parse(&siwe, message, strlen(message), NULL), E_OK);
        memcpy(names + 4, line, 42); /* the address as the message has it */
        expect_refused(&l, E_UNAUTHORIZED, names);
}

static void a_tampered_signature_is_refused(void **state)
{
        struct bench *bench = *state;
        char message[SIWE_MESSAGE_MAX], signature[133];

        for (size_t i = 2; i < 132; i += 13) {
                challenge(bench, &site_a, 0, message);
                sign(bench, message, bench->key, signature);
                signature[i] = signature[i] == '3' ? '4' : '3';
                struct auth_login l = login_signed(bench, &site_a, message, signature);
                assert_true(l.rc == E_UNAUTHORIZED || l.rc == E_SYNTAX);
                assert_string_equal(l.token, "");
        }
        challenge(bench, &site_a, 0, message);
        struct auth_login l =
                login_signed(bench, &site_a, message,
                             "0x"
                             "0000000000000000000000000000000000000000000000000000000000000000"
                             "0000000000000000000000000000000000000000000000000000000000000000"
                             "1b");
        expect_refused(&l, E_UNAUTHORIZED, "not a valid one");
}

static void challenges_are_bounded(void **state)
{
        struct bench *bench = *state;
        char first[SIWE_MESSAGE_MAX], message[SIWE_MESSAGE_MAX];
        struct auth_login l;
        struct addr stranger;
        struct err err = {0};
        int64_t at;

        /* Per address the oldest gives way: three of four are left. */
        challenge(bench, &site_a, 0, first);
        for (int i = 0; i < 3; i++)
                challenge(bench, &site_a, 0, message);
        l = login(bench, &site_a, first);
        expect_refused(&l, E_UNAUTHORIZED, "nonce");
        /* In all, more are refused, and what was issued stays good. */
        for (unsigned i = 0; i < 5; i++) {
                char other[SIWE_MESSAGE_MAX];
                stranger = rig_addr(100 + i);
                assert_int_equal(
                        auth_challenge(bench->auth, &site_a, &stranger, 0, other, &at, &err), E_OK);
        }
        stranger = rig_addr(200);
        assert_int_equal(auth_challenge(bench->auth, &site_b, &stranger, 0, first, &at, &err),
                         E_RATE_LIMITED);
        assert_int_equal(login(bench, &site_a, message).rc, E_OK); /* leaves one place */
        assert_int_equal(auth_challenge(bench->auth, &site_b, &stranger, 0, first, &at, NULL),
                         E_OK);
        assert_int_equal(auth_challenge(bench->auth, &site_b, &stranger, 0, first, &at, NULL),
                         E_RATE_LIMITED);
        clock_manual_advance(&bench->clock, CHALLENGE_MS);
        assert_int_equal(auth_challenge(bench->auth, &site_b, &stranger, 0, first, &at, NULL),
                         E_OK);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                BENCH(a_wallet_signs_in),
                BENCH(the_message_says_what_the_site_is),
                BENCH(a_chain_that_is_not_the_sites_gets_no_challenge),
                BENCH(a_site_whose_texts_do_not_fit_is_a_configuration_error),
                BENCH(a_message_serves_once),
                BENCH(a_failed_login_spends_the_nonce_too),
                BENCH(a_message_for_another_domain_is_refused),
                BENCH(a_nonce_of_another_brand_is_unknown),
                BENCH(only_the_issued_text_is_taken),
                BENCH(rubbish_is_a_syntax_error),
                BENCH(a_message_is_good_for_five_minutes),
                BENCH(another_wallets_signature_names_both),
                BENCH(a_tampered_signature_is_refused),
                BENCH(challenges_are_bounded),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
