/* mirror: a shadow of every watched account, kept by events, corrected by what the venue says.
 * An account is a wallet's or sub-account's address on one dex ("" the venue's first). Each shadow
 * starts from the last whole state read and replays what happened after the venue's time of it, so that
 * events may come late, twice or in any order.
 * Pure of I/O: events in, views and hooks out; `now` and `at` are wall ms, given by the caller. What
 * should be read next is answered, never done. Loop thread only.
 * Nothing is guessed: what could not be told sets a doubt, which every view shows and a read clears. */
#ifndef MIRROR_MIRROR_H
#define MIRROR_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/feed.h"
#include "adapters/venue.h"
#include "base/buf.h"
#include "risk/margin_account.h"
#include "risk/risk_source.h"

struct mirror;

#define MIRROR_DEX_MAX    16   /* bytes of a dex's name with its NUL */
#define MIRROR_BANDS_MAX  3    /* two marks each, and the liquidation price: TICKS_LEVELS_MAX */
#define MIRROR_ORDERS_MAX 2048 /* resting orders kept of one account */

/* Why a shadow may be wrong. Bits: an account can have several. */
enum mirror_doubt {
        DOUBT_UNREAD = 1 << 0,   /* never read */
        DOUBT_GAP = 1 << 1,      /* trades of a market it holds or has orders in may be missing */
        DOUBT_FILL = 1 << 2,     /* a fill was seen; its fee and margin are not confirmed */
        DOUBT_OUTCOME = 1 << 3,  /* an action of ours has an unknown outcome, or is under way */
        DOUBT_FUNDING = 1 << 4,  /* funding was computed here, or could not be */
        DOUBT_CONTEXT = 1 << 5,  /* a market's prices are stale or missing */
        DOUBT_RERATED = 1 << 6,  /* the market's tiers changed under the position */
        DOUBT_TIERS = 1 << 7,    /* the position's tiers are not known */
        DOUBT_POOLED = 1 << 8,   /* collateral is shared with what this account does not show */
        DOUBT_DRIFT = 1 << 9,    /* it was wrong without a reason, beyond the threshold */
        DOUBT_ORDERS = 1 << 10,  /* resting orders are not known whole */
        DOUBT_SETTING = 1 << 11, /* mode or leverage of a position was taken for the default */
        DOUBT_LIQUIDATED = 1 << 12, /* a liquidation was told or is likely, and not yet read */
        DOUBT_TOLD = 1 << 13,       /* the caller says that something changed */
        DOUBT_RANGE = 1 << 14,      /* a figure is beyond what numbers hold here */
};
const char *mirror_doubt_text(uint32_t doubts); /* the first one's sentence; "" for none */

enum mirror_level { LEVEL_LIQUIDATION, LEVEL_BAND }; /* LEVEL_BAND + i: band i */

/* What was compared with the venue and differed. */
enum mirror_field {
        FIELD_SIZE,
        FIELD_ENTRY,
        FIELD_ISOLATED_CASH,
        FIELD_MODE,
        FIELD_LEVERAGE,
        FIELD_FUNDING,
        FIELD_CROSS_CASH,
        FIELD_ORDERS,
        FIELD_LIQUIDATION_PRICE,
        FIELD_ACCOUNT_VALUE,
        FIELD_MARGIN_USED,
        FIELD_MAINTENANCE,
        FIELD_WITHDRAWABLE,
};
#define MIRROR_FIELDS 13
const char *mirror_field_name(enum mirror_field field);

