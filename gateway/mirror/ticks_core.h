/* ticks_core: what ticks.c (setting) and ticks_walk.c (marks) share; private to mirror. */
#ifndef MIRROR_TICKS_CORE_H
#define MIRROR_TICKS_CORE_H

#include "mirror/cells.h"
#include "mirror/ladder.h"
#include "mirror/ticks.h"

struct market {
        struct ladder threshold, low, high;
        int64_t mark; /* 0: none yet */
        /* Marks from .. to pass nothing and leave no band: the cursor's two neighbours. */
        int64_t quiet_from, quiet_to;
        bool is_put;      /* a mark stands that is not told yet, or is being told */
        int64_t from, to; /* with it: the last mark that was told, 0 none, and the present one */
};

/* What a walk works through while hooks change the ladders. */
struct ticks_key {
        uint32_t market;
        int64_t price;
        uint64_t tag;
};
struct ticks_list {
        struct ticks_key *key;
        size_t n, cap;
};

struct ticks {
        struct ticks_hooks hooks;
        unsigned markets;
        struct market *market;
        struct cells_book book;
        bool walking;
        uint32_t *put; /* markets whose mark is put */
        unsigned n_put;
        struct ticks_list pending, renewed;
        struct ticks_stats stats; /* all but bytes */
};

static inline uint32_t ticks_tag_account(uint64_t tag)
{
        return (uint32_t)(tag >> 32);
}

/* The place among the account's thresholds in the market. */
static inline uint32_t ticks_tag_index(uint64_t tag)
{
        return (uint32_t)(tag >> 16 & 0xff);
}

static inline bool ticks_tag_from_above(uint64_t tag)
{
        return tag & 1;
}

static inline uint64_t ticks_tag(uint32_t account, size_t index, const struct cell *cell)
{
        return (uint64_t)account << 32 | (uint64_t)index << 16 | (uint64_t)cell->level << 8 |
               (uint64_t)cell->from_above;
}

struct market *ticks_market(const struct ticks *ticks, uint32_t id);
void ticks_list_add(struct ticks_list *list, struct ticks_key key);

#endif
