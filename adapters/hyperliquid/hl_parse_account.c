#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_exposure.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define ACCOUNT "clearinghouseState"
#define SETTING "activeAssetData"
#define FEES    "userFees"

static enum errc parse_leverage(enum margin_mode *mode, unsigned *value, const json_t *leverage)
{
        const char *type = hl_raw_get_text(leverage, "type", NULL);
        uint64_t v;

        if (!type || hl_raw_get_uint(&v, leverage, "value") || v == 0 || v > 1000)
                return E_SYNTAX;
        if (strcmp(type, "cross") == 0)
                *mode = MARGIN_CROSS;
        else if (strcmp(type, "isolated") == 0)
                *mode = MARGIN_ISOLATED;
        else
                return E_SYNTAX;
        *value = (unsigned)v;
        return E_OK;
}

static enum errc parse_optional_text(char *out, size_t cap, const json_t *object, const char *key)
{
        out[0] = '\0';
        return hl_raw_is_absent(object, key) ? E_OK : hl_parse_text(out, cap, object, key);
}

/* The position as the margin rules need it, and what an answer of the venue always has besides. */
static enum errc parse_position(struct venue_position *out, const json_t *position,
                                const struct hl_markets *markets, const char **part)
{
        const json_t *funding = json_object_get(position, "cumFunding");
        struct hl_exposure_name name;
        struct margin_holding h;

        *part = "position";
        if (hl_parse_text(out->symbol, sizeof out->symbol, position, "coin"))
                return E_SYNTAX;
        *part = out->symbol;
        if (hl_exposure_position(&h, &name, position, hl_markets_universe(markets, out->symbol)) ||
            !h.has_value || !h.has_entry || !h.p.leverage || !name.max_leverage)
                return E_SYNTAX;
        if (h.p.mode == MARGIN_ISOLATED && !h.has_raw_usd)
                return E_SYNTAX;
        if (hl_parse_usd(&out->unrealized_pnl, position, "unrealizedPnl") ||
            hl_parse_usd(&out->margin_used, position, "marginUsed") ||
            hl_parse_usd(&out->funding_since_open, funding, "sinceOpen"))
                return E_SYNTAX;
        if (!hl_raw_is_absent(position, "entryPx") &&
            hl_parse_px_rounded(&out->entry, position, "entryPx"))
                return E_SYNTAX;
        if (parse_optional_text(out->liquidation_px, sizeof out->liquidation_px, position,
                                "liquidationPx") ||
            parse_optional_text(out->return_on_equity, sizeof out->return_on_equity, position,
                                "returnOnEquity"))
                return E_SYNTAX;
        out->p = h.p;
        out->max_leverage = name.max_leverage;
        out->tier_doubts = h.tier_doubts;
        out->tiers_known = !h.tier_doubts;
        return E_OK;
}

static enum errc parse_summaries(struct venue_account *out, const json_t *answer)
{
        const json_t *all = json_object_get(answer, "marginSummary");
        const json_t *cross = json_object_get(answer, "crossMarginSummary");

        if (hl_parse_usd(&out->account_value, all, "accountValue") ||
            hl_parse_usd(&out->total_notional, all, "totalNtlPos") ||
            hl_parse_usd(&out->total_raw_usd, all, "totalRawUsd") ||
            hl_parse_usd(&out->total_margin_used, all, "totalMarginUsed"))
                return E_SYNTAX;
        if (hl_parse_usd(&out->cross.account_value, cross, "accountValue") ||
            hl_parse_usd(&out->cross.notional, cross, "totalNtlPos") ||
            hl_parse_usd(&out->cross.margin_used, cross, "totalMarginUsed"))
                return E_SYNTAX;
        if (hl_parse_usd(&out->cross.maintenance, answer, "crossMaintenanceMarginUsed") ||
            hl_parse_usd(&out->withdrawable, answer, "withdrawable") ||
            hl_raw_get_int(&out->as_of, answer, "time"))
                return E_SYNTAX;
        return E_OK;
}

enum errc hl_parse_account(struct venue_account *out, const json_t *answer,
                           const struct hl_markets *markets, struct err *err)
{
        const json_t *positions = json_object_get(answer, "assetPositions");
        size_t n = json_array_size(positions);
        const char *part = "summaries";
        enum errc rc;

        *out = (struct venue_account){0};
        if (!json_is_array(positions) || n > VENUE_POSITIONS_MAX)
                return hl_parse_failed(err, ACCOUNT, "assetPositions");
        rc = parse_summaries(out, answer);
        out->position = xcalloc(n + 1, sizeof *out->position);
        for (; out->n_positions < n && !rc; out->n_positions++)
                rc = parse_position(
                        &out->position[out->n_positions],
                        json_object_get(json_array_get(positions, out->n_positions), "position"),
                        markets, &part);
        if (rc) {
                rc = hl_parse_failed(err, ACCOUNT, part);
                free(out->position);
                *out = (struct venue_account){0};
        }
        return rc;
}

enum errc hl_parse_account_setting(struct venue_setting *out, const json_t *answer, struct err *err)
{
        const json_t *available = json_object_get(answer, "availableToTrade");

        *out = (struct venue_setting){0};
        if (parse_leverage(&out->mode, &out->leverage, json_object_get(answer, "leverage")))
                return hl_parse_failed(err, SETTING, "leverage");
        if (hl_parse_px_rounded(&out->mark, answer, "markPx"))
                return hl_parse_failed(err, SETTING, "markPx");
        for (size_t i = 0; i < 2; i++) {
                const char *s = hl_raw_text(json_array_get(available, i), NULL);

                if (!s || num_parse_micro(&out->available[i], s))
                        return hl_parse_failed(err, SETTING, "availableToTrade");
        }
        return E_OK;
}

/* A fee after discount; a rebate is not discounted. */
static enum errc discounted(struct rate *fee, struct rate discount)
{
        if (fee->v <= 0)
                return E_OK;
        return num_muldiv(&fee->v, fee->v, NUM_RATE_SCALE - discount.v, NUM_RATE_SCALE, NUM_UP);
}

enum errc hl_parse_account_fees(struct venue_fees *out, const json_t *answer, struct err *err)
{
        struct rate discount = {0};

        *out = (struct venue_fees){0};
        if (hl_parse_rate(&out->taker, answer, "userCrossRate") ||
            hl_parse_rate(&out->maker, answer, "userAddRate"))
                return hl_parse_failed(err, FEES, "rates");
        if (!hl_raw_is_absent(answer, "activeReferralDiscount") &&
            hl_parse_rate(&discount, answer, "activeReferralDiscount"))
                return hl_parse_failed(err, FEES, "activeReferralDiscount");
        if (discount.v < 0 || discount.v > NUM_RATE_SCALE || discounted(&out->taker, discount) ||
            discounted(&out->maker, discount))
                return hl_parse_failed(err, FEES, "activeReferralDiscount");
        return E_OK;
}
