/* state: what every handler of the API stands on. One per process, made in main, borrowed
 * everywhere. Loop thread only. Private to gateway/api, and to gateway/compat, which stands on it. */
#ifndef API_STATE_H
#define API_STATE_H

#include "adapters/venue.h"
#include "api/api.h"
#include "api/forwarded.h"
#include "auth/auth.h"
#include "auth/limit.h"
#include "base/map.h"
#include "brand/brand.h"
#include "brand/config.h"
#include "edge/httpd.h"
#include "journal/nonce.h"
#include "loop/loop.h"
#include "ops/metrics.h"
#include "sign/vault.h"
#include "store/store.h"

struct accounts;
struct audited;
struct turnstile;
struct snapshots;
struct prepare;
struct sweep;
struct transfers;
struct series;
struct candles;
struct api_keys;
struct guards;
struct dead_men;
struct agent_watch;
struct mirrored_room;
struct acting;
struct recovery;
struct idempotency;
struct own;
struct sockets;

struct api {
        struct api_options o;     /* the parts, borrowed; see api.h */
        struct brand_set *brands; /* one reference; replaced on reload */
        struct map *brand_keys;   /* brand id -> struct vault_brand *, owned by the vault */
        struct accounts *accounts;
        struct audited *audited;
        struct turnstile *turnstile;
        struct snapshots *snapshots;
        struct sweep *sweep;
        struct recovery *recovery;
        struct prepare *prepare;
        struct transfers *transfers;
        bool is_paper; /* the embedded venue */
        struct config_deposit deposit;
        struct series *series;
        struct candles *candles;
        struct api_keys *keys;
        struct guards *guards;
        struct dead_men *dead_men;
        struct agent_watch *agent_watch;
        struct mirrored_room *room;
        struct acting *acting;
        struct idempotency *idempotency;
        struct own *own;
        struct sockets *sockets; /* of clients of /v1/ws; borrowed, NULL: none are served */
        struct limit *public_limit;
        struct map *session_limits;       /* brand id -> struct limit *, per account */
        struct forwarded_proxies trusted; /* whose X-Forwarded-For is believed */
        char *openapi,
                *asyncapi;   /* the documents, brandless; NULL until they are first asked for */
        unsigned open_runs;  /* pipelines under way */
        unsigned open_calls; /* calls not answered yet: drain waits for them */
        bool draining;
        bool ended; /* nothing is signed any more */
};

/* now, wall ms */
static inline int64_t state_now(const struct api *api)
{
        return clock_wall_ms(api->o.clock);
}

#endif
