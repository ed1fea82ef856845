#include "api/out.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"

void out_key(struct buf *out, const char *name)
{
        char last = out->len ? (char)out->data[out->len - 1] : '{';

        if (last != '{' && last != '[' && last != ':')
                buf_putc(out, ',');
        buf_put_json(out, name, strlen(name));
        buf_putc(out, ':');
}

void out_text(struct buf *out, const char *name, const char *value)
{
        out_key(out, name);
        if (value)
                buf_put_json(out, value, strlen(value));
        else
                buf_puts(out, "null");
}

/* A printed number: digits, '-', '.' need no escaping. */
static void number(struct buf *out, const char *name, const char *digits)
{
        out_key(out, name);
        buf_putc(out, '"');
        buf_puts(out, digits);
        buf_putc(out, '"');
}

void out_px(struct buf *out, const char *name, struct px value)
{
        char s[NUM_STR_MAX];

        number(out, name, num_print_px(s, value));
}

void out_qty(struct buf *out, const char *name, struct qty value)
{
        char s[NUM_STR_MAX];

        number(out, name, num_print_qty(s, value));
}

void out_usd(struct buf *out, const char *name, struct usd value)
{
        char s[NUM_STR_MAX];

        number(out, name, num_print_usd(s, value));
}

void out_rate(struct buf *out, const char *name, struct rate value, unsigned decimals)
{
        char s[NUM_STR_MAX];
        int64_t step = num_pow10(NUM_RATE_DECIMALS - decimals);

        number(out, name,
               num_print(s, num_to_step(value.v, step, NUM_NEAREST), NUM_RATE_DECIMALS, 0));
}

void out_int(struct buf *out, const char *name, int64_t value)
{
        out_key(out, name);
        buf_printf(out, "%" PRId64, value);
}

void out_bool(struct buf *out, const char *name, bool value)
{
        out_key(out, name);
        buf_puts(out, value ? "true" : "false");
}

void out_null(struct buf *out, const char *name)
{
        out_key(out, name);
        buf_puts(out, "null");
}

struct rate out_fee_share(unsigned tenth_bp)
{
        return (struct rate){(int64_t)tenth_bp * (NUM_RATE_SCALE / 100000)};
}

const char *out_side(enum side side)
{
        return side == SIDE_BUY ? "buy" : "sell";
}

