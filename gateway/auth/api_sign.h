/* api_sign: what a bot signs. The text is time stamp, method, path with query, and body, one after the
 * other with nothing between; the signature is HMAC-SHA256 or Ed25519 over it, in hex. Pure. */
#ifndef AUTH_API_SIGN_H
#define AUTH_API_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define API_SIGN_WINDOW_MS     5000
#define API_SIGN_WINDOW_MAX_MS 60000
#define API_SIGN_KEY_BYTES     16 /* the key's id, in hex on the wire */

/* As the headers say; borrowed. window "" is the default. */
struct api_sign_headers {
        const char *key, *timestamp, *signature, *window;
};
struct api_sign {
        uint8_t key[API_SIGN_KEY_BYTES];
        int64_t at;
        uint8_t signature[64];
        size_t signature_len; /* 32: HMAC, 64: Ed25519 */
};

/* E_UNAUTHORIZED with a sentence that says which header is wrong and, for the time stamp, by how
 * much it is off. */
MUST_USE enum errc api_sign_read(struct api_sign *out, const struct api_sign_headers *headers,
                                 int64_t wall_ms, struct err *err);
/* Appends the text that is signed. The time stamp is taken as it was written. */
void api_sign_text(struct buf *out, const char *timestamp, const char *method, const char *path,
                   const char *query, const void *body, size_t len);
/* Appends query, which leaves plain what a query may hold plain, with everything but letters, digits
 * and "-._~" encoded: the other way in which clients write, and sign, the same query. */
void api_sign_strict(struct buf *out, const char *query);
/* The same for a decoded path: all but letters, digits and "-._~/" encoded, as in xyz%3AGOLD. */
void api_sign_strict_path(struct buf *out, const char *path);
/* E_UNAUTHORIZED unless it is the one this code or key makes; in constant time. */
MUST_USE enum errc api_sign_check_mac(const struct api_sign *sign, const uint8_t mac[32]);
MUST_USE enum errc api_sign_check_ed25519(const struct api_sign *sign, const uint8_t public_key[32],
                                          const void *text, size_t len);
/* 64 hex digits, with or without "0x", that are a point of the curve and not of small order. */
MUST_USE enum errc api_sign_public_key(uint8_t out[32], const char *text);

#endif
