/* The journal's side of a batch, and the wire's. An order's intent is on disk before any action that
 * places it is signed; the batch's own intent holds the nonces and digests of all its actions. Actions
 * go out in waves: leverage, orders, then what follows from them; each wave is journaled whole. */
#include <stdlib.h>
#include <string.h>

#include "api/batch.h"
#include "api/letters.h"
#include "api/mirrored.h"
#include "api/signer.h"
#include "base/log.h"
#include "base/mem.h"

/* --- one wave: nonces, digests, disk, then one action after another --- */

static void send_next(struct batch *b);

static void act_over(struct batch *b)
{
        b->act++;
        send_next(b);
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct batch *b = cookie;
        struct batch_act *act = &b->acts[b->act];

        switch (outcome->result) {
        case VENUE_DONE:
        case VENUE_REFUSED:
                act->status = outcome->result == VENUE_DONE ? STEP_DONE : STEP_FAILED;
                batch_after_act(b, act, outcome);
                act_over(b);
                break;
        case VENUE_UNKNOWN:
                log_event(LOG_WARN, "outcome unknown", "request", b->call->request_id, "step",
                          act->name, NULL);
                act->status = STEP_UNKNOWN;
                batch_after_unknown(b, act_over);
                break;
        }
}

/* Nothing left: the venue never saw it. */
static void act_failed(struct batch *b, struct batch_act *act, const struct err *err)
{
        struct venue_outcome outcome = {.result = VENUE_REFUSED, .err = *err};

        act->status = STEP_FAILED;
        batch_after_act(b, act, &outcome);
}

static void send_next(struct batch *b)
{
        struct batch_act *act;

        for (; b->act < b->n_acts; b->act++) {
                struct err err = {.code = E_OK};
                act = &b->acts[b->act];
                if (act->status != STEP_PENDING)
                        continue;
                if (b->call->api->ended) {
                        (void)err_set(&err, E_DRAINING, "The gateway ended before this was sent.");
                        act_failed(b, act, &err);
                        continue;
                }
                act->status = STEP_SENT;
                mirrored_submit(b->call->api, &b->call->account, &act->action, &act->compiled,
                                &act->sig, submitted, b);
                return;
        }
        b->wave_done(b);
}

static void give_up_wave(struct batch *b, enum errc rc)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, rc, "%s", err_text(rc));
        for (unsigned i = b->act; i < b->n_acts; i++)
                if (b->acts[i].status == STEP_PENDING)
                        act_failed(b, &b->acts[i], &err);
        b->act = b->n_acts;
        b->wave_done(b);
}

static void wave_journaled(void *cookie, enum errc rc)
{
        struct batch *b = cookie;

        if (!rc)
                b->is_journaled = true;
        if (rc)
                give_up_wave(b, rc);
        else
                send_next(b);
}

/* Signs the act, and adds its letter to what is journaled before it is sent. */
static enum errc sign_act(struct batch *b, struct batch_act *act, struct err *err)
{
        struct venue_cancel name[VENUE_CANCELS_MAX];
        struct letter letter;
        enum errc rc;

        rc = signer_sign(&act->sig, b->call->api, b->call->brand->id, &b->call->session.address,
                         &b->account, &act->compiled.digest, err);
        if (rc)
                return rc;
        letter_of_action(&letter, name, &act->action);
        letter.step = (unsigned)(act - b->acts);
        if (letter.kind == VENUE_SET_LEVERAGE) {
                letter.is_put_back = act->is_put_back;
                letter.has_before = !act->is_put_back;
                letter.mode_before = act->market->before.mode;
                letter.leverage_before = act->market->before.leverage;
                letter.held_size = act->market->held_size;
        } else if (letter.kind == VENUE_ADJUST_MARGIN) {
                letter.held_size = act->held_size;
                letter.held_cash = act->held_cash;
        }
        return letters_add(&b->letters, &letter, b->venue, &act->compiled, &act->sig);
}

