/* errand: one action that the gateway does of its own accord with a trader's agent: journaled, signed and
 * sent like any other, and found out about where its answer is lost. */
#ifndef API_ERRAND_H
#define API_ERRAND_H

#include "api/state.h"

struct errand {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        struct addr wallet; /* whose agent signs: the account itself, or its master */
        char kind[16];      /* in the journal */
        char step[16];
        char symbol[SYMBOL_MAX];
        bool has_id; /* else random; with one it is done once, whoever asks again */
        struct cloid id;
        struct venue_action action;
        bool is_put_back;
        struct qty held_size; /* margin: the position before it */
        struct usd held_cash;
};

/* state: DONE, REJECTED or UNKNOWN; rc says why nothing was sent (E_EXISTS: done before, E_AGENT: no
 * approved agent), then state is REJECTED; err is the venue's refusal. */
typedef void errand_fn(void *cookie, enum errc rc, enum intent_state state, const struct err *err);
/* Copies what. done fires once, after it is on disk, never before return. Counts as an open run until
 * then. */
void errand_start(struct api *api, const struct errand *what, errand_fn *done, void *cookie);

#endif
