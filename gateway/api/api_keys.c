/* Making, listing and deleting the keys of bots; only a session of the wallet may. */
#include "api/api_keys.h"

#include <stdlib.h>
#include <string.h>

#include "api/acting.h"
#include "api/api_keys_impl.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "auth/api_sign.h"
#include "auth/ip_net.h"
#include "base/log.h"
#include "base/mem.h"
#include "sign/vault_secret.h"

#define CACHE_MAX    4096 /* keys; the cache is emptied when full */
#define KEY_STR_MAX  33
#define NAME_MAX_LEN 48

void api_keys_impl_remember(struct api_keys *keys, const struct store_api_key *key)
{
        struct store_api_key *copy;

        if (map_size(keys->by_id) >= CACHE_MAX) {
                map_free(keys->by_id, free);
                keys->by_id = map_new();
        }
        copy = xmalloc(sizeof *copy);
        *copy = *key;
        free(map_put(keys->by_id, key->id, sizeof key->id, copy));
}

void api_keys_impl_forget(struct api_keys *keys, const uint8_t id[16])
{
        free(map_take(keys->by_id, id, API_SIGN_KEY_BYTES));
}

/* --- as JSON --- */

static void ip_list(struct buf *out, const char *list)
{
        bool first = true;

        out_key(out, "ipAllow");
        buf_putc(out, '[');
        while (*list) {
                size_t n = strcspn(list, " ");
                if (!first)
                        buf_putc(out, ',');
                first = false;
                buf_put_json(out, list, n);
                list += n + (list[n] == ' ');
        }
        buf_putc(out, ']');
}

/* secret: shown once, when it is made; else NULL. */
static void key_json(struct buf *out, const struct store_api_key *k, const char *secret)
{
        char id[KEY_STR_MAX], material[65], address[ADDR_STR_MAX];

        buf_putc(out, '{');
        out_text(out, "id", hex_encode(id, k->id, sizeof k->id));
        out_text(out, "name", k->name[0] ? k->name : NULL);
        out_text(out, "type", k->kind == API_KEY_HMAC ? "hmac" : "ed25519");
        out_key(out, "scopes");
        buf_puts(out, k->scopes == API_KEY_READ    ? "[\"read\"]"
                      : k->scopes == API_KEY_TRADE ? "[\"trade\"]"
                                                   : "[\"read\",\"trade\"]");
        ip_list(out, k->ip_allow);
        if (k->has_sub_account)
                out_text(out, "subAccount", hex_print_addr(address, &k->sub_account));
        if (k->kind == API_KEY_ED25519)
                out_text(out, "publicKey", hex_encode(material, k->material, 32));
        out_int(out, "createdAt", k->created_at);
        if (k->expires_at)
                out_int(out, "expiresAt", k->expires_at);
        else
                out_null(out, "expiresAt");
        if (secret)
                out_text(out, "secret", secret);
        buf_putc(out, '}');
}

/* --- making --- */

struct key_request {
        char name[NAME_MAX_LEN + 1];
        struct field_texts scopes, ip_allow;
        int64_t expires_at;
        bool has_expiry, has_public_key, has_sub_account;
        struct addr sub_account;
        int type;
        const char *public_key;
};

static const char *const type_words[] = {"hmac", "ed25519", NULL};
static const struct field key_fields[] = {
        {.name = "name",
         .type = FIELD_TEXT,
         .offset = offsetof(struct key_request, name),
         .present = FIELD_NO_FLAG,
         .size = NAME_MAX_LEN + 1},
        {.name = "type",
         .type = FIELD_WORD,
         .required = true,
         .offset = offsetof(struct key_request, type),
         .present = FIELD_NO_FLAG,
         .words = type_words},
        {.name = "scopes",
         .type = FIELD_TEXTS,
         .required = true,
         .offset = offsetof(struct key_request, scopes),
         .present = FIELD_NO_FLAG,
         .size = 16},
        {.name = "ipAllow",
         .type = FIELD_TEXTS,
         .offset = offsetof(struct key_request, ip_allow),
         .present = FIELD_NO_FLAG,
         .size = IP_NET_STR_MAX - 1},
        {.name = "expiresAt",
         .type = FIELD_TIME,
         .offset = offsetof(struct key_request, expires_at),
         .present = offsetof(struct key_request, has_expiry)},
        {.name = "publicKey",
         .type = FIELD_RAW,
         .offset = offsetof(struct key_request, public_key),
         .present = offsetof(struct key_request, has_public_key),
         .size = 66},
        {.name = "subAccount",
         .type = FIELD_ADDRESS,
         .offset = offsetof(struct key_request, sub_account),
         .present = offsetof(struct key_request, has_sub_account)},
};
FIELD_TABLE(api_keys_make_table, key_fields);