/* Why it differed. */
enum mirror_cause {
        CAUSE_NONE,        /* that is not known: drift */
        CAUSE_GAP,         /* trades, or word of orders, were missed while the feed was cut off */
        CAUSE_LATE,        /* it was told after the state that held it already */
        CAUSE_OUTCOME,     /* an action of ours was under way, or its outcome is unknown */
        CAUSE_FILL,        /* a fill's fee, margin or place among others was a guess, and said so */
        CAUSE_FUNDING,     /* an hour's funding was computed here, or not charged yet */
        CAUSE_LIQUIDATION, /* told, or what the venue's backstop takes */
        CAUSE_TOLD,        /* the caller had said that something changed */
        CAUSE_RULES,       /* tiers, mode or leverage were a guess, and said so */
        CAUSE_RANGE,       /* a figure was beyond what numbers hold here */
        CAUSE_ASKED,     /* the venue's list of fills, asked for, has what the feed had not told */
        CAUSE_ELSEWHERE, /* as a deposit, a transfer, an edit of margin or leverage shows */
};
#define MIRROR_CAUSES 12
const char *mirror_cause_name(enum mirror_cause cause);

/* Told in the course of the call that caused it. A hook may ask for views, and change nothing. What
 * is pointed at is borrowed for the call. NULL members are not called. */
struct mirror_crossing {
        const struct addr *user;
        const char *dex, *symbol;
        unsigned level;   /* enum mirror_level */
        struct rate band; /* of a band; 0 for liquidation */
        bool reached;     /* else left again */
        bool is_cross;    /* judged on the account; symbol is the nearest market then */
        struct px mark, liquidation;
        struct rate distance;
        enum risk_source source;
        int64_t at; /* when the mark was heard */
};
struct mirror_fill_seen {
        const struct addr *user;
        const char *dex, *symbol;
        enum side side;
        struct px price;
        struct qty size, size_after; /* size_after signed */
        uint64_t tid;                /* 0: known from our own order's outcome */
        uint64_t oid;                /* 0: not told */
        int64_t at;
};
struct mirror_funding_charge {
        const struct addr *user;
        const char *dex, *symbol;
        struct usd amount; /* < 0: paid */
        struct rate rate;
        int64_t at;
        bool is_exact; /* as the venue said; else computed here */
};
struct mirror_liquidation_note {
        const struct addr *user;
        const char *dex, *symbol;
        /* The venue said so, or it went with all its margin; else it is gone after a mark beyond
         * its price. */
        bool is_certain;
        struct qty size; /* signed: what is no longer held */
        bool is_isolated;
        struct usd lost; /* isolated: its margin less what came back; cross: of the cross balance */
        struct usd kept; /* account value left on the dex, isolated margins included */
        int64_t at;
};
struct mirror_trigger_note {
        const struct addr *user;
        const char *dex, *symbol;
        uint64_t oid;
        enum trigger_kind trigger;
        struct px trigger_price; /* 0: not told, nor the kind */
        int64_t at;
};
/* A trigger order that rested is not in the list any more, and no event said why. */
struct mirror_vanished_note {
        const struct addr *user;
        const char *dex;
        uint64_t oid;
};
/* Nothing that was told explains a difference: the list of fills between these may (mirror_history). */
struct mirror_unexplained_note {
        const struct addr *user;
        const char *dex;
        int64_t from, until; /* the venue's time, both included */
};
struct mirror_drift_note {
        const struct addr *user;
        const char *dex;
        bool is_drifted;    /* false: a later state came out clean */
        struct usd amount;  /* by how much, in the collateral */
        uint32_t fields;    /* bits by enum mirror_field */
        int64_t wrong_from; /* wall ms: the last state that agreed; 0: none */
        int64_t wrong_until;
};
struct mirror_hooks {
        void (*crossed)(void *cookie, const struct mirror_crossing *crossing);
        void (*fill)(void *cookie, const struct mirror_fill_seen *fill);
        void (*funding)(void *cookie, const struct mirror_funding_charge *charge);
        void (*liquidated)(void *cookie, const struct mirror_liquidation_note *note);
        void (*triggered)(void *cookie, const struct mirror_trigger_note *note);
        void (*vanished)(void *cookie, const struct mirror_vanished_note *note);
        void (*unexplained)(void *cookie, const struct mirror_unexplained_note *note);
        void (*drift)(void *cookie, const struct mirror_drift_note *note);
        void *cookie;
};

/* How and when a reading was made. asked_at: when it was sent, 0 for what the venue pushed. */
struct mirror_reading {
        int64_t asked_at, at;
};
/* Who follows the accounts that are attended to (mirror_attend) closely. Called as hooks are, under the same
 * rules. What comes in is told as it came, before the mirror has judged it: late, twice, in any order. */
