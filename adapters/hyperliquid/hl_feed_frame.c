#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/log.h"

/* Frames: {"channel", "data"}. Nothing in them is trusted: what names no topic of ours on this connection
 * is counted and passed over. Errors carry no id, only text that repeats the subscription. */

#define USERS_WAIT_MIN 60000 /* a connection that died is counted by the venue for a while */
#define USERS_WAIT_MAX 600000

void hl_feed_frame_ignore(struct hl_feed *f, enum hl_feed_ignored why)
{
        f->count.ignored[why]++;
}

void hl_feed_frame_heard(struct hl_feed *f, struct hl_feed_wire *w)
{
        w->heard_until = w->conn->spoke_until = hl_feed_mono(f);
        w->is_first = false;
        w->strikes = 0;
        w->topic->heard_at = hl_feed_wall(f);
        /* What comes before the answer may be of the subscription before. */
        w->has_data = w->has_data || w->state == HL_FEED_HELD;
        hl_feed_check_live(f, w->topic);
}

void hl_feed_frame_learn_time(struct hl_feed *f, int64_t venue_at)
{
        int64_t now = hl_feed_wall(f);

        if (venue_at > now && venue_at - now > f->venue_ahead_ms)
                f->venue_ahead_ms = venue_at - now;
}

/* ---- Answers to what was asked ------------------------------------------------------------------ */

static struct hl_feed_wire *find_asked(const struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        struct hl_feed_wire *w = map_get(c->feed->by_key, key, sizeof *key);

        return w && w->conn == c && w->state == HL_FEED_ASKED ? w : NULL;
}

static void hold(struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = find_asked(c, key);

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        w->state = HL_FEED_HELD;
        w->held_at = hl_feed_wall(f) + f->venue_ahead_ms;
        w->heard_until = c->spoke_until = hl_feed_mono(f);
        hl_feed_check_live(f, w->topic);
}

static void let_go(struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        list_each (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (w->state != HL_FEED_LEFT || memcmp(&w->key, key, sizeof *key) != 0)
                        continue;
                w->state = HL_FEED_GONE;
                hl_feed_kick(c->feed);
                return;
        }
}

static void take_response(struct hl_feed_conn *c, const json_t *data)
{
        const char *method = hl_raw_get_text(data, "method", NULL);
        struct hl_feed_key key;

        if (!method || hl_feed_wire_parse(&key, json_object_get(data, "subscription")))
                hl_feed_frame_ignore(c->feed, HL_FEED_NOT_OURS);
        else if (strcmp(method, "subscribe") == 0)
                hold(c, &key);
        else
                let_go(c, &key);
}

/* ---- Refusals ---------------------------------------------------------------------------------- */

/* Where the venue does not know a channel for everything at once, there are others for parts. */
static bool fall_back(struct hl_feed *f, enum hl_feed_type type)
{
        unsigned *level = type == HL_FEED_ALL_STATES ? &f->states_level : &f->contexts_level;
        unsigned next = type == HL_FEED_DEX_CONTEXTS ? 2 : 1;

        if (type != HL_FEED_ALL_STATES && type != HL_FEED_ALL_CONTEXTS &&
            type != HL_FEED_DEX_CONTEXTS)
                return false;
        if (*level < next)
                *level = next;
        return true;
}

static void refuse(struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = find_asked(c, key);

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_ERROR_TEXT);
                return;
        }
        f->count.refusals++;
        w->state = HL_FEED_REFUSED;
        hl_feed_kick(f);
        if (fall_back(f, (enum hl_feed_type)key->type))
                return;
        log_event(LOG_WARN, "venue refuses a feed topic", "symbol", w->topic->topic.symbol, "name",
                  key->name, NULL);
        if (hl_feed_wire_is_optional(w))
                hl_feed_check_live(f, w->topic);
        else
                hl_feed_lose(f, w->topic, E_NOT_FOUND);
}

static bool is_user_held(const struct hl_feed *f, const struct addr *user)
{
        list_each (it, &f->topics[HL_FEED_USERS]) {
                const struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                list_each (at, &t->wires) {
                        const struct hl_feed_wire *w =
                                list_entry(at, struct hl_feed_wire, in_topic);

                        if (w->state == HL_FEED_HELD && hex_addr_equal(&w->key.user, user))
                                return true;
                }
        }
        return false;
}

/* The text does not say whom it means. Answers come in order, so it is the one that was asked for longest
 * ago of those whose user the venue does not have yet. */
static struct hl_feed_wire *find_one_too_many(const struct hl_feed_conn *c)
{
        struct hl_feed_wire *found = NULL;

        list_each (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (w->state != HL_FEED_ASKED || hex_addr_zero(&w->key.user) ||
                    is_user_held(c->feed, &w->key.user))
                        continue;
                if (!found || w->turn < found->turn)
                        found = w;
        }
        return found;
}

