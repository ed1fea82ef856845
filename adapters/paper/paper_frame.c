#include "adapters/paper/paper_frame.h"

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"
#include "adapters/paper/paper_show.h"
#include "adapters/paper/paper_tape.h"
#include "adapters/paper/paper_twap.h"
#include "base/attr.h"

#define TRADES_AT_FIRST 30

const char *paper_frame_channel(enum paper_sub_type type)
{
        switch (type) {
        case PAPER_SUB_ALL_MIDS: return "allMids";
        case PAPER_SUB_L2_BOOK: return "l2Book";
        case PAPER_SUB_TRADES: return "trades";
        case PAPER_SUB_BBO: return "bbo";
        case PAPER_SUB_CANDLE: return "candle";
        case PAPER_SUB_ACTIVE_ASSET_CTX: return "activeAssetCtx";
        case PAPER_SUB_ACTIVE_ASSET_DATA: return "activeAssetData";
        case PAPER_SUB_ASSET_CTXS: return "assetCtxs";
        case PAPER_SUB_ALL_DEXS_ASSET_CTXS: return "allDexsAssetCtxs";
        case PAPER_SUB_SPOT_ASSET_CTXS: return "spotAssetCtxs";
        case PAPER_SUB_FAST_ASSET_CTXS: return "fastAssetCtxs";
        case PAPER_SUB_OUTCOME_META_UPDATES: return "outcomeMetaUpdates";
        case PAPER_SUB_ORDER_UPDATES: return "orderUpdates";
        case PAPER_SUB_USER_EVENTS: return "user";
        case PAPER_SUB_USER_FILLS: return "userFills";
        case PAPER_SUB_USER_FUNDINGS: return "userFundings";
        case PAPER_SUB_LEDGER_UPDATES: return "userNonFundingLedgerUpdates";
        case PAPER_SUB_HISTORICAL_ORDERS: return "userHistoricalOrders";
        case PAPER_SUB_CLEARINGHOUSE_STATE: return "clearinghouseState";
        case PAPER_SUB_ALL_DEXS_CLEARINGHOUSE_STATE: return "allDexsClearinghouseState";
        case PAPER_SUB_OPEN_ORDERS: return "openOrders";
        case PAPER_SUB_SPOT_STATE: return "spotState";
        case PAPER_SUB_WEB_DATA3: return "webData3";
        case PAPER_SUB_NOTIFICATION: return "notification";
        case PAPER_SUB_TWAP_STATES: return "twapStates";
        case PAPER_SUB_TWAP_SLICE_FILLS: return "userTwapSliceFills";
        case PAPER_SUB_TWAP_HISTORY: return "userTwapHistory";
        case PAPER_SUB_TYPES: break;
        }
        must(false);
        return "";
}

void paper_frame_begin(struct buf *out, const char *channel)
{
        jot_object(out, NULL);
        jot_text(out, "channel", channel);
}

void paper_frame_end(struct buf *out)
{
        jot_end_object(out);
}

/* ---- Markets --------------------------------------------------------------------------------- */

static void bbo(struct paper *p, struct buf *out, uint32_t asset)
{
        struct engine_level best;

        jot_object(out, "data");
        jot_text(out, "coin", paper_coin(p, asset));
        jot_int(out, "time", paper_now(p));
        jot_array(out, "bbo");
        for (int side = 0; side < 2; side++) {
                if (engine_book(p->engine, asset, p->shows_crossed ? !side : side, &best, 1) == 1)
                        paper_tape_level(out, NULL, &best);
                else
                        jot_null(out, NULL);
        }
        jot_end_array(out);
        jot_end_object(out);
}

static void context(struct paper *p, struct buf *out, uint32_t asset)
{
        jot_object(out, "data");
        jot_text(out, "coin", paper_coin(p, asset));
        paper_tape_context(p, out, "ctx", asset);
        jot_end_object(out);
}

static void all_contexts(struct paper *p, struct buf *out)
{
        jot_object(out, "data");
        jot_array(out, "ctxs");
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++) {
                jot_array(out, NULL);
                jot_text(out, NULL, p->universe.dex[dex].name);
                paper_tape_contexts(p, out, NULL, dex);
                jot_end_array(out);
        }
        jot_end_array(out);
        jot_end_object(out);
}

