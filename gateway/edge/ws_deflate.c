#include "edge/ws_deflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "base/mem.h"

#define WINDOW_BITS 15
#define MEMORY      8 /* zlib's default */
#define LEVEL       4 /* beyond, time grows faster than what it saves on a kilobyte of JSON */
#define PIECE_BYTES 16384

/* In zlib's data_type, once inflate has stopped. */
#define AT_BLOCK_END 128

struct ws_deflate {
        z_stream packer;
        z_stream unpacker;
        bool can_pack;
        bool can_unpack;
        uint8_t piece[PIECE_BYTES];
};

/* ---- offers ---- */

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* A part of the text, without the blanks around it. */
struct span {
        const char *s;
        size_t len;
};

static struct span trimmed(const char *s, size_t len)
{
        while (len > 0 && is_blank(*s)) {
                s++;
                len--;
        }
        while (len > 0 && is_blank(s[len - 1]))
                len--;
        return (struct span){s, len};
}

/* Takes what is before the next of separator. */
static struct span cut(struct span *rest, char separator)
{
        const char *at = rest->len ? memchr(rest->s, separator, rest->len) : NULL;
        size_t len = at ? (size_t)(at - rest->s) : rest->len;
        struct span first = trimmed(rest->s, len);

        rest->s += len + (at != NULL);
        rest->len -= len + (at != NULL);
        return first;
}

static bool is_word(struct span span, const char *word)
{
        return span.len == strlen(word) && strncasecmp(span.s, word, span.len) == 0;
}

/* 8 to 15, quoted or not; 0: neither. */
static unsigned bits_of(struct span value)
{
        if (value.len >= 2 && value.s[0] == '"' && value.s[value.len - 1] == '"')
                value = (struct span){value.s + 1, value.len - 2};
        if (value.len == 1 && (value.s[0] == '8' || value.s[0] == '9'))
                return (unsigned)(value.s[0] - '0');
        if (value.len == 2 && value.s[0] == '1' && value.s[1] >= '0' && value.s[1] <= '5')
                return 10 + (unsigned)(value.s[1] - '0');
        return 0;
}

enum parameter {
        CLIENT_NO_CONTEXT,
        SERVER_NO_CONTEXT,
        CLIENT_BITS,
        SERVER_BITS,
        PARAMETERS,
};

/* Whether the parameter is one that an offer may have, once, and that we can live with. A smaller
 * window for what we send would need a compressor of its own, so that offer is passed over. */
static bool parameter_fits(struct span parameter, bool seen[PARAMETERS])
{
        static const char *const names[PARAMETERS] = {
                "client_no_context_takeover",
                "server_no_context_takeover",
                "client_max_window_bits",
                "server_max_window_bits",
        };
        bool has_value = parameter.len > 0 && memchr(parameter.s, '=', parameter.len);
        struct span name = cut(&parameter, '=');
        struct span value = trimmed(parameter.s, parameter.len);

        for (int i = 0; i < PARAMETERS; i++) {
                if (!is_word(name, names[i]))
                        continue;
                if (seen[i])
                        return false;
                seen[i] = true;
                if (i == SERVER_BITS)
                        return has_value && bits_of(value) == WINDOW_BITS;
                if (i == CLIENT_BITS)
                        return !has_value || bits_of(value) > 0;
                return !has_value;
        }
        return false;
}

static bool offer_fits(struct span offer)
{
        bool seen[PARAMETERS] = {false};

        if (!is_word(cut(&offer, ';'), "permessage-deflate"))
                return false;
        while (offer.len > 0)
                if (!parameter_fits(cut(&offer, ';'), seen))
                        return false;
        return true;
}

bool ws_deflate_is_offered(const char *offers)
{
        struct span rest = {offers, strlen(offers)};

        while (rest.len > 0)
                if (offer_fits(cut(&rest, ',')))
                        return true;
        return false;
}

