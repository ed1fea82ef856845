/* pipeline: the one way by which anything of a trader's is signed and sent. A request becomes a plan;
 * the plan's steps are journaled, signed, sent, and their outcomes journaled before the answer.
 * What is previewed runs the same stages up to the signature. */
#ifndef API_PIPELINE_H
#define API_PIPELINE_H

#include "api/call.h"
#include "plan/plan.h"

enum run_kind {
        RUN_PLACE,
        RUN_CLOSE,
        RUN_LEVERAGE,
        RUN_MARGIN,
        RUN_CANCEL,
        RUN_MODIFY,
        RUN_TPSL,
        RUN_SUB_ACCOUNT,  /* makes one */
        RUN_SUB_TRANSFER, /* moves money between it and its master */
        RUN_SIZE,         /* previewed only: the order is found that risks what is asked */
};

/* What is asked, validated as far as its own fields go. A value. */
struct run_request {
        enum run_kind kind;
        bool preview; /* as far as the journal: nothing is signed, before and after are shown */
        bool prepare; /* as far as the journal: the trader signs the steps, and submits them */
        char symbol[SYMBOL_MAX];
        struct plan_order_request order; /* PLACE, SIZE */
        bool keeps_setting; /* PLACE, previewed: mode and leverage as they are set at the venue */
        bool has_mode;      /* LEVERAGE */
        enum margin_mode mode;
        unsigned leverage;
        struct usd amount; /* MARGIN, unless by target */
        struct plan_margin_target target;
        /* CANCEL: already resolved to what the venue knows. */
        unsigned n_cancels;
        struct venue_cancel cancel[VENUE_CANCELS_MAX];
        char cancel_id[VENUE_CANCELS_MAX][CLOID_STR_MAX]; /* as the trader knows them */
        bool cancel_single;            /* a refusal is the answer, not a row of it */
        char order_id[CALL_PARAM_MAX]; /* MODIFY: as the trader names it */
        struct plan_change change;
        struct plan_tpsl tpsl;                 /* TPSL */
        struct plan_sized_request sized;       /* SIZE */
        bool cancels_more;                     /* there are more than one action takes */
        char sub_name[VENUE_SUB_NAME_MAX + 1]; /* SUB_ACCOUNT */
        struct addr sub_account;               /* SUB_TRANSFER; its amount is the one above */
        bool is_deposit;
};

/* Whether the request is about a market: then it has its line, its rules, its plan and risk. */
static inline bool pipeline_has_market(enum run_kind kind)
{
        return kind != RUN_CANCEL && kind != RUN_SUB_ACCOUNT && kind != RUN_SUB_TRANSFER;
}

/* Takes over call; answers it when all is known and on disk. Where the brand keeps no keys, or the
 * query says ?prepare=true, it answers what is to be signed instead. */
void pipeline_start(struct call *call, const struct run_request *request);

#endif