static bool market_frame(struct paper *p, struct buf *out, const struct paper_sub *sub)
{
        switch (sub->type) {
        case PAPER_SUB_ALL_MIDS:
                jot_object(out, "data");
                paper_tape_mids(p, out, "mids", sub->dex);
                if (sub->dex > 0)
                        jot_text(out, "dex", p->universe.dex[sub->dex].name);
                jot_end_object(out);
                return true;
        case PAPER_SUB_L2_BOOK:
                paper_tape_book(p, out, "data", sub->asset, &sub->grid);
                return true;
        case PAPER_SUB_TRADES:
                paper_tape_trades(p, out, "data", sub->asset, TRADES_AT_FIRST, true);
                return p->market[sub->asset].n_trades > 0;
        case PAPER_SUB_BBO: bbo(p, out, sub->asset); return true;
        case PAPER_SUB_CANDLE: {
                struct buf candle;
                bool exists;

                buf_init(&candle, 512);
                exists = paper_candles_show_last(&p->market[sub->asset].candles, &candle,
                                                 paper_coin(p, sub->asset), sub->interval);
                jot_raw(out, "data", buf_cstr(&candle));
                buf_fini(&candle);
                return exists;
        }
        case PAPER_SUB_ACTIVE_ASSET_CTX: context(p, out, sub->asset); return true;
        case PAPER_SUB_ASSET_CTXS:
                jot_object(out, "data");
                jot_text(out, "dex", p->universe.dex[sub->dex].name);
                paper_tape_contexts(p, out, "ctxs", sub->dex);
                jot_end_object(out);
                return true;
        case PAPER_SUB_ALL_DEXS_ASSET_CTXS: all_contexts(p, out); return true;
        case PAPER_SUB_SPOT_ASSET_CTXS: jot_raw(out, "data", "[]"); return true;
        case PAPER_SUB_FAST_ASSET_CTXS: paper_feed_fast_whole(p, out); return true;
        case PAPER_SUB_OUTCOME_META_UPDATES: /* there are no outcomes: nothing of them ever changes */
        case PAPER_SUB_ACTIVE_ASSET_DATA:
        case PAPER_SUB_ORDER_UPDATES:
        case PAPER_SUB_USER_EVENTS:
        case PAPER_SUB_USER_FILLS:
        case PAPER_SUB_USER_FUNDINGS:
        case PAPER_SUB_LEDGER_UPDATES:
        case PAPER_SUB_HISTORICAL_ORDERS:
        case PAPER_SUB_CLEARINGHOUSE_STATE:
        case PAPER_SUB_ALL_DEXS_CLEARINGHOUSE_STATE:
        case PAPER_SUB_OPEN_ORDERS:
        case PAPER_SUB_SPOT_STATE:
        case PAPER_SUB_WEB_DATA3:
        case PAPER_SUB_NOTIFICATION:
        case PAPER_SUB_TWAP_STATES:
        case PAPER_SUB_TWAP_SLICE_FILLS:
        case PAPER_SUB_TWAP_HISTORY:
        case PAPER_SUB_TYPES: break;
        }
        return false;
}

/* ---- Accounts -------------------------------------------------------------------------------- */

static void web_data3(struct paper *p, struct buf *out, const struct addr *address)
{
        const struct paper_user *user = paper_users_get(p, address);
        const struct paper_agent *agent =
                user && paper_agents_is_live(p, user->agent[0], paper_now(p)) ? user->agent[0]
                                                                              : NULL;

        jot_object(out, "userState");
        if (agent) {
                jot_addr(out, "agentAddress", &agent->address);
                jot_int(out, "agentValidUntil", agent->valid_until);
        } else {
                jot_null(out, "agentAddress");
                jot_null(out, "agentValidUntil");
        }
        jot_usd(out, "cumLedger", user ? user->ledger : (struct usd){0});
        jot_int(out, "serverTime", paper_now(p));
        jot_bool(out, "isVault", false);
        jot_addr(out, "user", address);
        jot_text(out, "abstraction", paper_mode_name(user));
        jot_end_object(out);
        jot_array(out, "perpDexStates");
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++) {
                jot_object(out, NULL);
                jot_text(out, "totalVaultEquity", "0.0");
                paper_info_dex_capped(p, out, "perpsAtOpenInterestCap", dex);
                jot_raw(out, "leadingVaults", "[]");
                jot_end_object(out);
        }
        jot_end_array(out);
}

/* Of whom, on which dex: members of a state's data. */
static void dex_head(struct paper *p, struct buf *out, const struct paper_sub *sub)
{
        jot_text(out, "dex", p->universe.dex[sub->dex].name);
        jot_addr(out, "user", &sub->user);
}

static void account_state(struct paper *p, struct buf *out, const struct paper_sub *sub)
{
        dex_head(p, out, sub);
        paper_show_account(p, out, "clearinghouseState", &sub->user, sub->dex);
}

