/* store_api_key: the keys of bots. As store.h: loop thread only, callbacks fire once and later. */
#ifndef STORE_STORE_API_KEY_H
#define STORE_STORE_API_KEY_H

#include "store/store.h"

#define STORE_API_KEYS_MAX 20 /* of one account */
#define STORE_API_KEY_IPS  768

enum api_key_kind { API_KEY_HMAC = 1, API_KEY_ED25519 = 2 };
enum { API_KEY_READ = 1, API_KEY_TRADE = 2 }; /* scopes, as bits */

struct store_api_key {
        uint8_t id[16];
        char brand[STORE_BRAND_MAX];
        struct addr account;
        bool has_sub_account; /* of the account: the key acts for it and nothing else */
        struct addr sub_account;
        char name[64];
        enum api_key_kind kind;
        unsigned scopes;
        char ip_allow[STORE_API_KEY_IPS];
        uint8_t material[128];
        size_t material_len;
        int64_t created_at;
        int64_t expires_at; /* 0: never */
};

/* E_LIMIT when the account has STORE_API_KEYS_MAX already; those that had expired at created_at are
 * removed first. */
void store_api_key_put(struct store *store, const struct store_api_key *key, store_done *done,
                       void *cookie);
/* keys is borrowed for the call. */
typedef void store_api_keys_fn(void *cookie, enum errc rc, const struct store_api_key *keys,
                               unsigned n);
/* The one with this id, of whatever brand: E_NOT_FOUND. */
void store_api_key_get(struct store *store, const uint8_t id[16], store_api_keys_fn *done,
                       void *cookie);
/* Those of an account, oldest first. */
void store_api_key_list(struct store *store, const char *brand, const struct addr *account,
                        store_api_keys_fn *done, void *cookie);
/* E_NOT_FOUND when the account has no such key. */
void store_api_key_delete(struct store *store, const char *brand, const struct addr *account,
                          const uint8_t id[16], store_done *done, void *cookie);

#endif
