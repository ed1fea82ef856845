/* A request signed with a key. What is cheap and told by the request alone comes first; then the key is
 * looked up, the signature compared, and only what is well signed is told which rule of the key it
 * broke. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api/api_keys.h"
#include "api/api_keys_impl.h"
#include "api/call.h"
#include "api/inbound.h"
#include "api/route.h"
#include "auth/api_sign.h"
#include "auth/ip_net.h"
#include "base/mem.h"
#include "sign/vault_secret.h"

#define REPLAY_MAX         131072
#define REPLAY_MAX_PER_KEY 8192
/* A time stamp may lie ahead by a window and is valid for another. The widest counts: the window is not
 * part of what is signed, so whoever repeats a request may widen it. */
#define REPLAY_KEEP_MS ((int64_t)2 * API_SIGN_WINDOW_MAX_MS + 1000)
#define TEXT_MAX       (1u << 20)
#define TEXTS          4

struct api_keys *api_keys_new(struct api *api)
{
        struct api_keys *keys = xcalloc(1, sizeof *keys);

        keys->api = api;
        keys->by_id = map_new();
        keys->replay = replay_new(REPLAY_MAX, REPLAY_MAX_PER_KEY, REPLAY_KEEP_MS);
        keys->started_at = state_now(api);
        return keys;
}

void api_keys_free(struct api_keys *keys)
{
        if (!keys)
                return;
        map_free(keys->by_id, free);
        replay_free(keys->replay);
        free(keys);
}

bool api_keys_used(const struct inbound *in)
{
        return in->api_key[0] != '\0';
}

bool api_keys_needs_read(const struct api_keys *keys, const struct inbound *in)
{
        const char *name = in->api_key;
        uint8_t id[API_SIGN_KEY_BYTES];

        return hex_decode(id, sizeof id, name, strlen(name)) == E_OK &&
               !map_get(keys->by_id, id, sizeof id);
}

struct check {
        struct call *call;
        api_keys_fn *done;
        struct api_sign sign;
        /* What may have been signed, all of it the same request. First: path and query as the listener
         * writes them; then with the query, the path, or both strictly encoded. */
        struct buf texts[TEXTS];
};

static void check_end(struct check *check, const struct err *err)
{
        struct call *call = check->call;
        api_keys_fn *done = check->done;

        for (unsigned i = 0; i < TEXTS; i++)
                buf_fini(&check->texts[i]);
        free(check);
        done(call, err);
}

/* One sentence for everything that would tell whether a key exists. */
static enum errc refuse(struct err *err)
{
        return err_set(err, E_UNAUTHORIZED,
                       "There is no such key here, or the signature is not the one it makes over "
                       "timestamp, method, path?query and body.");
}

static enum errc check_mac(struct check *check, const struct store_api_key *key,
                           const struct buf *text)
{
        struct api *api = check->call->api;
        struct vault_secret_binding binding = {.brand = key->brand, .account = key->account};
        const struct vault_brand *brand = map_get(api->brand_keys, key->brand, strlen(key->brand));
        struct vault_sealed sealed;
        uint8_t mac[32];
        enum errc rc;

        if (!brand || key->material_len != sizeof sealed.b)
                return E_CRYPTO;
        memcpy(binding.id, key->id, sizeof binding.id);
        memcpy(sealed.b, key->material, sizeof sealed.b);
        rc = vault_secret_mac(api->o.vault, brand, mac, &binding, &sealed, text->data, text->len);
        if (!rc)
                rc = api_sign_check_mac(&check->sign, mac);
        secret_wipe(mac, sizeof mac);
        return rc;
}

static enum errc check_text(struct check *check, const struct store_api_key *key,
                            const struct buf *text)
{
        switch (key->kind) {
        case API_KEY_HMAC: return check_mac(check, key, text);
        case API_KEY_ED25519:
                if (key->material_len != 32)
                        return E_CRYPTO;
                return api_sign_check_ed25519(&check->sign, key->material, text->data, text->len);
        }
        never("kind of key");
}

static bool is_repeated(const struct check *check, unsigned i)
{
        const struct buf *text = &check->texts[i];

        for (unsigned k = 0; k < i; k++)
                if (check->texts[k].len == text->len &&
                    memcmp(check->texts[k].data, text->data, text->len) == 0)
                        return true;
        return false;
}

static enum errc check_signature(struct check *check, const struct store_api_key *key,
                                 struct err *err)
{
        enum errc rc = E_UNAUTHORIZED;

