/* Nodes are split and filled on the way down, so that a change never has to come back up.
 * An inner node's least[i] is a lower bound of what child[i] holds and above all that child[i - 1]
 * holds; least[0] is not looked at. */
#include "mirror/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"

#define LEAF_MAX   31
#define INNER_MAX  20
#define CACHE_LINE 64

struct ladder_node {
        uint32_t n;               /* a leaf's keys, or an inner node's children */
        struct ladder_node *next; /* a leaf's neighbour upwards */
        union {
                struct ladder_key key[LEAF_MAX];
                struct {
                        struct ladder_node *child[INNER_MAX];
                        struct ladder_key least[INNER_MAX];
                } in;
        } u;
};
_Static_assert(sizeof(struct ladder_node) == 512, "a node is eight cache lines");

static unsigned most(bool leaf)
{
        return leaf ? LEAF_MAX : INNER_MAX;
}

/* A node that a take comes through has more than this, so that losing one leaves it useful. */
static unsigned fewest(bool leaf)
{
        return most(leaf) / 3;
}

static bool before(struct ladder_key a, struct ladder_key b)
{
        return (a.price < b.price) | ((a.price == b.price) & (a.tag < b.tag));
}

/* How many of key[0..n) are before the key. */
static unsigned rank_of(const struct ladder_key *key, unsigned n, struct ladder_key of)
{
        unsigned low = 0;

        while (low < n) {
                unsigned middle = (low + n) / 2;

                if (before(key[middle], of))
                        low = middle + 1;
                else
                        n = middle;
        }
        return low;
}

/* Asks for all of a node at once: a search would wait for its cache lines one after another. */
static void fetch(const struct ladder_node *node)
{
        for (size_t at = 0; at < sizeof *node; at += CACHE_LINE)
                __builtin_prefetch((const char *)node + at, 1);
}

/* The child under which the key is, or belongs. */
static unsigned child_for(const struct ladder_node *node, struct ladder_key key)
{
        unsigned at = 1 + rank_of(node->u.in.least + 1, node->n - 1, key);

        if (at < node->n && !before(key, node->u.in.least[at]))
                return at; /* equal: the bound itself is in the child that it bounds */
        return at - 1;
}

static struct ladder_node *node_new(struct ladder *ladder)
{
        ladder->nodes++;
        return xcalloc(1, sizeof(struct ladder_node));
}

static void node_free(struct ladder *ladder, struct ladder_node *node)
{
        ladder->nodes--;
        free(node);
}

/* Moves n entries to a place that may overlap theirs. */
static void move(struct ladder_node *to, unsigned to_at, struct ladder_node *from, unsigned from_at,
                 unsigned n, bool leaf)
{
        if (leaf) {
                memmove(to->u.key + to_at, from->u.key + from_at, n * sizeof *to->u.key);
                return;
        }
        memmove(to->u.in.child + to_at, from->u.in.child + from_at, n * sizeof *to->u.in.child);
        memmove(to->u.in.least + to_at, from->u.in.least + from_at, n * sizeof *to->u.in.least);
}

static struct ladder_key first_of(const struct ladder_node *node, bool leaf)
{
        return leaf ? node->u.key[0] : node->u.in.least[0];
}

/* Makes room beside a full child: its upper half becomes the next child. */
static void split(struct ladder *ladder, struct ladder_node *parent, unsigned at, bool leaf)
{
        struct ladder_node *low = parent->u.in.child[at];
        struct ladder_node *high = node_new(ladder);

        high->n = low->n / 2;
        low->n -= high->n;
        move(high, 0, low, low->n, high->n, leaf);
        if (leaf) {
                high->next = low->next;
                low->next = high;
        }
        move(parent, at + 2, parent, at + 1, parent->n - at - 1, false);
        parent->u.in.child[at + 1] = high;
        parent->u.in.least[at + 1] = first_of(high, leaf);
        parent->n++;
}

static void merge(struct ladder *ladder, struct ladder_node *parent, unsigned at, bool leaf)
{
        struct ladder_node *low = parent->u.in.child[at];
        struct ladder_node *high = parent->u.in.child[at + 1];

        move(low, low->n, high, 0, high->n, leaf);
        low->n += high->n;
        low->next = high->next;
        move(parent, at + 1, parent, at + 2, parent->n - at - 2, false);
        parent->n--;
        node_free(ladder, high);
}

static void balance(struct ladder_node *parent, unsigned at, bool leaf)
{
        struct ladder_node *low = parent->u.in.child[at];
        struct ladder_node *high = parent->u.in.child[at + 1];
        unsigned want = (low->n + high->n) / 2;

        if (low->n > want) {
                unsigned n = low->n - want;

                move(high, n, high, 0, high->n, leaf);
                move(high, 0, low, want, n, leaf);
                high->n += n;
        } else {
                unsigned n = want - low->n;

                move(low, low->n, high, 0, n, leaf);
                move(high, 0, high, n, high->n - n, leaf);
                high->n -= n;
        }
        low->n = want;
        parent->u.in.least[at + 1] = first_of(high, leaf);
}

/* Gives a child with few entries more, from a neighbour or by joining it. */
static void fill(struct ladder *ladder, struct ladder_node *parent, unsigned at, bool leaf)
{
        if (at)
                at--;
        if (parent->u.in.child[at]->n + parent->u.in.child[at + 1]->n <= most(leaf) * 3 / 4)
                merge(ladder, parent, at, leaf);
        else
                balance(parent, at, leaf);
}

