/* order_watch_impl: what order_watch's files share. Private to order_watch. */
#ifndef API_ORDER_WATCH_IMPL_H
#define API_ORDER_WATCH_IMPL_H

#include "api/order_watch.h"
#include "base/list.h"
#include "base/map.h"
#include "plan/order_life.h"

/* One order. What was told of it last is beside what is known: when they differ, that is a change. */
struct order_watch_entry {
        struct list link; /* of those that stand, or of those that are over, oldest first */
        struct order_life life;
        struct venue_open_order order;
        int64_t known_at;  /* wall ms: since when it is known here */
        int64_t heard_at;  /* wall ms: of the newest word of it */
        int64_t fact_at;   /* the venue's time of that */
        int64_t status_at; /* of what was told last */
        uint64_t listed;   /* the last list that named it */
        bool is_over, is_lost;
        bool is_told;
        const char *word; /* told */
        struct qty filled, left;
        /* Its name: asked for once. */
        bool has_name, is_name_asked;
        char *name; /* owned; NULL none */
};

struct order_watch_change {
        struct venue_order_status status;
        const char *word;
        bool is_over;
};

struct order_watch_open_question {
        struct order_watch_question what;
        int64_t due_at;
        uint8_t tries;
        bool is_asked, again; /* on its way; what has happened since it was sent */
        bool must_end;        /* it is in no list any more */
};

#define ORDER_WATCH_DEXES 16

struct order_watch {
        struct map *by_oid;
        struct map *by_cloid; /* of several with one, the newest */
        struct list open, over;
        size_t n_open, n_over, n_unnamed; /* names not asked for yet, or on their way */
        int64_t base_at;
        bool is_begun, is_lost, wants_lists;
        /* What was forgotten: words of before are none of a new order. */
        uint64_t forgotten_oid;
        int64_t forgotten_at, forgotten_wall;
        struct {
                char dex[DEX_NAME_MAX];
                int64_t asked_at;
        } list[ORDER_WATCH_DEXES];
        unsigned n_lists;
        uint64_t list_number;
        struct order_watch_change *change; /* from first_change on, oldest first; owned */
        size_t first_change, n_changes, cap_changes;
        struct order_watch_open_question *question; /* owned */
        size_t n_questions, cap_questions;
};

struct order_watch_entry *order_watch_find(const struct order_watch *watch, uint64_t oid);
struct order_watch_entry *order_watch_find_cloid(const struct order_watch *watch,
                                                 const struct cloid *cloid);
/* After any word of it: tells what has changed. */
void order_watch_settle(struct order_watch *watch, struct order_watch_entry *entry, int64_t now);
void order_watch_put_change(struct order_watch *watch, const struct order_watch_entry *entry);
/* It has a name of ours, and what its trader calls it is not known yet. */
static inline bool order_watch_is_unnamed(const struct order_watch_entry *entry)
{
        return entry->order.has_cloid && !entry->has_name;
}
/* How far the venue's clock may be behind ours. */
#define ORDER_WATCH_CLOCKS_MS 5000
/* Adds a question, or brings it forward. */
void order_watch_add_question(struct order_watch *watch, uint64_t oid, const struct cloid *cloid,
                              bool must_end, int64_t due_at);

#endif