static void all_account_states(struct paper *p, struct buf *out, const struct paper_sub *sub)
{
        jot_addr(out, "user", &sub->user);
        jot_array(out, "clearinghouseStates");
        for (unsigned dex = 0; dex < p->universe.n_dexes; dex++) {
                jot_array(out, NULL);
                jot_text(out, NULL, p->universe.dex[dex].name);
                paper_show_account(p, out, NULL, &sub->user, dex);
                jot_end_array(out);
        }
        jot_end_array(out);
}

/* Members of a snapshot's data, without the braces. */
static void snapshot_head(struct buf *out, const struct paper_sub *sub)
{
        jot_bool(out, "isSnapshot", true);
        jot_addr(out, "user", &sub->user);
}

static bool account_frame(struct paper *p, struct buf *out, const struct paper_sub *sub)
{
        const struct paper_user *user = paper_users_get(p, &sub->user);

        switch (sub->type) {
        case PAPER_SUB_USER_FILLS:
                snapshot_head(out, sub);
                paper_show_fills(p, out, "fills", &sub->user, 0, INT64_MAX, false);
                return true;
        case PAPER_SUB_USER_FUNDINGS:
                snapshot_head(out, sub);
                paper_show_payments(p, out, "fundings", user, 0, INT64_MAX, false);
                return true;
        case PAPER_SUB_LEDGER_UPDATES:
                snapshot_head(out, sub);
                paper_show_rows(out, "nonFundingLedgerUpdates", user, 0, INT64_MAX);
                return true;
        case PAPER_SUB_HISTORICAL_ORDERS:
                snapshot_head(out, sub);
                paper_show_history(p, out, "orderHistory", &sub->user);
                return true;
        case PAPER_SUB_TWAP_SLICE_FILLS:
                snapshot_head(out, sub);
                paper_show_slice_fills(p, out, "twapSliceFills", &sub->user, 0, INT64_MAX);
                return true;
        case PAPER_SUB_TWAP_HISTORY:
                snapshot_head(out, sub);
                paper_twap_show_history(p, out, "history", user);
                return true;
        case PAPER_SUB_CLEARINGHOUSE_STATE: account_state(p, out, sub); return true;
        case PAPER_SUB_ALL_DEXS_CLEARINGHOUSE_STATE: all_account_states(p, out, sub); return true;
        case PAPER_SUB_OPEN_ORDERS:
                dex_head(p, out, sub);
                paper_show_open_orders(p, out, "orders", &sub->user, sub->dex, true);
                return true;
        case PAPER_SUB_SPOT_STATE:
                jot_addr(out, "user", &sub->user);
                paper_show_spot(p, out, "spotState", &sub->user);
                return true;
        case PAPER_SUB_TWAP_STATES:
                dex_head(p, out, sub);
                paper_twap_show_states(p, out, "states", &sub->user, sub->dex);
                return true;
        case PAPER_SUB_WEB_DATA3: web_data3(p, out, &sub->user); return true;
        case PAPER_SUB_ALL_MIDS:
        case PAPER_SUB_L2_BOOK:
        case PAPER_SUB_TRADES:
        case PAPER_SUB_BBO:
        case PAPER_SUB_CANDLE:
        case PAPER_SUB_ACTIVE_ASSET_CTX:
        case PAPER_SUB_ACTIVE_ASSET_DATA:
        case PAPER_SUB_ASSET_CTXS:
        case PAPER_SUB_ALL_DEXS_ASSET_CTXS:
        case PAPER_SUB_SPOT_ASSET_CTXS:
        case PAPER_SUB_FAST_ASSET_CTXS:
        case PAPER_SUB_OUTCOME_META_UPDATES:
        case PAPER_SUB_ORDER_UPDATES:
        case PAPER_SUB_USER_EVENTS:
        case PAPER_SUB_NOTIFICATION:
        case PAPER_SUB_TYPES: break;
        }
        return false;
}

bool paper_frame_whole(struct paper *p, struct buf *out, const struct paper_sub *sub)
{
        bool exists;

        paper_frame_begin(out, paper_frame_channel(sub->type));
        if (sub->type == PAPER_SUB_ACTIVE_ASSET_DATA) {
                paper_show_setting(p, out, "data", &sub->user, sub->asset);
                exists = true;
        } else if (sub->type < PAPER_SUB_ORDER_UPDATES) {
                exists = market_frame(p, out, sub);
        } else {
                jot_object(out, "data");
                exists = account_frame(p, out, sub);
                jot_end_object(out);
        }
        paper_frame_end(out);
        return exists;
}
