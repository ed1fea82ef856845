#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define TRADES_MAX 5000
#define BOOK       "l2Book"
#define TRADES     "recentTrades"

enum errc hl_parse_market_level(struct venue_level *out, const json_t *level)
{
        uint64_t n = 0;

        if (hl_parse_px(&out->price, level, "px") || hl_parse_qty(&out->size, level, "sz"))
                return E_SYNTAX;
        if (out->price.v <= 0 || out->size.v <= 0)
                return E_SYNTAX;
        if (!hl_raw_is_absent(level, "n") && (hl_raw_get_uint(&n, level, "n") || n > UINT32_MAX))
                return E_SYNTAX;
        out->n_orders = (unsigned)n;
        return E_OK;
}

/* Best first, or it is no book. */
static bool in_order(const struct venue_book *book, unsigned side, size_t i)
{
        int64_t before;
        int64_t here;

        if (i == 0)
                return true;
        before = book->level[side][i - 1].price.v;
        here = book->level[side][i].price.v;
        return side == 0 ? here < before : here > before;
}

static enum errc parse_side(struct venue_book *out, unsigned side, const json_t *levels)
{
        size_t n = json_array_size(levels);

        if (!json_is_array(levels))
                return E_SYNTAX;
        if (n > VENUE_LEVELS_MAX)
                n = VENUE_LEVELS_MAX;
        for (size_t i = 0; i < n; i++) {
                if (hl_parse_market_level(&out->level[side][i], json_array_get(levels, i)) ||
                    !in_order(out, side, i))
                        return E_SYNTAX;
        }
        out->n[side] = (unsigned)n;
        return E_OK;
}

enum errc hl_parse_market_book(struct venue_book *out, const json_t *answer, struct err *err)
{
        const json_t *levels = json_object_get(answer, "levels");

        *out = (struct venue_book){0};
        if (hl_parse_text(out->symbol, sizeof out->symbol, answer, "coin") ||
            hl_raw_get_int(&out->as_of, answer, "time"))
                return hl_parse_failed(err, BOOK, "coin and time");
        if (json_array_size(levels) != 2)
                return hl_parse_failed(err, BOOK, "levels");
        for (unsigned side = 0; side < 2; side++) {
                if (parse_side(out, side, json_array_get(levels, side)))
                        return hl_parse_failed(err, BOOK, side == 0 ? "bids" : "asks");
        }
        return E_OK;
}

static enum errc parse_trade(struct venue_trade *out, const json_t *trade)
{
        if (hl_parse_px(&out->price, trade, "px") || hl_parse_qty(&out->size, trade, "sz") ||
            hl_parse_side(&out->side, trade) || hl_raw_get_int(&out->at, trade, "time") ||
            hl_raw_get_uint(&out->tid, trade, "tid"))
                return E_SYNTAX;
        return E_OK;
}

enum errc hl_parse_market_trades(struct venue_trade **out, size_t *n, const json_t *answer,
                                 struct err *err)
{
        size_t count = json_array_size(answer);
        struct venue_trade *trades;

        *out = NULL;
        *n = 0;
        if (!json_is_array(answer) || count > TRADES_MAX)
                return hl_parse_failed(err, TRADES, "not a list that is accepted");
        trades = xcalloc(count + 1, sizeof *trades);
        for (size_t i = 0; i < count; i++) {
                if (parse_trade(&trades[i], json_array_get(answer, i))) {
                        free(trades);
                        return hl_parse_failed(err, TRADES, "trade");
                }
        }
        *out = trades;
        *n = count;
        return E_OK;
}
