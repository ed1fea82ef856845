/* live_rows: an account's positions as they were told last, and which have changed. Private to live. */
#ifndef API_LIVE_ROWS_H
#define API_LIVE_ROWS_H

#include "api/gather.h"
#include "base/list.h"
#include "base/map.h"

struct live_account;
struct live_view;

/* Who holds a position in a symbol. */
struct live_held {
        struct list rows;
};

struct live_row {
        struct list in_symbol;
        struct live_view *owner;
        char symbol[SYMBOL_MAX];
        char dex[DEX_NAME_MAX];
        char *text; /* as told; owned */
        struct venue_position position;
        bool is_seen;
};

struct live_rows {
        struct live_view *owner;
        struct map *held;
        struct live_row **row; /* in the order of the dexes, and in those of the venue */
        size_t n, cap;
        struct buf tail; /* "missing" as told */
        int64_t as_of;
        bool is_known; /* they were taken at least once */
        bool is_ready; /* whoever listens has them */
};

void live_rows_init(struct live_rows *rows, struct live_view *owner, struct map *held);
void live_rows_fini(struct live_rows *rows);
/* Takes the positions as they are now; an update into out. True where anything has changed. */
bool live_rows_take(struct live_rows *rows, struct buf *out, const struct gather *g,
                    struct live_account *account);
/* All of them, as GET /v1/positions answers. */
void live_rows_print(const struct live_rows *rows, struct buf *out);
struct live_view *live_rows_owner(struct list *in_symbol);

#endif