static enum errc compile_act(struct batch *b, struct batch_act *act, uint64_t nonce,
                             struct err *err)
{
        const struct api *api = b->call->api;
        int64_t life = api->o.expires_after_ms;
        uint64_t expires = life ? (uint64_t)(state_now(api) + life) : 0;
        struct store_intent_step *noted = &b->intent.step[act - b->acts];
        enum errc rc;

        rc = b->venue->ops->compile(b->venue, &act->compiled, &act->action,
                                    call_sub_account(b->call), nonce, expires, err);
        text_copy(noted->action, sizeof noted->action, act->name);
        noted->nonce = nonce;
        if (!rc) {
                noted->expires_after = expires;
                noted->digest = act->compiled.digest;
        }
        return rc ? rc : sign_act(b, act, err);
}

void batch_wave_run(struct batch *b, void (*done)(struct batch *b))
{
        unsigned n = b->n_acts - b->act;
        uint64_t nonce = 0;
        enum errc rc = E_OK;

        b->wave_done = done;
        if (n == 0) {
                done(b);
                return;
        }
        rc = nonce_ledger_take(b->call->api->o.nonces, &b->account.agent, n, &nonce);
        if (rc) {
                give_up_wave(b, rc);
                return;
        }
        for (unsigned i = b->act; i < b->n_acts; i++) {
                struct err err = {.code = E_OK};
                rc = compile_act(b, &b->acts[i], nonce++, &err);
                (void)err_set(&err, rc, "%s", err_text(rc));
                if (rc)
                        act_failed(b, &b->acts[i], &err);
        }
        b->intent.n_steps = b->n_acts;
        b->intent.updated_at = state_now(b->call->api);
        letters_attach(&b->intent, &b->letters);
        if (b->is_journaled)
                store_intent_update(b->call->api->o.store, &b->intent, wave_journaled, b);
        else
                store_intent_insert(b->call->api->o.store, &b->intent, wave_journaled, b);
}

/* --- the waves --- */

static void add_order(struct batch_act *act, struct batch_item *item)
{
        const struct venue_action *a = &item->plan.step[item->plan.order_step].action;
        struct venue_order *o = &act->action.u.order.order[act->action.u.order.n++];

        *o = a->u.order.order[0];
        o->asset = a->asset;
        act->item[act->n_items++] = item;
}

static bool may_be_placed(struct batch_item *item)
{
        static const char why[] = "The leverage it was planned with could not be set.";
        struct err err = {.code = E_OK};

        if (!item->is_planned || !item->is_journaled || item->err.code)
                return false;
        if (!item->market->lever_failed || item->request.reduce_only)
                return true;
        text_copy(err.detail, sizeof err.detail, why);
        batch_item_step(item, VENUE_ORDER, STEP_SKIPPED, &err);
        batch_item_step(item, VENUE_ADJUST_MARGIN, STEP_SKIPPED, &err);
        (void)err_set(&item->err, E_VENUE_REJECTED, "%s", why);
        return false;
}

/* All orders without legs are one action; one with legs is an action of its own, since the venue ties
 * the legs of an action to its first order. */
static void group_orders(struct batch *b)
{
        struct batch_act *all = NULL;

        for (unsigned i = 0; i < b->n_items; i++) {
                struct batch_item *item = &b->item[i];
                const struct venue_action *a;
                struct batch_act *act;
                if (!may_be_placed(item))
                        continue;
                a = &item->plan.step[item->plan.order_step].action;
                if (a->u.order.n > 1) {
                        act = batch_act_new(b, "order", VENUE_ORDER, a->asset);
                        act->action = *a;
                        act->item[act->n_items++] = item;
                        continue;
                }
                if (!all) {
                        all = batch_act_new(b, "order", VENUE_ORDER, a->asset);
                        all->action = *a;
                        all->action.u.order.n = 0;
                        all->action.u.order.own_assets = true;
                }
                add_order(all, item);
        }
}

static void levers_set(struct batch *b)
{
        group_orders(b);
        batch_wave_run(b, batch_after_orders);
}

