/* own_rows: an account's positions as they were told last, and which have changed. Private to own. */
#ifndef API_OWN_ROWS_H
#define API_OWN_ROWS_H

#include "api/gather.h"
#include "base/list.h"
#include "base/map.h"

struct own_account;
struct own_view;

/* Who holds a position in a symbol. */
struct own_held {
        struct list rows;
};

struct own_row {
        struct list in_symbol;
        struct own_view *owner;
        char symbol[SYMBOL_MAX];
        char dex[DEX_NAME_MAX];
        char *text; /* as told; owned */
        struct venue_position position;
        bool is_seen;
};

struct own_rows {
        struct own_view *owner;
        struct map *held;
        struct own_row **row; /* in the order of the dexes, and in those of the venue */
        size_t n, cap;
        struct buf tail; /* "missing" as told */
        int64_t as_of;
        bool is_known; /* they were taken at least once */
        bool is_ready; /* whoever listens has them */
};

void own_rows_init(struct own_rows *rows, struct own_view *owner, struct map *held);
void own_rows_fini(struct own_rows *rows);
/* Takes the positions as they are now; an update into out. True where anything has changed. */
bool own_rows_take(struct own_rows *rows, struct buf *out, const struct gather *g,
                   struct own_account *account);
/* All of them, as GET /v1/positions answers. */
void own_rows_print(const struct own_rows *rows, struct buf *out);
struct own_view *own_rows_owner(struct list *in_symbol);

#endif
