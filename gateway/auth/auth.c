/* Challenges, logins and logouts; what a session may do is checked in auth_check.c. */
#include "auth/auth.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_impl.h"
#include "auth/siwe.h"
#include "auth/siwe_text.h"
#include "base/mem.h"
#include "base/secret.h"
#include "sign/eip712.h"

#define NONCE_BYTES 16

struct auth *auth_new(const struct auth_options *options)
{
        struct auth *auth = xcalloc(1, sizeof *auth);

        must(options->clock && options->store && options->secp);
        must(options->challenge_ms > 0 && options->session_ms > 0);
        auth->options = *options;
        auth->challenges =
                challenge_table_new(options->max_challenges, options->max_challenges_per_address);
        auth->sessions = session_cache_new(options->max_cached_sessions);
        return auth;
}

void auth_impl_hold(struct auth *auth)
{
        auth->n_out++;
}

static void destroy(struct auth *auth)
{
        challenge_table_free(auth->challenges);
        session_cache_free(auth->sessions);
        free(auth);
}

void auth_impl_release(struct auth *auth)
{
        must(auth->n_out > 0);
        if (--auth->n_out == 0 && auth->is_freed)
                destroy(auth);
}

void auth_free(struct auth *auth)
{
        if (!auth)
                return;
        auth->is_freed = true;
        if (auth->n_out == 0)
                destroy(auth);
}

void auth_impl_hash(uint8_t hash[32], const void *data, size_t len)
{
        must(crypto_generichash(hash, 32, data, len, NULL, 0) == 0);
}

/* --- challenges --- */

static bool chain_allowed(const struct auth_site *site, uint64_t chain_id)
{
        for (size_t i = 0; i < site->n_chain_ids; i++) {
                if (site->chain_ids[i] == chain_id)
                        return true;
        }
        return false;
}

static void new_nonce(char nonce[2 * NONCE_BYTES + 1])
{
        uint8_t bytes[NONCE_BYTES];

        secret_random(bytes, sizeof bytes);
        hex_encode(nonce, bytes, sizeof bytes);
}

static size_t write_message(const struct auth_site *site, struct siwe *siwe, char *message)
{
        if (!text_copy(siwe->domain, sizeof siwe->domain, site->host) ||
            !text_copy(siwe->uri, sizeof siwe->uri, site->uri) ||
            !text_copy(siwe->statement, sizeof siwe->statement, site->statement) ||
            !text_copy(siwe->version, sizeof siwe->version, "1"))
                return 0;
        return siwe_print(message, SIWE_MESSAGE_MAX, siwe);
}

enum errc auth_challenge(struct auth *auth, const struct auth_site *site,
                         const struct addr *address, uint64_t chain_id, char *message,
                         int64_t *expires_at, struct err *err)
{
        const struct auth_options *o = &auth->options;
        int64_t now_mono = clock_mono_ms(o->clock);
        struct challenge challenge = {.address = *address,
                                      .until_mono = now_mono + o->challenge_ms};
        struct siwe siwe = {.address = *address, .issued_at = clock_wall_ms(o->clock)};
        size_t len;

        must(site->n_chain_ids > 0);
        siwe.chain_id = chain_id ? chain_id : site->chain_ids[0];
        if (!chain_allowed(site, siwe.chain_id))
                return err_field(err, E_INVALID, "chainId",
                                 "chain %" PRIu64 " is not one that %s signs in with", chain_id,
                                 site->host);
        siwe.expires_at = siwe.issued_at + o->challenge_ms;
        new_nonce(siwe.nonce);
        len = write_message(site, &siwe, message);
        if (!len)
                return err_set(err, E_CONFIG, "The texts of %s do not fit a sign-in message.",
                               site->host);
        auth_impl_hash(challenge.message_hash.b, message, len);
        if (challenge_add(auth->challenges, site->brand, siwe.nonce, &challenge, now_mono))
                return err_set(err, E_RATE_LIMITED,
                               "Too many sign-ins are pending; try again in a moment.");
        *expires_at = siwe.expires_at;
        return E_OK;
}

/* --- login --- */

struct login_call {
        struct auth *auth;
        struct auth_login login;
        struct store_session session;
        auth_login_fn *done;
        void *cookie;
};

static enum errc refuse_expired(int64_t expires_at, struct err *err)
{
        char text[SIWE_TIME_MAX] = "";

        must(!siwe_text_print_time(text, expires_at));
        return err_set(err, E_UNAUTHORIZED, "The message expired at %s; ask for a new one.", text);
}

/* Times, nonce, chain, address, text. Spends the nonce. */
static enum errc check_message(struct auth *auth, const struct auth_site *site,
                               const struct siwe *siwe, const struct hash32 *hash, struct err *err)
{
        const struct clock *clock = auth->options.clock;
        int64_t now = clock_wall_ms(clock);
        struct challenge issued;
        char is[ADDR_STR_MAX], was[ADDR_STR_MAX];
        enum errc rc = challenge_take(auth->challenges, &issued, site->brand, siwe->nonce);

        if (siwe->expires_at && siwe->expires_at <= now)
                return refuse_expired(siwe->expires_at, err);
        if (siwe->not_before > now)
                return err_set(err, E_UNAUTHORIZED, "The message is not valid yet.");
        if (rc)
                return err_set(err, E_UNAUTHORIZED,
                               "The nonce is unknown here or was used already.");
        if (issued.until_mono <= clock_mono_ms(clock))
                return err_set(err, E_UNAUTHORIZED, "The message expired; ask for a new one.");
        if (!chain_allowed(site, siwe->chain_id))
                return err_set(err, E_UNAUTHORIZED,
                               "The message is for chain %" PRIu64
                               ", which is not one that %s signs in with.",
                               siwe->chain_id, site->host);
        siwe_text_print_addr(is, &siwe->address);
        siwe_text_print_addr(was, &issued.address);
        if (!hex_addr_equal(&siwe->address, &issued.address))
                return err_set(err, E_UNAUTHORIZED, "The message names %s, but was issued for %s.",
                               is, was);
        if (!secret_equal(hash->b, issued.message_hash.b, sizeof hash->b))
                return err_set(err, E_UNAUTHORIZED, "The message is not the one that was issued.");
        return E_OK;
}

