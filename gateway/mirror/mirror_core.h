/* mirror_core: what the mirror's files share; private to mirror.
 * Every change of an account ends in mirror_settle: thresholds, needs and doubts follow there. */
#ifndef MIRROR_MIRROR_CORE_H
#define MIRROR_MIRROR_CORE_H

#include "base/list.h"
#include "base/map.h"
#include "mirror/mirror.h"
#include "mirror/shadow.h"
#include "mirror/ticks.h"

#define MIRROR_HOUR_MS    INT64_C(3600000)
#define MIRROR_DEXES_MAX  255
#define MIRROR_TABLES_MAX 65535
/* How far the venue's clock and ours, or a pushed state and the events around it, may be apart. */
#define MIRROR_SLACK_MS 2000
/* The venue charges funding somewhat after the hour. */
#define MIRROR_FUNDING_LATE_MS INT64_C(120000)

#define MIRROR_SPELL_MS INT64_C(60000)

/* Trades that touched a watched account, by market: bit 0 the buyer's side, bit 1 the seller's. */
struct mirror_seen {
        uint64_t tid;
        uint8_t sides;
};
struct mirror_place {
        char symbol[SYMBOL_MAX];
        uint32_t asset;
        uint8_t dex;
        uint8_t size_decimals;
        bool has_market, is_delisted, is_live;
        uint16_t table; /* at present */
        struct shadow_market_rule rule;
        struct px mark, oracle;
        struct rate funding;
        struct px hour_oracle; /* at the last full hour; 0: was not known */
        struct rate hour_rate;
        int64_t context_at; /* wall ms; 0: never */
        /* Least and highest marks of this spell of MIRROR_SPELL_MS and of the one before. */
        struct px low[2], high[2];
        int64_t spell;
        int64_t live_at;   /* wall ms: trades are whole since; with is_live */
        int64_t proven_at; /* wall ms: and have all come up to then */
        struct mirror_seen *seen;
        uint32_t n_seen, next_seen;
};

/* An action of ours under way. */
struct mirror_sent {
        uint64_t ticket;
        struct addr user;
        int64_t at;
        uint64_t order; /* events that came later have a higher one */
        struct venue_action action;
};

struct mirror_heap {
        uint32_t *slot;
        uint32_t n, cap;
};

struct mirror {
        struct mirror_options options;
        struct mirror_listener listener; /* settled NULL: nobody listens */
        struct ticks *ticks;
        struct map *accounts;   /* user and dex -> struct shadow */
        struct shadow **shadow; /* by slot; NULL: free */
        uint32_t n_slots, cap_slots;
        uint32_t *free_slot;
        uint32_t n_free, cap_free;
        char dex[MIRROR_DEXES_MAX][MIRROR_DEX_MAX];
        unsigned n_dexes;
        uint32_t n_of_dex[MIRROR_DEXES_MAX]; /* accounts watched: most dexes have none */
        struct map *symbols;                 /* -> struct mirror_place */
        struct mirror_place *place;
        uint32_t n_places;
        struct margin_table *table; /* 0: none; interned */
        unsigned n_tables, cap_tables;
        struct shadow_rules rules;
        struct mirror_sent **sent;
        size_t n_sent;
        uint64_t next_ticket, next_order;
        struct mirror_heap heap[MIRROR_RANKS];
        uint32_t sweep_at;      /* slot at which the search for gaps goes on */
        uint32_t sweep_left;    /* slots still to be looked at */
        struct list suspicions; /* oldest first */
        int64_t ahead_ms; /* the venue's clock, of ours: by the last state that was asked for */
        int64_t hour_at;
        uint32_t funding_left; /* slots still to be charged for that hour */
        struct mirror_stats stats;
};

/* ---- mirror.c ---- */
struct shadow *mirror_shadow(const struct mirror *mirror, const struct addr *user, unsigned dex);
struct shadow *mirror_shadow_named(const struct mirror *mirror, const struct addr *user,
                                   const char *dex);
/* -1: not known. */
int mirror_dex_find(const struct mirror *mirror, const char *dex);
/* Calls each for every dex's shadow of the user. */
void mirror_each_of(struct mirror *mirror, const struct addr *user,
                    void (*each)(struct mirror *mirror, struct shadow *s, void *cookie),
                    void *cookie);

/* ---- mirror_market.c ---- */
struct mirror_place *mirror_place(const struct mirror *mirror, const char *symbol); /* or NULL */
struct mirror_place *mirror_place_by_asset(const struct mirror *mirror, uint32_t asset);
/* Made where it is not known; NULL: there are as many as there may be, or the name is none. */
struct mirror_place *mirror_place_make(struct mirror *mirror, const char *symbol);
uint32_t mirror_place_number(const struct mirror *mirror, const struct mirror_place *place);
/* The table's number; 0 where it can't be kept. */
uint16_t mirror_table(struct mirror *mirror, const struct margin_table *table);
const struct shadow_market_rule *mirror_rule(const void *cookie, uint32_t market);
struct shadow_marks mirror_marks(const struct mirror *mirror); /* present ones */

