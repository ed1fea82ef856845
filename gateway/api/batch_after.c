/* What follows from the outcomes of a batch's actions. */
#include <stdlib.h>
#include <string.h>

#include "api/batch.h"
#include "api/mirrored.h"
#include "api/recovery.h"
#include "api/run.h"
#include "api/sweep.h"
#include "base/log.h"
#include "base/mem.h"
#include "plan/order_life.h"

/* --- an action has ended --- */

static void item_refused(struct batch_item *item, const struct err *err)
{
        struct err skipped = {.code = E_OK};

        if (!item->err.code)
                item->err = *err;
        batch_item_step(item, VENUE_ORDER, STEP_FAILED, err);
        text_copy(skipped.detail, sizeof skipped.detail, "An earlier step failed.");
        batch_item_step(item, VENUE_ADJUST_MARGIN, STEP_SKIPPED, &skipped);
}

static void item_unknown(struct batch_item *item)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, E_OUTCOME_UNKNOWN, "%s", err_text(E_OUTCOME_UNKNOWN));
        item->is_unknown = true;
        item->err = err;
        batch_item_step(item, VENUE_ORDER, STEP_UNKNOWN, &err);
        (void)text_copy(err.detail, sizeof err.detail, "An earlier step's outcome is not known.");
        err.code = E_OK;
        batch_item_step(item, VENUE_ADJUST_MARGIN, STEP_SKIPPED, &err);
}

/* An action's items are the orders of one item and its legs, or one order of each of several. */
static void take_items(struct batch_act *act, const struct venue_outcome *outcome)
{
        for (unsigned i = 0; i < outcome->n_items; i++) {
                struct batch_item *item =
                        act->action.u.order.own_assets ? act->item[i] : act->item[0];
                unsigned k = item->n_outcomes++;
                must(k < 3);
                item->outcome[k] = outcome->item[i];
                item->intent.order[k].oid = outcome->item[i].oid;
                if (k > 0) {
                        if (outcome->item[i].status == ITEM_REFUSED)
                                plan_say_refused_leg(&item->plan.risk,
                                                     act->action.u.order.order[i].trigger,
                                                     outcome->item[i].refusal);
                        continue;
                }
                if (outcome->item[i].status == ITEM_REFUSED) {
                        struct err err;
                        venue_item_err(&err, &outcome->item[i]);
                        item_refused(item, &err);
                } else {
                        batch_item_step(item, VENUE_ORDER, STEP_DONE, NULL);
                }
        }
}

/* The whole action was refused: for one reason, or each order for its own. */
static void item_not_taken(struct batch_item *item, const struct batch_act *act, unsigned i,
                           const struct venue_outcome *outcome)
{
        struct err err = outcome->err;

        if (act->action.u.order.own_assets && outcome->n_items == act->n_items)
                venue_item_err(&err, &outcome->item[i]);
        item_refused(item, &err);
}

static void lever_over(struct batch *b, struct batch_act *act, const struct err *err)
{
        act->market->lever_failed |= act->status != STEP_DONE;
        for (unsigned i = 0; i < b->n_items; i++)
                if (b->item[i].market == act->market && b->item[i].is_planned)
                        batch_item_step(&b->item[i], VENUE_SET_LEVERAGE, act->status, err);
}

void batch_after_act(struct batch *b, struct batch_act *act, const struct venue_outcome *outcome)
{
        bool ok = outcome->result == VENUE_DONE;

        switch (act->action.kind) {
        case VENUE_SET_LEVERAGE: lever_over(b, act, ok ? NULL : &outcome->err); break;
        case VENUE_ORDER:
                if (ok)
                        take_items(act, outcome);
                for (unsigned i = 0; !ok && i < act->n_items; i++)
                        item_not_taken(act->item[i], act, i, outcome);
                break;
        case VENUE_ADJUST_MARGIN:
                batch_item_step(act->item[0], VENUE_ADJUST_MARGIN, ok ? STEP_DONE : STEP_FAILED,
                                ok ? NULL : &outcome->err);
                break;
        case VENUE_CANCEL:
        case VENUE_MODIFY:
        case VENUE_CREATE_SUB_ACCOUNT:
        case VENUE_FUND_SUB_ACCOUNT:
        case VENUE_SCHEDULE_CANCEL: must(false && "an action of a batch"); break;
        }
}

