/* api_keys_impl: what the files that implement api_keys.h share. */
#ifndef API_API_KEYS_IMPL_H
#define API_API_KEYS_IMPL_H

#include "api/api_keys.h"
#include "api/state.h"
#include "auth/replay.h"
#include "store/store_api_key.h"

struct api_keys {
        struct api *api;
        struct map *by_id; /* id -> struct store_api_key */
        struct replay *replay;
        int64_t started_at; /* what was signed before may have been taken before */
};

void api_keys_impl_remember(struct api_keys *keys, const struct store_api_key *key);
void api_keys_impl_forget(struct api_keys *keys, const uint8_t id[16]);

#endif
