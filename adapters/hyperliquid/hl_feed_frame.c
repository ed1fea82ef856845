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

void hl_feed_frame_refuse(struct hl_feed *f, struct hl_feed_wire *w)
{
        hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
        f->count.refused[w->topic ? w->topic->topic.kind : FEED_VERBATIM]++;
        hl_feed_judge_broken(f, w);
}

void hl_feed_frame_heard(struct hl_feed *f, struct hl_feed_wire *w)
{
        bool is_first = w->is_first;

        w->heard_until = w->conn->spoke_until = hl_feed_mono(f);
        w->is_first = false;
        w->strikes = 0;
        if (w->topic)
                w->topic->heard_at = hl_feed_wall(f);
        if (w->verbatim)
                w->verbatim->heard_at = hl_feed_wall(f);
        /* What comes before the answer may be of the subscription before. */
        w->has_data = w->has_data || w->state == HL_FEED_HELD;
        hl_feed_verbatim_pass(f, w, is_first && hl_feed_key_has_first(&w->key));
        hl_feed_check_wire(f, w);
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
        struct hl_feed_key alone = *key;

        if (w && w->conn == c && w->state == HL_FEED_ASKED)
                return w;
        /* Options may come back in other words; there is one at most on a connection. */
        if (key->type == HL_FEED_EVENTS)
                alone.type = HL_FEED_EVENTS_ALONE;
        w = hl_feed_wire_find_key(c, &alone);
        return w && w->state == HL_FEED_ASKED && hex_addr_equal(&w->key.user, &key->user) ? w
                                                                                          : NULL;
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
        hl_feed_check_wire(f, w);
}

static bool is_named(const struct hl_feed_wire *w, const struct hl_feed_key *key)
{
        return strcmp(hl_feed_key_name(&w->key), hl_feed_key_name(key)) == 0 &&
               strcmp(w->key.name, key->name) == 0 && hex_addr_equal(&w->key.user, &key->user);
}

/* Exactly that, or what could be meant where options come back in other words. */
static bool release(struct hl_feed_conn *c, const struct hl_feed_key *key, bool is_exact)
{
        list_each (it, &c->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                if (w->state != HL_FEED_LEFT || !is_named(w, key) ||
                    (is_exact && memcmp(&w->key, key, sizeof *key) != 0))
                        continue;
                w->state = HL_FEED_GONE;
                hl_feed_kick(c->feed);
                return true;
        }
        return false;
}

static void let_go(struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        if (!release(c, key, true))
                (void)release(c, key, false);
}

static void take_response(struct hl_feed_conn *c, const json_t *data)
{
        const char *method = hl_raw_get_text(data, "method", NULL);
        struct hl_feed_key key;

        if (!method || hl_feed_key_parse(&key, json_object_get(data, "subscription")))
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
        log_event(LOG_WARN, "venue refuses a feed topic", "type", hl_feed_key_name(key), "name",
                  key->name, NULL);
        hl_feed_lose(f, w->verbatim, E_NOT_FOUND);
        if (!w->topic || fall_back(f, (enum hl_feed_type)key->type))
                return;
        if (hl_feed_wire_is_optional(w->topic, w))
                hl_feed_check_live(f, w->topic);
        else
                hl_feed_lose(f, w->topic, E_NOT_FOUND);
}

static bool is_user_held(const struct hl_feed *f, const struct addr *user)
{
        list_each (it, &f->topics[HL_FEED_USERS]) {
                const struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                list_each (at, &t->wires) {
                        const struct hl_feed_wire *w = hl_feed_wire_at(t, at);

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
                const struct addr *user = &list_entry(it, struct hl_feed_topic, in_class)->user;
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

        if (len <= skip || strncmp(text, prefix, skip) != 0)
                return E_SYNTAX;
        return hl_feed_key_load(out, text + skip, len - skip);
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
        enum hl_feed_type type; /* of those that are not read */
} channels[] = {
        {"trades", hl_feed_market_trades, 0},
        {"l2Book", hl_feed_book, 0},
        {"bbo", hl_feed_book_bbo, 0},
        {"candle", hl_feed_book_candle, 0},
        {"allDexsAssetCtxs", hl_feed_market_all_contexts, 0},
        {"assetCtxs", hl_feed_market_dex_contexts, 0},
        {"activeAssetCtx", hl_feed_market_context, 0},
        {"activeSpotAssetCtx", hl_feed_verbatim_take, HL_FEED_CONTEXT},
        {"userFills", hl_feed_account_fills, 0},
        {"userFundings", hl_feed_account_fundings, 0},
        {"user", hl_feed_account_events, 0},
        {"userEvents", hl_feed_account_events, 0},
        {"allDexsClearinghouseState", hl_feed_account_all_states, 0},
        {"clearinghouseState", hl_feed_account_state, 0},
        {"openOrders", hl_feed_account_orders, 0},
        {"orderUpdates", hl_feed_account_order_updates, 0},
        {"allMids", hl_feed_verbatim_take, HL_FEED_MIDS},
        {"spotAssetCtxs", hl_feed_verbatim_take, HL_FEED_SPOT_CONTEXTS},
        {"fastAssetCtxs", hl_feed_verbatim_take, HL_FEED_FAST_CONTEXTS},
        {"outcomeMetaUpdates", hl_feed_verbatim_take, HL_FEED_OUTCOMES},
        {"userNonFundingLedgerUpdates", hl_feed_verbatim_take, HL_FEED_LEDGER},
        {"userHistoricalOrders", hl_feed_verbatim_take, HL_FEED_PAST_ORDERS},
        {"spotState", hl_feed_verbatim_take, HL_FEED_SPOT_STATE},
        {"activeAssetData", hl_feed_verbatim_take, HL_FEED_SETTING},
        {"webData3", hl_feed_verbatim_take, HL_FEED_WEB_DATA},
        {"notification", hl_feed_verbatim_take, HL_FEED_NOTIFICATION},
        {"twapStates", hl_feed_verbatim_take, HL_FEED_TWAP_STATES},
        {"userTwapSliceFills", hl_feed_verbatim_take, HL_FEED_TWAP_FILLS},
        {"userTwapHistory", hl_feed_verbatim_take, HL_FEED_TWAP_HISTORY},
        {"subscriptionResponse", take_response, 0},
        {"error", take_error, 0},
        {"pong", hl_feed_prove_pong, 0},
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
                if (!root && !f->is_closed && len > 0 && text[0] == '{')
                        hl_feed_judge_garbled(c); /* else a greeting, or nothing of ours */
                json_decref(root);
                return;
        }
        while (i < N_CHANNELS && strcmp(channels[i].channel, channel) != 0)
                i++;
        if (i < N_CHANNELS) {
                f->count.frames[i]++;
                memset(&f->frame, 0, sizeof f->frame);
                f->frame.type = channels[i].type;
                f->frame.raw = hl_feed_raw_data(&f->frame.raw_len, root, text, len);
                channels[i].take(c, json_object_get(root, "data"));
        } else {
                hl_feed_frame_ignore(f, HL_FEED_UNKNOWN_CHANNEL);
        }
        json_decref(root);
}
