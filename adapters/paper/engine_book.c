#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "adapters/paper/engine_internal.h"

void engine_book_init(struct ladder *ladder, bool best_is_highest)
{
        *ladder = (struct ladder){.best_is_highest = best_is_highest};
}

void engine_book_fini(struct ladder *ladder)
{
        for (size_t i = 0; i < ladder->n; i++)
                free(ladder->level[i]);
        free(ladder->level);
        *ladder = (struct ladder){0};
}

/* Whether a stands before (is worse than) b. */
static bool is_worse(const struct ladder *ladder, struct px a, struct px b)
{
        return ladder->best_is_highest ? a.v < b.v : a.v > b.v;
}

/* The index of the first level that is not worse than price: its own, or where it would stand. */
static size_t find(const struct ladder *ladder, struct px price)
{
        size_t low = 0;
        size_t high = ladder->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (is_worse(ladder, ladder->level[middle]->price, price))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static struct level *level_at(const struct ladder *ladder, struct px price)
{
        size_t i = find(ladder, price);

        must(i < ladder->n && ladder->level[i]->price.v == price.v);
        return ladder->level[i];
}

static struct level *level_make(struct ladder *ladder, struct px price)
{
        size_t i = find(ladder, price);
        struct level *level;

        if (i < ladder->n && ladder->level[i]->price.v == price.v)
                return ladder->level[i];
        if (ladder->n == ladder->capacity) {
                ladder->capacity = ladder->capacity ? 2 * ladder->capacity : 16;
                ladder->level = xrealloc(ladder->level, ladder->capacity * sizeof *ladder->level);
        }
        level = xcalloc(1, sizeof *level);
        level->price = price;
        list_init(&level->orders);
        memmove(&ladder->level[i + 1], &ladder->level[i], (ladder->n - i) * sizeof *ladder->level);
        ladder->level[i] = level;
        ladder->n++;
        return level;
}

void engine_book_insert(struct ladder *ladder, struct order *order, struct px price)
{
        struct level *level = level_make(ladder, price);

        level->size.v = add_exact(level->size.v, order->pub.size.v);
        level->n_orders++;
        list_push_back(&level->orders, &order->in_level);
        order->ladder = ladder;
}

void engine_book_remove(struct order *order, struct px price)
{
        struct ladder *ladder = order->ladder;
        size_t i = find(ladder, price);
        struct level *level = level_at(ladder, price);

        level->size.v -= order->pub.size.v;
        level->n_orders--;
        list_remove(&order->in_level);
        order->ladder = NULL;
        if (level->n_orders)
                return;
        free(level);
        ladder->n--;
        memmove(&ladder->level[i], &ladder->level[i + 1], (ladder->n - i) * sizeof *ladder->level);
}

void engine_book_shrink(struct order *order, struct px price, struct qty by)
{
        level_at(order->ladder, price)->size.v -= by.v;
}

struct level *engine_book_best(const struct ladder *ladder)
{
        return ladder->n ? ladder->level[ladder->n - 1] : NULL;
}

void engine_book_touch(struct engine *engine, struct listing *listing)
{
        if (listing->is_dirty)
                return;
        listing->is_dirty = true;
        engine->dirty[engine->n_dirty++] = listing->asset;
}

size_t engine_book(const struct engine *engine, uint32_t asset, int side, struct engine_level *out,
                   size_t max)
{
        const struct ladder *ladder;
        size_t n = 0;

        if (asset >= engine->n_listings || (side != 0 && side != 1))
                return 0;
        ladder = &engine->listing[asset].book[side];
        for (; n < max && n < ladder->n; n++) {
                const struct level *level = ladder->level[ladder->n - 1 - n];

                out[n] = (struct engine_level){
                        .price = level->price, .size = level->size, .n_orders = level->n_orders};
        }
        return n;
}
