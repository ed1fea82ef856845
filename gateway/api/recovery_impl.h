/* recovery_impl: what the files of recovery share: recovery.c has the cases and their turns,
 * recovery_case.c makes a case from an intent, recovery_ask.c and recovery_ask_more.c ask the venue about a
 * step, recovery_send.c sends one, recovery_repair.c finishes or puts back, recovery_answer.c words the end. */
#ifndef API_RECOVERY_IMPL_H
#define API_RECOVERY_IMPL_H

#include "api/recovery.h"
#include "api/state.h"
#include "api/turnstile.h"
#include "base/list.h"
#include "journal/letter.h"
#include "journal/recover.h"

/* One order or cancel of a step, and what the venue says of it. */
struct recovery_item {
        unsigned step;
        struct venue_cancel name;
        bool was_asked, is_found;
        struct venue_item item;
        char word[40]; /* the venue's */
};

enum recovery_kind {
        REC_ORDER,
        REC_CANCEL,
        REC_LEVERAGE,
        REC_MARGIN,
        REC_AGENT,
        REC_BUILDER_FEE,
        REC_FUNDS, /* to and from the account */
        REC_SUB_ACCOUNT,
        REC_SUB_TRANSFER,
        REC_UNTOLD, /* nothing tells */
};

struct recovery_step {
        enum recovery_kind kind;
        bool has_letter;
        struct letter letter; /* borrows from the intent's letters */
        unsigned first_item, n_items;
        struct err refusal; /* what the venue said, where it did */
        const char *note;   /* why it ended as it did, static; or NULL */
};

struct recovery_key {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        struct cloid id;
};

/* One intent on its way to an end. In one of the lists of recovery while it waits, in none while it acts. */
struct recovery_case {
        struct list link;
        struct list all; /* in the order in which they came */
        struct recovery *recovery;
        struct api *api;
        struct recovery_key key;
        int64_t created_at; /* of the intent, wall ms */
        int64_t adopted_at, adopted_mono;
        int64_t due_at; /* monotonic */
        int64_t life;   /* of a signed action; 0: no end */
        bool is_order;
        bool is_acting;
        /* Loaded. */
        bool is_loaded;
        struct store_intent intent; /* owned */
        struct recovery_step *step; /* owned */
        struct recover_step *steps; /* owned; the core's view of the same */
        struct recover_plan plan;
        struct recovery_item *item; /* owned */
        unsigned n_items;
        struct turnstile_pass pass;
        void (*entered)(struct recovery_case *c);
        struct recover_next now; /* the act under way */
        int64_t asked_at;        /* when it began, by recovery_impl_now */
        unsigned looking;        /* the item that is asked about */
        struct market market;    /* of the step under way */
        bool was_put_back;
        struct usd moved; /* margin that was moved at the end */
};

/* Wall ms that don't leap: counted by the monotonic clock since the case was taken over. */
int64_t recovery_impl_now(const struct recovery_case *c);
/* The act has ended with this word. */
void recovery_impl_heard(struct recovery_case *c, enum recover_word word);
/* Enters the line of the account's symbol unless it is inside; entered fires once, later or at once. */
void recovery_impl_enter(struct recovery_case *c, void (*entered)(struct recovery_case *c));
/* The step's market, into c->market; false while the venue has not told it. */
bool recovery_impl_market(struct recovery_case *c, const struct recovery_step *s);
struct recovery_step *recovery_impl_step(struct recovery_case *c);

/* recovery_case.c */
void recovery_case_load(struct recovery_case *c, const struct store_intent *intent);
void recovery_case_unload(struct recovery_case *c);
bool recovery_case_is_batch(const struct recovery_case *c);
/* Whether the venue took the order, whatever became of it since: cancelled is not refused. */
bool recovery_case_item_arrived(const struct recovery_item *item);
/* Whether the order is there, or has left a fill. */
bool recovery_case_item_stands(const struct recovery_item *item);
/* From the items: what the core wants to know of them. */
void recovery_case_note(struct recovery_case *c);
/* The index of the order step, -1: none. */
int recovery_case_order_step(const struct recovery_case *c);

void recovery_ask(struct recovery_case *c);
void recovery_ask_more(
        struct recovery_case *c); /* of what is no order: approvals, money, sub-accounts */
void recovery_send(struct recovery_case *c);
void recovery_repair_put_back(struct recovery_case *c);
void recovery_repair_add_margin(struct recovery_case *c);
/* State, steps, orders and answer of the intent as they are in the end. The answer is owned. */
void recovery_answer(struct recovery_case *c);

#endif
