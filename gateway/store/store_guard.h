/* store_guard: margin guards. As store.h: loop thread only, callbacks fire once and later. */
#ifndef STORE_STORE_GUARD_H
#define STORE_STORE_GUARD_H

#include "base/num.h"
#include "store/store.h"

struct store_guard {
        char brand[STORE_BRAND_MAX];
        struct addr account; /* whose position */
        char symbol[32];
        struct addr wallet; /* whose session set it */
        uint8_t id[16];     /* random; another for each guard that is set */
        bool is_long;       /* the position it was set for */
        struct rate min_distance;
        struct usd top_up, max_total;
        bool has_take_back;
        struct rate take_back_above;
        struct usd added;          /* put in and not taken back */
        uint64_t moves;            /* begun so far */
        struct usd pending_amount; /* of the move under way; 0: none */
        struct usd cash_before;    /* the position's own cash before it */
        struct qty size_before;    /* and its size, signed */
        int64_t pending_at;        /* wall ms when it was begun */
        int64_t created_at;
};

/* Makes or replaces the guard of that brand, account and symbol. */
void store_guard_put(struct store *store, const struct store_guard *guard, store_done *done,
                     void *cookie);
/* Changes the guard with that id alone: E_NOT_FOUND when it is gone or another took its place. */
void store_guard_update(struct store *store, const struct store_guard *guard, store_done *done,
                        void *cookie);
/* Removes it, if it still has that id; no error where it has not. */
void store_guard_delete(struct store *store, const struct store_guard *guard, store_done *done,
                        void *cookie);
/* All there are, for start-up; guards is borrowed for the call. */
typedef void store_guards_fn(void *cookie, enum errc rc, const struct store_guard *guards,
                             size_t n);
void store_guard_all(struct store *store, store_guards_fn *done, void *cookie);

#endif