struct mirror_listener {
        void (*settled)(void *cookie, const struct addr *user,
                        const char *dex); /* it may have changed */
        /* The caller says that something was done which no event shows. */
        void (*touched)(void *cookie, const struct addr *user, const char *dex);
        void (*fill)(void *cookie, const struct mirror_fill_seen *fill);
        void (*fills)(void *cookie, const struct addr *user, const struct venue_fill *rows,
                      size_t n, int64_t at);
        void (*orders)(void *cookie, const struct addr *user, const char *dex,
                       const struct mirror_reading *reading, const struct venue_open_order *orders,
                       size_t n);
        void (*order)(void *cookie, const struct addr *user,
                      const struct venue_order_status *status, int64_t at);
        void (*outcome)(void *cookie, const struct addr *user, const struct venue_action *action,
                        const struct venue_outcome *outcome, int64_t at);
        /* Of anybody: prices came; a topic is whole again, from now on. */
        void (*marks)(void *cookie, const struct feed_context *rows, size_t n, int64_t at);
        void (*whole)(void *cookie, const struct feed_topic *topic, int64_t at);
        void *cookie;
};

/* 0 stands for the default, given here. */
struct mirror_options {
        struct mirror_hooks hooks;
        size_t accounts_max;                /* 1,000,000 */
        unsigned markets_max;               /* 4,096 */
        unsigned sent_max;                  /* actions under way: 4,096 */
        unsigned seen_trades;               /* remembered by market: 1,024 */
        unsigned n_bands;                   /* 3 */
        struct rate band[MIRROR_BANDS_MAX]; /* liquidation distance, falling: 0.20, 0.10, 0.05 */
        struct rate hysteresis;             /* a band is left at distance * (1 + this): 0.05 */
        struct rate drift_share;            /* of equity, above which a drift counts: 0.001 */
        struct usd drift_least;             /* and at least so much: 0.01 */
        int64_t context_max_age_ms;         /* 15,000 */
        int64_t verify_after_ms;            /* a fill, coalesced: 5,000 */
        int64_t danger_every_ms;            /* nearest band reached: 60,000 */
        int64_t attended_every_ms;          /* a socket attached, or open orders: 300,000 */
        int64_t sweep_every_ms;             /* any other that holds something: 5,400,000 */
        int64_t retry_ms;                   /* after a failed read, doubled up to 32 times: 2,000 */
        int64_t setting_max_age_ms;         /* of a symbol without a position: 600,000 */
};

struct mirror *mirror_new(const struct mirror_options *options);
void mirror_free(struct mirror *mirror); /* accepts NULL */
/* One at a time; all members are set. NULL: nobody listens any more. */
void mirror_listen(struct mirror *mirror, const struct mirror_listener *listener);

/* ---- who is watched ---- */
/* Watching counts. E_LIMIT: as many accounts, or dexes, as there may be; E_INVALID: a dex's name. */
MUST_USE enum errc mirror_watch(struct mirror *mirror, const struct addr *user, const char *dex);
void mirror_unwatch(struct mirror *mirror, const struct addr *user, const char *dex);
bool mirror_watches(const struct mirror *mirror, const struct addr *user, const char *dex);

/* ---- what is so: events in; all may come twice and in any order ---- */
/* A market as it is now: new, or changed in its tiers, leverage cap or listing. E_LIMIT. */
MUST_USE enum errc mirror_market(struct mirror *mirror, const struct market *market, int64_t now);
void mirror_contexts(struct mirror *mirror, const struct feed_context *rows, size_t n, int64_t at);
/* A whole state. One that is older than the last is counted and left alone. */
void mirror_state(struct mirror *mirror, const struct addr *user, const char *dex,
                  const struct mirror_reading *reading, const struct venue_account *state);
/* All open orders on the dex. */
void mirror_orders(struct mirror *mirror, const struct addr *user, const char *dex,
                   const struct mirror_reading *reading, const struct venue_open_order *orders,
                   size_t n);
