#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"
#include "adapters/paper/paper_source.h"
#include "adapters/paper/paper_tape.h"

/* /info about markets. This venue has no spot or outcome markets; its tokens are what backs its dexs. */

#define HISTORY_ROWS 500

static int meta(struct paper *p, struct buf *out, const json_t *request)
{
        unsigned dex;

        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        buf_puts(out, p->universe.dex[dex].meta_json);
        return PAPER_INFO_OK;
}

static int meta_and_contexts(struct paper *p, struct buf *out, const json_t *request)
{
        unsigned dex;

        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        jot_array(out, NULL);
        jot_raw(out, NULL, p->universe.dex[dex].meta_json);
        paper_tape_contexts(p, out, NULL, dex);
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int all_metas(struct paper *p, struct buf *out, const json_t *request)
{
        (void)request;
        jot_array(out, NULL);
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++)
                jot_raw(out, NULL, p->universe.dex[dex].meta_json);
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int margin_table(struct paper *p, struct buf *out, const json_t *request)
{
        struct margin_table table;
        unsigned dex;
        uint64_t id;

        if (hl_raw_get_uint(&id, request, "id"))
                return PAPER_INFO_SHAPE;
        if (!paper_info_dex(p, request, &dex) ||
            paper_universe_table(&p->universe, &table, dex, id))
                return PAPER_INFO_UNKNOWN;
        paper_universe_show_table(out, NULL, &table);
        return PAPER_INFO_OK;
}

static int all_mids(struct paper *p, struct buf *out, const json_t *request)
{
        unsigned dex;

        if (!paper_info_dex(p, request, &dex))
                return PAPER_INFO_UNKNOWN;
        paper_tape_mids(p, out, NULL, dex);
        return PAPER_INFO_OK;
}

static int l2_book(struct paper *p, struct buf *out, const json_t *request)
{
        struct paper_grid grid;
        int asset;

        if (!paper_info_asset(p, request, "coin", &asset) || !paper_info_grid(request, &grid))
                return PAPER_INFO_SHAPE;
        grid.is_fast = false; /* of the channel alone */
        if (asset < 0)
                jot_null(out, NULL);
        else
                paper_tape_book(p, out, NULL, (uint32_t)asset, &grid);
        return PAPER_INFO_OK;
}

static int recent_trades(struct paper *p, struct buf *out, const json_t *request)
{
        int asset;

        if (!paper_info_asset(p, request, "coin", &asset))
                return PAPER_INFO_SHAPE;
        if (asset < 0)
                return PAPER_INFO_UNKNOWN;
        paper_tape_trades(p, out, NULL, (uint32_t)asset, 30, false);
        return PAPER_INFO_OK;
}

static int candle_snapshot(struct paper *p, struct buf *out, const json_t *request)
{
        const json_t *req = json_object_get(request, "req");
        const char *name = hl_raw_get_text(req, "interval", NULL);
        int interval = name ? paper_candles_interval(name) : -1, asset;
        int64_t from = 0, until = INT64_MAX;

        if (interval < 0 || !paper_info_asset(p, req, "coin", &asset) ||
            hl_raw_is_absent(req, "startTime") || !paper_info_range(req, &from, &until))
                return PAPER_INFO_SHAPE;
        if (asset < 0)
                return PAPER_INFO_UNKNOWN;
        jot_array(out, NULL);
        paper_candles_show(&p->market[asset].candles, out, paper_coin(p, (uint32_t)asset), interval,
                           from, until);
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int funding_history(struct paper *p, struct buf *out, const json_t *request)
{
        const struct paper_market *m;
        int64_t from = 0, until = INT64_MAX;
        size_t first, shown = 0;
        int asset;

        if (!paper_info_asset(p, request, "coin", &asset) ||
            hl_raw_is_absent(request, "startTime") || !paper_info_range(request, &from, &until))
                return PAPER_INFO_SHAPE;
        if (asset < 0)
                return PAPER_INFO_UNKNOWN;
        m = &p->market[asset];
        first = m->n_funding > PAPER_FUNDING_ROWS ? m->n_funding - PAPER_FUNDING_ROWS : 0;
        jot_array(out, NULL);
        for (size_t i = first; i < m->n_funding && shown < HISTORY_ROWS; i++) {
                const struct paper_funding_row *row = &m->funding[i % PAPER_FUNDING_ROWS];

                if (row->at < from || row->at > until)
                        continue;
                jot_object(out, NULL);
                jot_text(out, "coin", paper_coin(p, (uint32_t)asset));
                jot_rate(out, "fundingRate", row->rate);
                jot_rate(out, "premium", row->premium);
                jot_int(out, "time", row->at);
                jot_end_object(out);
                shown++;
        }
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int predicted_fundings(struct paper *p, struct buf *out, const json_t *request)
{
        (void)request;
        jot_array(out, NULL);
        for (uint32_t i = 0; i < p->universe.dex[0].n; i++) {
                jot_array(out, NULL);
                jot_text(out, NULL, paper_coin(p, i));
                jot_array(out, NULL);
                jot_array(out, NULL);
                jot_text(out, NULL, "HlPerp");
                jot_object(out, NULL);
                jot_rate(out, "fundingRate", paper_funding_hourly(p, i));
                jot_int(out, "nextFundingTime", p->next_funding_at);
                jot_int(out, "fundingIntervalHours", 1);
                jot_end_object(out);
                jot_end_array(out);
                jot_end_array(out);
                jot_end_array(out);
        }
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int exchange_status(struct paper *p, struct buf *out, const json_t *request)
{
        struct buf status;

        (void)request;
        buf_init(&status, 4096);
        if (p->source)
                paper_source_status(p->source, &status);
        jot_object(out, NULL);
        jot_int(out, "time", paper_now(p));
        if (status.len)
                jot_text(out, "specialStatuses", buf_cstr(&status));
        else
                jot_null(out, "specialStatuses");
        jot_end_object(out);
        buf_fini(&status);
        return PAPER_INFO_OK;
}

static void show_spot_meta(struct paper *p, struct buf *out)
{
        jot_object(out, NULL);
        jot_raw(out, "universe", "[]");
        paper_dexes_show_tokens(out, &p->universe, p->is_mainnet);
        jot_end_object(out);
}

static int spot_meta(struct paper *p, struct buf *out, const json_t *request)
{
        (void)request;
        show_spot_meta(p, out);
        return PAPER_INFO_OK;
}

static int spot_meta_and_contexts(struct paper *p, struct buf *out, const json_t *request)
{
        (void)request;
        jot_array(out, NULL);
        show_spot_meta(p, out);
        jot_raw(out, NULL, "[]");
        jot_end_array(out);
        return PAPER_INFO_OK;
}

static int outcome_meta(struct paper *p, struct buf *out, const json_t *request)
{
        (void)p;
        (void)request;
        buf_puts(out, "{\"outcomes\":[],\"questions\":[]}");
        return PAPER_INFO_OK;
}

static int empty_list(struct paper *p, struct buf *out, const json_t *request)
{
        (void)p;
        (void)request;
        buf_puts(out, "[]");
        return PAPER_INFO_OK;
}

/* Largest market order by the market's greatest leverage, as the venue publishes it. */
static int max_market_orders(struct paper *p, struct buf *out, const json_t *request)
{
        (void)p;
        (void)request;
        buf_puts(out,
                 "[[25,\"30000000.0\"],[20,\"5000000.0\"],[10,\"2000000.0\"],[1,\"500000.0\"]]");
        return PAPER_INFO_OK;
}

const struct paper_info_row *paper_info_market_rows(void)
{
        static const struct paper_info_row rows[] = {
                {"meta", meta},
                {"metaAndAssetCtxs", meta_and_contexts},
                {"allPerpMetas", all_metas},
                {"marginTable", margin_table},
                {"allMids", all_mids},
                {"l2Book", l2_book},
                {"recentTrades", recent_trades},
                {"candleSnapshot", candle_snapshot},
                {"fundingHistory", funding_history},
                {"predictedFundings", predicted_fundings},
                {"exchangeStatus", exchange_status},
                {"spotMeta", spot_meta},
                {"spotMetaAndAssetCtxs", spot_meta_and_contexts},
                {"outcomeMeta", outcome_meta},
                {"perpCategories", empty_list},
                {"perpConciseAnnotations", empty_list},
                {"vaultSummaries", empty_list},
                {"liquidatable", empty_list},
                {"maxMarketOrderNtls", max_market_orders},
                {NULL, NULL},
        };

        return rows;
}
