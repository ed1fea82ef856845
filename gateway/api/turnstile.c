#include "api/turnstile.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/venue.h"
#include "base/map.h"
#include "base/mem.h"

struct turnstile {
        struct loop *loop;
        struct map *lanes;
};

struct lane_key {
        struct addr account;
        char symbol[SYMBOL_MAX];
};

struct turnstile_lane {
        struct turnstile *turnstile;
        struct lane_key key;
        struct list passes; /* the first is inside */
        unsigned n;
        bool turn_posted;
};

struct turnstile *turnstile_new(struct loop *loop)
{
        struct turnstile *turnstile = xcalloc(1, sizeof *turnstile);

        turnstile->loop = loop;
        turnstile->lanes = map_new();
        return turnstile;
}

void turnstile_free(struct turnstile *turnstile)
{
        if (!turnstile)
                return;
        must(map_size(turnstile->lanes) == 0);
        map_free(turnstile->lanes, NULL);
        free(turnstile);
}

static void lane_end(struct turnstile_lane *lane)
{
        map_take(lane->turnstile->lanes, &lane->key, sizeof lane->key);
        free(lane);
}

/* Ends the lane when nobody is left, else lets the first in. */
static void turn(void *arg)
{
        struct turnstile_lane *lane = arg;

        lane->turn_posted = false;
        if (list_empty(&lane->passes)) {
                lane_end(lane);
                return;
        }
        struct turnstile_pass *first = list_entry(lane->passes.next, struct turnstile_pass, link);
        first->entered(first);
}

static void post_turn(struct turnstile_lane *lane)
{
        if (lane->turn_posted)
                return;
        lane->turn_posted = true;
        loop_post(lane->turnstile->loop, turn, lane);
}

enum errc turnstile_enter(struct turnstile *turnstile, struct turnstile_pass *pass,
                          const struct addr *account, const char *symbol,
                          void (*entered)(struct turnstile_pass *pass))
{
        struct lane_key key = {.account = *account};
        struct turnstile_lane *lane;

        text_copy(key.symbol, sizeof key.symbol, symbol);
        lane = map_get(turnstile->lanes, &key, sizeof key);
        if (!lane) {
                lane = xcalloc(1, sizeof *lane);
                lane->turnstile = turnstile;
                lane->key = key;
                list_init(&lane->passes);
                map_put(turnstile->lanes, &key, sizeof key, lane);
        }
        if (lane->n >= TURNSTILE_WAITING_MAX)
                return E_LIMIT;
        pass->lane = lane;
        pass->entered = entered;
        list_push_back(&lane->passes, &pass->link);
        if (lane->n++ == 0)
                post_turn(lane);
        return E_OK;
}

void turnstile_leave(struct turnstile *turnstile, struct turnstile_pass *pass)
{
        struct turnstile_lane *lane = pass->lane;
        bool was_first;

        (void)turnstile;
        if (!lane)
                return;
        was_first = lane->passes.next == &pass->link;
        list_remove(&pass->link);
        pass->lane = NULL;
        lane->n--;
        /* Empty, it goes at once: a shutdown right after the last has left finds nothing posted. */
        if (lane->n == 0 && !lane->turn_posted)
                lane_end(lane);
        else if (was_first)
                post_turn(lane);
}
