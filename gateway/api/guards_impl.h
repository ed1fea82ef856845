/* guards_impl: what guards.c and guards_set.c share. */
#ifndef API_GUARDS_IMPL_H
#define API_GUARDS_IMPL_H

#include "api/gather.h"
#include "api/guards.h"
#include "api/mirrored.h"
#include "api/state.h"
#include "guard/guard.h"
#include "store/store_guard.h"

#define GUARDS_MAX 100000 /* in all: what one look a second can bear */

struct guards {
        struct api *api;    /* NULL: freed when the rows being read are there */
        struct map *by_key; /* struct guard_key -> struct guarded, owned */
        struct loop_timer *timer, *reload;
        bool is_loading, is_loaded;
};

/* Padding is zero: it is a key. */
struct guard_key {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        char symbol[SYMBOL_MAX];
};

struct guarded {
        struct guards *guards;
        struct store_guard row;
        bool is_busy; /* something under way names it */
        bool is_being_set;
        bool is_gone;
        int64_t rest_until;
        uint64_t told_at_move;          /* that it could not act */
        struct guard_decision decision; /* of the move under way */
};

void guards_impl_key(struct guard_key *key, const char *brand, const struct addr *account,
                     const char *symbol);
struct guarded *guards_impl_find(const struct guards *guards, const struct guard_key *key);
void guards_impl_keep(struct guards *guards, const struct store_guard *row);
/* Ends it; its row goes. */
void guards_impl_forget(struct guards *guards, struct guarded *g);
struct guard_rule guards_impl_rule(const struct store_guard *row);
/* The position as the mirror has it, in m, which the caller ends in any case; NULL: none, or not there. */
const struct venue_position *guards_impl_position(const struct guarded *g, struct mirrored *m);

#endif
