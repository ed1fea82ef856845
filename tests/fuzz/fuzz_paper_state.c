/* State files from anywhere, behind the checksum: what is loaded is saved as the same bytes. The input
 * is what stands between a file's first line and its checksum, of a universe of two markets, each of
 * another dex. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/paper_state.h"
#include "adapters/paper/paper_twap.h"
#include "base/mem.h"
#include "sign/keccak.h"

#define HEAD "perpgate paper state 3\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct paper *venue_new(void)
{
        struct paper *p = xcalloc(1, sizeof(*p));

        p->is_mainnet = true;
        list_init(&p->changed);
        list_init(&p->twaps);
        p->users = map_new();
        p->agents = map_new();
        p->nonces = map_new();
        p->codes = map_new();
        paper_universe_default(&p->universe);
        p->universe.n = 2;
        p->universe.spec[1] = p->universe.spec[p->universe.dex[1].first];
        p->market = xcalloc(p->universe.n, sizeof(*p->market));
        return p;
}

static void venue_free(struct paper *p)
{
        for (size_t i = 0; i < p->universe.n; i++) {
                paper_candles_fini(&p->market[i].candles);
                free(p->market[i].funding);
        }
        free(p->market);
        engine_free(p->engine);
        paper_twap_fini(p);
        map_free(p->users, paper_users_free);
        map_free(p->agents, free);
        map_free(p->nonces, free);
        map_free(p->codes, NULL);
        paper_universe_fini(&p->universe);
        free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct paper *p = venue_new();
        struct err err = {.code = E_OK};
        struct hash32 sum;
        struct buf in, out;

        buf_init(&in, (size_t)64 << 20);
        buf_puts(&in, HEAD);
        buf_put(&in, data, len);
        keccak256(&sum, in.data, in.len);
        buf_put(&in, sum.b, sizeof(sum.b));
        if (paper_state_read(p, in.data, in.len, &err)) {
                if (err.detail[0] == '\0')
                        abort();
        } else {
                if (paper_state_write(p, &out, &err) || out.len != in.len ||
                    memcmp(out.data, in.data, in.len) != 0)
                        abort();
                buf_fini(&out);
        }
        buf_fini(&in);
        venue_free(p);
        return 0;
}
