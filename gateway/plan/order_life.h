/* order_life: what became of an order, out of all that is told of it: answers, lookups, lists, pushed events.
 * They come late, twice and in any order, so an order's life is a set of facts, and taking one in
 * commutes and can be repeated: whatever the way the facts came, the same state follows. The rules:
 *   - an end stays an end; of two, the venue's earlier one counts, then filled before cancelled before
 *     rejected; one without the venue's time (an answer's) gives way to one with it;
 *   - before an end the latest fact counts, at one time the one that says more;
 *   - what was filled only grows (of a plain order: a leg's size follows its parent or its position);
 *   - a higher order number under the same name is a newer order, and the older one's facts are void.
 * A word of the venue that is not in the table is kept as it is. It ends the order where it is made like the
 * words that do ("...Canceled", "...Rejected"); else the state is unknown until something is told again.
 * Pure: values, no allocation. */
#ifndef PLAN_ORDER_LIFE_H
#define PLAN_ORDER_LIFE_H

#include "adapters/venue.h"

enum order_life_state {
        LIFE_UNTOLD,    /* nothing was told yet */
        LIFE_UNKNOWN,   /* something was, and what it means is not known */
        LIFE_PENDING,   /* waits for its trigger, or for the order that it follows */
        LIFE_RESTING,   /* in the book */
        LIFE_FILLED,    /* over: filled, or as far as an immediate order could be */
        LIFE_CANCELLED, /* over */
        LIFE_REJECTED,  /* over, and never stood */
};

/* One thing told. at is the venue's time, 0 where it told none. */
struct order_life_fact {
        unsigned char says; /* order_life.c: enum says, 0 nothing */
        int64_t at;
        char word[VENUE_STATUS_MAX]; /* the venue's, "" of an answer */
};

struct order_life {
        uint64_t oid;      /* 0: not told */
        bool is_trigger;   /* placed as one */
        bool is_immediate; /* never rests: what it can't have at once is gone */
        bool was_triggered;
        struct qty size;   /* as placed; 0: not known */
        struct qty filled; /* the most that was told */
        struct order_life_fact end, latest;
};

/* Before anything is told of it: as it is about to be placed. */
struct order_life order_life_of_order(const struct venue_order *order);
/* Takes in a lookup's answer, a row of a list or a pushed event. */
void order_life_take(struct order_life *life, const struct venue_order_status *status);
/* Takes in what the answer to the action said of it. */
void order_life_take_item(struct order_life *life, const struct venue_item *item);

enum order_life_state order_life_state(const struct order_life *life);
bool order_life_is_over(enum order_life_state state);
bool order_life_stands(enum order_life_state state); /* pending or resting */
/* As the API tells it: resting, partiallyFilled, filled, triggerPending, cancelled, rejected, unknown. */
const char *order_life_word(const struct order_life *life);
struct qty order_life_filled(const struct order_life *life); /* none of what was rejected */
/* The fact that the state follows from. */
const struct order_life_fact *order_life_fact(const struct order_life *life);

/* The same of one status alone. */
enum order_life_state order_life_state_of(const struct venue_order_status *status);
const char *order_life_word_of(const struct venue_order_status *status);
/* Of an answer's item, about an order as it was placed. */
const char *order_life_word_of_item(const struct venue_item *item, const struct venue_order *order);
/* What a lookup tells, in the words of an answer. False where it tells nothing that is known. */
MUST_USE bool order_life_item(struct venue_item *out, const struct venue_order_status *status);
/* Of rows about one order: merges them into the one that tells, and returns its index. n > 0. */
size_t order_life_merge(struct venue_order_status *rows, size_t n);

/* Whether the venue's word is in the table; else it is counted and shown. */
bool order_life_knows(const char *word);
/* The table's words, NULL behind the last. */
const char *order_life_word_at(size_t i);

#endif
