/* batch: up to BATCH_MAX orders of one request. Each is checked and planned on its own, after the ones
 * before it; what is sent is grouped into as few signed actions as can be. Private to gateway/api:
 * batch.c takes the request as far as the reads, batch_plan.c plans, batch_wave.c journals, signs and
 * sends, batch_after.c says what follows from the outcomes, batch_answer.c words the answer.
 *
 * What an order of the batch may count on: its dex's account as it is, less the margin and fees of the orders
 * before it. What those would release, or hold by then, is not counted: an order that reduces is judged
 * against the position as it is now. A symbol's leverage is set once, before any order. */
#ifndef API_BATCH_H
#define API_BATCH_H

#include "api/accounts.h"
#include "api/call.h"
#include "api/turnstile.h"
#include "plan/plan.h"

#define BATCH_MAX      20
#define BATCH_ACTS_MAX INTENT_STEPS_MAX

struct batch;

/* One dex of the batch: an account of its own. */
struct batch_dex {
        struct batch *batch;
        char name[DEX_NAME_MAX];
        struct venue_account before, after;
        struct err after_err;            /* why after is not known */
        struct venue_open_order *orders; /* owned */
        size_t n_orders;
};

/* One market of the batch. */
struct batch_market {
        struct batch *batch;
        struct turnstile_pass pass;
        struct batch_dex *dex;
        struct market market;
        struct plan_policy policy;
        struct venue_setting setting; /* as the orders before would leave it */
        bool has_setting;
        struct qty held_size; /* of the position */
        struct venue_book book;
        bool wants_book, has_book;
        bool is_decided; /* an order that opens was planned at this setting */
        struct venue_setting before;
        int lever; /* the act that sets leverage, -1: none */
        bool lever_failed;
};

struct batch_item {
        struct plan_order_request request;
        struct err err; /* why it was refused */
        struct batch_market *market;
        struct cloid cloid[3];
        struct plan plan;
        bool is_planned; /* as far as the pre-check goes it may be placed */
        struct store_intent intent;
        bool is_journaled;
        bool is_unknown;
        unsigned n_outcomes;
        struct venue_item outcome[3];
};

/* One signed action. */
struct batch_act {
        const char *name;
        struct venue_action action;
        struct venue_compiled compiled;
        struct signature sig;
        enum step_status status;
        struct batch_market *market; /* leverage */
        bool is_put_back;            /* leverage as it was before */
        struct qty held_size;        /* margin: the position before it is moved */
        struct usd held_cash;
        unsigned n_items; /* orders, margin: whose, in order */
        struct batch_item *item[BATCH_MAX];
        unsigned next_lookup;
};

struct batch {
        struct call *call;
        struct venue *venue;
        uint8_t digest[32];
        struct err err; /* what ends the whole */
        struct store_account account;
        unsigned n_items;
        struct batch_item *item; /* owned */
        unsigned n_markets;
        struct batch_market *market; /* owned, by symbol */
        unsigned gate;               /* next market whose line is entered */
        unsigned reading;
        unsigned n_dexes;
        struct batch_dex dex[1 + VENUE_DEXES_MAX];
        struct account_facts facts;
        /* Journal and execution. */
        struct cloid id;
        struct store_intent intent;
        struct buf letters; /* of what is signed so far */
        bool is_journaled;
        unsigned writing;
        unsigned n_acts, act;
        struct batch_act *acts; /* owned */
        void (*wave_done)(struct batch *batch);
        void (*wave_done_unknown)(struct batch *batch); /* an answer that was lost */
};

void batch_fail(struct batch *batch); /* with batch->err: nothing was sent */
void batch_free(struct batch *batch);

/* Plans every item that has no error. */
void batch_plan(struct batch *batch);

/* An empty act, or NULL where there is no room: the caller leaves it. */
struct batch_act *batch_act_new(struct batch *batch, const char *name, enum venue_action_kind kind,
                                uint32_t asset);
/* Notes what became of an item's own step of this kind. */
void batch_item_step(struct batch_item *item, enum venue_action_kind kind, enum step_status status,
                     const struct err *err);

/* Journals the items' intents, then sends all in waves, then answers. */
void batch_wave_start(struct batch *batch);
/* Journals, signs and sends the acts from batch->act on; done when all have ended. */
void batch_wave_run(struct batch *batch, void (*done)(struct batch *batch));
/* What follows from an act's outcome for the items it is of. */
void batch_after_act(struct batch *batch, struct batch_act *act,
                     const struct venue_outcome *outcome);
/* Asks the venue what became of an act whose answer was lost; done when that is noted. */
void batch_after_unknown(struct batch *batch, void (*done)(struct batch *batch));
/* After the orders: margin to move, leverage to put back; then the end. */
void batch_after_orders(struct batch *batch);
void batch_answer(struct batch *batch, struct buf *out);
/* The result of one of its orders. */
void batch_answer_item(struct batch *batch, unsigned i, struct buf *out);
const char *batch_answer_word(const struct batch_item *item);

#endif
