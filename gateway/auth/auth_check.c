/* Sessions, presented as bearer tokens. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/auth_impl.h"
#include "base/mem.h"
#include "base/secret.h"

#define TOKEN_CHARS 43 /* base64url of 32 bytes, without padding */

/* The hash of the bearer token in the header's value. One spelling per token: the padding bits of
 * the last character must be zero. */
static bool read_token(uint8_t hash[32], const char *authorization)
{
        static const char scheme[] = "Bearer ";
        uint8_t token[AUTH_TOKEN_BYTES];
        size_t len = 0;
        bool ok;

        if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
                return false;
        const char *text = authorization + sizeof scheme - 1;
        if (strnlen(text, TOKEN_CHARS + 1) != TOKEN_CHARS)
                return false;
        ok = sodium_base642bin(token, sizeof token, text, TOKEN_CHARS, NULL, &len, NULL,
                               sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
             len == sizeof token;
        if (ok)
                auth_impl_hash(hash, token, sizeof token);
        secret_wipe(token, sizeof token);
        return ok;
}

/* A session of another brand does not exist here. */
static bool session_fits(const struct auth *auth, const struct store_session *session,
                         const uint8_t hash[32], const char *brand)
{
        return secret_equal(session->token_hash, hash, sizeof session->token_hash) &&
               strcmp(session->brand, brand) == 0 &&
               session->expires_at > clock_wall_ms(auth->options.clock);
}

static void fill(struct auth_session *out, const struct store_session *session)
{
        out->address = session->address;
        out->expires_at = session->expires_at;
        memcpy(out->token_hash, session->token_hash, sizeof out->token_hash);
}

/* True when the cache decides, with *rc and, for E_OK, *out. */
static bool ask_cache(struct auth *auth, const char *brand, const uint8_t hash[32], enum errc *rc,
                      struct auth_session *out)
{
        const struct store_session *session = session_cache_get(auth->sessions, hash);

        if (!session)
                return false;
        *rc = session_fits(auth, session, hash, brand) ? E_OK : E_UNAUTHORIZED;
        if (*rc == E_OK)
                fill(out, session);
        else if (session->expires_at <= clock_wall_ms(auth->options.clock))
                session_cache_drop(auth->sessions, hash);
        return true;
}

bool auth_check_cached(struct auth *auth, const char *brand, const char *authorization,
                       struct auth_session *out)
{
        uint8_t hash[32];
        enum errc rc = E_UNAUTHORIZED;

        return read_token(hash, authorization) && ask_cache(auth, brand, hash, &rc, out) &&
               rc == E_OK;
}

struct check_call {
        struct auth *auth;
        char brand[STORE_BRAND_MAX];
        uint8_t hash[32];
        enum errc rc;
        struct auth_session session;
        auth_session_fn *done;
        void *cookie;
};

static void check_answer(void *arg)
{
        struct check_call *call = arg;

        call->done(call->cookie, call->rc, call->rc ? NULL : &call->session);
        free(call);
}

static void check_loaded(void *cookie, enum errc rc, const struct store_session *session)
{
        struct check_call *call = cookie;
        struct auth *auth = call->auth;

        if (rc == E_NOT_FOUND || (!rc && !session_fits(auth, session, call->hash, call->brand)))
                rc = E_UNAUTHORIZED;
        if (!rc) {
                session_cache_put(auth->sessions, session);
                fill(&call->session, session);
        }
        call->rc = rc;
        auth_impl_release(auth);
        check_answer(call);
}

/* With what there is to look up; NULL hash: nothing. */
static void check(struct auth *auth, const char *brand, const uint8_t hash[32],
                  auth_session_fn *done, void *cookie)
{
        struct check_call *call = xcalloc(1, sizeof *call);

        call->auth = auth;
        call->done = done;
        call->cookie = cookie;
        call->rc = E_UNAUTHORIZED;
        if (hash)
                memcpy(call->hash, hash, sizeof call->hash);
        if (!text_copy(call->brand, sizeof call->brand, brand) || !hash ||
            ask_cache(auth, brand, call->hash, &call->rc, &call->session)) {
                loop_post(store_loop(auth->options.store), check_answer, call);
                return;
        }
        auth_impl_hold(auth);
        store_session_get(auth->options.store, call->hash, check_loaded, call);
}

void auth_check(struct auth *auth, const char *brand, const char *authorization,
                auth_session_fn *done, void *cookie)
{
        uint8_t hash[32];

        check(auth, brand, read_token(hash, authorization) ? hash : NULL, done, cookie);
}

void auth_recheck(struct auth *auth, const char *brand, const uint8_t token_hash[32],
                  auth_session_fn *done, void *cookie)
{
        check(auth, brand, token_hash, done, cookie);
}
