/* paper_twap: orders that the venue executes in slices over minutes. One slice at most every 30
 * seconds of the venue's clock, an IOC no more than 3 percent from the mid; a slice brings the
 * executed size up to the share of the time that has passed, but is no more than three times as
 * large as an even one. Every account's TWAPs that run stand in one list; what became of them stays
 * in the account's history. */
#ifndef PAPER_TWAP_H
#define PAPER_TWAP_H

#include "adapters/hyperliquid/hl_action.h"
#include "adapters/paper/wire.h"

enum paper_twap_status {
        PAPER_TWAP_WAITING,
        PAPER_TWAP_ACTIVATED,
        PAPER_TWAP_FINISHED,
        PAPER_TWAP_TERMINATED,
        PAPER_TWAP_STOPPED,
        PAPER_TWAP_ERROR,
};

struct paper_twap {
        struct list in_paper; /* while it runs or waits */
        uint64_t id;
        struct addr user;
        struct hl_twap ask;
        bool stop_is_above; /* the stop price lies above the mark it was placed at */
        int64_t placed_at;
        int64_t started_at; /* 0: waits for its trigger */
        int64_t next_at;
        struct qty executed;
        struct usd executed_notional;
        enum paper_twap_status status;
        char description[PAPER_TEXT_MAX]; /* of an error */
};

/* One change of one TWAP. */
struct paper_twap_row {
        int64_t at;
        struct paper_twap twap; /* as it was then; in no list */
};

void paper_twap_order(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                      const struct hl_twap *ask);
void paper_twap_cancel(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       uint32_t asset, uint64_t id);
/* Slices that are due, triggers, stops and ends. */
void paper_twap_tick(struct paper *p, int64_t at);
/* When the next slice is due; INT64_MAX: none runs. */
int64_t paper_twap_next(const struct paper *p);
/* A fill of the slice being placed: called by the engine's sink. */
void paper_twap_on_fill(struct paper *p, const struct engine_fill *fill);
void paper_twap_fini(struct paper *p);

/* {time, state, status, twapId}, one change or the whole history, newest first. */
void paper_twap_show_row(struct paper *p, struct buf *out, const struct paper_twap_row *row);
void paper_twap_show_history(struct paper *p, struct buf *out, const char *key,
                             const struct paper_user *user);
/* [[twapId, state]] of those that run. */
void paper_twap_show_states(struct paper *p, struct buf *out, const char *key,
                            const struct addr *user, unsigned dex);

#endif