static void take_scopes(struct store_api_key *key, const struct field_texts *scopes,
                        struct err *err)
{
        for (unsigned i = 0; i < scopes->n; i++) {
                const char *word = scopes->item[i];
                unsigned bit = strcmp(word, "read") == 0    ? API_KEY_READ
                               : strcmp(word, "trade") == 0 ? API_KEY_TRADE
                                                            : 0;
                if (!bit || (key->scopes & bit))
                        (void)err_field(err, E_INVALID, "scopes",
                                        "must be \"read\", \"trade\" or both, each once");
                key->scopes |= bit;
        }
}

static void take_networks(struct store_api_key *key, const struct field_texts *nets,
                          struct err *err)
{
        char text[IP_NET_STR_MAX];
        struct ip_net net;
        struct buf list;

        buf_init(&list, sizeof key->ip_allow);
        for (unsigned i = 0; i < nets->n; i++) {
                enum errc rc = ip_net_parse(&net, nets->item[i]);

                if (rc)
                        (void)err_field(err, E_INVALID, "ipAllow",
                                        "must be addresses or blocks like 192.0.2.0/24");
                if (rc == E_INVALID)
                        err_hint(err, "%s", ip_net_print(text, &net));
                if (rc)
                        break;
                if (list.len)
                        buf_putc(&list, ' ');
                buf_puts(&list, ip_net_print(text, &net));
        }
        /* The bound leaves room for as many as FIELD_TEXTS takes. */
        must(text_copy(key->ip_allow, sizeof key->ip_allow, buf_cstr(&list)));
        buf_fini(&list);
}

static void take_public_key(struct store_api_key *key, const struct key_request *request,
                            struct err *err)
{
        if (key->kind == API_KEY_HMAC && request->has_public_key)
                (void)err_field(err, E_INVALID, "publicKey", "goes with type ed25519");
        if (key->kind == API_KEY_HMAC)
                return;
        if (!request->has_public_key)
                (void)err_field(err, E_INVALID, "publicKey", "is required for type ed25519");
        else if (api_sign_public_key(key->material, request->public_key))
                (void)err_field(err, E_INVALID, "publicKey",
                                "must be an Ed25519 public key: 64 hex digits");
        key->material_len = 32;
}

struct make {
        struct call *call;
        struct store_api_key key;
        char secret[VAULT_SECRET_TEXT_MAX]; /* "" for Ed25519 */
};

static void make_free(struct make *make)
{
        secret_wipe(make, sizeof *make);
        free(make);
}

static void made(void *cookie, enum errc rc)
{
        struct make *make = cookie;
        struct err err = {.code = E_OK};
        struct buf body;

        if (rc == E_LIMIT)
                (void)err_set(&err, E_FORBIDDEN, "An account has at most %d keys.",
                              STORE_API_KEYS_MAX);
        else if (rc)
                (void)err_set(&err, rc, "%s", err_text(rc));
        if (rc == E_LIMIT)
                err_hint(&err, "DELETE /v1/api-keys/{id} removes one.");
        if (rc) {
                call_fail(make->call, &err);
        } else {
                buf_init(&body, 8192);
                key_json(&body, &make->key, make->secret[0] ? make->secret : NULL);
                call_reply(make->call, 200, &body);
        }
        make_free(make);
}

static enum errc make_secret(struct make *make)
{
        struct store_api_key *key = &make->key;
        struct api *api = make->call->api;
        const struct vault_brand *brand = map_get(api->brand_keys, key->brand, strlen(key->brand));
        struct vault_secret_binding binding = {.brand = key->brand, .account = key->account};
        struct vault_sealed sealed;

