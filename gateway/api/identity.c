#include "api/identity.h"

#include <string.h>

#include <sodium.h>

#include "api/route.h"

void identity_digest(uint8_t out[IDENTITY_DIGEST_BYTES], const struct call *call)
{
        crypto_generichash_state h;

        const char *method = http_method_name(call->route->method);

        crypto_generichash_init(&h, NULL, 0, IDENTITY_DIGEST_BYTES);
        crypto_generichash_update(&h, (const uint8_t *)method, strlen(method) + 1);
        crypto_generichash_update(&h, (const uint8_t *)call->route->path,
                                  strlen(call->route->path) + 1);
        crypto_generichash_update(&h, (const uint8_t *)call->param, strlen(call->param) + 1);
        crypto_generichash_update(&h, (const uint8_t *)call->symbol_query,
                                  strlen(call->symbol_query) + 1);
        crypto_generichash_update(&h, (const uint8_t *)call->body, call->body_len);
        crypto_generichash_final(&h, out, IDENTITY_DIGEST_BYTES);
}

/* The first digits of BLAKE2b over who asks, the key, its day and the order's place. */
void identity_cloids_of_day(struct cloid *out, uint8_t n, const struct call *call, int64_t day)
{
        uint8_t when[8];

        for (int k = 0; k < 8; k++)
                when[k] = (uint8_t)((uint64_t)day >> (56 - 8 * k));
        for (uint8_t i = 0; i < n; i++) {
                crypto_generichash_state h;

                crypto_generichash_init(&h, NULL, 0, sizeof out[i].b);
                crypto_generichash_update(&h, (const uint8_t *)call->brand->id,
                                          strlen(call->brand->id) + 1);
                crypto_generichash_update(&h, call->account.b, 20);
                crypto_generichash_update(&h, (const uint8_t *)call->key, strlen(call->key) + 1);
                crypto_generichash_update(&h, when, sizeof when);
                crypto_generichash_update(&h, &i, 1);
                crypto_generichash_final(&h, out[i].b, sizeof out[i].b);
        }
}

/* Without a key they are the time and ten random bytes: ids that grow stand together on the store's
 * pages. */
void identity_cloids(struct cloid *out, uint8_t n, const struct call *call)
{
        uint64_t now = (uint64_t)state_now(call->api);

        if (call->key[0]) {
                identity_cloids_of_day(out, n, call, call->key_day);
                return;
        }
        for (uint8_t i = 0; i < n; i++) {
                for (int k = 0; k < 6; k++)
                        out[i].b[k] = (uint8_t)(now >> (40 - 8 * k));
                randombytes_buf(out[i].b + 6, sizeof out[i].b - 6);
        }
}
