#include "sign/keccak.h"

#include <nettle/sha3.h>
#include <string.h>

#define RATE_BYTES 136

static uint64_t load_le64(const uint8_t *p)
{
        uint64_t v = 0;

        for (unsigned i = 0; i < 8; i++)
                v |= (uint64_t)p[i] << 8 * i;
        return v;
}

static void absorb_block(struct keccak *k)
{
        struct sha3_state permuted;

        _Static_assert(sizeof k->block == RATE_BYTES, "a block is what is absorbed at once");
        _Static_assert(sizeof permuted.a == sizeof k->state, "a state is 25 lanes of 64 bits");
        for (size_t i = 0; i < RATE_BYTES / 8; i++)
                k->state[i] ^= load_le64(k->block + 8 * i);
        memcpy(permuted.a, k->state, sizeof k->state);
        nettle_sha3_permute(&permuted);
        memcpy(k->state, permuted.a, sizeof k->state);
        k->n_block = 0;
}

void keccak_init(struct keccak *k)
{
        memset(k, 0, sizeof *k);
}

void keccak_update(struct keccak *k, const void *data, size_t len)
{
        const uint8_t *bytes = data;

        while (len > 0) {
                size_t n = RATE_BYTES - k->n_block;
                if (n > len)
                        n = len;
                memcpy(k->block + k->n_block, bytes, n);
                k->n_block += (unsigned)n;
                bytes += n;
                len -= n;
                if (k->n_block == RATE_BYTES)
                        absorb_block(k);
        }
}

void keccak_final(struct keccak *k, struct hash32 *out)
{
        memset(k->block + k->n_block, 0, RATE_BYTES - k->n_block);
        k->block[k->n_block] ^= 0x01; /* NIST's SHA-3 has 0x06 here */
        k->block[RATE_BYTES - 1] ^= 0x80;
        absorb_block(k);
        for (size_t i = 0; i < sizeof out->b; i++)
                out->b[i] = (uint8_t)(k->state[i / 8] >> 8 * (i % 8));
}

void keccak256(struct hash32 *out, const void *data, size_t len)
{
        struct keccak k;

        keccak_init(&k);
        keccak_update(&k, data, len);
        keccak_final(&k, out);
}