static enum errc check_signature(const struct auth *auth, const struct addr *expected,
                                 const char *message, size_t len, const char *signature,
                                 size_t signature_len, struct err *err)
{
        struct signature sig;
        struct hash32 digest;
        struct addr signer;
        char is[ADDR_STR_MAX], wanted[ADDR_STR_MAX];

        if (secp_parse_signature(&sig, signature, signature_len))
                return err_field(err, E_SYNTAX, "signature", "must be 65 bytes in hex: r, s and v");
        eip191_digest(&digest, message, len);
        if (secp_recover(auth->options.secp, &signer, &digest, &sig))
                return err_set(err, E_UNAUTHORIZED, "The signature is not a valid one.");
        if (hex_addr_equal(&signer, expected))
                return E_OK;
        siwe_text_print_addr(is, &signer);
        siwe_text_print_addr(wanted, expected);
        return err_set(err, E_UNAUTHORIZED,
                       "The signature was made by %s, but %s is signing in (or the signed text "
                       "differs from the message).",
                       is, wanted);
}

static enum errc check_login(struct auth *auth, const struct auth_site *site, struct siwe *siwe,
                             const char *message, size_t len, const char *signature,
                             size_t signature_len, struct err *err)
{
        struct hash32 hash;
        enum errc rc = siwe_parse(siwe, message, len, err);

        if (rc)
                return rc;
        if (strcmp(siwe->domain, site->host) != 0)
                return err_set(err, E_UNAUTHORIZED, "The message is for %s, this is %s.",
                               siwe->domain, site->host);
        auth_impl_hash(hash.b, message, len);
        rc = check_message(auth, site, siwe, &hash, err);
        if (rc)
                return rc;
        return check_signature(auth, &siwe->address, message, len, signature, signature_len, err);
}

static void login_answer(void *arg)
{
        struct login_call *call = arg;

        call->done(call->cookie, &call->login);
        secret_wipe(call, sizeof *call);
        free(call);
}

static void login_stored(void *cookie, enum errc rc)
{
        struct login_call *call = cookie;

        if (rc) {
                secret_wipe(call->login.token, sizeof call->login.token);
                call->login.rc = err_set(&call->login.err, rc, "%s", err_text(rc));
        } else {
                session_cache_put(call->auth->sessions, &call->session);
        }
        auth_impl_release(call->auth);
        login_answer(call);
}

static void new_session(struct login_call *call, const char *brand)
{
        const struct auth_options *o = &call->auth->options;
        struct store_session *session = &call->session;
        uint8_t token[AUTH_TOKEN_BYTES];

        secret_random(token, sizeof token);
        must(sodium_bin2base64(call->login.token, sizeof call->login.token, token, sizeof token,
                               sodium_base64_VARIANT_URLSAFE_NO_PADDING));
        auth_impl_hash(session->token_hash, token, sizeof token);
        secret_wipe(token, sizeof token);
        must(text_copy(session->brand, sizeof session->brand, brand));
        session->address = call->login.address;
        session->created_at = clock_wall_ms(o->clock);
        session->expires_at = session->created_at + o->session_ms;
        call->login.expires_at = session->expires_at;
}

void auth_login(struct auth *auth, const struct auth_site *site, const char *message, size_t len,
                const char *signature, size_t signature_len, auth_login_fn *done, void *cookie)
{
        struct login_call *call = xcalloc(1, sizeof *call);
        struct siwe siwe = {0};

        call->auth = auth;
        call->done = done;
        call->cookie = cookie;
        call->login.rc = check_login(auth, site, &siwe, message, len, signature, signature_len,
                                     &call->login.err);
        if (call->login.rc) {
                loop_post(store_loop(auth->options.store), login_answer, call);
                return;
        }
        call->login.address = siwe.address;
        new_session(call, site->brand);
        auth_impl_hold(auth);
        store_session_put(auth->options.store, &call->session, login_stored, call);
}

/* --- logout --- */

struct logout_call {
        struct auth *auth;
        uint8_t hash[32];
        store_done *done;
        void *cookie;
};

/* A check that was on its way when the session ended has put it back into the cache; all of those
 * are answered before the deletion is. */
static void logged_out(void *cookie, enum errc rc)
{
        struct logout_call *call = cookie;

        session_cache_drop(call->auth->sessions, call->hash);
        auth_impl_release(call->auth);
        if (call->done)
                call->done(call->cookie, rc);
        free(call);
}

void auth_logout(struct auth *auth, const struct auth_session *session, store_done *done,
                 void *cookie)
{
        struct logout_call *call = xcalloc(1, sizeof *call);

        call->auth = auth;
        memcpy(call->hash, session->token_hash, sizeof call->hash);
        call->done = done;
        call->cookie = cookie;
        session_cache_drop(auth->sessions, call->hash);
        auth_impl_hold(auth);
        store_session_delete(auth->options.store, call->hash, logged_out, call);
}
