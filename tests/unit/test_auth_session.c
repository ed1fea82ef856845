/* auth: sessions: presented, expired, ended, kept from the database in the clear. */
#include "auth_rig.h"

static void a_session_of_one_brand_is_none_of_another(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = sign_in(bench, &site_a);
        struct auth_session session;
        char header[80];

        bearer(header, &l);
        assert_int_equal(check(bench, BRAND_B, header, NULL), E_UNAUTHORIZED); /* from the cache */
        assert_false(auth_check_cached(bench->auth, BRAND_B, header, &session));
        auth_free(bench->auth);
        open_auth(bench, 8, 4);
        assert_int_equal(check(bench, BRAND_B, header, NULL), E_UNAUTHORIZED); /* from the store */
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_OK);
}

static void headers_that_are_no_session_are_refused(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = sign_in(bench, &site_a);
        char header[80], longer[100];
        static const char *const bad[] = {
                NULL,
                "",
                "Bearer",
                "Bearer ",
                "Basic dXNlcjpwYXNz",
                "Bearer x",
                "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* well formed, unknown */
                "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "Bearer AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA",
                "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+",
        };

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_int_equal(check(bench, BRAND_A, bad[i], NULL), E_UNAUTHORIZED);
        bearer(header, &l);
        snprintf(longer, sizeof longer, "%sA", header);
        assert_int_equal(check(bench, BRAND_A, longer, NULL), E_UNAUTHORIZED);
        snprintf(longer, sizeof longer, "Bearer  %s", l.token);
        assert_int_equal(check(bench, BRAND_A, longer, NULL), E_UNAUTHORIZED);
        /* A character more than the token: every change of one is refused, the last one's unused
         * bits included. */
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (size_t i = 0; i < 64; i++) {
                char *last = &header[strlen(header) - 1], was = *last;
                if (digits[i] == was)
                        continue;
                *last = digits[i];
                assert_int_equal(check(bench, BRAND_A, header, NULL), E_UNAUTHORIZED);
                *last = was;
        }
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_OK);
}

static void a_session_expires(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = sign_in(bench, &site_a);
        struct auth_session session;
        char header[80];

        bearer(header, &l);
        clock_manual_advance(&bench->clock, SESSION_MS - 1);
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_OK);
        clock_manual_advance(&bench->clock, 1);
        assert_false(auth_check_cached(bench->auth, BRAND_A, header, &session));
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_UNAUTHORIZED);
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_UNAUTHORIZED); /* and the store's */
}

static void sessions_outlive_the_cache_and_the_process(void **state)
{
        struct bench *bench = *state;
        struct auth_login logins[6]; /* the cache has room for four */
        struct auth_session session;
        char header[80];

        for (size_t i = 0; i < 6; i++)
                logins[i] = sign_in(bench, &site_a);
        bearer(header, &logins[0]);
        assert_false(auth_check_cached(bench->auth, BRAND_A, header, &session));
        bearer(header, &logins[5]);
        assert_true(auth_check_cached(bench->auth, BRAND_A, header, &session));
        for (size_t i = 0; i < 6; i++) {
                bearer(header, &logins[i]);
                assert_int_equal(check(bench, BRAND_A, header, NULL), E_OK);
        }
        auth_free(bench->auth);
        rig_reopen(bench->rig);
        open_auth(bench, 8, 4);
        for (size_t i = 0; i < 6; i++) {
                bearer(header, &logins[i]);
                assert_int_equal(check(bench, BRAND_A, header, NULL), E_OK);
        }
}

static void logging_out_ends_the_session(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = sign_in(bench, &site_a), other = sign_in(bench, &site_a);
        struct auth_session session;
        struct check_reply racing = {0};
        struct reply reply = {0};
        char header[80];

        bearer(header, &l);
        auth_free(bench->auth); /* so that the cache is empty */
        open_auth(bench, 8, 4);
        assert_int_equal(check(bench, BRAND_A, header, &session), E_OK);
        auth_free(bench->auth);
        open_auth(bench, 8, 4);
        auth_check(bench->auth, BRAND_A, header, on_session, &racing); /* on its way meanwhile */
        auth_logout(bench->auth, &session, rig_on_done, &reply);
        assert_int_equal(reply.n, 0);
        rig_wait(bench->rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        assert_int_equal(racing.reply.n, 1);
        assert_false(auth_check_cached(bench->auth, BRAND_A, header, &session));
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_UNAUTHORIZED);
        bearer(header, &other);
        assert_int_equal(check(bench, BRAND_A, header, NULL), E_OK);
}

static void nothing_of_the_token_is_in_the_database(void **state)
{
        struct bench *bench = *state;
        struct auth_login l = sign_in(bench, &site_a);
        char *data = xcalloc(1, 1 << 20);
        size_t len;
        FILE *f;

        store_close(bench->rig->store); /* everything is in the file now */
        bench->rig->store = NULL;
        f = fopen(bench->rig->file, "rb");
        assert_non_null(f);
        len = fread(data, 1, 1 << 20, f);
        fclose(f);
        assert_true(len > 4096);
        assert_non_null(memmem(data, len, BRAND_A, strlen(BRAND_A)));
        assert_null(memmem(data, len, l.token, 20));
        free(data);
}

static void auth_may_go_before_its_answers(void **state)
{
        struct bench *bench = *state;
        struct login_reply r = {0};
        char message[SIWE_MESSAGE_MAX], signature[133];

        challenge(bench, &site_a, 0, message);
        sign(bench, message, bench->key, signature);
        auth_login(bench->auth, &site_a, message, strlen(message), signature, strlen(signature),
                   on_login, &r);
        auth_free(bench->auth);
        bench->auth = NULL;
        rig_wait(bench->rig, &r.reply, 1);
        assert_int_equal(r.login.rc, E_OK);
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                BENCH(a_session_of_one_brand_is_none_of_another),
                BENCH(headers_that_are_no_session_are_refused),
                BENCH(a_session_expires),
                BENCH(sessions_outlive_the_cache_and_the_process),
                BENCH(logging_out_ends_the_session),
                BENCH(nothing_of_the_token_is_in_the_database),
                BENCH(auth_may_go_before_its_answers),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