static unsigned count_users_held(const struct hl_feed *f)
{
        unsigned n = 0;

        list_each (it, &f->topics[HL_FEED_USERS]) {
                const struct addr *user =
                        &list_entry(it, struct hl_feed_topic, in_class)->topic.user;
                bool is_counted = false;

                for (unsigned i = 0; i < n; i++)
                        is_counted = is_counted || hex_addr_equal(&f->users[i], user);
                if (!is_counted && n < f->limits.users && is_user_held(f, user))
                        f->users[n++] = *user;
        }
        return n;
}

/* Others use the same address's room. Those that were asked for later will be refused as well. The newest
 * users give way: hl_feed_fit parks them. */
static void too_many_users(struct hl_feed_conn *c)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = find_one_too_many(c);

        f->count.refusals++;
        if (!w)
                return;
        w->state = HL_FEED_WAITING;
        f->users_max = count_users_held(f);
        if (f->users_wait_ms < USERS_WAIT_MIN)
                f->users_wait_ms = USERS_WAIT_MIN;
        f->users_raise_until = hl_feed_mono(f) + f->users_wait_ms;
        f->users_wait_ms *= f->users_wait_ms < USERS_WAIT_MAX ? 2 : 1;
        log_event(LOG_WARN, "venue tracks no more users", "users", log_int(f->users_max), NULL);
        hl_feed_kick(f);
}

/* The subscription that a text repeats. */
static enum errc key_behind(struct hl_feed_key *out, const char *text, size_t len,
                            const char *prefix)
{
        size_t skip = strlen(prefix);
        json_t *json;
        enum errc rc = E_SYNTAX;

        if (len <= skip || strncmp(text, prefix, skip) != 0)
                return E_SYNTAX;
        json = hl_raw_load(text + skip, len - skip, NULL);
        if (json)
                rc = hl_feed_wire_parse(out, json);
        json_decref(json);
        return rc;
}

static void take_error(struct hl_feed_conn *c, const json_t *data)
{
        static const char too_many[] = "Cannot track more than ";
        struct hl_feed_key key;
        size_t len = 0;
        const char *text = hl_raw_text(data, &len);

        if (text && key_behind(&key, text, len, "Already subscribed: ") == E_OK)
                hold(c, &key);
        else if (text && key_behind(&key, text, len, "Already unsubscribed: ") == E_OK)
                let_go(c, &key);
        else if (text && key_behind(&key, text, len, "Invalid subscription ") == E_OK)
                refuse(c, &key);
        else if (text && strncmp(text, too_many, sizeof too_many - 1) == 0)
                too_many_users(c);
        else
                hl_feed_frame_ignore(c->feed, HL_FEED_ERROR_TEXT);
}

/* ---- Channels ---------------------------------------------------------------------------------- */

static const struct {
        const char *channel;
        hl_feed_take_fn *take;
} channels[] = {
        {"trades", hl_feed_market_trades},
        {"l2Book", hl_feed_book},
        {"bbo", hl_feed_book_bbo},
        {"candle", hl_feed_book_candle},
        {"allDexsAssetCtxs", hl_feed_market_all_contexts},
        {"assetCtxs", hl_feed_market_dex_contexts},
        {"activeAssetCtx", hl_feed_market_context},
        {"userFills", hl_feed_account_fills},
        {"userFundings", hl_feed_account_fundings},
        {"user", hl_feed_account_events},
        {"userEvents", hl_feed_account_events},
        {"allDexsClearinghouseState", hl_feed_account_all_states},
        {"clearinghouseState", hl_feed_account_state},
        {"openOrders", hl_feed_account_orders},
        {"orderUpdates", hl_feed_account_order_updates},
        {"subscriptionResponse", take_response},
        {"error", take_error},
        {"pong", hl_feed_prove_pong},
};
#define N_CHANNELS (sizeof channels / sizeof *channels)
_Static_assert(N_CHANNELS <= HL_FEED_CHANNELS, "a counter for each channel");

const char *hl_feed_frame_channel(size_t i)
{
        return i < N_CHANNELS ? channels[i].channel : NULL;
}

void hl_feed_frame(struct hl_feed_conn *c, const char *text, size_t len)
{
        struct hl_feed *f = c->feed;
        json_t *root = f->is_closed ? NULL : hl_raw_load(text, len, NULL);
        const char *channel = hl_raw_get_text(root, "channel", NULL);
        size_t i = 0;

        if (!channel) {
                hl_feed_frame_ignore(f, HL_FEED_RUBBISH);
                json_decref(root);
                return;
        }
        while (i < N_CHANNELS && strcmp(channels[i].channel, channel) != 0)
                i++;
        if (i < N_CHANNELS) {
                f->count.frames[i]++;
                f->raw = hl_feed_frame_raw(&f->raw_len, text, len);
                channels[i].take(c, json_object_get(root, "data"));
        } else {
                hl_feed_frame_ignore(f, HL_FEED_UNKNOWN_CHANNEL);
        }
        json_decref(root);
}
