#include "store/audit_chain.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/map.h"
#include "base/mem.h"

#define HASH_BYTES sizeof(struct hash32)

struct expected {
        struct audit_head head;
        bool is_met;
};

struct audit_chain {
        struct map *by_brand;     /* name -> struct audit_head, owned by heads */
        struct audit_head **head; /* in order of appearance, each owned */
        size_t n_heads, cap_heads;
        struct expected *expected;
        size_t n_expected;
};

/* --- the hash --- */

static void hash_u64(crypto_generichash_state *state, uint64_t v)
{
        uint8_t be[8];

        for (int i = 0; i < 8; i++)
                be[i] = (uint8_t)(v >> (56 - 8 * i));
        crypto_generichash_update(state, be, sizeof be);
}

static void hash_text(crypto_generichash_state *state, const struct audit_text *text)
{
        hash_u64(state, text->len);
        crypto_generichash_update(state, (const unsigned char *)text->s, text->len);
}

void audit_chain_hash(struct hash32 *out, const struct audit_record *record)
{
        crypto_generichash_state state;

        crypto_generichash_init(&state, NULL, 0, sizeof out->b);
        crypto_generichash_update(&state, record->prev.b, sizeof record->prev.b);
        hash_text(&state, &record->brand);
        hash_u64(&state, (uint64_t)record->seq);
        hash_u64(&state, (uint64_t)record->at);
        hash_text(&state, &record->actor);
        hash_text(&state, &record->action);
        hash_text(&state, &record->detail);
        crypto_generichash_final(&state, out->b, sizeof out->b);
}

/* --- faults --- */

const char *audit_chain_fault_name(enum audit_fault fault)
{
        switch (fault) {
        case AUDIT_WHOLE: return "whole";
        case AUDIT_MALFORMED: return "malformed";
        case AUDIT_GAP: return "gap";
        case AUDIT_ORDER: return "out_of_order";
        case AUDIT_UNLINKED: return "unlinked";
        case AUDIT_CHANGED: return "content_changed";
        case AUDIT_NOT_HEAD: return "not_the_noted_head";
        case AUDIT_TRUNCATED: return "truncated";
        case AUDIT_BRANDS: return "too_many_brands";
        case AUDIT_UNGUARDED: return "unguarded";
        }
        never("audit fault");
}

const char *audit_chain_fault_text(enum audit_fault fault)
{
        switch (fault) {
        case AUDIT_WHOLE: return "Every record is as it was written.";
        case AUDIT_MALFORMED:
                return "A column of the record has a type or a length that was never written.";
        case AUDIT_GAP: return "Records before this one are missing.";
        case AUDIT_ORDER: return "The record stands where another was written.";
        case AUDIT_UNLINKED: return "The record does not go on from the one before it.";
        case AUDIT_CHANGED: return "The record's content is not what was hashed.";
        case AUDIT_NOT_HEAD: return "The record is not the one whose hash was noted.";
        case AUDIT_TRUNCATED: return "The record that was noted is not there: the end is missing.";
        case AUDIT_BRANDS: return "The record names a brand that no gateway could have.";
        case AUDIT_UNGUARDED: return "The triggers that keep the table append-only are gone.";
        }
        never("audit fault");
}

/* --- judging --- */

struct audit_chain *audit_chain_new(void)
{
        struct audit_chain *chain = xcalloc(1, sizeof *chain);

        chain->by_brand = map_new();
        return chain;
}

void audit_chain_free(struct audit_chain *chain)
{
        if (!chain)
                return;
        map_free(chain->by_brand, NULL);
        for (size_t i = 0; i < chain->n_heads; i++)
                free(chain->head[i]);
        free(chain->head);
        free(chain->expected);
        free(chain);
}

enum errc audit_chain_expect(struct audit_chain *chain, const struct audit_head *head)
{
        if (head->seq <= 0)
                return E_OK;
        if (chain->n_expected == AUDIT_CHAIN_HEADS_MAX)
                return E_LIMIT;
        chain->expected =
                xrealloc(chain->expected, (chain->n_expected + 1) * sizeof *chain->expected);
        chain->expected[chain->n_expected++] = (struct expected){.head = *head};
        return E_OK;
}

static struct audit_head *add_brand(struct audit_chain *chain, const struct audit_text *brand)
{
        struct audit_head *head;

