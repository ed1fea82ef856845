/* siwe: Sign-In with Ethereum messages (EIP-4361): writing one and parsing one strictly. Pure. */
#ifndef AUTH_SIWE_H
#define AUTH_SIWE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

#define SIWE_MESSAGE_MAX 2048

struct siwe {
        char domain[256];
        struct addr address;
        char statement[256]; /* may be "" */
        char uri[256];
        char version[8];
        uint64_t chain_id;
        char nonce[65];
        int64_t issued_at;  /* wall ms; the text has milliseconds */
        int64_t expires_at; /* 0: none */
        int64_t not_before; /* 0: none */
};

/* Writes the message with the address in EIP-55 form. Returns its length, 0 when it does not fit. */
size_t siwe_print(char *out, size_t cap, const struct siwe *siwe);
/* Every line in its place or E_SYNTAX, with the line at fault in err. */
MUST_USE enum errc siwe_parse(struct siwe *out, const char *message, size_t len, struct err *err);

#endif