        if (!brand)
                return E_CRYPTO;
        memcpy(binding.id, key->id, sizeof binding.id);
        if (vault_secret_create(api->o.vault, brand, make->secret, &sealed, &binding))
                return E_CRYPTO;
        memcpy(key->material, sealed.b, sizeof sealed.b);
        key->material_len = sizeof sealed.b;
        return E_OK;
}

static void put_key(struct make *make)
{
        store_api_key_put(make->call->api->o.store, &make->key, made, make);
}

static void sub_account_checked(void *cookie, const struct err *err)
{
        struct make *make = cookie;
        struct err why = *err;

        if (!err->code) {
                put_key(make);
                return;
        }
        if (err->code == E_NOT_FOUND) {
                why = (struct err){.code = E_OK};
                (void)err_field(&why, E_INVALID, "subAccount",
                                "is not a sub-account of this wallet");
        }
        call_fail(make->call, &why);
        make_free(make);
}

void api_keys_make(struct call *call)
{
        struct make *make = xcalloc(1, sizeof *make);
        struct key_request request = {.type = 0};
        struct store_api_key *key = &make->key;
        struct err err = {.code = E_OK};

        make->call = call;
        secret_random(key->id, sizeof key->id);
        text_copy(key->brand, sizeof key->brand, call->brand->id);
        key->account = call->session.address;
        key->created_at = state_now(call->api);
        if (call_fields(call, &request, key_fields, sizeof key_fields / sizeof *key_fields, &err) ==
            E_OK) {
                key->kind = request.type == 0 ? API_KEY_HMAC : API_KEY_ED25519;
                text_copy(key->name, sizeof key->name, request.name);
                key->expires_at = request.expires_at;
                key->has_sub_account = request.has_sub_account;
                key->sub_account = request.sub_account;
                take_scopes(key, &request.scopes, &err);
                take_networks(key, &request.ip_allow, &err);
                take_public_key(key, &request, &err);
                if (request.has_expiry && request.expires_at <= key->created_at)
                        (void)err_field(&err, E_INVALID, "expiresAt", "must be in the future");
        }
        if (!err.code && key->kind == API_KEY_HMAC && make_secret(make))
                (void)err_set(&err, E_CRYPTO, "A secret can't be made.");
        if (err.code) {
                call_fail(call, &err);
                make_free(make);
                return;
        }
        if (key->has_sub_account)
                acting_check(call->api->acting, &key->account, &key->sub_account,
                             sub_account_checked, make);
        else
                put_key(make);
}

/* --- listing --- */

static void listed(void *cookie, enum errc rc, const struct store_api_key *keys, unsigned n)
{
        struct call *call = cookie;
        struct buf body;

        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        buf_init(&body, 65536);
        buf_puts(&body, "{\"data\":[");
        for (unsigned i = 0; i < n; i++) {
                if (i)
                        buf_putc(&body, ',');
                key_json(&body, &keys[i], NULL);
        }
        buf_puts(&body, "]}");
        call_reply(call, 200, &body);
}

void api_keys_list(struct call *call)
{
        store_api_key_list(call->api->o.store, call->brand->id, &call->session.address, listed,
                           call);
}

/* --- deleting --- */

struct removal {
        struct call *call;
        uint8_t id[API_SIGN_KEY_BYTES];
};

static void deleted(void *cookie, enum errc rc)
{
        struct removal *removal = cookie;
        struct call *call = removal->call;
        struct buf body;

        /* Reads that were on their way have put it back into the cache; all of those are answered
         * before the deletion is. */
        if (!rc)
                api_keys_impl_forget(call->api->keys, removal->id);
        if (rc) {
                call_fail_code(call, rc);
        } else {
                buf_init(&body, 1024);
                buf_putc(&body, '{');
                out_text(&body, "id", call->param);
                out_text(&body, "status", "deleted");
                buf_putc(&body, '}');
                call_reply(call, 200, &body);
        }
        free(removal);
}

void api_keys_delete(struct call *call)
{
        struct removal *removal = xcalloc(1, sizeof *removal);

        removal->call = call;
        if (hex_decode(removal->id, sizeof removal->id, call->param, strlen(call->param))) {
                call_fail_code(call, E_NOT_FOUND);
                free(removal);
                return;
        }
        store_api_key_delete(call->api->o.store, call->brand->id, &call->session.address,
                             removal->id, deleted, removal);
}