        for (unsigned i = 0; i < TEXTS && rc == E_UNAUTHORIZED; i++)
                if (!is_repeated(check, i))
                        rc = check_text(check, key, &check->texts[i]);
        if (rc == E_UNAUTHORIZED)
                return refuse(err);
        return rc ? err_set(err, rc, "An API key does not open.") : E_OK;
}

static bool address_allowed(const struct store_api_key *key, const char *client)
{
        char list[STORE_API_KEY_IPS], *rest = NULL;
        struct ip_net net;

        if (!key->ip_allow[0])
                return true;
        text_copy(list, sizeof list, key->ip_allow);
        for (char *one = strtok_r(list, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
                if (ip_net_parse(&net, one) == E_OK && ip_net_has(&net, client))
                        return true;
        return false;
}

/* What a route of this label asks of a key; 0: no key may. */
static unsigned scope_for(enum route_risk risk)
{
        switch (risk) {
        case ROUTE_READS: return API_KEY_READ;
        case ROUTE_OPENS_RISK:
        case ROUTE_REDUCES_RISK: return API_KEY_TRADE;
        case ROUTE_MOVES_FUNDS: return 0;
        }
        never("risk label");
}

/* A key that is bound to a sub-account acts for it whether the request says so or not. */
static enum errc check_binding(struct call *call, const struct store_api_key *key, struct err *err)
{
        if (!key->has_sub_account)
                return E_OK;
        if (call->route->auth != ROUTE_SESSION)
                return err_set(err, E_FORBIDDEN, "The key acts for one sub-account only.");
        if (call->for_sub_account && !hex_addr_equal(&call->account, &key->sub_account))
                return err_set(err, E_FORBIDDEN, "The key acts for another sub-account only.");
        call->for_sub_account = true;
        call->account = key->sub_account;
        return E_OK;
}

static enum errc check_rules(struct call *call, const struct store_api_key *key, struct err *err)
{
        unsigned scope = call->any_scope ? key->scopes : scope_for(call->route->risk);

        call->key_scopes = key->scopes;
        if (key->expires_at && key->expires_at <= state_now(call->api))
                return err_set(err, E_UNAUTHORIZED, "The key has expired.");
        if (!address_allowed(key, call->client))
                return err_set(err, E_FORBIDDEN, "The key may not be used from %s.", call->client);
        if (!(key->scopes & scope))
                return err_set(err, E_FORBIDDEN, "The key has no scope \"%s\".",
                               scope == API_KEY_READ    ? "read"
                               : scope == API_KEY_TRADE ? "trade"
                                                        : "funds");
        return check_binding(call, key, err);
}

static enum errc check_replay(struct check *check, struct err *err)
{
        struct api *api = check->call->api;
        uint8_t digest[32];
        enum errc rc;

        if (check->sign.at < api->keys->started_at)
                return err_set(err, E_UNAUTHORIZED,
                               "The request was signed before this gateway started, so it can't be "
                               "told from a repeated one. Sign it again.");
        must(crypto_generichash(digest, sizeof digest, check->texts[0].data, check->texts[0].len,
                                NULL, 0) == 0);
        rc = replay_take(api->keys->replay, check->sign.key, digest, clock_mono_ms(api->o.clock));
        if (rc == E_EXISTS)
                rc = err_set(err, E_UNAUTHORIZED,
                             "This very request was taken before. A repeated one needs another "
                             "time stamp.");
        else if (rc)
                rc = err_set(err, E_RATE_LIMITED, "Too many signed requests at once.");
        return rc;
}

static void settle(struct check *check, const struct store_api_key *key)
{
        struct call *call = check->call;
        struct err err = {.code = E_OK};

        /* A key of another brand does not exist here. */
        if (!key || strcmp(key->brand, call->brand->id) != 0)
                (void)refuse(&err);
        else if (check_signature(check, key, &err) == E_OK &&
                 check_rules(check->call, key, &err) == E_OK && check_replay(check, &err) == E_OK) {
                call->session.address = key->account;
                call->session.expires_at = key->expires_at;
                /* Its own bucket of requests; no session's hash, which the caller can't choose. */
                memset(call->session.token_hash, 0, sizeof call->session.token_hash);
                memcpy(call->session.token_hash, key->id, sizeof key->id);
                call->has_session = call->has_key = true;
        }
        check_end(check, &err);
}

static void key_loaded(void *cookie, enum errc rc, const struct store_api_key *keys, unsigned n)
{
        struct check *check = cookie;
        struct err err = {.code = E_OK};

        if (rc && rc != E_NOT_FOUND) {
                (void)err_set(&err, rc, "%s", err_text(rc));
                check_end(check, &err);
                return;
        }
        if (n)
                api_keys_impl_remember(check->call->api->keys, keys);
        settle(check, n ? keys : NULL);
}

/* The header is signed too, where it is there: whoever carries the request must not turn it to another
 * account. A newline ends what comes before: no path, query or JSON object goes on with one and an
 * address. */
static void add_sub_account(struct buf *text, const char *header)
{
        if (!header[0])
                return;
        buf_putc(text, '\n');
        buf_puts(text, header);
}

static enum errc write_texts(struct check *check, const struct inbound *in)
{
        struct call *call = check->call;
        const char *timestamp = in->timestamp;
        const char *sub_account = in->sub_account;
        struct buf path, query;
        bool fits = true;

        buf_init(&path, TEXT_MAX);
        buf_init(&query, TEXT_MAX);
        api_sign_strict_path(&path, call->path);
        api_sign_strict(&query, call->query);
        for (unsigned i = 0; i < TEXTS; i++) {
                struct buf *text = &check->texts[i];

                buf_init(text, TEXT_MAX);
                api_sign_text(text, timestamp, http_method_name(in->method),
                              i & 2 ? buf_cstr(&path) : call->path,
                              i & 1 ? buf_cstr(&query) : call->query, call->body, call->body_len);
                add_sub_account(text, sub_account);
                fits = fits && !buf_check(text);
        }
        buf_fini(&path);
        buf_fini(&query);
        return fits ? E_OK : E_TOO_LARGE;
}

void api_keys_check(struct call *call, const struct inbound *in, api_keys_fn *done)
{
        struct api *api = call->api;
        const struct api_sign_headers headers = {
                .key = in->api_key,
                .timestamp = in->timestamp,
                .signature = in->signature,
                .window = in->window,
        };
        struct check *check = xcalloc(1, sizeof *check);
        const struct store_api_key *known;
        struct err err = {.code = E_OK};

        check->call = call;
        check->done = done;
        if (write_texts(check, in))
                (void)err_set(&err, E_TOO_LARGE, "%s", err_text(E_TOO_LARGE));
        else if (call->route->auth == ROUTE_WALLET)
                (void)err_set(&err, E_FORBIDDEN,
                              "This needs a session of the wallet; no API key may do it.");
        else if (in->authorization[0])
                (void)err_set(&err, E_UNAUTHORIZED,
                              "Send a session or a signature with an API key, not both.");
        else
                (void)!api_sign_read(&check->sign, &headers, state_now(api), &err);
        if (err.code) {
                check_end(check, &err);
                return;
        }
        known = map_get(api->keys->by_id, check->sign.key, sizeof check->sign.key);
        if (known)
                settle(check, known);
        else
                store_api_key_get(api->o.store, check->sign.key, key_loaded, check);
}

/* --- once more --- */

struct again {
        struct call *call;
        api_keys_fn *done;
};

static void check_again(struct again *again, const struct store_api_key *key)
{
        struct call *call = again->call;
        api_keys_fn *done = again->done;
        struct err err = {.code = E_OK};

        free(again);
        if (!key || strcmp(key->brand, call->brand->id) != 0 ||
            !hex_addr_equal(&key->account, &call->session.address))
                (void)err_set(&err, E_UNAUTHORIZED, "The key was deleted.");
        else
                (void)!check_rules(call, key, &err);
        done(call, &err);
}

static void loaded_again(void *cookie, enum errc rc, const struct store_api_key *keys, unsigned n)
{
        struct again *again = cookie;
        struct call *call = again->call;
        api_keys_fn *done = again->done;
        struct err err = {.code = E_OK};

        if (rc && rc != E_NOT_FOUND) {
                (void)err_set(&err, rc, "%s", err_text(rc));
                free(again);
                done(call, &err);
                return;
        }
        if (n)
                api_keys_impl_remember(call->api->keys, keys);
        check_again(again, n ? keys : NULL);
}

void api_keys_recheck(struct call *call, api_keys_fn *done)
{
        struct api *api = call->api;
        struct again *again = xcalloc(1, sizeof *again);
        const struct store_api_key *known;

        must(call->has_key);
        again->call = call;
        again->done = done;
        known = map_get(api->keys->by_id, call_key_id(call), API_SIGN_KEY_BYTES);
        if (known)
                check_again(again, known);
        else
                store_api_key_get(api->o.store, call_key_id(call), loaded_again, again);
}