/* ---- mirror_trust.c: doubts ---- */
void mirror_mark(struct shadow *s, uint32_t doubts, int64_t now);
void mirror_mark_orders(struct shadow *s, int64_t now); /* resting orders alone */
/* Those that follow from the rest included, but for suspicions: a difference is no reason for the next. */
uint32_t mirror_reasons(const struct mirror *mirror, const struct shadow *s, int64_t now);
/* All of them. */
uint32_t mirror_doubts(const struct mirror *mirror, const struct shadow *s, int64_t now);
bool mirror_context_fresh(const struct mirror *mirror, uint32_t market, int64_t now);
bool mirror_has_gap(const struct mirror *mirror, const struct shadow *s, uint32_t market);

/* ---- mirror_levels.c: thresholds ---- */
void mirror_levels_set(struct mirror *mirror, struct shadow *s, int64_t now);
void mirror_levels_crossed(void *cookie, uint32_t account, uint32_t market, uint8_t level,
                           bool reached);
void mirror_levels_look(void *cookie, uint32_t account);
void mirror_levels_fetch(void *cookie, uint32_t account, unsigned step);

/* ---- mirror_needs.c ---- */
void mirror_needs_set(struct mirror *mirror, struct shadow *s, int64_t now);
void mirror_needs_drop(struct mirror *mirror, struct shadow *s);
void mirror_needs_sweep(struct mirror *mirror); /* start looking at everybody for gaps */

/* ---- mirror_settle, in mirror.c: after any change ---- */
void mirror_settle(struct mirror *mirror, struct shadow *s, int64_t now);

/* ---- mirror_listen.c: where somebody listens to the account ---- */
bool mirror_is_heard(const struct mirror *mirror, const struct shadow *s); /* s may be NULL */
/* The same of the user on any dex; the listener, or NULL. */
const struct mirror_listener *mirror_listener_of(const struct mirror *mirror,
                                                 const struct addr *user);

/* ---- mirror_trades.c ---- */
/* Adds an effect, with what follows from one that does not fit or is old. */
bool mirror_effect(struct mirror *mirror, struct shadow *s, const struct shadow_effect *effect,
                   int64_t now);
/* Whether that side of the trade was told. */
bool mirror_trade_seen(const struct mirror_place *place, uint64_t tid, bool buys);
void mirror_tell_fill(struct mirror *mirror, const struct shadow *s,
                      const struct mirror_fill_seen *fill);
struct usd mirror_fee(const struct shadow *s, const struct shadow_effect *effect);

/* ---- mirror_orders.c ---- */
/* A fill of a resting order at that price: which one it was, where that can be told. */
void mirror_orders_filled(struct shadow *s, uint32_t market, enum side side, struct px price,
                          struct qty size, uint64_t oid, int64_t at, int64_t now);
void mirror_order_take(struct shadow_order *out, const struct venue_open_order *order,
                       uint32_t market, int64_t now);

/* ---- mirror_funding.c ---- */
void mirror_funding_go_on(struct mirror *mirror, int64_t now);
/* A state of before the hour came after it was charged to others. */
void mirror_funding_late(struct mirror *mirror, struct shadow *s, int64_t now);
/* When a state read then is sure to hold the hour's funding. */
int64_t mirror_funding_sure_at(const struct mirror *mirror, int64_t now);
/* A fill came late: of before the hour, the charge was for another size. */
void mirror_funding_again(struct mirror *mirror, struct shadow *s, uint32_t market, int64_t fill_at,
                          int64_t now);

/* ---- mirror_liquidation.c ---- */
/* The venue says that the account was liquidated. */
void mirror_liquidation_note(struct mirror *mirror, struct shadow *s, int64_t at);
/* The mark is beyond the liquidation price of that position, or of the cross account. */
void mirror_liquidation_suspect(struct mirror *mirror, struct shadow *s, uint32_t market,
                                bool is_cross, int64_t at);
/* Whether marks of late were such that the venue may have taken the position. */
bool mirror_liquidation_possible(const struct mirror *mirror, const struct shadow_book *book,
                                 uint32_t market);
/* It went without a trade, at such marks, or the venue lists it so. */
void mirror_liquidation_tell(struct mirror *mirror, struct shadow *s,
                             const struct shadow_position *taken, bool is_certain, int64_t at);
/* A fill leaves the log: what it brought back is not lost. */
void mirror_liquidation_came_back(struct shadow *s, const struct shadow_effect *effect);
/* A state was taken over: tells what was lost. Takes out of `had`, the book as it was before that, what
 * the venue's backstop took; true where there was any. */
bool mirror_liquidation_settle(struct mirror *mirror, struct shadow *s, struct shadow_book *had,
                               int64_t asked_at);

/* ---- mirror_past.c: what went before the word of it came ---- */
/* The word came: tells what went of that market (NULL: of any). */
void mirror_past_tell(struct mirror *mirror, struct shadow *s, const uint32_t *market, int64_t at);
void mirror_past_forget(struct shadow *s, uint32_t market); /* it is told */
void mirror_past_drop(struct shadow *s);