/* --- an answer was lost --- */

static void look_next(struct batch *b);

static void order_looked_up(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        struct batch *b = cookie;
        struct batch_act *act = &b->acts[b->act];
        struct batch_item *item = act->item[act->next_lookup++];
        struct venue_item *out = &item->outcome[0];

        if (err->code || !s->found || !order_life_item(out, s)) {
                item_unknown(item);
                look_next(b);
                return;
        }
        item->n_outcomes = 1;
        item->intent.order[0].oid = out->oid;
        if (out->status == ITEM_REFUSED) {
                struct err why = {.code = E_OK};
                (void)err_set(&why, E_VENUE_REJECTED, "The venue refused the order: %s.",
                              s->status);
                item_refused(item, &why);
        } else {
                batch_item_step(item, VENUE_ORDER, STEP_DONE, NULL);
        }
        look_next(b);
}

static void look_next(struct batch *b)
{
        struct batch_act *act = &b->acts[b->act];

        if (act->next_lookup == act->n_items) {
                bool is_found = true;
                for (unsigned i = 0; i < act->n_items; i++)
                        is_found &= !act->item[i]->is_unknown;
                /* The venue has told of every one: nothing about the action is open any more. */
                act->status = is_found ? STEP_DONE : STEP_UNKNOWN;
                b->wave_done_unknown(b);
                return;
        }
        mirrored_lookup(b->call->api, &b->call->account, &act->item[act->next_lookup]->cloid[0], 0,
                        order_looked_up, b);
}

static void setting_looked_up(void *cookie, const struct err *err, const struct venue_setting *s)
{
        struct batch *b = cookie;
        struct batch_act *act = &b->acts[b->act];
        const struct venue_action *a = &act->action;
        struct err why = {.code = E_OK};

        if (!err->code && s->mode == a->u.leverage.mode && s->leverage == a->u.leverage.leverage)
                act->status = STEP_DONE;
        else
                (void)err_set(&why, E_OUTCOME_UNKNOWN, "%s", err_text(E_OUTCOME_UNKNOWN));
        lever_over(b, act, why.code ? &why : NULL);
        b->wave_done_unknown(b);
}

void batch_after_unknown(struct batch *b, void (*done)(struct batch *b))
{
        struct batch_act *act = &b->acts[b->act];
        struct err err = {.code = E_OK};

        b->wave_done_unknown = done;
        switch (act->action.kind) {
        case VENUE_SET_LEVERAGE:
                b->venue->ops->read_setting(b->venue, &b->call->account, &act->market->market,
                                            setting_looked_up, b);
                break;
        case VENUE_ORDER: look_next(b); break;
        case VENUE_ADJUST_MARGIN: /* funding moves it too: reading proves nothing */
                (void)err_set(&err, E_OUTCOME_UNKNOWN, "%s", err_text(E_OUTCOME_UNKNOWN));
                batch_item_step(act->item[0], VENUE_ADJUST_MARGIN, STEP_UNKNOWN, &err);
                done(b);
                break;
        case VENUE_CANCEL:
        case VENUE_MODIFY:
        case VENUE_CREATE_SUB_ACCOUNT:
        case VENUE_FUND_SUB_ACCOUNT:
        case VENUE_SCHEDULE_CANCEL: must(false && "an action of a batch"); break;
        }
}

/* --- the end --- */

static void recorded(void *cookie, enum errc rc)
{
        const char *what = cookie;

        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "what", what, "code", err_constant(rc),
                          NULL);
}

