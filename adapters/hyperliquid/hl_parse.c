#include "adapters/hyperliquid/hl_parse.h"

#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

enum errc hl_parse_failed(struct err *err, const char *answer, const char *part)
{
        return err_set(err, E_VENUE_UNAVAILABLE,
                       "The venue's answer to %s was not understood (%s).", answer, part);
}

static enum errc decimal(int64_t *out, const json_t *object, const char *key, unsigned decimals,
                         enum num_excess excess)
{
        size_t len = 0;
        const char *s = hl_raw_get_text(object, key, &len);

        return s ? num_parse(out, s, len, decimals, excess) : E_SYNTAX;
}

enum errc hl_parse_px(struct px *out, const json_t *object, const char *key)
{
        return decimal(&out->v, object, key, NUM_DECIMALS, NUM_REFUSE);
}

enum errc hl_parse_qty(struct qty *out, const json_t *object, const char *key)
{
        return decimal(&out->v, object, key, NUM_DECIMALS, NUM_REFUSE);
}

enum errc hl_parse_usd(struct usd *out, const json_t *object, const char *key)
{
        const char *s = hl_raw_get_text(object, key, NULL);

        return s ? num_parse_micro(out, s) : E_SYNTAX;
}

enum errc hl_parse_rate(struct rate *out, const json_t *object, const char *key)
{
        return decimal(&out->v, object, key, NUM_RATE_DECIMALS, NUM_ROUND);
}

enum errc hl_parse_px_rounded(struct px *out, const json_t *object, const char *key)
{
        return decimal(&out->v, object, key, NUM_DECIMALS, NUM_ROUND);
}

enum errc hl_parse_qty_rounded(struct qty *out, const json_t *object, const char *key)
{
        return decimal(&out->v, object, key, NUM_DECIMALS, NUM_ROUND);
}

enum errc hl_parse_text(char *out, size_t cap, const json_t *object, const char *key)
{
        const char *s = hl_raw_get_text(object, key, NULL);

        return s && text_copy(out, cap, s) ? E_OK : E_SYNTAX;
}

enum errc hl_parse_side(enum side *out, const json_t *object)
{
        size_t len = 0;
        const char *s = hl_raw_get_text(object, "side", &len);

        if (!s || len != 1 || (s[0] != 'B' && s[0] != 'A'))
                return E_SYNTAX;
        *out = s[0] == 'B' ? SIDE_BUY : SIDE_SELL;
        return E_OK;
}

enum errc hl_parse_cloid(bool *has, struct cloid *out, const json_t *object)
{
        size_t len = 0;
        const char *s = hl_raw_get_text(object, "cloid", &len);

        *has = false;
        if (hl_raw_is_absent(object, "cloid"))
                return E_OK;
        if (!s || hex_parse_cloid(out, s, len))
                return E_SYNTAX;
        *has = true;
        return E_OK;
}

bool hl_parse_is_perp(const char *coin)
{
        return coin[0] != '@' && coin[0] != '#' && !strchr(coin, '/') && !strchr(coin, ':');
}
