/* config: the operator's configuration, read from one YAML file and one per brand, checked whole:
 * every problem is reported with file, line and what was expected, not just the first.
 * Unknown and duplicate keys are problems. */
#ifndef BRAND_CONFIG_H
#define BRAND_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "brand/brand.h"

#define CONFIG_DEXES_MAX  8
#define CONFIG_EGRESS_MAX 16

struct config_listener {
        char address[46];
        uint16_t port;
        char tls_cert_file[256], tls_key_file[256]; /* "": plain */
};

/* Where traders send a deposit; address "": not configured. */
struct config_deposit {
        char address[ADDR_STR_MAX];
        char token[16];
        char minimum[24];
        uint64_t chain_id;
};

/* A node beside the venue, own or rented; "": none. */
struct config_node {
        char info_url[256]; /* answers reads of accounts for the mirror */
        char ws_url[256];   /* the feed's socket, else the venue's */
        int64_t max_lag_ms;
        unsigned accounts_per_read; /* in one batchClearinghouseStates; 0: it has none */
};

/* The sockets of /v1/ws: deploy/docs/streams.md. */
struct config_streams {
        unsigned sockets_per_address, sockets_per_account, sockets_per_brand; /* 0: no bound */
        unsigned subscriptions;                                               /* of a socket */
        unsigned frames_per_second, frame_burst;                              /* from a client */
        unsigned operations_at_once;                                          /* of a socket */
        unsigned channels;
        unsigned ring_frames; /* of a channel */
        uint64_t ring_bytes;  /* of a channel */
        uint64_t rings_bytes; /* of all */
        uint64_t queue_bytes; /* that wait for a socket */
        int64_t events_linger_ms;
        int64_t ping_ms, idle_ms, reconnect_spread_ms;
        unsigned poll_weight; /* of a minute's request weight, where the feed has no room */
        bool deflate;
};

/* What the venue's sockets allow each address, and how long what is told there may be silent. 0: for ever. */
struct config_feed {
        unsigned connections, connects_per_minute, subscriptions, messages_per_minute;
        int64_t answer_ms, linger_ms;
        int64_t contexts_silent_ms, trades_silent_ms, user_state_silent_ms, user_orders_silent_ms;
        int64_t book_silent_ms, bbo_silent_ms, candles_silent_ms;
};

struct config {
        struct config_listener public_listener;
        struct config_listener admin_listener; /* loopback unless allow_remote_admin */
        unsigned max_connections, max_connections_per_address;
        uint64_t max_body_bytes;
        int64_t request_deadline_ms, idle_keep_alive_ms, drain_deadline_ms;
        char trusted_proxy[8][46]; /* whose X-Forwarded-For is believed */
        unsigned n_trusted_proxies;
        struct {
                char kind[32]; /* "hyperliquid" */
                char base_url[256];
                char network[16];  /* "mainnet", "testnet" */
                unsigned n_egress; /* 0: the system's choice */
                char egress[CONFIG_EGRESS_MAX][46];
                struct config_node node;
                struct config_feed feed;
                char ca_file[256];
                unsigned weight_per_minute, order_reserve, max_in_flight;
                int64_t order_deadline_ms, read_deadline_ms, expires_after_ms;
                int64_t contexts_every_ms, markets_every_ms;
                struct config_deposit deposit;
                unsigned n_dexes;
                char dex[CONFIG_DEXES_MAX][8]; /* builders' dexes beside the first */
        } venue;
        struct {
                bool feed; /* follow the venue's socket, else polls alone */
                unsigned poll_weight, users, polls_at_once;
                int64_t check_max_age_ms, show_max_age_ms;
        } mirror;
        struct {
                bool enabled; /* the embedded paper venue; venue.base_url then points at it */
                uint16_t port;
                uint64_t seed;
                char meta_file[256];
                /* Where its prices come from: at most one; neither: made from the seed. */
                char replay_file[256];
                unsigned replay_speed;
                char live_url[256];
                char state_file[256];
        } paper;
        char data_dir[256]; /* the store's folder */
        struct {
                char dir[256];    /* "": data_dir/backups */
                int64_t every_ms; /* 0: only when asked */
                unsigned keep, bytes_per_second;
        } backup;
        char master_key_file[256]; /* else environment PERPGATE_MASTER_KEY */
        struct config_streams streams;
        char log_level[8];
        int64_t session_ms;
        struct brand_set *brands; /* one reference, owned */
};

/* Reads file and the brands it names (paths relative to its folder). NULL when anything is wrong;
 * problems then holds one line each: "file:line: what was expected". */
struct config *config_load(const char *file, struct buf *problems);
/* The defaults of `perpgate demo`: the sample brands, embedded paper venue, data under data_dir. */
struct config *config_demo(const char *data_dir, uint16_t http_port, uint16_t paper_port,
                           uint64_t seed, struct buf *problems);
void config_free(struct config *config); /* accepts NULL */

#endif