static void settled(void *cookie, enum errc rc)
{
        static char whole[] = "batch";
        struct batch *b = cookie;
        struct call *call = b->call;
        char *answer = (char *)(uintptr_t)b->intent.answer;

        recorded(whole, rc);
        recovery_after(call->api->recovery, &b->intent, rc);
        b->intent.answer = NULL;
        for (unsigned i = 0; i < b->n_markets; i++)
                turnstile_leave(call->api->turnstile, &b->market[i].pass);
        call->api->open_runs--;
        b->call = NULL;
        batch_free(b);
        call_reply_raw(call, 200, "application/json", answer, strlen(answer), NULL, 0);
        free(answer);
}

/* An order's record on its way to the disk: the batch may be gone when it is there. */
struct written {
        struct api *api;
        struct store_intent intent; /* without what it borrows */
};

static struct written *written_of(struct api *api, const struct store_intent *intent)
{
        struct written *w = xmalloc(sizeof *w);

        w->api = api;
        w->intent = *intent;
        w->intent.request = w->intent.answer = NULL;
        w->intent.letters = NULL;
        return w;
}

static void item_recorded(void *cookie, enum errc rc)
{
        static char order[] = "order of a batch";
        struct written *w = cookie;

        recorded(order, rc);
        recovery_after(w->api->recovery, &w->intent, rc);
        free(w);
}

/* Each order's record keeps what was answered of it, for whoever asks for it by its id. */
static void settle_item(struct batch *b, unsigned i)
{
        struct batch_item *item = &b->item[i];
        struct store_intent *it = &item->intent;
        struct call *call = b->call;
        struct buf body;

        it->state = item->is_unknown ? INTENT_UNKNOWN
                    : item->err.code ? INTENT_REJECTED
                                     : INTENT_DONE;
        it->updated_at = state_now(call->api);
        if (item->err.code == E_BUILDER_FEE)
                accounts_forget_builder(call->api->accounts, call->brand->id,
                                        &call->session.address);
        metrics_add(call->api->o.metrics, "perpgate_actions_total",
                    log_fmt("kind=\"order\",result=\"%s\"", intent_state_name(it->state)), 1,
                    "Signed requests settled, by kind and result.");
        buf_init(&body, STORE_BLOB_MAX);
        batch_answer_item(b, i, &body);
        must(buf_check(&body) == E_OK);
        it->answer = buf_cstr(&body);
        it->answer_status = 200;
        store_intent_update(call->api->o.store, it, item_recorded, written_of(call->api, it));
        it->answer = NULL; /* copied */
        buf_fini(&body);
        sweep_watch_orders(call->api->sweep, call, item->market->market.dex, &item->plan);
}

static void settle_items(struct batch *b)
{
        for (unsigned i = 0; i < b->n_items; i++)
                if (b->item[i].is_journaled)
                        settle_item(b, i);
}

static void settle(struct batch *b)
{
        struct store_intent *it = &b->intent;
        struct buf body;

        settle_items(b);
        buf_init(&body, STORE_BLOB_MAX);
        batch_answer(b, &body);
        must(buf_check(&body) == E_OK);
        it->answer = xstrndup((const char *)body.data, body.len);
        it->letters = NULL; /* as they are on disk */
        buf_fini(&body);
        it->answer_status = 200;
        it->state = INTENT_DONE;
        it->updated_at = state_now(b->call->api);
        for (unsigned i = 0; i < b->n_acts; i++) {
                it->step[i].state = run_intent_state(b->acts[i].status);
                if (b->acts[i].status == STEP_UNKNOWN)
                        it->state = INTENT_UNKNOWN;
        }
        if (b->is_journaled)
                store_intent_update(b->call->api->o.store, it, settled, b);
        else /* nothing was sent: the answer is kept for the same key all the same */
                store_intent_insert(b->call->api->o.store, it, settled, b);
}

/* --- after the orders --- */

static bool stands(const struct batch_item *item)
{
        return item->is_planned && item->is_journaled && (item->is_unknown || !item->err.code);
}

/* Leverage that was changed for orders of which none stands is put back. What reduces did not ask for
 * it. */
