#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_ws.h"
#include "adapters/paper/wire.h"
#include "base/mem.h"

/* Limits per IP address, with the option for them. Requests: a weight of 1200 a minute, given back
 * evenly; an action weighs 1 and another for every 40 of its items, a read 2, 20 or 60 and more for
 * what it returned. WebSocket: 10 connections, 30 new ones and 2000 messages a minute, so many users.
 * On the venue's clock, as everything that is not stamped by clients. */

#define MINUTE_MS  INT64_C(60000)
#define WEIGHT     1200
#define MESSAGES   2000
#define OPENINGS   30
#define SOCKETS    10
#define USERS      14 /* of all user feeds; the text says 15, the fifteenth is refused */
#define ADDRESSES  10000
#define ITEM_BATCH 40
#define ROWS       20 /* returned for one more */
#define CANDLES    60
#define LIGHT      2
#define PLAIN      20
#define HEAVY      60

/* What may still be used, in units per MINUTE_MS, so that any time gives back a whole number. */
struct bucket {
        int64_t left, at;
};

struct paper_ip {
        struct bucket weight, messages, openings;
        unsigned n_sockets;
        uint64_t requests, refused;
};

static void refill(struct bucket *bucket, int64_t size, int64_t at)
{
        int64_t passed = at - bucket->at < MINUTE_MS ? at - bucket->at : MINUTE_MS;

        bucket->at = at;
        bucket->left += passed * size;
        if (bucket->left > size * MINUTE_MS)
                bucket->left = size * MINUTE_MS;
}

static bool spend(struct bucket *bucket, int64_t size, int64_t amount, int64_t at)
{
        refill(bucket, size, at);
        if (bucket->left < amount * MINUTE_MS)
                return false;
        bucket->left -= amount * MINUTE_MS;
        return true;
}

struct sweep {
        struct map *ips;
        int64_t at;
};

/* An address that has everything back needs no remembering. */
static void forget_idle(void *cookie, const void *key, size_t key_len, void *value)
{
        const struct sweep *sweep = cookie;
        struct paper_ip *ip = value;

        if (ip->n_sockets || sweep->at - ip->weight.at < 2 * MINUTE_MS)
                return;
        free(map_take(sweep->ips, key, key_len));
}

/* NULL when there are too many: then nothing is limited. */
static struct paper_ip *ip_of(struct paper *p, const char *peer)
{
        struct paper_ip *ip = map_get(p->ips, peer, strlen(peer));
        int64_t at = paper_now(p);

