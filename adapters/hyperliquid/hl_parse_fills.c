#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define FILLS_MAX 10000
#define FILLS     "userFills"

static enum errc parse_fill(struct venue_fill *out, const json_t *fill)
{
        if (hl_parse_text(out->symbol, sizeof out->symbol, fill, "coin") ||
            hl_parse_side(&out->side, fill) || hl_parse_px(&out->price, fill, "px") ||
            hl_parse_qty(&out->size, fill, "sz") || hl_raw_get_int(&out->at, fill, "time") ||
            hl_raw_get_uint(&out->oid, fill, "oid") || hl_parse_usd(&out->fee, fill, "fee") ||
            hl_parse_usd(&out->closed_pnl, fill, "closedPnl") ||
            hl_raw_get_bool(&out->is_taker, fill, "crossed") ||
            hl_parse_cloid(&out->has_cloid, &out->cloid, fill) ||
            hl_parse_text(out->direction, sizeof out->direction, fill, "dir"))
                return E_SYNTAX;
        if (!hl_raw_is_absent(fill, "tid") && hl_raw_get_uint(&out->tid, fill, "tid"))
                return E_SYNTAX;
        if (!hl_raw_is_absent(fill, "builderFee") &&
            hl_parse_usd(&out->builder_fee, fill, "builderFee"))
                return E_SYNTAX;
        (void)text_copy(out->fee_token, sizeof out->fee_token, "USDC");
        if (!hl_raw_is_absent(fill, "feeToken") &&
            hl_parse_text(out->fee_token, sizeof out->fee_token, fill, "feeToken"))
                return E_SYNTAX;
        return E_OK;
}

enum errc hl_parse_fills(struct venue_fill **out, size_t *n, const json_t *answer,
                         const struct hl_markets *markets, struct err *err)
{
        size_t count = json_array_size(answer);
        struct venue_fill *fills;

        *out = NULL;
        *n = 0;
        if (!json_is_array(answer) || count > FILLS_MAX)
                return hl_parse_failed(err, FILLS, "not a list that is accepted");
        fills = xcalloc(count + 1, sizeof *fills);
        for (size_t i = 0; i < count; i++) {
                const json_t *fill = json_array_get(answer, i);
                const char *coin = hl_raw_get_text(fill, "coin", NULL);

                if (coin && !hl_markets_has(markets, coin))
                        continue;
                if (parse_fill(&fills[*n], fill)) {
                        free(fills);
                        *n = 0;
                        return hl_parse_failed(err, FILLS, "fill");
                }
                (*n)++;
        }
        *out = fills;
        return E_OK;
}