static void put_back(struct batch *b, struct batch_market *m)
{
        struct batch_act *act;

        if (m->lever < 0 || b->acts[m->lever].status != STEP_DONE)
                return;
        for (unsigned i = 0; i < b->n_items; i++)
                if (b->item[i].market == m && !b->item[i].request.reduce_only &&
                    stands(&b->item[i]))
                        return;
        act = batch_act_new(b, "setLeverage", VENUE_SET_LEVERAGE, m->market.asset);
        act->market = m;
        act->is_put_back = true;
        act->action.u.leverage.mode = m->before.mode;
        act->action.u.leverage.leverage = m->before.leverage;
        for (unsigned i = 0; i < b->n_items; i++)
                if (b->item[i].market == m && b->item[i].is_planned)
                        (void)plan_put_back(&b->item[i].plan);
}

static bool wants_adjust(const struct batch_item *item)
{
        return stands(item) && !item->is_unknown && item->plan.adjust_step >= 0;
}

static void note_held(struct batch_act *act, const struct venue_account *account,
                      const char *symbol)
{
        for (unsigned i = 0; i < account->n_positions; i++) {
                if (strcmp(account->position[i].symbol, symbol) != 0)
                        continue;
                act->held_size = account->position[i].p.size;
                act->held_cash = account->position[i].p.raw_usd;
        }
}

static void adjust_item(struct batch *b, struct batch_item *item)
{
        struct plan_step *step = &item->plan.step[item->plan.adjust_step];
        struct qty filled = item->n_outcomes ? item->outcome[0].filled : (struct qty){0};
        struct err err = {.code = E_OK};
        struct batch_act *act;

        if (plan_adjust_after_fill(&item->plan, filled, &item->market->dex->after)) {
                (void)err_set(&err, E_INTERNAL, "The margin to move can't be computed.");
                batch_item_step(item, VENUE_ADJUST_MARGIN, STEP_FAILED, &err);
                return;
        }
        if (step->status != STEP_PENDING)
                return;
        act = batch_act_new(b, "adjustMargin", VENUE_ADJUST_MARGIN, item->plan.asset);
        act->action = step->action;
        act->item[act->n_items++] = item;
        note_held(act, &item->market->dex->after, item->market->market.symbol);
}

static void last_wave(struct batch *b)
{
        for (unsigned i = 0; i < b->n_markets; i++)
                put_back(b, &b->market[i]);
        batch_wave_run(b, settle);
}

static void accounts_known(struct batch *b)
{
        for (unsigned i = 0; i < b->n_items; i++) {
                struct batch_item *item = &b->item[i];
                const struct err *err;
                if (!wants_adjust(item))
                        continue;
                /* The order stands; only the adjustment is missing, and the answer says so. */
                err = &item->market->dex->after_err;
                if (err->code)
                        batch_item_step(item, VENUE_ADJUST_MARGIN, STEP_FAILED, err);
                else
                        adjust_item(b, item);
        }
        last_wave(b);
}

static void account_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct batch_dex *dex = cookie;
        struct batch *b = dex->batch;

        if (!err->code) {
                dex->after = *account;
                *account = (struct venue_account){.n_positions = 0};
        }
        dex->after_err = *err;
        if (--b->reading == 0)
                accounts_known(b);
}

static bool dex_wants_adjust(const struct batch *b, const struct batch_dex *dex)
{
        for (unsigned i = 0; i < b->n_items; i++)
                if (wants_adjust(&b->item[i]) && b->item[i].market->dex == dex)
                        return true;
        return false;
}

void batch_after_orders(struct batch *b)
{
        b->reading = 0;
        for (unsigned i = 0; i < b->n_dexes; i++) {
                struct batch_dex *dex = &b->dex[i];
                if (!dex_wants_adjust(b, dex))
                        continue;
                b->reading++;
                b->venue->ops->read_account(b->venue, &b->call->account, dex->name, account_read,
                                            dex);
        }
        if (b->reading == 0)
                last_wave(b);
}
