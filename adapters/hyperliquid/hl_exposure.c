#include "adapters/hyperliquid/hl_exposure.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"
#include "risk/margin_rating.h"

#define STATE        "clearinghouseState"
#define LEVERAGE_MAX 1000

/* What a sum of the venue's may be off by: it prints binary doubles. */
#define SUM_SLACK (10 * NUM_MICRO)

/* ---- Positions ---- */

static enum errc small_uint(unsigned *out, const json_t *object, const char *key)
{
        uint64_t v = 0;

        if (hl_raw_is_absent(object, key)) {
                *out = 0;
                return E_OK;
        }
        if (hl_raw_get_uint(&v, object, key) || v == 0 || v > LEVERAGE_MAX)
                return E_SYNTAX;
        *out = (unsigned)v;
        return E_OK;
}

static enum errc optional_usd(bool *has, struct usd *out, const json_t *object, const char *key)
{
        *has = !hl_raw_is_absent(object, key);
        return *has ? hl_parse_usd(out, object, key) : E_OK;
}

/* From here on the venue's sizes, binary doubles printed with ten decimals, show digits that are not
 * theirs: "5338683.7000000002". */
#define NOISE_FROM (INT64_C(100000) * NUM_SCALE)

static enum errc size(struct margin_holding *out, const json_t *position)
{
        if (hl_parse_qty(&out->p.size, position, "szi") == E_OK)
                return out->p.size.v == INT64_MIN ? E_SYNTAX : E_OK;
        if (hl_parse_qty_rounded(&out->p.size, position, "szi") || out->p.size.v == INT64_MIN)
                return E_SYNTAX;
        return num_abs(out->p.size.v) < NOISE_FROM ? E_SYNTAX : E_OK;
}

static enum errc leverage(struct margin_holding *out, const json_t *position)
{
        const json_t *l = json_object_get(position, "leverage");
        const char *type = hl_raw_get_text(l, "type", NULL);

        out->p.mode = MARGIN_CROSS;
        if (hl_raw_is_absent(position, "leverage"))
                return E_OK;
        if (!type || small_uint(&out->p.leverage, l, "value") || !out->p.leverage)
                return E_SYNTAX;
        if (strcmp(type, "isolated") == 0) {
                out->p.mode = MARGIN_ISOLATED;
                return optional_usd(&out->has_raw_usd, &out->p.raw_usd, l, "rawUsd");
        }
        return strcmp(type, "cross") == 0 ? E_OK : E_SYNTAX;
}

/* Value and profit are exact at 0.000001, the entry price is cut for display: profit = side * (value -
 * entry notional). */
static enum errc entry(struct margin_holding *out, const json_t *position)
{
        struct qty size = {num_abs(out->p.size.v)};
        struct usd profit;
        struct px price;
        bool has_profit;

        if (optional_usd(&has_profit, &profit, position, "unrealizedPnl"))
                return E_SYNTAX;
        out->has_entry = true;
        if (has_profit && out->has_value)
                return out->p.size.v < 0
                               ? num_usd_add(&out->p.entry_notional, out->p.value, profit)
                               : num_usd_sub(&out->p.entry_notional, out->p.value, profit);
        out->has_entry = !hl_raw_is_absent(position, "entryPx");
        if (!out->has_entry)
                return E_OK;
        out->entry_doubts = MARGIN_DOUBT_ENTRY;
        if (hl_parse_px_rounded(&price, position, "entryPx") || price.v < 0 ||
            num_notional(&out->p.entry_notional, price, size, NUM_NEAREST))
                return E_SYNTAX;
        out->p.entry_notional.v = num_to_step(out->p.entry_notional.v, NUM_MICRO, NUM_NEAREST);
        return E_OK;
}

enum errc hl_exposure_position(struct margin_holding *out, struct hl_exposure_name *name,
                               const json_t *position, const struct hl_universe *universe)
{
        const struct market *market;
        struct margin_rating rating;

        *out = (struct margin_holding){0};
        *name = (struct hl_exposure_name){.max_leverage = 0};
        if (hl_parse_text(name->symbol, sizeof name->symbol, position, "coin") ||
            size(out, position))
                return E_SYNTAX;
        if (optional_usd(&out->has_value, &out->p.value, position, "positionValue") ||
            out->p.value.v < 0 || small_uint(&name->max_leverage, position, "maxLeverage"))
                return E_SYNTAX;
        if (leverage(out, position) || entry(out, position))
                return E_SYNTAX;
        market = hl_meta_find(universe, name->symbol);
        rating = (struct margin_rating){.present = market ? &market->tiers : NULL,
                                        .own_leverage = name->max_leverage,
                                        .value = out->p.value,
                                        .is_first_dex = !strchr(name->symbol, ':')};
        out->tier_doubts = margin_rating_find(&out->p.tiers, &rating);
        return E_OK;
}

/* ---- The account ---- */

static num_wide signed_value(const struct margin_position *p)
{
        return p->size.v < 0 ? -(num_wide)p->value.v : p->value.v;
}

/* Whether cash and the values of positions (all, or the cross ones) make up the value that was told;
 * where none was, the list is what it is. */
static bool adds_up(const struct margin_account *a, struct usd cash, bool has_value,
                    struct usd value, bool all)
{
        num_wide sum = cash.v;

        for (size_t i = 0; i < a->n; i++) {
                const struct margin_position *p = &a->holding[i].p;

                if (all || p->mode == MARGIN_CROSS)
                        sum += signed_value(p);
        }
        sum -= value.v;
        return !has_value || (sum <= SUM_SLACK && sum >= -SUM_SLACK);
}