void out_brand(struct buf *out, const struct brand *brand, const char *network)
{
        buf_putc(out, '{');
        out_text(out, "id", brand->id);
        out_text(out, "name", brand->name);
        out_text(out, "tagline", brand->tagline);
        out_text(out, "host", brand->host[0]);
        out_text(out, "network", network);
        out_text(out, "logo", "/brand/logo");
        out_key(out, "theme");
        buf_putc(out, '{');
        out_text(out, "primary", brand->theme.primary);
        out_text(out, "background", brand->theme.background);
        out_text(out, "text", brand->theme.text);
        out_text(out, "accent", brand->theme.accent);
        out_text(out, "mode", brand->theme.mode);
        out_text(out, "font", brand->theme.font);
        buf_puts(out, "},\"links\":[");
        for (unsigned i = 0; i < brand->n_links; i++) {
                buf_puts(out, i ? ",{" : "{");
                out_text(out, "label", brand->link[i].label);
                out_text(out, "url", brand->link[i].url);
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
        out_text(out, "defaultMarginMode", margin_mode_name(brand->default_margin_mode));
        out_key(out, "marginModes");
        buf_printf(out, "[%s%s%s]", brand->allow_isolated ? "\"isolated\"" : "",
                   brand->allow_isolated && brand->allow_cross ? "," : "",
                   brand->allow_cross ? "\"cross\"" : "");
        if (brand->max_leverage)
                out_int(out, "maxLeverage", brand->max_leverage);
        else
                out_null(out, "maxLeverage");
        if (brand->has_min_liquidation_distance)
                out_rate(out, "minLiquidationDistance", brand->min_liquidation_distance, 6);
        else
                out_null(out, "minLiquidationDistance");
        out_key(out, "fees");
        buf_putc(out, '{');
        if (brand->has_builder && brand->builder_fee_tenth_bp) {
                struct rate fee = out_fee_share(brand->builder_fee_tenth_bp);
                char a[ADDR_STR_MAX];
                out_rate(out, "builder", fee, 8);
                out_text(out, "builderAddress", hex_print_addr(a, &brand->builder));
        } else {
                out_text(out, "builder", "0");
                out_null(out, "builderAddress");
        }
        buf_puts(out, "},\"terms\":{");
        out_text(out, "version", brand->terms_version);
        out_text(out, "url", brand->terms_url);
        out_bool(out, "required", brand->terms_required);
        buf_puts(out, "},\"chainIds\":[");
        for (unsigned i = 0; i < brand->n_chains; i++)
                buf_printf(out, "%s%" PRIu64, i ? "," : "", brand->chain[i]);
        buf_puts(out, "],\"features\":{\"takeProfitStopLoss\":true,\"isolatedMargin\":");
        buf_puts(out, brand->allow_isolated ? "true" : "false");
        out_bool(out, "traderSigns", brand->keys == BRAND_KEYS_NONE);
        buf_puts(out, "}}");
}

static void tiers(struct buf *out, const struct margin_table *table)
{
        out_key(out, "marginTiers");
        buf_putc(out, '[');
        for (unsigned i = 0; i < table->n; i++) {
                buf_puts(out, i ? ",{" : "{");
                out_usd(out, "lowerBound", table->tier[i].lower_bound);
                out_int(out, "maxLeverage", table->tier[i].max_leverage);
                struct rate half = {NUM_RATE_SCALE / (2 * (int64_t)table->tier[i].max_leverage)};
                out_rate(out, "maintenanceRate", half, 12);
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
}

void out_market(struct buf *out, const struct market *m, const struct brand *brand)
{
        struct qty step = {num_pow10(NUM_DECIMALS - m->size_decimals)};
        bool cross = m->cross_allowed && brand->allow_cross;

        buf_putc(out, '{');
        out_text(out, "symbol", m->symbol);
        out_text(out, "dex", m->dex[0] ? m->dex : NULL);
        out_text(out, "collateral", m->collateral);
        out_text(out, "status", m->is_delisted ? "delisted" : "live");
        out_qty(out, "sizeStep", step);
        out_int(out, "sizeDecimals", m->size_decimals);
        out_key(out, "priceRule");
        buf_putc(out, '{');
        out_int(out, "maxSignificantFigures", 5);
        out_int(out, "maxDecimals", m->price_max_decimals);
        out_bool(out, "integersAlwaysValid", true);
        buf_putc(out, '}');
        out_int(out, "venueMaxLeverage", m->max_leverage);
        out_int(out, "maxLeverage", brand_max_leverage(brand, m->symbol, m->max_leverage));
        out_key(out, "marginModes");
        buf_printf(out, "[%s%s%s]", brand->allow_isolated ? "\"isolated\"" : "",
                   brand->allow_isolated && cross ? "," : "", cross ? "\"cross\"" : "");
        out_bool(out, "marginRemovable", m->margin_removable);
        out_rate(out, "feeShare", m->fee_share, 6);
        out_rate(out, "rebateShare", m->rebate_share, 6);
        tiers(out, &m->tiers);
        if (m->context_at) {
                out_px(out, "mark", m->mark);
                out_px(out, "oracle", m->oracle);
                if (m->has_mid)
                        out_px(out, "mid", m->mid);
                else
                        out_null(out, "mid");
                out_px(out, "previousDayPrice", m->previous_day);
                out_rate(out, "funding", m->funding, 12);
                out_qty(out, "openInterest", m->open_interest);
                out_usd(out, "dayVolume", m->day_volume);
                out_int(out, "asOf", m->context_at);
        } else {
                out_null(out, "mark");
                out_null(out, "asOf");
        }
        buf_putc(out, '}');
}

void out_level(struct buf *out, const struct venue_level *level)
{
        buf_putc(out, '{');
        out_px(out, "price", level->price);
        out_qty(out, "size", level->size);
        out_int(out, "orders", level->n_orders);
        buf_putc(out, '}');
}

void out_candle(struct buf *out, const struct venue_candle *c)
{
        buf_putc(out, '{');
        out_int(out, "openAt", c->open_at);
        out_int(out, "closeAt", c->close_at);
        out_px(out, "open", c->open);
        out_px(out, "high", c->high);
        out_px(out, "low", c->low);
        out_px(out, "close", c->close);
        out_text(out, "volume", c->volume);
        out_int(out, "trades", (int64_t)c->trades);
        buf_putc(out, '}');
}

void out_book(struct buf *out, const struct venue_book *book)
{
        static const char *const names[2] = {"bids", "asks"};

        buf_putc(out, '{');
        out_text(out, "symbol", book->symbol);
        out_int(out, "asOf", book->as_of);
        for (int side = 0; side < 2; side++) {
                out_key(out, names[side]);
                buf_putc(out, '[');
                for (unsigned i = 0; i < book->n[side]; i++) {
                        if (i)
                                buf_putc(out, ',');
                        out_level(out, &book->level[side][i]);
                }
                buf_putc(out, ']');
        }
        buf_putc(out, '}');
}

void out_trades(struct buf *out, const char *symbol, const struct venue_trade *trades, size_t n)
{
        buf_putc(out, '{');
        out_text(out, "symbol", symbol);
        out_key(out, "data");
        buf_putc(out, '[');
        for (size_t i = 0; i < n; i++) {
                char id[NUM_STR_MAX];
                buf_puts(out, i ? ",{" : "{");
                out_px(out, "price", trades[i].price);
                out_qty(out, "size", trades[i].size);
                out_text(out, "side", out_side(trades[i].side));
                out_int(out, "time", trades[i].at);
                out_text(out, "id", num_print(id, (int64_t)trades[i].tid, 0, 0));
                buf_putc(out, '}');
        }
        buf_puts(out, "]}");
}