static void grow_root(struct ladder *ladder)
{
        struct ladder_node *root;

        if (!ladder->root) {
                ladder->root = node_new(ladder);
                return;
        }
        if (ladder->root->n < most(!ladder->height))
                return;
        root = node_new(ladder);
        root->n = 1;
        root->u.in.child[0] = ladder->root;
        split(ladder, root, 0, !ladder->height);
        ladder->root = root;
        ladder->height++;
}

static void shrink_root(struct ladder *ladder)
{
        while (ladder->height && ladder->root->n == 1) {
                struct ladder_node *root = ladder->root;

                ladder->root = root->u.in.child[0];
                ladder->height--;
                node_free(ladder, root);
        }
        if (!ladder->height && !ladder->root->n) {
                node_free(ladder, ladder->root);
                ladder->root = NULL;
        }
}

void ladder_add(struct ladder *ladder, struct ladder_key key)
{
        struct ladder_node *node;
        unsigned at;

        grow_root(ladder);
        node = ladder->root;
        for (unsigned height = ladder->height; height; height--) {
                at = child_for(node, key);
                if (node->u.in.child[at]->n == most(height == 1)) {
                        split(ladder, node, at, height == 1);
                        at = child_for(node, key);
                }
                node = node->u.in.child[at];
                fetch(node);
        }
        at = rank_of(node->u.key, node->n, key);
        must(at == node->n || before(key, node->u.key[at]));
        move(node, at + 1, node, at, node->n - at, true);
        node->u.key[at] = key;
        node->n++;
        ladder->n++;
}

void ladder_take(struct ladder *ladder, struct ladder_key key)
{
        struct ladder_node *node = ladder->root;
        unsigned at;

        must(node);
        for (unsigned height = ladder->height; height; height--) {
                at = child_for(node, key);
                if (node->u.in.child[at]->n <= fewest(height == 1)) {
                        fill(ladder, node, at, height == 1);
                        at = child_for(node, key);
                }
                node = node->u.in.child[at];
                fetch(node);
        }
        at = rank_of(node->u.key, node->n, key);
        must(at < node->n && !before(key, node->u.key[at]));
        move(node, at, node, at + 1, node->n - at - 1, true);
        node->n--;
        ladder->n--;
        shrink_root(ladder);
}

/* The leaf in which the key is or belongs; NULL in an empty ladder. */
static const struct ladder_node *leaf_for(const struct ladder *ladder, struct ladder_key key)
{
        const struct ladder_node *node = ladder->root;

        for (unsigned height = ladder->height; height; height--)
                node = node->u.in.child[child_for(node, key)];
        return node;
}

void ladder_fetch(const struct ladder *ladder, struct ladder_key key)
{
        const struct ladder_node *leaf = leaf_for(ladder, key);

        if (leaf)
                fetch(leaf);
}

bool ladder_from(const struct ladder *ladder, struct ladder_key *out, int64_t price)
{
        struct ladder_key key = {price, 0};
        const struct ladder_node *leaf = leaf_for(ladder, key);
        unsigned at = leaf ? rank_of(leaf->u.key, leaf->n, key) : 0;

        if (leaf && at == leaf->n) {
                leaf = leaf->next;
                at = 0;
        }
        if (leaf)
                *out = leaf->u.key[at];
        return leaf;
}

bool ladder_upto(const struct ladder *ladder, struct ladder_key *out, int64_t price)
{
        struct ladder_key key = {price, UINT64_MAX};
        const struct ladder_node *node = ladder->root;
        const struct ladder_node *below = NULL; /* what lies just before the path, if anything */
        unsigned below_height = 0, at;

        for (unsigned height = ladder->height; height; height--) {
                at = child_for(node, key);
                if (at) {
                        below = node->u.in.child[at - 1];
                        below_height = height - 1;
                }
                node = node->u.in.child[at];
        }
        at = node ? rank_of(node->u.key, node->n, key) : 0;
        if (node && at < node->n && !before(key, node->u.key[at]))
                at++; /* the very last tag */
        if (!at && below) {
                for (; below_height; below_height--)
                        below = below->u.in.child[below->n - 1];
                node = below;
                at = node->n;
        }
        if (at)
                *out = node->u.key[at - 1];
        return at > 0;
}

void ladder_each(const struct ladder *ladder, int64_t from, int64_t to,
                 void (*each)(void *cookie, struct ladder_key key), void *cookie)
{
        struct ladder_key key = {from, 0};
        const struct ladder_node *leaf = leaf_for(ladder, key);
        unsigned at = leaf ? rank_of(leaf->u.key, leaf->n, key) : 0;

        for (; leaf; leaf = leaf->next, at = 0)
                for (; at < leaf->n; at++) {
                        if (leaf->u.key[at].price > to)
                                return;
                        each(cookie, leaf->u.key[at]);
                }
}

static void free_below(struct ladder *ladder, struct ladder_node *node, unsigned height)
{
        for (unsigned i = 0; height && i < node->n; i++)
                free_below(ladder, node->u.in.child[i], height - 1);
        node_free(ladder, node);
}

void ladder_fini(struct ladder *ladder)
{
        if (ladder->root)
                free_below(ladder, ladder->root, ladder->height);
        *ladder = (struct ladder){0};
}

size_t ladder_bytes(const struct ladder *ladder)
{
        return ladder->nodes * sizeof(struct ladder_node);
}
