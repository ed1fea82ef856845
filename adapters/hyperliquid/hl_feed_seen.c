#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/mem.h"

/* The newest trades of a market, by id: about a thousand, in sets of four, where the newest takes the place
 * of the oldest. */

#define SETS 256
#define WAYS 4

struct hl_feed_seen {
        uint64_t tid[SETS][WAYS]; /* newest first; 0: none */
};

bool hl_feed_seen_note(struct hl_feed_seen **seen, uint64_t tid)
{
        uint64_t *set;

        if (tid == 0)
                return false;
        if (!*seen)
                *seen = xcalloc(1, sizeof **seen);
        set = (*seen)->tid[(tid * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
        for (unsigned i = 0; i < WAYS; i++) {
                if (set[i] == tid)
                        return true;
        }
        memmove(set + 1, set, (WAYS - 1) * sizeof *set);
        set[0] = tid;
        return false;
}
