/* auth_rig: an auth on a store of its own, a wallet that signs, and what the API does. */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

#include "store_rig.h"

#include "auth/auth.h"
#include "auth/siwe.h"
#include "base/secret.h"
#include "sign/eip712.h"

#define NOW          INT64_C(1790000000000)
#define CHALLENGE_MS INT64_C(300000)
#define SESSION_MS   INT64_C(3600000)

static const uint64_t chains[] = {42161, 1};
static const struct auth_site site_a = {.brand = BRAND_A,
                                        .host = "meridian.localhost",
                                        .uri = "https://meridian.localhost",
                                        .statement = "Sign in to Meridian.",
                                        .chain_ids = chains,
                                        .n_chain_ids = 2};
static const struct auth_site site_b = {.brand = BRAND_B,
                                        .host = "atlas.localhost",
                                        .uri = "https://atlas.localhost",
                                        .statement = "",
                                        .chain_ids = chains,
                                        .n_chain_ids = 1};

struct bench {
        struct rig *rig;
        struct clock_manual clock;
        struct secp *secp;
        struct auth *auth;
        uint8_t key[32]; /* the trader's wallet */
        struct addr trader;
};

static inline void open_auth(struct bench *bench, unsigned max_challenges, unsigned max_sessions)
{
        struct auth_options options = {
                .clock = &bench->clock.clock,
                .store = bench->rig->store,
                .secp = bench->secp,
                .challenge_ms = CHALLENGE_MS,
                .session_ms = SESSION_MS,
                .max_challenges = max_challenges,
                .max_challenges_per_address = 3,
                .max_cached_sessions = max_sessions,
        };

        bench->auth = auth_new(&options);
}

static inline int setup(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);
        void *rig;

        rig_setup(&rig);
        bench->rig = rig;
        clock_manual_init(&bench->clock, NOW);
        bench->secp = secp_new();
        memset(bench->key, 0x42, sizeof bench->key);
        assert_int_equal(secp_address(bench->secp, &bench->trader, bench->key), E_OK);
        open_auth(bench, 8, 4);
        *state = bench;
        return 0;
}

static inline int teardown(void **state)
{
        struct bench *bench = *state;
        void *rig = bench->rig;

        auth_free(bench->auth);
        rig_teardown(&rig);
        secp_free(bench->secp);
        free(bench);
        return 0;
}

/* --- what a wallet does --- */

static inline void sign(const struct bench *bench, const char *message, const uint8_t key[32],
                        char out[133])
{
        struct signature sig;
        struct hash32 digest;
        uint8_t bytes[65];

        eip191_digest(&digest, message, strlen(message));
        assert_int_equal(secp_sign(bench->secp, &sig, &digest, key), E_OK);
        memcpy(bytes, sig.r.b, 32);
        memcpy(bytes + 32, sig.s.b, 32);
        bytes[64] = sig.v;
        out[0] = '0';
        out[1] = 'x';
        hex_encode(out + 2, bytes, sizeof bytes);
}

static inline void challenge(struct bench *bench, const struct auth_site *site, uint64_t chain,
                             char message[SIWE_MESSAGE_MAX])
{
        struct err err = {0};
        int64_t expires_at = 0;

        if (auth_challenge(bench->auth, site, &bench->trader, chain, message, &expires_at, &err))
                fail_msg("%s", err.detail);
        assert_int_equal(expires_at, bench->clock.now_wall_ms + CHALLENGE_MS);
}

struct login_reply {
        struct reply reply;
        struct auth_login login;
};

static inline void on_login(void *cookie, const struct auth_login *login)
{
        struct login_reply *r = cookie;

        r->login = *login;
        assert_int_equal(login->rc, login->err.code);
        rig_count(&r->reply, login->rc);
}

static inline struct auth_login login_signed(struct bench *bench, const struct auth_site *site,
                                             const char *message, const char *signature)
{
        struct login_reply r = {0};

        auth_login(bench->auth, site, message, strlen(message), signature, strlen(signature),
                   on_login, &r);
        assert_int_equal(r.reply.n, 0); /* never before the call returns */
        rig_wait(bench->rig, &r.reply, 1);
        return r.login;
}

static inline struct auth_login login(struct bench *bench, const struct auth_site *site,
                                      const char *message)
{
        char signature[133];

        sign(bench, message, bench->key, signature);
        return login_signed(bench, site, message, signature);
}

static inline void expect_refused(const struct auth_login *login, enum errc rc, const char *words)
{
        assert_int_equal(login->rc, rc);
        if (!strstr(login->err.detail, words))
                fail_msg("\"%s\" does not say \"%s\"", login->err.detail, words);
        assert_string_equal(login->token, "");
}

/* --- what the API does --- */

struct check_reply {
        struct reply reply;
        struct auth_session session;
};

static inline void on_session(void *cookie, enum errc rc, const struct auth_session *session)
{
        struct check_reply *r = cookie;

        assert_true((rc == E_OK) == (session != NULL));
        if (session)
                r->session = *session;
        rig_count(&r->reply, rc);
}

static inline enum errc check(struct bench *bench, const char *brand, const char *authorization,
                              struct auth_session *out)
{
        struct check_reply r = {0};

        auth_check(bench->auth, brand, authorization, on_session, &r);
        assert_int_equal(r.reply.n, 0);
        rig_wait(bench->rig, &r.reply, 1);
        if (out)
                *out = r.session;
        return r.reply.rc;
}

static inline void bearer(char out[80], const struct auth_login *login)
{
        snprintf(out, 80, "Bearer %s", login->token);
}

static inline struct auth_login sign_in(struct bench *bench, const struct auth_site *site)
{
        char message[SIWE_MESSAGE_MAX];
        struct auth_login l;

        challenge(bench, site, 0, message);
        l = login(bench, site, message);
        if (l.rc)
                fail_msg("%s", l.err.detail);
        return l;
}

#endif
