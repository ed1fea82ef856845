/* The venue's answers: the first byte picks the parser, the rest is the answer's text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_family.h"
#include "adapters/hyperliquid/hl_outcome.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void universe(const json_t *value)
{
        const json_t *meta = json_is_array(value) ? json_array_get(value, 0) : value;
        struct hl_universe *u = hl_meta_parse(meta, NULL, NULL);

        if (!u)
                return;
        (void)(hl_meta_contexts(u, json_array_get(value, 1), 1, NULL) == E_OK);
        for (size_t i = 0; i < u->n; i++)
                must(margin_table_check(&u->market[i].tiers) == E_OK);
        hl_meta_free(u);
}

/* {"dexes": .., "spot": .., "meta": [meta, contexts]}: what is read of a builder's dex, together. */
static void dex(const json_t *value)
{
        struct hl_tokens *tokens = hl_dexes_tokens(json_object_get(value, "spot"), NULL);
        const json_t *meta = json_object_get(value, "meta");
        struct hl_markets markets = {.n = 2, .dex[1].name = "xyz"};
        struct hl_dex_facts facts;
        struct hl_universe *u = NULL;

        if (hl_dexes_find(&facts, json_object_get(value, "dexes"), "xyz", NULL) == E_OK) {
                must(facts.index > 0 && facts.index < HL_DEXES_MAX);
                facts.tokens = tokens;
                u = hl_meta_parse(json_array_get(meta, 0), &facts, NULL);
        }
        markets.dex[1].universe = u;
        for (size_t i = 0; i < hl_markets_count(&markets); i++) {
                const struct market *m = hl_markets_at(&markets, i);

                must(strncmp(m->symbol, "xyz:", 4) == 0 && m->asset >= 110000);
                must(m->collateral[0] && m->fee_share.v > 0 && m->rebate_share.v > 0);
                must(hl_markets_find(&markets, m->symbol) == m);
                must(hl_markets_by_asset(&markets, m->asset) == m);
        }
        if (u)
                (void)(hl_meta_contexts(u, json_array_get(meta, 1), 1, NULL) == E_OK);
        hl_meta_free(u);
        hl_dexes_tokens_free(tokens);
}

static void account(const json_t *value)
{
        struct venue_account account;
        struct venue_setting setting;
        struct venue_fees fees;
        struct venue_sub_account *subs;
        struct addr master = {{0}};
        size_t n;

        if (hl_parse_account(&account, value, NULL, NULL) == E_OK)
                must(account.n_positions <= VENUE_POSITIONS_MAX);
        free(account.position);
        if (hl_family_parse(&subs, &n, value, &master, NULL) == E_OK)
                must(n <= VENUE_SUB_ACCOUNTS_MAX);
        free(subs);
        (void)(hl_parse_account_setting(&setting, value, NULL) == E_OK);
        (void)(hl_parse_account_fees(&fees, value, NULL) == E_OK);
}

static void orders(const json_t *value)
{
        struct venue_open_order *orders;
        struct venue_order_status status;
        size_t n;

        (void)(hl_parse_orders(&orders, &n, value, NULL, NULL) == E_OK);
        free(orders);
        (void)(hl_parse_orders_status(&status, value, NULL, NULL) == E_OK);
}

static void market(const json_t *value)
{
        struct venue_book book;
        struct venue_trade *trades;
        struct venue_fill *fills;
        size_t n;

        (void)(hl_parse_market_book(&book, value, NULL) == E_OK);
        (void)(hl_parse_market_trades(&trades, &n, value, NULL) == E_OK);
        free(trades);
        (void)(hl_parse_fills(&fills, &n, value, NULL, NULL) == E_OK);
        free(fills);
}

static void outcome(const char *text, size_t len)
{
        static struct venue_outcome out;
        struct http_answer answer = {
                .result = HTTP_ANSWERED, .status = 200, .body = text, .body_len = len};
        uint64_t unknown = 0;

        for (unsigned n = 0; n < 4; n++) {
                hl_outcome_read(&out, VENUE_ORDER, n, &answer, E_OK, &unknown);
                must(out.result != VENUE_DONE || out.n_items == n);
                hl_outcome_read(&out, VENUE_CANCEL, n, &answer, E_OK, &unknown);
        }
        hl_outcome_read(&out, VENUE_SET_LEVERAGE, 0, &answer, E_OK, &unknown);
        hl_outcome_read(&out, VENUE_CREATE_SUB_ACCOUNT, 0, &answer, E_OK, &unknown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text;
        json_t *value;

        if (size == 0)
                return 0;
        text = malloc(size);
        must(text);
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        value = hl_raw_load(text, size - 1, NULL);
        switch (data[0] % 6) { /* the digit 0 picks the first */
        case 0: universe(value); break;
        case 1: account(value); break;
        case 2: orders(value); break;
        case 3: market(value); break;
        case 4: outcome(text, size - 1); break;
        case 5: dex(value); break;
        }
        json_decref(value);
        free(text);
        return 0;
}