static void start_waves(struct batch *b)
{
        struct store_intent *it = &b->intent;
        struct call *call = b->call;

        it->id = b->id;
        text_copy(it->brand, sizeof it->brand, call->brand->id);
        it->account = call->account;
        it->has_master = call->for_sub_account;
        it->master = call->session.address;
        it->signer = b->account.agent;
        text_copy(it->kind, sizeof it->kind, "batch");
        text_copy(it->idempotency_key, sizeof it->idempotency_key, call->key);
        memcpy(it->request_digest, b->digest, sizeof b->digest);
        it->created_at = state_now(call->api);
        it->state = INTENT_RESERVED;
        text_copy(it->owner, sizeof it->owner, call->api->o.node);
        it->epoch = 1;
        it->request = call->body;
        batch_wave_run(b, levers_set); /* leverage, where any differs */
}

/* --- the items' intents --- */

static void item_journaled(void *cookie, enum errc rc)
{
        struct batch_item *item = cookie;
        struct batch *b = item->market->batch;

        item->is_journaled = !rc;
        if (rc == E_EXISTS)
                (void)err_field(&item->err, E_IDEMPOTENCY, "clientId", "was used before");
        else if (rc)
                (void)err_set(&item->err, rc, "%s", err_text(rc));
        if (--b->writing > 0)
                return;
        b->intent.reduces_risk = true; /* unless one that opens is to be sent */
        for (unsigned i = 0; i < b->n_items; i++)
                if (b->item[i].is_journaled && !b->item[i].request.reduce_only)
                        b->intent.reduces_risk = false;
        start_waves(b);
}

static void item_intent(struct batch *b, struct batch_item *item)
{
        static const char *const roles[] = {"order", "tp", "sl"};
        const struct venue_action *a = &item->plan.step[item->plan.order_step].action;
        struct store_intent *it = &item->intent;

        it->id = item->cloid[0];
        text_copy(it->brand, sizeof it->brand, b->call->brand->id);
        it->account = b->call->account;
        it->has_master = b->call->for_sub_account;
        it->master = b->call->session.address;
        it->has_key = b->call->has_key;
        if (it->has_key)
                memcpy(it->key, call_key_id(b->call), sizeof it->key);
        it->signer = b->account.agent;
        text_copy(it->kind, sizeof it->kind, "order");
        text_copy(it->symbol, sizeof it->symbol, item->request.symbol);
        text_copy(it->client_id, sizeof it->client_id, item->request.client_id);
        memcpy(it->request_digest, b->digest, sizeof b->digest);
        it->created_at = it->updated_at = state_now(b->call->api);
        it->state = INTENT_RESERVED;
        it->reduces_risk = item->request.reduce_only;
        text_copy(it->owner, sizeof it->owner, b->call->api->o.node);
        it->epoch = 1;
        it->n_orders = a->u.order.n;
        for (unsigned k = 0; k < a->u.order.n; k++) {
                const struct venue_order *o = &a->u.order.order[k];
                unsigned role = k == 0 ? 0 : o->trigger == TRIGGER_TAKE_PROFIT ? 1 : 2;
                it->order[k].cloid = o->cloid;
                text_copy(it->order[k].role, sizeof it->order[k].role, roles[role]);
        }
}

static void insert_items(struct batch *b)
{
        b->writing = 1; /* our own hand on the door, until all are submitted */
        for (unsigned i = 0; i < b->n_items; i++) {
                struct batch_item *item = &b->item[i];
                if (!item->is_planned)
                        continue;
                item_intent(b, item);
                b->writing++;
                store_intent_insert(b->call->api->o.store, &item->intent, item_journaled, item);
        }
        if (--b->writing == 0)
                start_waves(b);
}

static void nonces_ready(void *cookie, enum errc rc)
{
        struct batch *b = cookie;

        if (rc) {
                (void)err_set(&b->err, rc, "%s", err_text(rc));
                batch_fail(b);
                return;
        }
        insert_items(b);
}

void batch_wave_start(struct batch *b)
{
        nonce_ledger_load(b->call->api->o.nonces, &b->account.agent, nonces_ready, b);
}
