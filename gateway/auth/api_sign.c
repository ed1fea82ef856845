#include "auth/api_sign.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/secret.h"

#define MAC_BYTES 32
#define SIG_BYTES 64

/* Digits only: what num_parse also takes, such as "5.0", is another spelling of what is signed. */
static bool read_digits(int64_t *out, const char *text)
{
        size_t len = strlen(text);

        return len > 0 && len <= 15 && strspn(text, "0123456789") == len &&
               num_parse(out, text, len, 0, NUM_REFUSE) == E_OK;
}

static enum errc read_time(struct api_sign *out, const struct api_sign_headers *h, int64_t wall_ms,
                           struct err *err)
{
        int64_t window = API_SIGN_WINDOW_MS, off;

        if (h->window[0] &&
            (!read_digits(&window, h->window) || window < 1 || window > API_SIGN_WINDOW_MAX_MS))
                return err_set(err, E_UNAUTHORIZED, "X-Api-Window must be 1 to %d milliseconds.",
                               API_SIGN_WINDOW_MAX_MS);
        if (!read_digits(&out->at, h->timestamp))
                return err_set(err, E_UNAUTHORIZED,
                               "X-Api-Timestamp must be milliseconds since 1970.");
        off = out->at - wall_ms;
        if (off > window || off < -window)
                return err_set(err, E_UNAUTHORIZED,
                               "X-Api-Timestamp is %" PRId64
                               " ms %s the time here, and the window is %" PRId64
                               " ms. GET /v1/time tells the time.",
                               off < 0 ? -off : off, off < 0 ? "behind" : "ahead of", window);
        return E_OK;
}

enum errc api_sign_read(struct api_sign *out, const struct api_sign_headers *h, int64_t wall_ms,
                        struct err *err)
{
        size_t digits = strlen(h->signature);

        if (hex_decode(out->key, sizeof out->key, h->key, strlen(h->key)))
                return err_set(err, E_UNAUTHORIZED, "X-Api-Key must be the id of a key.");
        out->signature_len = digits / 2;
        if ((digits != 2 * MAC_BYTES && digits != 2 * SIG_BYTES) ||
            hex_decode(out->signature, out->signature_len, h->signature, digits))
                return err_set(err, E_UNAUTHORIZED,
                               "X-Api-Signature must be hex: 64 digits of HMAC-SHA256 or 128 of "
                               "Ed25519.");
        return read_time(out, h, wall_ms, err);
}

void api_sign_text(struct buf *out, const char *timestamp, const char *method, const char *path,
                   const char *query, const void *body, size_t len)
{
        buf_puts(out, timestamp);
        buf_puts(out, method);
        buf_puts(out, path);
        if (query[0]) {
                buf_putc(out, '?');
                buf_puts(out, query);
        }
        buf_put(out, body, len);
}

static bool is_unreserved(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               strchr("-._~", c);
}

static void put_encoded(struct buf *out, char c)
{
        buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
}

void api_sign_strict_path(struct buf *out, const char *path)
{
        for (const char *s = path; *s; s++) {
                if (*s == '/' || is_unreserved(*s))
                        buf_putc(out, *s);
                else
                        put_encoded(out, *s);
        }
}

void api_sign_strict(struct buf *out, const char *query)
{
        bool has_equals = false; /* of this piece: the first one ends its name */

        for (const char *s = query; *s; s++) {
                bool is_plain =
                        is_unreserved(*s) || *s == '%' || *s == '&' || (*s == '=' && !has_equals);

                has_equals = *s != '&' && (has_equals || *s == '=');
                if (is_plain)
                        buf_putc(out, *s);
                else
                        put_encoded(out, *s);
        }
}

enum errc api_sign_check_mac(const struct api_sign *sign, const uint8_t mac[32])
{
        return sign->signature_len == MAC_BYTES && secret_equal(sign->signature, mac, MAC_BYTES)
                       ? E_OK
                       : E_UNAUTHORIZED;
}

enum errc api_sign_check_ed25519(const struct api_sign *sign, const uint8_t public_key[32],
                                 const void *text, size_t len)
{
        if (sign->signature_len != SIG_BYTES ||
            crypto_sign_verify_detached(sign->signature, text, len, public_key))
                return E_UNAUTHORIZED;
        return E_OK;
}

enum errc api_sign_public_key(uint8_t out[32], const char *text)
{
        if (strncmp(text, "0x", 2) == 0)
                text += 2;
        if (hex_decode(out, 32, text, strlen(text)) || !crypto_core_ed25519_is_valid_point(out))
                return E_SYNTAX;
        return E_OK;
}
