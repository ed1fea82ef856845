/* run: the state of one request on its way through the pipeline. Private to gateway/api: pipeline.c
 * has the stages, run_journal.c the records, run_steps.c executes a plan's steps, run_answer.c words the
 * answer, run_foresee.c a preview's. */
#ifndef API_RUN_H
#define API_RUN_H

#include "api/turnstile.h"
#include "api/accounts.h"
#include "api/pipeline.h"
#include "journal/letter.h"

struct run {
        struct api *api;
        struct call *call;
        struct venue *venue;
        struct run_request q;
        unsigned stage;
        struct turnstile_pass pass; /* first in line for account and symbol */
        struct err err;             /* the refusal that ends it, code 0 while none */
        uint8_t digest[32];         /* of the request: route, parameters and body */
        struct store_account account;
        struct market market; /* a copy: the venue's own may be replaced while we wait */
        struct plan_policy policy;
        struct cloid cloid[3];
        /* Read for this request. */
        unsigned reading;
        bool is_second_look; /* the mirror refused: read from the venue */
        struct venue_account before;
        struct venue_setting setting;
        struct venue_book book;
        bool has_book;
        struct account_facts facts;      /* fee rates, collateral mode */
        struct venue_open_order *orders; /* owned */
        size_t n_orders;
        struct venue_open_order old; /* MODIFY: the order as it stands */
        char old_status[24];         /* MODIFY: what became of it; "" not known */
        void (*find_done)(struct run *run);
        /* Decided. */
        struct plan plan;
        struct plan_sized sized; /* SIZE */
        /* Prepared: what was asked. is_given: the signatures, by step, are the trader's own. */
        char *asked; /* owned */
        bool is_given;
        struct signature given[PLAN_STEPS_MAX]; /* or the agent's */
        /* Journal and execution. */
        struct store_intent intent;
        struct buf letters; /* of what is signed so far */
        bool journaled;
        uint64_t first_nonce;
        struct venue_compiled compiled; /* of the step under way */
        unsigned step;
        struct venue_outcome outcome; /* of the order or cancel step */
        bool has_outcome;
        bool unknown; /* a step's outcome is not known */
        struct venue_account after;
        bool has_after;
        struct venue_open_order *orders_after; /* TPSL: owned */
        size_t n_orders_after;
        /* Sub-accounts: what was there before, so that a lost answer can be found out. */
        struct addr *subs_before; /* SUB_ACCOUNT: owned */
        size_t n_subs_before;
        struct addr sub_made;    /* SUB_ACCOUNT, done */
        int64_t ledger_from;     /* SUB_TRANSFER */
        unsigned n_moves_before; /* transfers just like it in the ledger since then */
        void (*sub_done)(struct run *run, bool is_done);
};

static inline bool run_is_order(const struct run *run)
{
        return run->q.kind == RUN_PLACE || run->q.kind == RUN_SIZE;
}

/* Goes on with the next stage. */
void pipeline_next(struct run *run);
/* Ends with run->err: journals it where something was journaled, answers, frees. */
void pipeline_fail(struct run *run);
void pipeline_free(struct run *run);
/* Whether what is asked may open risk: decided by the request, whatever its route's label. */
bool pipeline_opens_risk(const struct run *run);
/* Whether that is admitted for this call; err as admit_check has it. */
MUST_USE enum errc pipeline_admit(const struct run *run, const struct call *call, struct err *err);
/* A prepared run goes on, for another call: from the line of its symbol to the journal. */
void pipeline_resume(struct run *run, struct call *call);

/* run_find.c: what a modification is of; the market follows from it. */
void run_find(struct run *run);
/* The same order among those just read; run->err where it is gone. */
void run_find_again(struct run *run);
/* Asks what became of it, into old_status. */
void run_find_fate(struct run *run, void (*done)(struct run *run));

/* run_sub.c: reads what making or funding a sub-account stands on, and goes on with pipeline_next. */
void run_sub_read(struct run *run);
/* The one step of the plan. */
void run_sub_build(struct run *run);
/* After an unknown outcome, asks the venue whether it was done: no may become yes later. */
void run_sub_find_out(struct run *run, void (*done)(struct run *run, bool is_done));
void run_sub_made(struct run *run, const struct addr *made);
void run_sub_members(struct buf *out, const struct run *run);

/* Stages: run_read.c asks the venue for what the plan stands on; run_journal.c writes the intent, and at the end the result; run_steps.c executes the steps
 * one after another. Each goes on with pipeline_next. */
void run_read(struct run *run);
/* The same from the venue itself, after a refusal that the mirror led to. */
void run_read_again(struct run *run);
/* Whether the plan stands on the open orders; a preview reads them in any case, to show them. */
bool run_read_plans_orders(const struct run *run);
void run_journal(struct run *run);
/* Compiles the steps for their trader to sign, and puts the run aside. */
void run_journal_prepare(struct run *run);
/* Whether step i can be signed before anything is sent: what it moves is known. */
bool run_journal_can_prepare(const struct run *run, unsigned i);
void run_execute(struct run *run);
void run_settle(struct run *run);
/* Compiles step i with its nonce, and notes nonce, expiry and digest in the intent. */
MUST_USE enum errc run_compile(struct run *run, unsigned i, uint64_t nonce, struct err *err);

/* run_letters.c: signs step i, as compiled, unless its trader did, and adds its letter. */
MUST_USE enum errc run_letters_add(struct run *run, unsigned i, struct err *err);
/* Adds what is known of the margin that follows the fill, where there is any. */
MUST_USE enum errc run_letters_add_pending(struct run *run);
/* Adds those of what its trader signed. */
MUST_USE enum errc run_letters_add_given(struct run *run, struct err *err);
/* Compiles step i as the intent has it. */
MUST_USE enum errc run_letters_recompile(struct run *run, unsigned i, struct err *err);
/* Puts them into the intent, for the next write. */
void run_letters_attach(struct run *run);
void run_letters_fini(struct run *run);

/* A step's status as the journal keeps it. */
enum intent_state run_intent_state(enum step_status status);
/* Notes the steps' states in the intent. */
void run_note_steps(struct run *run);

/* run_foresee.c: "before" and "after" of what is previewed, as members. */
void run_foresee_members(struct buf *out, const struct run *run);
/* run_size.c: what was sized, as members. */
void run_size_members(struct buf *out, const struct run *run);

/* run_answer.c: the final answer as JSON into out, and its HTTP status. A refusal or an unknown
 * outcome is a problem document with the plan beside it. */
int run_answer(struct run *run, struct buf *out);
bool run_answer_is_problem(const struct run *run);
/* Status word of the order: resting, filled, partiallyFilled, triggerPending, rejected, unknown. */
const char *run_order_status(const struct run *run);

#endif
