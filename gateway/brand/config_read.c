#include "brand/config_read.h"

#include <stdio.h>
#include <string.h>

#include "brand/check.h"
#include "brand/yaml_read.h"

#define MINUTE INT64_C(60000)
#define DAY    (24 * 60 * MINUTE)

#define AT(member) YAML_FIELD_AT(config_reading, config.member)

static void item_path(char *out, size_t cap, const char *path, size_t i)
{
        snprintf(out, cap, "%s[%zu]", path, i);
}

static void read_proxies(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                         void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct config *)NULL)->trusted_proxy[0],
                .min = 1,
                .accepts = check_address,
                .expected = "a numeric IPv4 or IPv6 address",
        };
        struct config *c = &((struct config_reading *)object)->config;

        if (!node || !yaml_read_is_list(sink, path, node,
                                        sizeof c->trusted_proxy / sizeof *c->trusted_proxy))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                item_path(item, sizeof item, path, i);
                if (yaml_read_value(sink, item, node->child[i], &row,
                                    c->trusted_proxy[c->n_trusted_proxies]))
                        c->n_trusted_proxies++;
        }
}

static void read_egress(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                        void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct config *)NULL)->venue.egress[0],
                .min = 1,
                .accepts = check_address,
                .expected = "a numeric IPv4 or IPv6 address",
        };
        struct config *c = &((struct config_reading *)object)->config;

        if (!node || !yaml_read_is_list(sink, path, node, CONFIG_EGRESS_MAX))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char *address = c->venue.egress[c->venue.n_egress];
                char item[160];
                item_path(item, sizeof item, path, i);
                if (!yaml_read_value(sink, item, node->child[i], &row, address))
                        continue;
                for (unsigned k = 0; k < c->venue.n_egress; k++)
                        if (strcmp(c->venue.egress[k], address) == 0)
                                problem_add(sink, node->child[i]->line,
                                            "%s: expected each address once, found %s twice", item,
                                            address);
                c->venue.n_egress++;
        }
}

static bool is_dex(const char *text)
{
        size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");

        return len >= 2 && len <= 4 && !text[len];
}

static void read_dexes(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct config *)NULL)->venue.dex[0],
                .min = 1,
                .accepts = is_dex,
                .expected = "a dex's name: 2 to 4 lower-case letters or digits",
        };
        struct config *c = &((struct config_reading *)object)->config;

        if (!node || !yaml_read_is_list(sink, path, node, CONFIG_DEXES_MAX))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char *name = c->venue.dex[c->venue.n_dexes];
                char item[160];
                item_path(item, sizeof item, path, i);
                if (!yaml_read_value(sink, item, node->child[i], &row, name))
                        continue;
                for (unsigned k = 0; k < c->venue.n_dexes; k++)
                        if (strcmp(c->venue.dex[k], name) == 0)
                                problem_add(sink, node->child[i]->line,
                                            "%s: expected each dex once, found %s twice", item,
                                            name);
                c->venue.n_dexes++;
        }
}

static void read_brands(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                        void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct config_reading *)NULL)->brand_folder[0],
                .min = 1,
        };
        struct config_reading *r = object;

        if (!yaml_read_is_list(sink, path, node, CONFIG_BRANDS_MAX))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                item_path(item, sizeof item, path, i);
                if (yaml_read_value(sink, item, node->child[i], &row, r->brand_folder[r->n_brands]))
                        r->n_brands++;
        }
        if (node->n == 0)
                problem_add(sink, node->line, "%s: expected at least one brand's folder", path);
}

static bool is_level(const char *text)
{
        return strcmp(text, "error") == 0 || strcmp(text, "warn") == 0 ||
               strcmp(text, "info") == 0 || strcmp(text, "debug") == 0;
}

static bool is_network(const char *text)
{
        return strcmp(text, "mainnet") == 0 || strcmp(text, "testnet") == 0;
}

static bool is_kind(const char *text)
{
        return strcmp(text, "hyperliquid") == 0;
}

static bool is_account(const char *text)
{
        struct addr address;

        return hex_parse_addr(&address, text, strlen(text)) == E_OK && !hex_addr_zero(&address);
}

static bool is_amount(const char *text)
{
        struct usd amount;

        return num_parse_usd(&amount, text, strlen(text)) == E_OK && amount.v >= 0;
}

/* clang-format off */
#define ADDRESS .type = FIELD_TEXT, .accepts = check_address, \
                .expected = "a numeric IPv4 or IPv6 address"
#define PORT    .type = FIELD_UINT, .max = 65535
#define MS(lo, hi) .type = FIELD_UINT, .min = lo, .max = hi
#define COUNT(lo, hi) .type = FIELD_UINT, .min = lo, .max = hi

