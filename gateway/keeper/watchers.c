#include "keeper/watchers.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

/* Brands are few and addresses many: an address keeps the numbers of its brands. */
#define BRANDS_KNOWN 256

struct entry {
        bool is_mirrored;
        uint8_t n;
        uint8_t brand[KEEPER_BRANDS_MAX];
};

struct watchers {
        struct map *by_user;
        char *name[BRANDS_KNOWN]; /* owned */
        unsigned n_names;
};

struct watchers *watchers_new(void)
{
        struct watchers *w = xcalloc(1, sizeof *w);

        w->by_user = map_new();
        return w;
}

void watchers_free(struct watchers *w)
{
        if (!w)
                return;
        map_free(w->by_user, free);
        for (unsigned i = 0; i < w->n_names; i++)
                free(w->name[i]);
        free(w);
}

/* The brand's number, or -1 where there is no room for one more name. */
static int number_of(struct watchers *w, const char *brand)
{
        for (unsigned i = 0; i < w->n_names; i++)
                if (strcmp(w->name[i], brand) == 0)
                        return (int)i;
        if (w->n_names == BRANDS_KNOWN)
                return -1;
        w->name[w->n_names] = xstrdup(brand);
        return (int)w->n_names++;
}

static void note(struct entry *entry, int number)
{
        for (unsigned i = 0; i < entry->n; i++)
                if (entry->brand[i] == number)
                        return;
        if (number < 0 || entry->n == KEEPER_BRANDS_MAX)
                log_event(LOG_WARN, "watched_under_too_many_brands", NULL);
        else
                entry->brand[entry->n++] = (uint8_t)number;
}

bool watchers_add(struct watchers *w, const char *brand, const struct addr *user)
{
        struct entry *entry = map_get(w->by_user, user->b, sizeof user->b);
        bool is_new = !entry;

        if (is_new) {
                entry = xcalloc(1, sizeof *entry);
                map_put(w->by_user, user->b, sizeof user->b, entry);
        }
        note(entry, number_of(w, brand));
        return is_new;
}

void watchers_mark(struct watchers *w, const struct addr *user)
{
        struct entry *entry = map_get(w->by_user, user->b, sizeof user->b);

        must(entry != NULL);
        entry->is_mirrored = true;
}

bool watchers_marked(const struct watchers *w, const struct addr *user)
{
        const struct entry *entry = map_get(w->by_user, user->b, sizeof user->b);

        return entry && entry->is_mirrored;
}

unsigned watchers_of(const struct watchers *w, const struct addr *user,
                     const char *brand[KEEPER_BRANDS_MAX])
{
        const struct entry *entry = map_get(w->by_user, user->b, sizeof user->b);

        for (unsigned i = 0; entry && i < entry->n; i++)
                brand[i] = w->name[entry->brand[i]];
        return entry ? entry->n : 0;
}

size_t watchers_count(const struct watchers *w)
{
        return map_size(w->by_user);
}
