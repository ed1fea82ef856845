#include "api/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/map.h"
#include "base/mem.h"

struct tally {
        struct map *counts; /* name -> unsigned *, above zero */
};

struct tally *tally_new(void)
{
        struct tally *tally = xcalloc(1, sizeof *tally);

        tally->counts = map_new();
        return tally;
}

void tally_free(struct tally *tally)
{
        if (!tally)
                return;
        map_free(tally->counts, free);
        free(tally);
}

bool tally_add(struct tally *tally, const char *name, unsigned max)
{
        unsigned *count = map_get(tally->counts, name, strlen(name));

        if (count && max && *count >= max)
                return false;
        if (!count) {
                count = xcalloc(1, sizeof *count);
                map_put(tally->counts, name, strlen(name), count);
        }
        ++*count;
        return true;
}

void tally_drop(struct tally *tally, const char *name)
{
        unsigned *count = map_get(tally->counts, name, strlen(name));

        must(count);
        if (--*count == 0)
                free(map_take(tally->counts, name, strlen(name)));
}
