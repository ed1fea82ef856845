#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/paper/paper_state.h"
#include "base/mem.h"

/* Nonces per signer: the 100 highest used are kept, ascending. A new one must be unused, above the
 * lowest kept once there are 100, and not older than two days or more than a day ahead. They need
 * not grow. Clients stamp nonces with the real time, so the window's lower edge does not move when
 * the venue's clock is advanced by hand. */

#define KEPT 100

struct paper_nonces {
        unsigned n;
        uint64_t nonce[KEPT];
};

static bool refuse(char text[PAPER_TEXT_MAX], const char *why, uint64_t nonce, const char *sign,
                   uint64_t bound)
{
        (void)snprintf(text, PAPER_TEXT_MAX, "Invalid nonce: %s %" PRIu64 " %s %" PRIu64, why,
                       nonce, sign, bound);
        return false;
}

static bool insert(struct paper_nonces *set, uint64_t nonce, char text[PAPER_TEXT_MAX])
{
        unsigned i = set->n;

        while (i > 0 && set->nonce[i - 1] >= nonce)
                i--;
        if (i < set->n && set->nonce[i] == nonce) {
                (void)snprintf(text, PAPER_TEXT_MAX, "Invalid nonce: duplicate nonce %" PRIu64,
                               nonce);
                return false;
        }
        if (set->n == KEPT && i == 0)
                return refuse(text, "nonce too low", nonce, "<", set->nonce[0]);
        if (set->n < KEPT) {
                memmove(&set->nonce[i + 1], &set->nonce[i], (set->n - i) * sizeof(nonce));
                set->nonce[i] = nonce;
                set->n++;
                return true;
        }
        /* Full: the lowest leaves, everything below the new one moves down. */
        memmove(&set->nonce[0], &set->nonce[1], (i - 1) * sizeof(nonce));
        set->nonce[i - 1] = nonce;
        return true;
}

bool paper_nonces_take(struct paper *p, const struct addr *signer, uint64_t nonce,
                       char text[PAPER_TEXT_MAX])
{
        uint64_t lowest = (uint64_t)(paper_wall_now(p) - 2 * PAPER_DAY_MS);
        uint64_t highest = (uint64_t)(paper_now(p) + PAPER_DAY_MS);
        struct paper_nonces *set = map_get(p->nonces, signer, sizeof(*signer));

        if (nonce <= lowest)
                return refuse(text, "nonce too low", nonce, "<", lowest);
        if (nonce >= highest)
                return refuse(text, "nonce too high", nonce, ">", highest);
        if (!set) {
                set = xcalloc(1, sizeof(*set));
                (void)map_put(p->nonces, signer, sizeof(*signer), set);
        }
        return insert(set, nonce, text);
}

void paper_nonces_archive(struct archive *archive, struct paper_nonces **set)
{
        uint64_t last = 0;

        if (archive_is_reading(archive))
                *set = xcalloc(1, sizeof(**set));
        archive_unsigned(archive, &(*set)->n);
        if (!archive_want(archive, (*set)->n <= KEPT, "a signer has too many nonces"))
                (*set)->n = 0;
        for (unsigned i = 0; i < (*set)->n; i++) {
                archive_u64(archive, &(*set)->nonce[i]);
                (void)archive_want(archive, (*set)->nonce[i] > last, "nonces are not in order");
                last = (*set)->nonce[i];
        }
}
