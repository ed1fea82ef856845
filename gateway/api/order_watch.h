/* order_watch: the orders of one account as they were last told, and what of all that is heard changes them.
 * Answers, lists, lookups and pushed words go in, late, twice and in any order; what plan/order_life.h makes
 * of them comes out as changes, each once. What nobody said it asks: whose order is not in a list any more,
 * or whose trade was heard, has a question open until a lookup answers it.
 * Pure: no I/O; `now` and `at` are wall ms, given by the caller. */
#ifndef API_ORDER_WATCH_H
#define API_ORDER_WATCH_H

#include "adapters/venue.h"

struct map;
struct order_watch;

#define ORDER_WATCH_OPEN      5120 /* that stand at a time; the venue lets nobody have more */
#define ORDER_WATCH_OVER      512  /* remembered of those that are over */
#define ORDER_WATCH_CHANGES   1024 /* not taken yet */
#define ORDER_WATCH_QUESTIONS 512  /* beyond which lists are wanted instead */

struct order_watch *order_watch_new(void);
void order_watch_free(struct order_watch *watch); /* accepts NULL */

/* What was heard up to now is where it begins: no change. What ended before `at` is none of its matters. */
void order_watch_begin(struct order_watch *watch, int64_t at);

/* --- what is heard --- */
/* All open orders on a dex, asked for at asked_at. */
void order_watch_list(struct order_watch *watch, const char *dex, int64_t asked_at,
                      const struct venue_open_order *orders, size_t n, int64_t now);
void order_watch_status(struct order_watch *watch, const struct venue_order_status *status,
                        int64_t now);
/* The answer to placing it: order is what was asked for, with all its size. */
void order_watch_answer(struct order_watch *watch, const struct venue_open_order *order,
                        const struct venue_item *item, int64_t now);
/* The answer to a cancel, which was done. cloid: by that name where oid is 0. */
void order_watch_cancelled(struct order_watch *watch, uint64_t oid, const struct cloid *cloid,
                           int64_t now);
/* One of its orders may have traded: at that price, or any where price is 0. False: no order of that side
 * is known that it can have been. */
bool order_watch_traded(struct order_watch *watch, const char *symbol, enum side side,
                        struct px price, int64_t now);
/* The owner's own fills name their orders. */
void order_watch_filled(struct order_watch *watch, const struct venue_fill *fill, int64_t now);
/* An order that may be there, or have been. */
void order_watch_ask(struct order_watch *watch, uint64_t oid, const struct cloid *cloid,
                     int64_t now);

/* --- what is to be asked --- */
struct order_watch_question {
        uint64_t oid; /* 0: by the name */
        struct cloid cloid;
};
/* Takes the next one that is due; it is answered exactly once by order_watch_answered. */
bool order_watch_next_question(struct order_watch *watch, int64_t now,
                               struct order_watch_question *out);
/* status NULL: it could not be asked; it is asked again. */
void order_watch_answered(struct order_watch *watch, const struct order_watch_question *question,
                          const struct venue_order_status *status, int64_t now);
bool order_watch_is_asking(const struct order_watch *watch); /* a question is due, or will be */
/* Lists of all dexes must be read, since there is more to ask than is asked one by one. True once. */
bool order_watch_take_wants_lists(struct order_watch *watch);

/* --- what has changed --- */
struct order_watch_row {
        struct venue_order_status status; /* of it: order.size is what remains */
        const char *word;                 /* as the API tells it; static */
        const char *name; /* the trader's; NULL none. Borrowed until the next call */
        bool is_over;
};
/* The oldest change that is not taken. is_named false: its name is still to be set. */
bool order_watch_first_change(struct order_watch *watch, struct order_watch_row *out,
                              bool *is_named);
void order_watch_pop_change(struct order_watch *watch);
/* More happened than is kept: changes were lost, until order_watch_begin. */
bool order_watch_is_lost(const struct order_watch *watch);

/* Those that stand, newest first, at most max: how many were put out. */
size_t order_watch_open(const struct order_watch *watch, struct order_watch_row *out, size_t max);
size_t order_watch_count(const struct order_watch *watch); /* that stand */
/* Whether one that stands is in one of these, keys of a map. */
bool order_watch_is_in(const struct order_watch *watch, const struct map *symbols);

/* --- names --- */
/* Orders with an id of ours whose name was not asked for yet, each once; how many. */
size_t order_watch_unnamed(struct order_watch *watch, struct cloid *out, size_t max);
bool order_watch_wants_names(const struct order_watch *watch); /* asked for, or to be */
void order_watch_name(struct order_watch *watch, const struct cloid *cloid, const char *name);

#endif