        if (chain->n_heads == AUDIT_CHAIN_BRANDS_MAX || brand->len >= sizeof head->brand ||
            brand->len == 0 || memchr(brand->s, '\0', brand->len))
                return NULL;
        if (chain->n_heads == chain->cap_heads) {
                chain->cap_heads = chain->cap_heads ? chain->cap_heads * 2 : 16;
                chain->head = xrealloc(chain->head, chain->cap_heads * sizeof(struct audit_head *));
        }
        head = xcalloc(1, sizeof *head);
        memcpy(head->brand, brand->s, brand->len);
        must(map_put(chain->by_brand, brand->s, brand->len, head) == NULL);
        chain->head[chain->n_heads++] = head;
        return head;
}

static bool meets(struct audit_chain *chain, const struct audit_head *head)
{
        for (size_t i = 0; i < chain->n_expected; i++) {
                struct expected *e = &chain->expected[i];

                if (e->head.seq != head->seq || strcmp(e->head.brand, head->brand) != 0)
                        continue;
                if (memcmp(e->head.hash.b, head->hash.b, HASH_BYTES) != 0)
                        return false;
                e->is_met = true;
        }
        return true;
}

enum audit_fault audit_chain_add(struct audit_chain *chain, const struct audit_record *record)
{
        struct audit_head *head;
        struct hash32 hash;

        if (record->is_malformed)
                return AUDIT_MALFORMED;
        head = map_get(chain->by_brand, record->brand.s, record->brand.len);
        if (!head)
                head = add_brand(chain, &record->brand);
        if (!head)
                return AUDIT_BRANDS;
        if (record->seq <= head->seq)
                return AUDIT_ORDER;
        if (record->seq != head->seq + 1)
                return AUDIT_GAP;
        if (memcmp(record->prev.b, head->hash.b, HASH_BYTES) != 0)
                return AUDIT_UNLINKED;
        audit_chain_hash(&hash, record);
        if (memcmp(record->hash.b, hash.b, HASH_BYTES) != 0)
                return AUDIT_CHANGED;
        head->seq = record->seq;
        head->at = record->at;
        head->hash = record->hash;
        return meets(chain, head) ? AUDIT_WHOLE : AUDIT_NOT_HEAD;
}

enum audit_fault audit_chain_end(const struct audit_chain *chain, struct audit_head *missing)
{
        for (size_t i = 0; i < chain->n_expected; i++)
                if (!chain->expected[i].is_met) {
                        *missing = chain->expected[i].head;
                        return AUDIT_TRUNCATED;
                }
        return AUDIT_WHOLE;
}

size_t audit_chain_brands(const struct audit_chain *chain)
{
        return chain->n_heads;
}

const struct audit_head *audit_chain_head(const struct audit_chain *chain, size_t i)
{
        must(i < chain->n_heads);
        return chain->head[i];
}

/* --- heads as text --- */

static enum errc parse_seq(int64_t *out, const char *digits, size_t len)
{
        int64_t v = 0;

        if (len == 0 || len > 18)
                return E_INVALID;
        for (size_t i = 0; i < len; i++) {
                if (digits[i] < '0' || digits[i] > '9')
                        return E_INVALID;
                v = v * 10 + (digits[i] - '0');
        }
        *out = v;
        return E_OK;
}

enum errc audit_chain_parse_head(struct audit_head *out, const char *text, const char *brand)
{
        const char *last = strrchr(text, ':'), *first = strchr(text, ':');
        const char *seq = text;
        size_t n_brand = 0;

        *out = (struct audit_head){.seq = 0};
        if (!last)
                return E_INVALID;
        if (first != last) {
                seq = first + 1;
                n_brand = (size_t)(first - text);
                if (n_brand == 0 || n_brand >= sizeof out->brand)
                        return E_INVALID;
                memcpy(out->brand, text, n_brand);
        } else if (!brand || !text_copy(out->brand, sizeof out->brand, brand)) {
                return E_INVALID;
        }
        if (brand && strcmp(brand, out->brand) != 0)
                return E_INVALID;
        if (parse_seq(&out->seq, seq, (size_t)(last - seq)))
                return E_INVALID;
        return hex_decode(out->hash.b, HASH_BYTES, last + 1, strlen(last + 1)) ? E_INVALID : E_OK;
}
