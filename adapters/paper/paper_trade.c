#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_action.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_twap.h"
#include "adapters/paper/wire.h"
#include "base/attr.h"
#include "base/mem.h"

/* Trading actions: orders, cancels, modifies, leverage, isolated margin. The engine knows the
 * rules; here are batches, builders, client order ids and the venue's answers. */

#define BUILDER_FEE_PERP_MAX  100 /* tenths of a basis point */
#define SCHEDULE_AHEAD_MS     INT64_C(5000)
#define SCHEDULE_VOLUME_MICRO INT64_C(1000000000000) /* 1,000,000 dollars */

static enum engine_tif tif_of(enum hl_tif tif)
{
        switch (tif) {
        case HL_TIF_GTC: return ENGINE_GTC;
        case HL_TIF_IOC: return ENGINE_IOC;
        case HL_TIF_ALO: return ENGINE_ALO;
        case HL_TIF_FRONTEND_MARKET: return ENGINE_FRONTEND_MARKET;
        }
        must(false);
        return ENGINE_GTC;
}

static enum engine_grouping grouping_of(enum hl_grouping grouping)
{
        switch (grouping) {
        case HL_GROUP_NA: return ENGINE_NA;
        case HL_GROUP_NORMAL_TPSL: return ENGINE_NORMAL_TPSL;
        case HL_GROUP_POSITION_TPSL: return ENGINE_POSITION_TPSL;
        }
        must(false);
        return ENGINE_NA;
}

