#include "risk_line.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_exposure.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"
#include "risk/show.h"

/* Liquidation prices had eight decimals until January 2025. */
#define TEN_DECIMALS_FROM_MS INT64_C(1738368000000)

struct risk_line {
        json_t *meta; /* of universe; NULL at first */
        struct hl_universe *universe;
        uint64_t token;
};

struct risk_line *risk_line_new(void)
{
        return xcalloc(1, sizeof(struct risk_line));
}

static void forget(struct risk_line *lines)
{
        json_decref(lines->meta);
        hl_meta_free(lines->universe);
        *lines = (struct risk_line){0};
}

void risk_line_free(struct risk_line *lines)
{
        if (lines)
                forget(lines);
        free(lines);
}

/* Answers that stand inside another one: a capture's file, a message, [meta, contexts]. */
static const json_t *unwrap(const json_t *value, const char *wanted, const char *inside)
{
        if (json_is_array(value))
                value = json_array_get(value, 0);
        for (int depth = 0; depth < 2 && value && !json_object_get(value, wanted); depth++) {
                const json_t *next = json_object_get(value, "data");

                if (!next && inside)
                        next = json_object_get(value, inside);
                value = json_is_array(next) ? json_array_get(next, 0) : next;
        }
        return value;
}

/* The metadata may be missing: positions then say what they know themselves. */
static void take_meta(struct risk_line *lines, const json_t *meta)
{
        if (lines->meta && meta && json_equal(lines->meta, meta))
                return;
        forget(lines);
        if (!meta)
                return;
        lines->meta = json_incref(hl_raw_mutable(meta));
        lines->universe = hl_meta_read(meta);
        if (hl_raw_get_uint(&lines->token, meta, "collateralToken"))
                lines->token = 0;
}

/* ---- Output ---- */

static void put_text(json_t *out, const char *key, const char *text)
{
        json_object_set_new(out, key, text ? json_string(text) : json_null());
}

static void put_reasons(json_t *reasons, const char *key, unsigned doubts)
{
        json_t *names;

        if (!reasons || !doubts)
                return;
        names = json_array();
        for (unsigned bit = 1; bit <= MARGIN_DOUBT_LAST; bit <<= 1) {
                if (doubts & bit)
                        json_array_append_new(
                                names, json_string(margin_doubt_name((enum margin_doubt)bit)));
        }
        json_object_set_new(reasons, key, names);
}

static void put_money(json_t *out, json_t *reasons, const char *key, const struct margin_money *m)
{
        char buf[NUM_STR_MAX];

        put_text(out, key, m->known ? show_money(buf, m->v) : NULL);
        put_reasons(reasons, key, m->doubts);
}

static void put_holding(json_t *positions, const struct hl_exposure *x, size_t i,
                        const struct margin_holding_figures *f, bool with_reasons)
{
        json_t *out = json_object(), *reasons = with_reasons ? json_object() : NULL;
        bool is_old = x->has_at && x->at < TEN_DECIMALS_FROM_MS;
        char buf[NUM_STR_MAX];
        const char *price = NULL;

        if (f->liquidation.known)
                price = is_old ? show_liquidation8(buf, &f->liquidation.v)
                               : show_liquidation(buf, &f->liquidation.v);
        put_text(out, "coin", x->name[i].symbol);
        put_text(out, "liquidationPx", price);
        put_reasons(reasons, "liquidationPx", f->liquidation.doubts);
        put_money(out, reasons, "marginUsed", &f->margin_used);
        put_money(out, reasons, "unrealizedPnl", &f->unrealized_pnl);
        put_text(out, "returnOnEquity",
                 f->return_on_equity.known ? show_rate10(buf, f->return_on_equity.v) : NULL);
        put_reasons(reasons, "returnOnEquity", f->return_on_equity.doubts);
        if (reasons)
                json_object_set_new(out, "reasons", reasons);
        json_array_append_new(positions, out);
}

static enum errc put_figures(json_t *out, const struct hl_exposure *x, bool with_reasons)
{
        json_t *positions = json_array(), *reasons = with_reasons ? json_object() : NULL;
        struct margin_holding_figures f;
        struct margin_sums s;
        enum errc rc = margin_account_sums(&s, &x->account);

        if (!rc) {
                put_money(out, reasons, "accountValue", &s.account_value);
                put_money(out, reasons, "crossAccountValue", &s.cross_account_value);
                put_money(out, reasons, "totalMarginUsed", &s.margin_used);
                put_money(out, reasons, "crossMaintenanceMarginUsed", &s.maintenance);
                put_money(out, reasons, "withdrawable", &s.withdrawable);
        }
        for (size_t i = 0; i < x->account.n && !rc; i++) {
                rc = margin_account_holding(&f, &x->account, &s, i);
                if (!rc)
                        put_holding(positions, x, i, &f, with_reasons);
        }
        json_object_set_new(out, "positions", positions);
        if (reasons)
                json_object_set_new(out, "reasons", reasons);
        return rc;
}

/* ---- The line ---- */

static json_t *answer_with_id(const json_t *entry)
{
        const json_t *id = json_object_get(entry, "id");
        json_t *out = json_object();

        if (id)
                json_object_set(out, "id", hl_raw_mutable(id));
        else
                json_object_set_new(out, "id", json_null());
        return out;
}

static json_t *failed(json_t *out, const char *why)
{
        json_t *bare = answer_with_id(out);

        json_decref(out);
        put_text(bare, "error", why);
        return bare;
}

json_t *risk_line_answer(struct risk_line *lines, const json_t *entry, bool with_reasons)
{
        const json_t *state =
                unwrap(json_object_get(entry, "state"), "assetPositions", "clearinghouseState");
        const json_t *spot = unwrap(json_object_get(entry, "spot"), "balances", "spotState");
        const char *mode = hl_raw_get_text(entry, "mode", NULL);
        json_t *out = answer_with_id(entry);
        struct err err = {0};
        struct hl_exposure x;

        if (!state)
                return failed(out, "state: an account state was expected");
        take_meta(lines, unwrap(json_object_get(entry, "meta"), "universe", "meta"));
        if (hl_exposure_read(&x, state, lines->universe, &err))
                return failed(out, err.detail);
        x.account.pool = hl_exposure_pool(mode);
        if (spot && hl_exposure_spot(&x, spot, lines->token))
                out = failed(out, "spot: balances were not understood");
        else if (put_figures(out, &x, with_reasons))
                out = failed(out, "state: a figure does not fit, or a margin table is not usable");
        hl_exposure_fini(&x);
        return out;
}