/* ---- drift.c ---- */
#define DRIFT_ROWS 16
struct drift_row {
        uint32_t market;
        int64_t size;      /* is - had */
        int64_t whole;     /* is - what the state before had: all fills between the two */
        bool is_heard;     /* a trade of it came since */
        bool is_of_margin; /* the same position, with margin moved in or out */
};
struct drift_result {
        uint32_t fields; /* bits by enum mirror_field */
        struct usd amount;
        int64_t cash; /* of the cross account, less what was moved from or into margin: is - had */
        struct drift_row row[DRIFT_ROWS]; /* whose position differs; the first so many */
        uint32_t n_rows;
        bool may_be_elsewhere; /* as transfers, margin edits or a leverage change would show */
        bool reserve_differs;  /* what resting orders hold back, all of them being known */
};
/* What differs between the shadow and what the venue says, valued at marks. */
void drift_books(struct drift_result *out, const struct shadow_book *had,
                 const struct shadow_book *is, const struct shadow_marks *marks);
/* The venue's own sums and liquidation prices against `had` at the marks of that state. */
void drift_figures(struct drift_result *out, const struct mirror *mirror, struct shadow *s,
                   const struct shadow_book *had, const struct venue_account *state,
                   const struct shadow_marks *marks);
/* Counts what a state told, with its cause; one that has none is a suspicion first. */
struct drift_state {
        const struct drift_result *result;
        const struct shadow_book *had; /* before it */
        enum mirror_cause cause;
        int64_t venue_from, venue_until; /* the venue's time of the state before, and of this one */
        int64_t at;                      /* wall ms: when it came */
};
void drift_judge(struct mirror *mirror, struct shadow *s, const struct drift_state *state);
void drift_count(struct mirror *mirror, uint32_t fields, enum mirror_cause cause);
/* No reason was found: above the threshold the account is not trusted. */
void drift_conclude(struct mirror *mirror, struct shadow *s, struct usd amount, uint32_t fields,
                    int64_t from, int64_t until);
/* How long the account may have been shown wrong without saying so. */
void drift_was_wrong(struct mirror *mirror, int64_t from, int64_t until);

/* ---- suspicion.c: differences whose reason may still come ---- */
struct suspicion {
        struct list in_mirror;
        struct suspicion *next; /* of the same account, older */
        struct shadow *shadow;
        uint32_t fields;
        struct usd amount;
        int64_t from, until;             /* wall ms: last right, found wrong */
        int64_t venue_from, venue_until; /* the venue's time of these */
        struct drift_row row[DRIFT_ROWS];
        uint32_t n_rows; /* 0: it may be any market's */
        struct shadow_book had;
        int64_t cash;             /* that came: is - had */
        bool is_merged;           /* of several states */
        int64_t history_at;       /* wall ms: when the list of fills was asked for first; 0 */
        int64_t again_at;         /* wall ms: when it is asked for again */
        bool is_answered;         /* and does not explain it */
        bool is_of_orders;        /* resting orders, or what they reserve */
        uint64_t oid[DRIFT_ROWS]; /* which differ; 0 of them: it may be any */
        int64_t was[DRIFT_ROWS];  /* their sizes before; 0: not there */
        uint32_t n_oids;
};
void suspicion_open(struct mirror *mirror, struct shadow *s, const struct drift_state *state);
/* Open orders that differ, and their sizes before: as many as fit. */
void suspicion_open_orders(struct mirror *mirror, struct shadow *s, const uint64_t *oid,
                           const int64_t *was, size_t n, int64_t from, int64_t at);
/* A list shows an order as it was before the one that made it suspect: that one was late. True: it did. */
bool suspicion_order_back(struct mirror *mirror, struct shadow *s, uint64_t oid, int64_t size);
/* A trade came that the last state held already. */
void suspicion_trade(struct mirror *mirror, struct shadow *s, uint32_t market, int64_t size,
                     int64_t at);
/* What became of an order at that time was told. */
void suspicion_order(struct mirror *mirror, struct shadow *s, uint64_t oid, int64_t venue_at);
/* The venue told of all its open orders by itself. */
void suspicion_orders(struct mirror *mirror, struct shadow *s);
/* A list that was read tells of these what was not known: what came or went before the state that differed
 * is its reason. */
void suspicion_list(struct mirror *mirror, struct shadow *s, const uint64_t *oid, size_t n,
                    enum mirror_cause cause);
/* Trades of a market (user NULL) or what concerns a user may be missing since. */
void suspicion_gap(struct mirror *mirror, const struct mirror_place *place, const struct addr *user,
                   enum feed_kind kind, int64_t since);
/* That is the reason: it is counted, and the suspicion is gone. */
void suspicion_explain(struct mirror *mirror, struct suspicion *one, enum mirror_cause cause);
bool suspicion_wants_proof(const struct mirror *mirror, int64_t now);
/* Concludes those that nothing can explain any more. */
void suspicion_tick(struct mirror *mirror, int64_t now);
/* The account goes. */
void suspicion_drop(struct mirror *mirror, struct shadow *s);
/* Whether trades of the market may be missing to an account that was asked for at that time. */
bool suspicion_has_gap(const struct mirror *mirror, uint32_t market, int64_t since);

#endif
