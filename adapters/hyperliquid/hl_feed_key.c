#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

/* Subscriptions as the venue names them: what each must say, and what its frames say of it again. What
 * frames leave out can't be told apart on one connection: two books of one coin, rounded differently, or
 * two users' orders. */

enum part { COIN = 1, DEX = 2, USER = 4, INTERVAL = 8, GRID = 16, AGGREGATE = 32, PORTFOLIO = 64 };
#define OPTIONS (GRID | AGGREGATE | PORTFOLIO)

/* When it is wanted word by word: how long it may say nothing. */
#define FOR_EVER (-1)
#define CLOCKED  30000
#define CHANGING 60000

static const struct {
        const char *name;
        unsigned has, echoes;
        /* Answered with data at once, or data comes by the clock; each frame replaces the one before. */
        bool has_first, is_state;
        int64_t silent_ms;
} types[HL_FEED_TYPES] = {
        [HL_FEED_ALL_CONTEXTS] = {"allDexsAssetCtxs", 0, 0, true, true, CLOCKED},
        [HL_FEED_DEX_CONTEXTS] = {"assetCtxs", DEX, DEX, true, true, CLOCKED},
        [HL_FEED_CONTEXT] = {"activeAssetCtx", COIN, COIN, true, true, CLOCKED},
        [HL_FEED_FILLS] = {"userFills", USER | AGGREGATE, USER, true, false, FOR_EVER},
        [HL_FEED_FUNDINGS] = {"userFundings", USER, USER, true, false, FOR_EVER},
        [HL_FEED_EVENTS] = {"userEvents", USER, USER, false, false, FOR_EVER},
        [HL_FEED_EVENTS_ALONE] = {"userEvents", USER, 0, false, false, FOR_EVER},
        [HL_FEED_ALL_STATES] = {"allDexsClearinghouseState", USER, USER, true, true, CLOCKED},
        [HL_FEED_STATE] = {"clearinghouseState", USER | DEX, USER | DEX, true, true, CLOCKED},
        [HL_FEED_ORDERS] = {"openOrders", USER | DEX, USER | DEX, true, true, CHANGING},
        [HL_FEED_ORDER_UPDATES] = {"orderUpdates", USER, 0, false, false, FOR_EVER},
        /* A market that was never traded has no past trades to begin with, and no candle. */
        [HL_FEED_TRADES] = {"trades", COIN, COIN, false, false, FOR_EVER},
        [HL_FEED_BOOK] = {"l2Book", COIN | GRID, COIN, true, true, CLOCKED},
        [HL_FEED_BBO] = {"bbo", COIN, COIN, true, true, CHANGING},
        [HL_FEED_CANDLE] = {"candle", COIN | INTERVAL, COIN | INTERVAL, false, true, FOR_EVER},
        [HL_FEED_MIDS] = {"allMids", DEX, DEX, true, true, CLOCKED},
        [HL_FEED_SPOT_CONTEXTS] = {"spotAssetCtxs", 0, 0, true, true, FOR_EVER},
        [HL_FEED_FAST_CONTEXTS] = {"fastAssetCtxs", 0, 0, true, false, FOR_EVER},
        [HL_FEED_OUTCOMES] = {"outcomeMetaUpdates", 0, 0, false, false, FOR_EVER},
        [HL_FEED_LEDGER] = {"userNonFundingLedgerUpdates", USER, USER, true, false, FOR_EVER},
        [HL_FEED_PAST_ORDERS] = {"userHistoricalOrders", USER, USER, true, false, FOR_EVER},
        [HL_FEED_SPOT_STATE] = {"spotState", USER | PORTFOLIO, USER, true, true, FOR_EVER},
        [HL_FEED_SETTING] = {"activeAssetData", USER | COIN, USER | COIN, true, true, FOR_EVER},
        [HL_FEED_WEB_DATA] = {"webData3", USER, USER, true, true, CHANGING},
        [HL_FEED_NOTIFICATION] = {"notification", USER, 0, false, false, FOR_EVER},
        [HL_FEED_TWAP_STATES] = {"twapStates", USER | DEX, USER | DEX, true, true, FOR_EVER},
        [HL_FEED_TWAP_FILLS] = {"userTwapSliceFills", USER, USER, true, false, FOR_EVER},
        [HL_FEED_TWAP_HISTORY] = {"userTwapHistory", USER, USER, true, false, FOR_EVER},
};