static struct engine_order_request request_of(const struct hl_order *order, uint32_t asset)
{
        return (struct engine_order_request){
                .asset = asset,
                .is_buy = order->is_buy,
                .price = order->price,
                .size = order->size,
                .reduce_only = order->reduce_only,
                .is_trigger = order->is_trigger,
                .tif = order->is_trigger ? ENGINE_GTC : tif_of(order->tif),
                .trigger_is_market = order->trigger_is_market,
                .is_take_profit = order->tpsl == HL_TP,
                .trigger_price = order->trigger_price,
                .has_cloid = order->has_cloid,
                .cloid = order->cloid,
        };
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void show_error(struct paper_outcome *out, const char *text)
{
        jot_object(&out->response, NULL);
        jot_text(&out->response, "error", text);
        jot_end_object(&out->response);
        out->n_failed++;
}

static void show_oid(struct buf *b, const struct engine_order_request *request, uint64_t oid)
{
        jot_uint(b, "oid", oid);
        if (request->has_cloid)
                jot_cloid(b, "cloid", &request->cloid);
        jot_end_object(b);
        jot_end_object(b);
}

static void show_result(struct paper *p, struct paper_outcome *out,
                        const struct engine_order_request *request,
                        const struct engine_order_result *result)
{
        struct buf *b = &out->response;
        unsigned decimals;
        struct px average = result->average_price;

        switch (result->status) {
        case ENGINE_RESTING:
                jot_object(b, NULL);
                jot_object(b, "resting");
                show_oid(b, request, result->oid);
                break;
        case ENGINE_FILLED:
                decimals = p->universe.spec[request->asset].sz_decimals;
                average.v = num_to_step(average.v, num_pow10(2 + decimals), NUM_NEAREST);
                jot_object(b, NULL);
                jot_object(b, "filled");
                jot_qty(b, "totalSz", result->total_size);
                jot_px(b, "avgPx", average);
                show_oid(b, request, result->oid);
                break;
        case ENGINE_WAITING_FOR_FILL: jot_text(b, NULL, "waitingForFill"); break;
        case ENGINE_WAITING_FOR_TRIGGER: jot_text(b, NULL, "waitingForTrigger"); break;
        case ENGINE_ERROR: show_error(out, result->error); return;
        }
        out->n_done++;
}

static void begin_statuses(struct paper_outcome *out, const char *type)
{
        jot_object(&out->response, NULL);
        jot_text(&out->response, "type", type);
        jot_object(&out->response, "data");
        jot_array(&out->response, "statuses");
}

static void end_statuses(struct paper_outcome *out)
{
        jot_end_array(&out->response);
        jot_end_object(&out->response);
        jot_end_object(&out->response);
}

/* The market that an action names by its id; false, with the text, when there is none. */
static bool find_market(const struct paper *p, uint32_t id, uint32_t *asset,
                        char text[PAPER_TEXT_MAX])
{
        if (paper_universe_by_id(&p->universe, asset, id))
                return true;
        (void)snprintf(text, PAPER_TEXT_MAX, "Asset %" PRIu32 " not found", id);
        return false;
}

/* ---- Orders ---------------------------------------------------------------------------------- */

/* A sub-account has no key to approve a builder with: its master's approval counts. */
static bool check_builder(struct paper *p, const struct paper_user *user,
                          const struct hl_action *action, char text[PAPER_TEXT_MAX])
{
        int64_t fee = action->u.order.builder_fee;

        if (user->is_sub)
                user = paper_users_get(p, &user->master);

        if (!action->u.order.has_builder)
                return true;
        if (fee <= BUILDER_FEE_PERP_MAX &&
            fee <= paper_agents_builder_fee(user, &action->u.order.builder))
                return true;
        (void)text_copy(text, PAPER_TEXT_MAX, "Builder fee has not been approved.");
        return false;
}

static void run_orders(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       const struct hl_action *action)
{
        unsigned n = action->u.order.n;
        bool has_builder = action->u.order.has_builder;
        struct engine_order_request *request = NULL;
        struct engine_order_result *result = NULL;

        if (!check_builder(p, user, action, out->text))
                return;
        if (n == 0 || action->u.order.has_priority) {
                paper_exchange_refuse(out, n == 0 ? "Order batch is empty."
                                                  : "Insufficient staked balance for priority.");
                return;
        }
        request = xcalloc(n, sizeof(*request));
        result = xcalloc(n, sizeof(*result));
        for (unsigned i = 0; i < n; i++) {
                const struct hl_order *order = &action->u.order.orders[i];
                uint32_t asset;

                if (!find_market(p, order->asset, &asset, out->text))
                        goto done;
                request[i] = request_of(order, asset);
        }
        if (engine_place(p->engine, &user->address, request, n,
                         grouping_of(action->u.order.grouping),
                         has_builder ? &action->u.order.builder : NULL,
                         has_builder ? action->u.order.builder_fee : 0, result, out->text,
                         paper_now(p))) {
                out->text[0] = '\0';
                begin_statuses(out, "order");
                for (unsigned i = 0; i < n; i++)
                        show_result(p, out, &request[i], &result[i]);
                end_statuses(out);
        }
done:
        free(request);
        free(result);
}

static void run_cancels(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                        const struct hl_action *action)
{
        bool is_by_cloid = action->type == HL_CANCEL_BY_CLOID;

        begin_statuses(out, "cancel");
        for (unsigned i = 0; i < action->u.cancel.n; i++) {
                const struct hl_cancel *cancel = &action->u.cancel.cancels[i];
                char text[PAPER_TEXT_MAX] = "Order was never placed, already canceled, or filled.";
                uint32_t asset;
                bool is_listed = paper_universe_by_id(&p->universe, &asset, cancel->asset);

                if (is_listed && is_by_cloid)
                        engine_cancel_cloid(p->engine, &user->address, asset, &cancel->cloid, text,
                                            paper_now(p));
                else if (is_listed)
                        engine_cancel(p->engine, &user->address, asset, cancel->oid, text,
                                      paper_now(p));
                if (text[0]) {
                        show_error(out, text);
                        continue;
                }
                jot_text(&out->response, NULL, "success");
                out->n_done++;
        }
        end_statuses(out);
}

/* ---- Modifies -------------------------------------------------------------------------------- */

/* Cancels the old order and places the new one. Unless always_place is asked for, the new order must
 * be a plain one that rests: Gtc becomes Alo. result->error holds what went wrong. */
static bool modify(struct paper *p, struct paper_user *user, const struct hl_modify *change,
                   bool always_place, struct engine_order_request *request,
                   struct engine_order_result *result)
{
        const struct engine_order *old;
        struct addr builder = {{0}};
        uint32_t fee = 0, asset = 0;
        char text[PAPER_TEXT_MAX] = "";
        bool is_listed;