static const struct yaml_field public_fields[] = {
        {.key = "address", ADDRESS, .fallback = "127.0.0.1", AT(public_listener.address)},
        {.key = "port", PORT, .fallback = "8080", AT(public_listener.port)},
        {.key = "tlsCertFile", .type = FIELD_TEXT, AT(public_listener.tls_cert_file)},
        {.key = "tlsKeyFile", .type = FIELD_TEXT, AT(public_listener.tls_key_file)},
        {0},
};
static const struct yaml_field admin_fields[] = {
        {.key = "address", ADDRESS, .fallback = "127.0.0.1", AT(admin_listener.address)},
        {.key = "port", PORT, .fallback = "8081", AT(admin_listener.port)},
        {.key = "tlsCertFile", .type = FIELD_TEXT, AT(admin_listener.tls_cert_file)},
        {.key = "tlsKeyFile", .type = FIELD_TEXT, AT(admin_listener.tls_key_file)},
        {.key = "allowRemote", .type = FIELD_BOOL, .fallback = "false",
         YAML_FIELD_AT(config_reading, allow_remote_admin)},
        {0},
};
static const struct yaml_field listen_fields[] = {
        {.key = "public", .type = FIELD_MAP, .fields = public_fields},
        {.key = "admin", .type = FIELD_MAP, .fields = admin_fields},
        {.key = "trustedProxies", .type = FIELD_CUSTOM, .read = read_proxies},
        {0},
};
static const struct yaml_field limit_fields[] = {
        {.key = "maxConnections", COUNT(1, 1000000), .fallback = "4096", AT(max_connections)},
        {.key = "maxConnectionsPerAddress", COUNT(0, 1000000), .fallback = "256",
         AT(max_connections_per_address)},
        {.key = "maxBodyBytes", COUNT(1024, 1048576), .fallback = "65536", AT(max_body_bytes)},
        {.key = "requestDeadlineMs", MS(100, 10 * MINUTE), .fallback = "10000",
         AT(request_deadline_ms)},
        {.key = "idleKeepAliveMs", MS(100, 60 * MINUTE), .fallback = "60000",
         AT(idle_keep_alive_ms)},
        {.key = "drainDeadlineMs", MS(0, 10 * MINUTE), .fallback = "15000", AT(drain_deadline_ms)},
        {0},
};
static const struct yaml_field deposit_fields[] = {
        {.key = "address", .type = FIELD_TEXT, AT(venue.deposit.address), .accepts = is_account,
         .expected = "0x and 40 hex digits, not all zero"},
        {.key = "token", .type = FIELD_TEXT, .fallback = "USDC", AT(venue.deposit.token)},
        {.key = "chainId", .type = FIELD_UINT, .min = 1, .max = INT64_MAX, .fallback = "42161",
         AT(venue.deposit.chain_id)},
        {.key = "minimum", .type = FIELD_TEXT, AT(venue.deposit.minimum), .accepts = is_amount,
         .expected = "a decimal amount"},
        {0},
};
static const struct yaml_field node_fields[] = {
        {.key = "infoUrl", .type = FIELD_TEXT, AT(venue.node.info_url), .accepts = check_base_url,
         .expected = "an http:// or https:// URL without user, query and trailing slash"},
        {.key = "wsUrl", .type = FIELD_TEXT, AT(venue.node.ws_url), .accepts = check_ws_url,
         .expected = "a ws:// or wss:// URL without user"},
        {.key = "maxLagMs", MS(100, MINUTE), .fallback = "2000", AT(venue.node.max_lag_ms)},
        {.key = "accountsPerRead", COUNT(0, 1000), .fallback = "0",
         AT(venue.node.accounts_per_read)},
        {0},
};
static const struct yaml_field silent_fields[] = {
        {.key = "contexts", MS(0, DAY), .fallback = "15000", AT(venue.feed.contexts_silent_ms)},
        {.key = "trades", MS(0, DAY), .fallback = "0", AT(venue.feed.trades_silent_ms)},
        {.key = "userState", MS(0, DAY), .fallback = "30000", AT(venue.feed.user_state_silent_ms)},
        {.key = "userOrders", MS(0, DAY), .fallback = "60000",
         AT(venue.feed.user_orders_silent_ms)},
        {.key = "book", MS(0, DAY), .fallback = "30000", AT(venue.feed.book_silent_ms)},
        {.key = "bbo", MS(0, DAY), .fallback = "60000", AT(venue.feed.bbo_silent_ms)},
        {.key = "candles", MS(0, DAY), .fallback = "0", AT(venue.feed.candles_silent_ms)},
        {0},
};
static const struct yaml_field feed_fields[] = {
        {.key = "connections", COUNT(1, 64), .fallback = "10", AT(venue.feed.connections)},
        {.key = "connectsPerMinute", COUNT(1, 1000), .fallback = "30",
         AT(venue.feed.connects_per_minute)},
        {.key = "subscriptions", COUNT(1, 65535), .fallback = "1000",
         AT(venue.feed.subscriptions)},
        {.key = "messagesPerMinute", COUNT(10, 65535), .fallback = "2000",
         AT(venue.feed.messages_per_minute)},
        {.key = "answerMs", MS(100, MINUTE), .fallback = "10000", AT(venue.feed.answer_ms)},
        {.key = "lingerMs", MS(0, MINUTE), .fallback = "3000", AT(venue.feed.linger_ms)},
        {.key = "silentMs", .type = FIELD_MAP, .fields = silent_fields},
        {0},
};
static const struct yaml_field venue_fields[] = {
        {.key = "kind", .type = FIELD_TEXT, .fallback = "hyperliquid", AT(venue.kind), .min = 1,
         .accepts = is_kind, .expected = "hyperliquid"},
        {.key = "baseUrl", .type = FIELD_TEXT, AT(venue.base_url), .accepts = check_base_url,
         .expected = "an http:// or https:// URL without user, query and trailing slash"},
        {.key = "network", .type = FIELD_TEXT, .fallback = "testnet", AT(venue.network), .min = 1,
         .accepts = is_network, .expected = "mainnet or testnet"},
        {.key = "egress", .type = FIELD_CUSTOM, .read = read_egress},
        {.key = "node", .type = FIELD_MAP, .fields = node_fields},
        {.key = "feed", .type = FIELD_MAP, .fields = feed_fields},
        {.key = "caFile", .type = FIELD_TEXT, AT(venue.ca_file)},
        {.key = "weightPerMinute", COUNT(1, 10000000), .fallback = "1200",
         AT(venue.weight_per_minute)},
        {.key = "orderReserve", COUNT(0, 10000000), .fallback = "400", AT(venue.order_reserve)},
        {.key = "maxInFlight", COUNT(1, 1024), .fallback = "64", AT(venue.max_in_flight)},
        {.key = "orderDeadlineMs", MS(100, 10 * MINUTE), .fallback = "10000",
         AT(venue.order_deadline_ms)},
        {.key = "readDeadlineMs", MS(100, 10 * MINUTE), .fallback = "5000",
         AT(venue.read_deadline_ms)},
        {.key = "expiresAfterMs", MS(0, 60 * MINUTE), .fallback = "20000",
         AT(venue.expires_after_ms)},
        {.key = "dexes", .type = FIELD_CUSTOM, .read = read_dexes},
        {.key = "contextsEveryMs", MS(100, 60 * MINUTE), .fallback = "5000",
         AT(venue.contexts_every_ms)},
        {.key = "deposit", .type = FIELD_MAP, .fields = deposit_fields},
        {.key = "marketsEveryMs", MS(1000, DAY), .fallback = "300000", AT(venue.markets_every_ms)},
        {0},
};
static const struct yaml_field mirror_fields[] = {
        {.key = "feed", .type = FIELD_BOOL, .fallback = "true", AT(mirror.feed)},
        {.key = "users", .type = FIELD_UINT, .max = 64, .fallback = "10", AT(mirror.users)},
        {.key = "pollWeightPerMinute", .type = FIELD_UINT, .min = 1, .max = 10000000,
         .fallback = "300", AT(mirror.poll_weight)},
        {.key = "pollsAtOnce", .type = FIELD_UINT, .min = 1, .max = 64, .fallback = "4",
         AT(mirror.polls_at_once)},
        {.key = "checkMaxAgeMs", MS(0, DAY), .fallback = "60000", AT(mirror.check_max_age_ms)},
        {.key = "showMaxAgeMs", MS(0, DAY), .fallback = "2000", AT(mirror.show_max_age_ms)},
        {0},
};
static const struct yaml_field paper_fields[] = {
        {.key = "enabled", .type = FIELD_BOOL, .fallback = "false", AT(paper.enabled)},
        {.key = "port", PORT, .fallback = "8090", AT(paper.port)},
        {.key = "seed", .type = FIELD_UINT, .max = INT64_MAX, .fallback = "1", AT(paper.seed)},
        {.key = "metaFile", .type = FIELD_TEXT, AT(paper.meta_file)},
        {.key = "replayFile", .type = FIELD_TEXT, AT(paper.replay_file)},
        {.key = "replaySpeed", .type = FIELD_UINT, .min = 1, .max = 10000, .fallback = "1",
         AT(paper.replay_speed)},
        {.key = "liveUrl", .type = FIELD_TEXT, AT(paper.live_url)},
        {.key = "stateFile", .type = FIELD_TEXT, AT(paper.state_file)},
        {0},
};
static const struct yaml_field store_fields[] = {
        {.key = "dataDir", .type = FIELD_TEXT, .required = true, .min = 1, AT(data_dir)},
        {.key = "backupDir", .type = FIELD_TEXT, AT(backup.dir)},
        {.key = "backupEveryMs", MS(0, 30 * DAY), .fallback = "0", AT(backup.every_ms)},
        {.key = "backupKeep", .type = FIELD_UINT, .max = 4096, .fallback = "14", AT(backup.keep)},
        {.key = "backupBytesPerSecond", .type = FIELD_UINT, .min = 204800, .max = 1000000000,
         .fallback = "8192000", AT(backup.bytes_per_second)},
        {0},
};
static const struct yaml_field key_fields[] = {
        {.key = "masterKeyFile", .type = FIELD_TEXT, AT(master_key_file)},
        {0},
};
static const struct yaml_field log_fields[] = {
        {.key = "level", .type = FIELD_TEXT, .fallback = "info", AT(log_level), .min = 1,
         .accepts = is_level, .expected = "error, warn, info or debug"},
        {0},
};
static const struct yaml_field session_fields[] = {
        {.key = "lifetimeMs", MS(MINUTE, 30 * DAY), .fallback = "43200000", AT(session_ms)},
        {0},
};
static const struct yaml_field stream_fields[] = {
        {.key = "socketsPerAddress", COUNT(0, 1000000), .fallback = "64",
         AT(streams.sockets_per_address)},
        {.key = "socketsPerAccount", COUNT(0, 1000000), .fallback = "32",
         AT(streams.sockets_per_account)},
        {.key = "socketsPerBrand", COUNT(0, 1000000), .fallback = "0",
         AT(streams.sockets_per_brand)},
        {.key = "subscriptionsPerSocket", COUNT(1, 10000), .fallback = "200",
         AT(streams.subscriptions)},
        {.key = "framesPerSecond", COUNT(1, 1000), .fallback = "20",
         AT(streams.frames_per_second)},
        {.key = "frameBurst", COUNT(1, 10000), .fallback = "200", AT(streams.frame_burst)},
        {.key = "operationsAtOnce", COUNT(1, 1000), .fallback = "16",
         AT(streams.operations_at_once)},
        {.key = "channels", COUNT(100, 1000000), .fallback = "20000", AT(streams.channels)},
        {.key = "queueBytes", COUNT(65536, 67108864), .fallback = "1048576",
         AT(streams.queue_bytes)},
        {.key = "ringFrames", COUNT(16, 65536), .fallback = "512", AT(streams.ring_frames)},
        {.key = "ringBytes", COUNT(16384, 67108864), .fallback = "262144",
         AT(streams.ring_bytes)},
        {.key = "ringsBytes", COUNT(1048576, INT64_C(68719476736)), .fallback = "134217728",
         AT(streams.rings_bytes)},
        {.key = "eventsLingerMs", MS(1000, DAY), .fallback = "300000",
         AT(streams.events_linger_ms)},
        {.key = "pingMs", MS(100, 10 * MINUTE), .fallback = "15000", AT(streams.ping_ms)},
        {.key = "idleMs", MS(1000, 60 * MINUTE), .fallback = "45000", AT(streams.idle_ms)},
        {.key = "reconnectSpreadMs", MS(0, 10 * MINUTE), .fallback = "10000",
         AT(streams.reconnect_spread_ms)},
        {.key = "pollWeightPerMinute", COUNT(0, 10000000), .fallback = "240",
         AT(streams.poll_weight)},
        {.key = "deflate", .type = FIELD_BOOL, .fallback = "false", AT(streams.deflate)},
        {0},
};
static const struct yaml_field config_fields[] = {
        {.key = "listen", .type = FIELD_MAP, .fields = listen_fields},
        {.key = "limits", .type = FIELD_MAP, .fields = limit_fields},
        {.key = "venue", .type = FIELD_MAP, .fields = venue_fields},
        {.key = "mirror", .type = FIELD_MAP, .fields = mirror_fields},
        {.key = "paper", .type = FIELD_MAP, .fields = paper_fields},
        {.key = "streams", .type = FIELD_MAP, .fields = stream_fields},
        {.key = "store", .type = FIELD_MAP, .required = true, .fields = store_fields},
        {.key = "keys", .type = FIELD_MAP, .fields = key_fields},
        {.key = "log", .type = FIELD_MAP, .fields = log_fields},
        {.key = "session", .type = FIELD_MAP, .fields = session_fields},
        {.key = "brands", .type = FIELD_CUSTOM, .required = true, .read = read_brands},
        {0},
};
/* clang-format on */

void config_read(struct problem_sink *sink, const struct yaml_node *root,
                 struct config_reading *reading)
{
        yaml_read_map(sink, "", root, 1, config_fields, reading);
}
