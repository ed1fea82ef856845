/* store_dead_man: dead man's switches, and which orders an API key asked for. As store.h: loop thread
 * only, callbacks fire once and later. */
#ifndef STORE_STORE_DEAD_MAN_H
#define STORE_STORE_DEAD_MAN_H

#include "store/store.h"

struct store_dead_man {
        char brand[STORE_BRAND_MAX];
        struct addr account; /* whose orders */
        bool has_key;        /* the orders that this key asked for; else all of the account's */
        uint8_t key[16];
        struct addr wallet; /* whose agent signs: the account, or its master */
        int64_t timeout_ms;
        int64_t armed_at;
        int64_t deadline;  /* wall ms; 0: not armed */
        int64_t fired_at;  /* when it last fired, 0: never */
        int64_t cancelled; /* how many orders it cancelled then */
        bool may_be_set;   /* the venue's timer, for its sake */
};

/* Makes or replaces it; one that is neither armed nor anything else is removed. action: a record of the
 * audit log in the same transaction, NULL: none. */
void store_dead_man_put(struct store *store, const struct store_dead_man *row, const char *action,
                        int64_t at, store_done *done, void *cookie);
/* All there are, for start-up; rows is borrowed for the call. */
typedef void store_dead_men_fn(void *cookie, enum errc rc, const struct store_dead_man *rows,
                               size_t n);
void store_dead_man_all(struct store *store, store_dead_men_fn *done, void *cookie);

/* For each of the cloids whether it is that of an order that key (NULL: anybody) asked for, and not later
 * than at; borrowed for the call. */
typedef void store_dead_man_mine_fn(void *cookie, enum errc rc, const bool *mine, size_t n);
void store_dead_man_mine(struct store *store, const char *brand, const struct addr *account,
                         const uint8_t *key, int64_t at, const struct cloid *cloids, size_t n,
                         store_dead_man_mine_fn *done, void *cookie);

#endif