        memset(result, 0, sizeof(*result));
        result->status = ENGINE_ERROR;
        is_listed = paper_universe_by_id(&p->universe, &asset, change->order.asset);
        *request = request_of(&change->order, asset);
        old = change->by_cloid ? engine_order_by_cloid(p->engine, &user->address, &change->cloid)
                               : engine_order_by_oid(p->engine, &user->address, change->oid);
        if (!is_listed || (old && old->asset != request->asset)) {
                (void)text_copy(result->error, sizeof(result->error), "Invalid asset");
                return false;
        }
        if (!always_place && (request->is_trigger || request->tif == ENGINE_IOC ||
                              request->tif == ENGINE_FRONTEND_MARKET)) {
                (void)text_copy(result->error, sizeof(result->error),
                                "Error placing new order during modify: only a resting limit order "
                                "without always_place");
                return false;
        }
        if (!always_place)
                request->tif = ENGINE_ALO;
        if (old) {
                builder = old->builder;
                fee = old->builder_fee;
                engine_cancel(p->engine, &user->address, old->asset, old->oid, text, paper_now(p));
        }
        if ((!old || text[0]) && !always_place) {
                (void)text_copy(result->error, sizeof(result->error),
                                "Cannot modify canceled or filled order");
                return false;
        }
        if (!engine_place(p->engine, &user->address, request, 1, ENGINE_NA, fee ? &builder : NULL,
                          fee, result, text, paper_now(p))) {
                result->status = ENGINE_ERROR;
                (void)text_copy(result->error, sizeof(result->error), text);
        }
        return result->status != ENGINE_ERROR;
}

static void run_modify(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       const struct hl_action *action)
{
        struct engine_order_request request;
        struct engine_order_result result;

        if (modify(p, user, &action->u.modify.modifies[0], action->u.modify.always_place, &request,
                   &result))
                paper_exchange_default(out);
        else
                paper_exchange_refuse(out, result.error);
}

static void run_batch_modify(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                             const struct hl_action *action)
{
        begin_statuses(out, "order");
        for (unsigned i = 0; i < action->u.modify.n; i++) {
                struct engine_order_request request;
                struct engine_order_result result;

                (void)modify(p, user, &action->u.modify.modifies[i], action->u.modify.always_place,
                             &request, &result);
                show_result(p, out, &request, &result);
        }
        end_statuses(out);
}

/* ---- The rest -------------------------------------------------------------------------------- */

static void run_schedule(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                         const struct hl_action *action)
{
        if (!action->u.schedule.has_time) {
                user->cancel_all_at = 0;
                paper_exchange_default(out);
                return;
        }
        if (!p->is_ungated && user->volume_micro < SCHEDULE_VOLUME_MICRO) {
                char traded[NUM_STR_MAX];

                (void)snprintf(out->text, sizeof(out->text),
                               "Cannot set scheduled cancel time until enough volume traded. "
                               "Required: $1000000. Traded: $%s.",
                               num_print(traded, user->volume_micro / 10000, 2, 0));
                return;
        }
        if (action->u.schedule.time_ms < paper_now(p) + SCHEDULE_AHEAD_MS) {
                paper_exchange_refuse(out,
                                      "Scheduled cancel time must be at least 5 seconds ahead.");
                return;
        }
        user->cancel_all_at = action->u.schedule.time_ms;
        paper_exchange_default(out);
}

static void run_leverage(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                         const struct hl_action *action)
{
        uint32_t asset;

        if (find_market(p, action->u.leverage.asset, &asset, out->text) &&
            engine_update_leverage(p->engine, &user->address, asset, action->u.leverage.is_cross,
                                   action->u.leverage.leverage, out->text, paper_now(p)))
                paper_exchange_default(out);
}

static void run_margin(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       const struct hl_action *action)
{
        uint32_t asset;

        if (find_market(p, action->u.margin.asset, &asset, out->text) &&
            engine_update_isolated_margin(p->engine, &user->address, asset, action->u.margin.ntli,
                                          out->text, paper_now(p)))
                paper_exchange_default(out);
}

/* What the position lacks to be at the given leverage; false, with the text, when it lacks nothing or
 * can't be topped up. */
static bool find_top_up(struct paper *p, const struct addr *user, uint32_t asset, int64_t leverage,
                        int64_t *ntli, char text[PAPER_TEXT_MAX])
{
        int64_t need;
        struct margin_figures figures;
        struct engine_account account;
        const struct engine_position *position = NULL;

        engine_dex_account(p->engine, user, paper_dex_of(p, asset), &account);
        for (size_t i = 0; i < account.n_positions; i++)
                if (account.position[i].asset == asset)
                        position = &account.position[i];
        if (!p->universe.spec[asset].strict_isolated) {
                (void)text_copy(text, PAPER_TEXT_MAX, "Asset not strict isolated");
        } else if (!position) {
                (void)text_copy(text, PAPER_TEXT_MAX, "Cannot update margin for empty position.");
        } else if (leverage <= 0 ||
                   num_muldiv(&need, position->p.value.v, NUM_SCALE, leverage, NUM_UP) ||
                   margin_position_figures(&figures, &position->p, &account.cross)) {
                (void)text_copy(text, PAPER_TEXT_MAX, "Invalid leverage value");
        } else {
                *ntli = num_to_step(need - figures.margin_used.v, NUM_MICRO, NUM_UP) / NUM_MICRO;
                if (*ntli > 0)
                        return true;
                (void)text_copy(text, PAPER_TEXT_MAX, "Update to isolated margin cannot be zero.");
        }
        return false;
}

static void run_top_up(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       const struct hl_action *action)
{
        int64_t ntli;

        uint32_t asset;

        if (find_market(p, action->u.top_up.asset, &asset, out->text) &&
            find_top_up(p, &user->address, asset, action->u.top_up.leverage, &ntli, out->text) &&
            engine_update_isolated_margin(p->engine, &user->address, asset, ntli, out->text,
                                          paper_now(p)))
                paper_exchange_default(out);
}

static void run_twap(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                     const struct hl_action *action)
{
        struct hl_twap ask = action->u.twap;
        uint32_t asset = UINT32_MAX;

        if (action->type == HL_TWAP_CANCEL) {
                /* No TWAP is of a market that is not there. */
                if (!paper_universe_by_id(&p->universe, &asset, action->u.twap_cancel.asset))
                        asset = UINT32_MAX;
                paper_twap_cancel(p, out, user, asset, action->u.twap_cancel.id);
        } else if (find_market(p, ask.asset, &asset, out->text)) {
                ask.asset = asset;
                paper_twap_order(p, out, user, &ask);
        }
}

void paper_trade_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                     const struct hl_action *action)
{
        paper_users_changed(p, user);
        switch (action->type) {
        case HL_ORDER: run_orders(p, out, user, action); break;
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID: run_cancels(p, out, user, action); break;
        case HL_UPDATE_LEVERAGE: run_leverage(p, out, user, action); break;
        case HL_UPDATE_ISOLATED_MARGIN: run_margin(p, out, user, action); break;
        case HL_MODIFY: run_modify(p, out, user, action); break;
        case HL_BATCH_MODIFY: run_batch_modify(p, out, user, action); break;
        case HL_SCHEDULE_CANCEL: run_schedule(p, out, user, action); break;
        case HL_TWAP_ORDER:
        case HL_TWAP_CANCEL: run_twap(p, out, user, action); break;
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN: run_top_up(p, out, user, action); break;
        case HL_RESERVE_REQUEST_WEIGHT: paper_budget_reserve(p, out, user, action); break;
        case HL_AGENT_SET_ABSTRACTION:
                paper_mode_set(p, out, user, action->u.word.s, action->u.word.len);
                break;
        case HL_SET_REFERRER:
        case HL_REGISTER_REFERRER: paper_referral_run(p, out, user, action); break;
        case HL_CREATE_SUB_ACCOUNT:
        case HL_SUB_ACCOUNT_MODIFY:
        case HL_SUB_ACCOUNT_TRANSFER: paper_family_run(p, out, user, action); break;
        case HL_NOOP: paper_exchange_default(out); break;
        }
        if (out->n_done)
                out->text[0] = '\0';
}