void mirror_order_status(struct mirror *mirror, const struct addr *user,
                         const struct venue_order_status *status, int64_t at);
/* Mode and leverage of a symbol, as read. */
void mirror_setting(struct mirror *mirror, const struct addr *user, const char *symbol,
                    const struct mirror_reading *reading, enum margin_mode mode, unsigned leverage);
void mirror_pool(struct mirror *mirror, const struct addr *user, enum margin_pool pool, int64_t at);
enum margin_pool mirror_pool_from(const char *word); /* the venue's: "standard", "unified", ... */
void mirror_fees(struct mirror *mirror, const struct addr *user, const struct venue_fees *fees);
void mirror_trades(struct mirror *mirror, const struct feed_trade *rows, size_t n, int64_t at);
void mirror_fills(struct mirror *mirror, const struct addr *user, const struct venue_fill *rows,
                  size_t n, bool is_snapshot, int64_t at);
void mirror_payments(struct mirror *mirror, const struct addr *user,
                     const struct venue_payment *rows, size_t n, int64_t at);
/* Funding due at the full hour hour_at, charged to all positions for which none was told: to the first
 * accounts at once, to the rest by mirror_tick. */
void mirror_funding(struct mirror *mirror, int64_t hour_at, int64_t now);
/* All fills of the account between these times, both included, as the venue lists them when asked. */
void mirror_history(struct mirror *mirror, const struct addr *user, const char *dex, int64_t from,
                    int64_t until, const struct venue_fill *rows, size_t n);
void mirror_liquidated(struct mirror *mirror, const struct feed_liquidation *liquidation,
                       int64_t at);
/* A topic has a gap since `since` (0: never whole), or is whole from now on. */
void mirror_gap(struct mirror *mirror, const struct feed_topic *topic, int64_t since, int64_t at);
void mirror_live(struct mirror *mirror, const struct feed_topic *topic, int64_t at);
/* All that the venue had told of the topic up to `since` has come: what a state of before that holds and
 * nobody told was not told. */
void mirror_proven(struct mirror *mirror, const struct feed_topic *topic, int64_t since);
/* Whether such a proof is waited for now: a difference has no reason, unless one is still under way. */
bool mirror_wants_proof(const struct mirror *mirror, int64_t now);
/* Any event of a feed: sorted to the functions above. */
void mirror_event(struct mirror *mirror, const struct feed_event *event);
/* Something that no event shows was done to the account: a transfer, a mode switch. */
void mirror_touched(struct mirror *mirror, const struct addr *user, const char *dex, int64_t now);

/* ---- what the gateway itself does ---- */
/* Before an action is sent; a ticket for its outcome. Never 0, also for accounts nobody watches. */
uint64_t mirror_sent(struct mirror *mirror, const struct addr *user,
                     const struct venue_action *action, int64_t now);
/* Exactly once a ticket; more are counted and left alone. VENUE_UNKNOWN leaves a doubt. */
void mirror_outcome(struct mirror *mirror, uint64_t ticket, const struct venue_outcome *outcome,
                    int64_t now);

/* ---- views ---- */
/* Where a figure comes from. reason is "" unless source is an estimate. Texts are static. */
struct mirror_trust {
        enum risk_source source;
        const char *reason;
};
/* The caller sets the rooms; mirror_view fills the rest. */
struct mirror_view {
        struct venue_position *position; /* room for position_max */
        struct mirror_trust *trust;      /* by position, position_max too; or NULL */
        size_t position_max;
        struct venue_open_order *order; /* or NULL: not wanted */
        size_t order_max;