        if (ip)
                return ip;
        if (map_size(p->ips) >= ADDRESSES) {
                struct sweep sweep = {p->ips, at};

                map_each(p->ips, forget_idle, &sweep);
        }
        if (map_size(p->ips) >= ADDRESSES)
                return NULL;
        ip = xcalloc(1, sizeof(*ip));
        ip->weight = (struct bucket){WEIGHT * MINUTE_MS, at};
        ip->messages = (struct bucket){MESSAGES * MINUTE_MS, at};
        ip->openings = (struct bucket){OPENINGS * MINUTE_MS, at};
        (void)map_put(p->ips, peer, strlen(peer), ip);
        return ip;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static bool is_one_of(const char *type, const char *const *names)
{
        while (*names && strcmp(*names, type) != 0)
                names++;
        return *names != NULL;
}

static int64_t read_weight(const char *type)
{
        static const char *const light[] = {"l2Book",
                                            "allMids",
                                            "clearinghouseState",
                                            "orderStatus",
                                            "spotClearinghouseState",
                                            "exchangeStatus",
                                            NULL};

        if (is_one_of(type, light))
                return LIGHT;
        return strcmp(type, "userRole") == 0 ? HEAVY : PLAIN;
}

static int64_t action_weight(const json_t *body)
{
        static const char *const lists[] = {"orders", "cancels", "modifies"};
        const json_t *action = json_object_get(body, "action");
        size_t n = 0;

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                n += json_array_size(json_object_get(action, lists[i]));
        return 1 + (int64_t)(n / ITEM_BATCH);
}

/* Elements of the array that an answer is; 0 when it is none. */
static int64_t count_rows(const struct paper_answer *answer)
{
        json_t *rows = hl_raw_load((const char *)answer->body.data, answer->body.len, NULL);
        int64_t n = (int64_t)json_array_size(rows);

        json_decref(rows);
        return n;
}

static int64_t rows_weight(const char *type, const struct paper_answer *answer)
{
        static const char *const listed[] = {"recentTrades",
                                             "historicalOrders",
                                             "userFills",
                                             "userFillsByTime",
                                             "fundingHistory",
                                             "userFunding",
                                             "userNonFundingLedgerUpdates",
                                             "twapHistory",
                                             "userTwapSliceFills",
                                             "userTwapSliceFillsByTime",
                                             "delegatorHistory",
                                             "delegatorRewards",
                                             "validatorStats",
                                             NULL};

        if (!strcmp(type, "candleSnapshot"))
                return count_rows(answer) / CANDLES;
        return is_one_of(type, listed) ? count_rows(answer) / ROWS : 0;
}

bool paper_limits_admit(struct paper *p, const char *peer, enum paper_path path, const json_t *body)
{
        struct paper_ip *ip = p->has_limits ? ip_of(p, peer) : NULL;
        const char *type = hl_raw_get_text(body, "type", NULL);
        int64_t weight = PLAIN;
        bool may;

        if (path == PAPER_PATH_EXCHANGE)
                weight = action_weight(body);
        else if (type)
                weight = read_weight(type);
        may = !ip || spend(&ip->weight, WEIGHT, weight, paper_now(p));
        if (ip) {
                ip->requests++;
                ip->refused += !may;
        }
        return may;
}

void paper_limits_settle(struct paper *p, const char *peer, const json_t *body,
                         const struct paper_answer *answer)
{
        struct paper_ip *ip = p->has_limits ? ip_of(p, peer) : NULL;
        const char *type = hl_raw_get_text(body, "type", NULL);

        if (ip && type && answer->status == 200)
                ip->weight.left -= rows_weight(type, answer) * MINUTE_MS;
}

static void show_ip(void *cookie, const void *key, size_t key_len, void *value)
{
        const struct paper_ip *ip = value;
        struct buf *out = cookie;
        char address[64] = "";

        memcpy(address, key, key_len < sizeof(address) ? key_len : sizeof(address) - 1);
        jot_object(out, NULL);
        jot_text(out, "address", address);
        jot_uint(out, "requests", ip->requests);
        jot_uint(out, "refused", ip->refused);
        jot_uint(out, "sockets", ip->n_sockets);
        jot_int(out, "weightLeft", ip->weight.left / MINUTE_MS);
        jot_end_object(out);
}

void paper_limits_show(struct paper *p, struct buf *out)
{
        jot_array(out, NULL);
        map_each(p->ips, show_ip, out);
        jot_end_array(out);
}

/* ---- Sockets --------------------------------------------------------------------------------- */

bool paper_limits_may_open(struct paper *p, const char *peer)
{
        struct paper_ip *ip = p->has_limits ? ip_of(p, peer) : NULL;

        return !ip || (ip->n_sockets < SOCKETS && spend(&ip->openings, OPENINGS, 1, paper_now(p)));
}

void paper_limits_count(struct paper *p, const char *peer, bool is_open)
{
        struct paper_ip *ip = p->has_limits ? ip_of(p, peer) : NULL;

        if (ip && is_open)
                ip->n_sockets++;
        else if (ip && ip->n_sockets)
                ip->n_sockets--;
}

bool paper_limits_message(struct paper *p, const char *peer)
{
        struct paper_ip *ip = p->has_limits ? ip_of(p, peer) : NULL;

        return !ip || spend(&ip->messages, MESSAGES, 1, paper_now(p));
}

/* Adds user unless it is among them; false when there is no more room. */
static bool add_user(struct addr *seen, size_t *n, const struct addr *user)
{
        for (size_t i = 0; i < *n; i++)
                if (hex_addr_equal(&seen[i], user))
                        return true;
        if (*n == USERS)
                return false;
        seen[(*n)++] = *user;
        return true;
}

bool paper_limits_user(struct paper *p, const struct paper_peer *peer, const struct addr *user)
{
        struct addr seen[USERS];
        size_t n = 0;

        if (!p->has_limits || hex_addr_zero(user))
                return true;
        list_each (it, &p->ws->peers) {
                const struct paper_peer *other = list_entry(it, struct paper_peer, in_ws);

                if (strcmp(other->address, peer->address) != 0)
                        continue;
                list_each (at, &other->subs) {
                        const struct paper_sub *sub = list_entry(at, struct paper_sub, in_peer);

                        if (!hex_addr_zero(&sub->user))
                                (void)add_user(seen, &n, &sub->user);
                }
        }
        return add_user(seen, &n, user);
}
