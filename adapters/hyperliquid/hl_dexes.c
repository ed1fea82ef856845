#include "adapters/hyperliquid/hl_dexes.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define DEXES         "perpDexs"
#define TOKENS        "spotMeta"
#define FEE_SCALE_MAX (100 * NUM_RATE_SCALE)

static enum errc parse_row(struct hl_dex_facts *out, const json_t *row, struct err *err)
{
        out->fee_scale.v = 0;
        if (!hl_raw_is_absent(row, "deployerFeeScale") &&
            (hl_parse_rate(&out->fee_scale, row, "deployerFeeScale") || out->fee_scale.v < 0 ||
             out->fee_scale.v > FEE_SCALE_MAX))
                return hl_parse_failed(err, DEXES, "deployerFeeScale");
        return E_OK;
}

enum errc hl_dexes_find(struct hl_dex_facts *out, const json_t *list, const char *name,
                        struct err *err)
{
        size_t n = json_array_size(list);

        *out = (struct hl_dex_facts){.index = 0};
        if (!json_is_array(list) || n > HL_DEXES_MAX)
                return hl_parse_failed(err, DEXES, "not a list that is accepted");
        if (!text_copy(out->name, sizeof out->name, name) || !name[0])
                return err_set(err, E_NOT_FOUND, "No dex has such a name.");
        for (size_t i = 1; i < n; i++) { /* the first dex has no row */
                const json_t *row = json_array_get(list, i);
                const char *its = hl_raw_get_text(row, "name", NULL);

                if (!its || strcmp(its, name) != 0)
                        continue;
                /* Orders would go to whichever of the two comes first. */
                if (out->index)
                        return hl_parse_failed(err, DEXES, "two dexes of one name");
                out->index = (unsigned)i;
                if (parse_row(out, row, err))
                        return E_VENUE_UNAVAILABLE;
        }
        return out->index ? E_OK : err_set(err, E_NOT_FOUND, "The venue lists no dex %s.", name);
}

static bool parse_token(struct hl_token *out, const json_t *row)
{
        return hl_raw_get_uint(&out->index, row, "index") == E_OK &&
               hl_parse_text(out->name, sizeof out->name, row, "name") == E_OK && out->name[0] &&
               hl_parse_text(out->id, sizeof out->id, row, "tokenId") == E_OK;
}

struct hl_tokens *hl_dexes_tokens(const json_t *spot_meta, struct err *err)
{
        const json_t *rows = json_object_get(spot_meta, "tokens");
        size_t n = json_array_size(rows);
        struct hl_tokens *tokens;

        if (!json_is_array(rows) || n > HL_DEXES_TOKENS_MAX) {
                (void)hl_parse_failed(err, TOKENS, "tokens");
                return NULL;
        }
        tokens = xcalloc(1, sizeof *tokens);
        tokens->token = xcalloc(n + 1, sizeof *tokens->token);
        for (size_t i = 0; i < n; i++)
                if (parse_token(&tokens->token[tokens->n], json_array_get(rows, i)))
                        tokens->n++;
        return tokens;
}

void hl_dexes_tokens_free(struct hl_tokens *tokens)
{
        if (!tokens)
                return;
        free(tokens->token);
        free(tokens);
}

static bool is_the_only(const struct hl_tokens *tokens, const struct hl_token *token)
{
        for (size_t i = 0; i < tokens->n; i++)
                if (&tokens->token[i] != token && strcmp(tokens->token[i].name, token->name) == 0)
                        return false;
        return token->index == 0 || strcmp(token->name, "USDC") != 0;
}

const struct hl_token *hl_dexes_token(const struct hl_tokens *tokens, uint64_t index)
{
        for (size_t i = 0; tokens && i < tokens->n; i++)
                if (tokens->token[i].index == index)
                        return is_the_only(tokens, &tokens->token[i]) ? &tokens->token[i] : NULL;
        return NULL;
}