/* ---- messages ---- */

struct ws_deflate *ws_deflate_new(void)
{
        return xcalloc(1, sizeof(struct ws_deflate));
}

void ws_deflate_free(struct ws_deflate *d)
{
        if (!d)
                return;
        if (d->can_pack)
                (void)deflateEnd(&d->packer);
        if (d->can_unpack)
                (void)inflateEnd(&d->unpacker);
        free(d);
}

static void start_packer(struct ws_deflate *d)
{
        if (d->can_pack) {
                must(deflateReset(&d->packer) == Z_OK);
                return;
        }
        must(deflateInit2(&d->packer, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEMORY,
                          Z_DEFAULT_STRATEGY) == Z_OK);
        d->can_pack = true;
}

static void start_unpacker(struct ws_deflate *d)
{
        if (d->can_unpack) {
                must(inflateReset(&d->unpacker) == Z_OK);
                return;
        }
        must(inflateInit2(&d->unpacker, -WINDOW_BITS) == Z_OK);
        d->can_unpack = true;
}

bool ws_deflate_pack(struct ws_deflate *d, struct buf *out, const void *text, size_t len)
{
        size_t before = out->len;

        if (len > UINT32_MAX / 2)
                return false;
        start_packer(d);
        d->packer.next_in = (Bytef *)(uintptr_t)text;
        d->packer.avail_in = (uInt)len;
        do {
                d->packer.next_out = d->piece;
                d->packer.avail_out = sizeof(d->piece);
                must(deflate(&d->packer, Z_SYNC_FLUSH) != Z_STREAM_ERROR);
                buf_put(out, d->piece, sizeof(d->piece) - d->packer.avail_out);
        } while (d->packer.avail_out == 0);
        must(d->packer.avail_in == 0);
        /* The flush ends with an empty block, 00 00 ff ff, of which the receiver knows. */
        if (buf_check(out) == E_OK && out->len - before >= 4 + 1 && out->len - before - 4 < len) {
                out->len -= 4;
                return true;
        }
        out->len = before;
        out->overflowed = false;
        return false;
}

/* Inflates what the unpacker is given. *ended: a block said that it is the last; what follows is not
 * looked at. */
static enum errc unpack_part(struct ws_deflate *d, struct buf *out, bool *ended, const void *data,
                             size_t len)
{
        int rc;

        d->unpacker.next_in = (Bytef *)(uintptr_t)data;
        d->unpacker.avail_in = (uInt)len;
        do {
                d->unpacker.next_out = d->piece;
                d->unpacker.avail_out = sizeof(d->piece);
                rc = inflate(&d->unpacker, Z_SYNC_FLUSH);
                if (rc != Z_OK && rc != Z_BUF_ERROR && rc != Z_STREAM_END)
                        return E_SYNTAX;
                buf_put(out, d->piece, sizeof(d->piece) - d->unpacker.avail_out);
                if (buf_check(out)) /* of a bomb, no more than fits is ever made */
                        return E_TOO_LARGE;
        } while (d->unpacker.avail_out == 0 && rc == Z_OK);
        *ended = rc == Z_STREAM_END;
        return *ended || d->unpacker.avail_in == 0 ? E_OK : E_SYNTAX;
}

enum errc ws_deflate_unpack(struct ws_deflate *d, struct buf *out, const void *data, size_t len)
{
        static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff};
        bool ended = false;
        enum errc rc;

        if (len > UINT32_MAX / 2)
                return E_TOO_LARGE;
        start_unpacker(d);
        rc = unpack_part(d, out, &ended, data, len);
        if (rc || ended)
                return rc;
        rc = unpack_part(d, out, &ended, tail, sizeof(tail));
        /* Cut short, a message takes the tail, or a part of it, for its own. */
        if (!rc && (ended || !(d->unpacker.data_type & AT_BLOCK_END)))
                rc = E_SYNTAX;
        return rc;
}