static const char *const intervals[] = {"1m", "3m", "5m",  "15m", "30m", "1h", "2h",
                                        "4h", "8h", "12h", "1d",  "3d",  "1w", "1M"};

const char *hl_feed_key_name(const struct hl_feed_key *key)
{
        return types[key->type].name;
}

bool hl_feed_key_has_first(const struct hl_feed_key *key)
{
        return types[key->type].has_first;
}

bool hl_feed_key_is_state(const struct hl_feed_key *key)
{
        return types[key->type].is_state;
}

int64_t hl_feed_key_silent_ms(const struct hl_feed_key *key)
{
        return types[key->type].silent_ms;
}

bool hl_feed_key_is_of_dex(const struct hl_feed_key *key)
{
        return types[key->type].has & DEX && key->name[0];
}

void hl_feed_key_init(struct hl_feed_key *key, enum hl_feed_type type)
{
        memset(key, 0, sizeof *key);
        key->type = type;
}

bool hl_feed_key_is_interval(const char *text)
{
        for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
                if (strcmp(intervals[i], text) == 0)
                        return true;
        }
        return false;
}

/* ---- As text --------------------------------------------------------------------------------- */

/* Options stand in key->detail as they are written: canonical, and empty where all are the default. */
void hl_feed_key_print(struct buf *out, const struct hl_feed_key *key)
{
        unsigned has = types[key->type].has;
        char user[ADDR_STR_MAX];

        buf_printf(out, "{\"type\":\"%s\"", types[key->type].name);
        if (has & COIN || has & DEX) {
                buf_puts(out, has & COIN ? ",\"coin\":" : ",\"dex\":");
                buf_put_json(out, key->name, strlen(key->name));
        }
        if (has & INTERVAL) {
                buf_puts(out, ",\"interval\":");
                buf_put_json(out, key->detail, strlen(key->detail));
        }
        if (has & USER)
                buf_printf(out, ",\"user\":\"%s\"", hex_print_addr(user, &key->user));
        if (has & OPTIONS)
                buf_puts(out, key->detail);
        buf_putc(out, '}');
}

static enum errc parse_name(struct hl_feed_key *out, const json_t *subscription)
{
        unsigned has = types[out->type].has;
        const char *text;

        if (!(has & (COIN | DEX)) || (has & DEX && hl_raw_is_absent(subscription, "dex")))
                return E_OK;
        text = hl_raw_get_text(subscription, has & COIN ? "coin" : "dex", NULL);
        if (!text || !text_copy(out->name, sizeof out->name, text))
                return E_SYNTAX;
        return text[0] || has & DEX ? E_OK : E_SYNTAX;
}

/* A figure that may be absent: 0 then. */
static enum errc parse_figure(uint64_t *out, const json_t *subscription, const char *key)
{
        *out = 0;
        if (hl_raw_is_absent(subscription, key))
                return E_OK;
        return hl_raw_get_uint(out, subscription, key) || *out < 1 || *out > 5 ? E_SYNTAX : E_OK;
}

static enum errc parse_flag(bool *out, const json_t *subscription, const char *key)
{
        *out = false;
        return hl_raw_is_absent(subscription, key) ? E_OK : hl_raw_get_bool(out, subscription, key);
}

static enum errc parse_grid(struct buf *out, const json_t *subscription)
{
        uint64_t figures, mantissa;
        bool is_fast;

        if (parse_figure(&figures, subscription, "nSigFigs") ||
            parse_figure(&mantissa, subscription, "mantissa") ||
            parse_flag(&is_fast, subscription, "fast"))
                return E_SYNTAX;
        if (figures)
                buf_printf(out, ",\"nSigFigs\":%u", (unsigned)figures);
        if (mantissa)
                buf_printf(out, ",\"mantissa\":%u", (unsigned)mantissa);
        if (is_fast)
                buf_puts(out, ",\"fast\":true");
        return E_OK;
}

static enum errc parse_option(struct buf *out, const json_t *subscription, const char *key)
{
        bool is_set;

        if (parse_flag(&is_set, subscription, key))
                return E_SYNTAX;
        if (is_set)
                buf_printf(out, ",\"%s\":true", key);
        return E_OK;
}