        struct venue_account account; /* position points into the room; cross.resting is 0 */
        struct usd resting;           /* margin that resting orders reserve, where known */
        size_t n_orders;              /* resting, also where order is NULL */
        bool orders_known;
        enum margin_pool pool;
        struct mirror_trust total; /* the account's figures: the worst that goes into them */
        uint32_t doubts;           /* bits of enum mirror_doubt */
        int64_t as_of;             /* the venue's time of the newest thing in it */
        int64_t confirmed_at;      /* wall ms: last state read; 0: never */
        bool is_drifted;
};
/* Valued at present marks. E_NOT_FOUND: not watched or never read; E_LIMIT: no room; E_RANGE. */
MUST_USE enum errc mirror_view(struct mirror *mirror, const struct addr *user, const char *dex,
                               int64_t now, struct mirror_view *view);
/* Mode, leverage, mark, and what is available to trade. E_NOT_FOUND: not known, or there is no position
 * and it was read or set too long ago: to be read, and given to mirror_setting. */
MUST_USE enum errc mirror_view_setting(struct mirror *mirror, const struct addr *user,
                                       const char *symbol, int64_t now, struct venue_setting *out);
/* Whether pre-checks on the symbol ("": the account alone) may stand on the shadow as it is, read at
 * most max_age ms ago; else *reason (may be NULL) says why it must be read first. */
bool mirror_ready(struct mirror *mirror, const struct addr *user, const char *dex,
                  const char *symbol, int64_t now, int64_t max_age, const char **reason);

/* ---- needs: what to read next ---- */
enum mirror_rank {                /* first the most urgent */
                   RANK_WAITING,  /* a caller waits for it */
                   RANK_VERIFY,   /* a fill, an outcome, a liquidation to confirm */
                   RANK_GAP,      /* may have missed something */
                   RANK_DANGER,   /* near liquidation */
                   RANK_ATTENDED, /* a socket attached, or open orders */
                   RANK_SWEEP,
};
#define MIRROR_RANKS 6
enum mirror_part { PART_STATE = 1, PART_ORDERS = 2, PART_POOL = 4 };
struct mirror_need {
        struct addr user;
        char dex[MIRROR_DEX_MAX];
        enum mirror_rank rank;
        unsigned parts; /* bits of enum mirror_part */
        int64_t due_at;
};
/* The most urgent account that is due, taken: it is not told again until its state, or
 * mirror_read_failed, arrives (or half a minute has gone). False: none is due. */
bool mirror_next_need(struct mirror *mirror, int64_t now, struct mirror_need *need);
void mirror_read_failed(struct mirror *mirror, const struct addr *user, const char *dex,
                        int64_t now);
/* A caller waits for the account. */
void mirror_want(struct mirror *mirror, const struct addr *user, const char *dex, int64_t now);
/* A trader's socket came (+1) or went (-1). */
void mirror_attend(struct mirror *mirror, const struct addr *user, int change, int64_t now);
/* Who deserves the user subscriptions now, best first; a part of max goes to a changing sample. */
size_t mirror_user_slots(struct mirror *mirror, int64_t now, struct addr *out, size_t max);
/* Work that is spread over time; call it a few times a second. */
void mirror_tick(struct mirror *mirror, int64_t now);

/* ---- figures ---- */
struct mirror_stats {
        size_t accounts, positions, orders, markets, tables;
        size_t bytes; /* of all accounts and what hangs on them, thresholds apart */
        size_t due[MIRROR_RANKS];
        uint64_t states, states_clean, states_stale;
        uint64_t trades, trades_known, trades_seen_before, trades_old;
        uint64_t fills, payments, outcomes, contexts;
        uint64_t crossed, looks; /* thresholds passed, cross accounts looked at because of marks */
        uint64_t refused; /* contradictory, unknown or out of range: counted and left alone */
        uint64_t drift_explained[MIRROR_FIELDS], drift_unexplained[MIRROR_FIELDS];
        uint64_t drift_cause[MIRROR_CAUSES][MIRROR_FIELDS]; /* the same, by cause */
        size_t suspicions;                                  /* whose reason is waited for */
        uint64_t drifted_ever;
        size_t drifted_now;
        int64_t wrong_ms_last, wrong_ms_max;
};
void mirror_stats(const struct mirror *mirror, struct mirror_stats *out);
/* Appends metrics in text exposition format. */
void mirror_metrics(const struct mirror *mirror, struct buf *out);

#endif
