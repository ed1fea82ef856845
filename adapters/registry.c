#include "adapters/registry.h"

#include <string.h>

#include "adapters/hyperliquid/hl_lanes.h"
#include "adapters/hyperliquid/hl_venue.h"

/* One row per venue. */
static const struct {
        const char *kind;
        registry_open_fn *open;
        registry_feed_fn *open_feed; /* NULL: it tells nothing by itself */
} venues[] = {
        {"hyperliquid", hl_venue_open, hl_lanes_open},
};

registry_open_fn *registry_find(const char *kind)
{
        for (size_t i = 0; i < sizeof venues / sizeof *venues; i++) {
                if (strcmp(venues[i].kind, kind) == 0)
                        return venues[i].open;
        }
        return NULL;
}

registry_feed_fn *registry_find_feed(const char *kind)
{
        for (size_t i = 0; i < sizeof venues / sizeof *venues; i++) {
                if (strcmp(venues[i].kind, kind) == 0)
                        return venues[i].open_feed;
        }
        return NULL;
}