static enum errc parse_detail(struct hl_feed_key *out, const json_t *subscription)
{
        unsigned has = types[out->type].has;
        const char *interval = hl_raw_get_text(subscription, "interval", NULL);
        struct buf text;
        enum errc rc = E_OK;

        buf_init(&text, sizeof out->detail);
        if (has & INTERVAL && (!interval || !hl_feed_key_is_interval(interval)))
                rc = E_SYNTAX;
        else if (has & INTERVAL)
                buf_puts(&text, interval);
        else if (has & GRID)
                rc = parse_grid(&text, subscription);
        else if (has & AGGREGATE)
                rc = parse_option(&text, subscription, "aggregateByTime");
        else if (has & PORTFOLIO)
                rc = parse_option(&text, subscription, "isPortfolioMargin");
        if (!rc)
                must(text_copy(out->detail, sizeof out->detail, buf_cstr(&text)));
        buf_fini(&text);
        return rc;
}

enum errc hl_feed_key_parse(struct hl_feed_key *out, const json_t *subscription)
{
        const char *name = hl_raw_get_text(subscription, "type", NULL);

        for (unsigned type = 0; name && type < HL_FEED_TYPES; type++) {
                if (strcmp(types[type].name, name) != 0)
                        continue;
                hl_feed_key_init(out, type);
                if (types[type].has & USER && (hl_raw_get_addr(&out->user, subscription, "user") ||
                                               hex_addr_zero(&out->user)))
                        return E_SYNTAX;
                if (parse_name(out, subscription))
                        return E_SYNTAX;
                return parse_detail(out, subscription);
        }
        return E_SYNTAX;
}

enum errc hl_feed_key_load(struct hl_feed_key *out, const char *text, size_t len)
{
        json_t *json = hl_raw_load(text, len, NULL);
        enum errc rc = json ? hl_feed_key_parse(out, json) : E_SYNTAX;

        json_decref(json);
        return rc;
}

/* ---- What frames tell ------------------------------------------------------------------------- */

void hl_feed_key_echo(struct hl_feed_key *out, const struct hl_feed_key *key)
{
        unsigned echoes = types[key->type].echoes;

        hl_feed_key_init(out, key->type);
        if (echoes & (COIN | DEX))
                memcpy(out->name, key->name, sizeof out->name);
        if (echoes & USER)
                out->user = key->user;
        if (echoes & INTERVAL)
                memcpy(out->detail, key->detail, sizeof out->detail);
}

bool hl_feed_key_is_told_apart(const struct hl_feed_key *key)
{
        return types[key->type].has == types[key->type].echoes && key->type != HL_FEED_EVENTS;
}

static bool is_of_events(const struct hl_feed_key *key)
{
        return key->type == HL_FEED_EVENTS || key->type == HL_FEED_EVENTS_ALONE;
}

bool hl_feed_key_conflicts(const struct hl_feed_key *a, const struct hl_feed_key *b)
{
        struct hl_feed_key echo_a, echo_b;

        if (memcmp(a, b, sizeof *a) == 0)
                return false;
        if (is_of_events(a) && is_of_events(b) && a->type != b->type)
                return true;
        hl_feed_key_echo(&echo_a, a);
        hl_feed_key_echo(&echo_b, b);
        return memcmp(&echo_a, &echo_b, sizeof echo_a) == 0;
}

static enum errc read_text(char *out, size_t cap, const json_t *data, const char *member,
                           bool may_be_absent)
{
        const char *text = hl_raw_get_text(data, member, NULL);

        if (may_be_absent && hl_raw_is_absent(data, member))
                text = "";
        return text && text_copy(out, cap, text) ? E_OK : E_SYNTAX;
}

enum errc hl_feed_key_of_frame(struct hl_feed_key *out, enum hl_feed_type type, const json_t *data)
{
        unsigned echoes = types[type].echoes;
        const json_t *state = json_object_get(data, "userState");

        hl_feed_key_init(out, type);
        if (echoes & (COIN | DEX) && read_text(out->name, sizeof out->name, data,
                                               echoes & COIN ? "coin" : "dex", echoes & DEX))
                return E_SYNTAX;
        if (echoes & USER &&
            hl_raw_get_addr(&out->user, type == HL_FEED_WEB_DATA ? state : data, "user"))
                return E_SYNTAX;
        return E_OK;
}
