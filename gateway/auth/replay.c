#include "auth/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct seen {
        struct list by_age; /* of replay.by_age */
        uint8_t name[48];   /* key, digest */
        int64_t until_mono;
};

struct replay {
        unsigned max, max_per_key;
        int64_t keep_ms;
        struct map *seen;   /* name -> struct seen */
        struct map *counts; /* key -> unsigned, never 0 */
        struct list by_age; /* oldest first */
};

struct replay *replay_new(unsigned max, unsigned max_per_key, int64_t keep_ms)
{
        struct replay *r = xcalloc(1, sizeof *r);

        must(max > 0 && max_per_key > 0 && keep_ms > 0);
        r->max = max;
        r->max_per_key = max_per_key;
        r->keep_ms = keep_ms;
        r->seen = map_new();
        r->counts = map_new();
        list_init(&r->by_age);
        return r;
}

void replay_free(struct replay *r)
{
        if (!r)
                return;
        map_free(r->seen, free);
        map_free(r->counts, free);
        free(r);
}

static void forget(struct replay *r, struct seen *s)
{
        unsigned *count = map_get(r->counts, s->name, 16);

        must(count && *count > 0);
        if (--*count == 0)
                free(map_take(r->counts, s->name, 16));
        list_remove(&s->by_age);
        must(map_take(r->seen, s->name, sizeof s->name) == s);
        free(s);
}

static void forget_old(struct replay *r, int64_t mono_ms)
{
        while (!list_empty(&r->by_age)) {
                struct seen *oldest = list_entry(r->by_age.next, struct seen, by_age);

                if (oldest->until_mono > mono_ms)
                        return;
                forget(r, oldest);
        }
}

enum errc replay_take(struct replay *r, const uint8_t key[16], const uint8_t digest[32],
                      int64_t mono_ms)
{
        struct seen *s;
        unsigned *count;
        uint8_t name[48];

        memcpy(name, key, 16);
        memcpy(name + 16, digest, 32);
        forget_old(r, mono_ms);
        if (map_get(r->seen, name, sizeof name))
                return E_EXISTS;
        count = map_get(r->counts, key, 16);
        if (map_size(r->seen) >= r->max || (count && *count >= r->max_per_key))
                return E_LIMIT;
        if (!count) {
                count = xcalloc(1, sizeof *count);
                map_put(r->counts, key, 16, count);
        }
        ++*count;
        s = xcalloc(1, sizeof *s);
        memcpy(s->name, name, sizeof name);
        s->until_mono = mono_ms + r->keep_ms;
        list_push_back(&r->by_age, &s->by_age);
        map_put(r->seen, name, sizeof name, s);
        return E_OK;
}
