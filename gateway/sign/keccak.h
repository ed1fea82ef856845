/* keccak: Keccak-256 with the original 0x01 padding (Ethereum's), on nettle's permutation.
 * Not NIST SHA-3. Pure. */
#ifndef SIGN_KECCAK_H
#define SIGN_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#include "base/hex.h"

struct keccak {
        uint64_t state[25];
        uint8_t block[136];
        unsigned n_block;
};

void keccak_init(struct keccak *k);
void keccak_update(struct keccak *k, const void *data, size_t len);
void keccak_final(struct keccak *k, struct hash32 *out); /* k must be initialised anew after */
void keccak256(struct hash32 *out, const void *data, size_t len);

#endif
