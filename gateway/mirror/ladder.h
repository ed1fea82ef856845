/* ladder: an ordered set of prices, each with a tag that says whose it is; private to mirror.
 * A B+-tree with nodes of 512 bytes: 16 bytes an entry, 23 to 25 in practice, few cache lines a
 * search, neighbours in price lie beside one another. Add and take cost O(log n), a walk over k
 * entries O(log n + k). */
#ifndef MIRROR_LADDER_H
#define MIRROR_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ladder_node;

/* Ordered by price, then tag. No two are equal. */
struct ladder_key {
        int64_t price;
        uint64_t tag;
};

/* Zeroed: empty. */
struct ladder {
        struct ladder_node *root;
        unsigned height; /* levels of nodes above the leaves */
        size_t n, nodes;
};

void ladder_fini(struct ladder *ladder);
void ladder_add(struct ladder *ladder, struct ladder_key key);  /* must not be in it */
void ladder_take(struct ladder *ladder, struct ladder_key key); /* must be in it */
/* Asks for the cache lines that adding or taking the key will work on. */
void ladder_fetch(const struct ladder *ladder, struct ladder_key key);
/* The first entry with a price at or above, the last with a price at or below; false: none. */
bool ladder_from(const struct ladder *ladder, struct ladder_key *out, int64_t price);
bool ladder_upto(const struct ladder *ladder, struct ladder_key *out, int64_t price);
/* Calls each for all entries with from <= price <= to, rising. each must not change the ladder. */
void ladder_each(const struct ladder *ladder, int64_t from, int64_t to,
                 void (*each)(void *cookie, struct ladder_key key), void *cookie);
size_t ladder_bytes(const struct ladder *ladder);

#endif