/* Without the cross summary: all cash, less that of isolated positions. */
static enum errc read_all_cash(struct margin_account *a, const json_t *state)
{
        const json_t *all = json_object_get(state, "marginSummary");
        struct usd cash, value = {0};
        bool has_value;
        enum errc rc;

        if (optional_usd(&a->has_cash, &cash, all, "totalRawUsd") ||
            optional_usd(&has_value, &value, all, "accountValue"))
                return E_SYNTAX;
        if (!a->has_cash)
                return E_OK;
        a->is_complete = adds_up(a, cash, has_value, value, true);
        a->cash = cash;
        rc = E_OK;
        for (size_t i = 0; i < a->n && !rc; i++) {
                const struct margin_holding *h = &a->holding[i];

                if (h->p.mode != MARGIN_ISOLATED)
                        continue;
                a->has_cash = a->has_cash && h->has_raw_usd;
                rc = num_usd_sub(&a->cash, a->cash, h->p.raw_usd);
        }
        a->is_complete = a->is_complete && a->has_cash;
        return rc;
}

static enum errc read_summaries(struct margin_account *a, const json_t *state)
{
        const json_t *cross = json_object_get(state, "crossMarginSummary");
        bool has_value, has_maintenance;

        if (optional_usd(&a->has_cash, &a->cash, cross, "totalRawUsd") ||
            optional_usd(&has_value, &a->account_value, cross, "accountValue") ||
            optional_usd(&has_maintenance, &a->maintenance, state, "crossMaintenanceMarginUsed"))
                return E_SYNTAX;
        a->has_cross = has_value && has_maintenance;
        if (!a->has_cash)
                return has_value ? E_OK : read_all_cash(a, state);
        a->is_complete = adds_up(a, a->cash, has_value, a->account_value, false);
        return E_OK;
}

enum errc hl_exposure_read(struct hl_exposure *out, const json_t *state,
                           const struct hl_universe *universe, struct err *err)
{
        const json_t *positions = json_object_get(state, "assetPositions");
        size_t n = json_array_size(positions);
        const char *part = "assetPositions";
        enum errc rc = E_SYNTAX;

        *out = (struct hl_exposure){0};
        if (!json_is_array(positions) || n > VENUE_POSITIONS_MAX)
                goto done;
        out->holding = xcalloc(n + 1, sizeof *out->holding);
        out->name = xcalloc(n + 1, sizeof *out->name);
        out->account.holding = out->holding;
        rc = E_OK;
        for (size_t i = 0; i < n && !rc; i++, out->account.n++) {
                part = "position";
                rc = hl_exposure_position(&out->holding[i], &out->name[i],
                                          json_object_get(json_array_get(positions, i), "position"),
                                          universe);
                if (rc && out->name[i].symbol[0])
                        part = out->name[i].symbol;
        }
        if (rc)
                goto done;
        part = "summaries";
        rc = read_summaries(&out->account, state);
        if (rc)
                goto done;
        out->has_at = hl_raw_get_int(&out->at, state, "time") == E_OK;
done:
        if (rc) {
                rc = hl_parse_failed(err, STATE, part);
                hl_exposure_fini(out);
        }
        return rc;
}

void hl_exposure_fini(struct hl_exposure *exposure)
{
        if (!exposure)
                return;
        free(exposure->holding);
        free(exposure->name);
        *exposure = (struct hl_exposure){0};
}

/* ---- Mode and spot ---- */

enum margin_pool hl_exposure_pool(const char *mode)
{
        static const struct {
                const char *word;
                enum margin_pool pool;
        } known[] = {
                {"default", MARGIN_POOL_STANDARD},  {"disabled", MARGIN_POOL_STANDARD},
                {"standard", MARGIN_POOL_STANDARD}, {"unifiedAccount", MARGIN_POOL_UNIFIED},
                {"unified", MARGIN_POOL_UNIFIED},   {"portfolioMargin", MARGIN_POOL_PORTFOLIO},
        };

        for (size_t i = 0; mode && i < sizeof known / sizeof known[0]; i++) {
                if (strcmp(mode, known[i].word) == 0)
                        return known[i].pool;
        }
        return MARGIN_POOL_UNKNOWN;
}

static enum errc balance(struct usd *out, const json_t *row, const char *key)
{
        const char *text = hl_raw_get_text(row, key, NULL);

        return text ? num_parse(&out->v, text, strlen(text), NUM_DECIMALS, NUM_ROUND) : E_SYNTAX;
}

enum errc hl_exposure_spot(struct hl_exposure *exposure, const json_t *spot, uint64_t token)
{
        const json_t *balances = json_object_get(spot, "balances");
        struct usd total = {0}, hold = {0};

        if (!json_is_array(balances))
                return E_SYNTAX;
        for (size_t i = 0; i < json_array_size(balances); i++) {
                const json_t *row = json_array_get(balances, i);
                uint64_t row_token;

                /* Outcome balances have no token. */
                if (hl_raw_get_uint(&row_token, row, "token") || row_token != token)
                        continue;
                if (balance(&total, row, "total") || balance(&hold, row, "hold"))
                        return E_SYNTAX;
                break;
        }
        exposure->account.has_spot = true;
        exposure->account.spot_total = total;
        exposure->account.spot_hold = hold;
        return E_OK;
}
