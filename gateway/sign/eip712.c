#include "sign/eip712.h"

#include <stdio.h>
#include <string.h>

#include "sign/keccak.h"

#define TYPE_STRING_MAX 1024

static const char domain_type[] =
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

static void put_text(struct keccak *k, const char *s)
{
        keccak_update(k, s, strlen(s));
}

static void put_hash(struct keccak *k, const struct hash32 *h)
{
        keccak_update(k, h->b, sizeof h->b);
}

static void put_hash_of(struct keccak *k, const void *data, size_t len)
{
        struct hash32 hash;

        keccak256(&hash, data, len);
        put_hash(k, &hash);
}

static void put_uint(struct keccak *k, uint64_t v)
{
        struct hash32 word = {{0}};

        for (unsigned i = 0; i < 8; i++)
                word.b[31 - i] = (uint8_t)(v >> 8 * i);
        put_hash(k, &word);
}

static void put_address(struct keccak *k, const struct addr *a)
{
        struct hash32 word = {{0}};

        memcpy(word.b + sizeof word.b - sizeof a->b, a->b, sizeof a->b);
        put_hash(k, &word);
}

void eip712_domain_separator(struct hash32 *out, const struct eip712_domain *domain)
{
        struct keccak k;

        keccak_init(&k);
        put_hash_of(&k, domain_type, sizeof domain_type - 1);
        put_hash_of(&k, domain->name, strlen(domain->name));
        put_hash_of(&k, domain->version, strlen(domain->version));
        put_uint(&k, domain->chain_id);
        put_address(&k, &domain->verifying_contract);
        keccak_final(&k, out);
}

static size_t type_string_len(const char *primary_type, const struct eip712_field *fields,
                              size_t n_fields)
{
        size_t len = strlen(primary_type) + 2;

        for (size_t i = 0; i < n_fields; i++)
                len += strlen(fields[i].solidity_type) + 1 + strlen(fields[i].name) + (i > 0);
        return len;
}

/* keccak256("Mail(address from,string contents)") */
static void hash_type(struct hash32 *out, const char *primary_type,
                      const struct eip712_field *fields, size_t n_fields)
{
        struct keccak k;

        keccak_init(&k);
        put_text(&k, primary_type);
        put_text(&k, "(");
        for (size_t i = 0; i < n_fields; i++) {
                if (i > 0)
                        put_text(&k, ",");
                put_text(&k, fields[i].solidity_type);
                put_text(&k, " ");
                put_text(&k, fields[i].name);
        }
        put_text(&k, ")");
        keccak_final(&k, out);
}

static void put_field(struct keccak *k, const struct eip712_field *field)
{
        switch (field->type) {
        case EIP712_STRING:
        case EIP712_BYTES: put_hash_of(k, field->data, field->len); break;
        case EIP712_ADDRESS: put_address(k, &field->address); break;
        case EIP712_UINT: put_uint(k, field->number); break;
        case EIP712_BOOL: put_uint(k, field->number != 0); break;
        case EIP712_BYTES32: put_hash(k, &field->bytes32); break;
        }
}

enum errc eip712_hash(struct eip712_result *out, const struct eip712_domain *domain,
                      const char *primary_type, const struct eip712_field *fields, size_t n_fields)
{
        static const uint8_t prefix[2] = {0x19, 0x01};
        struct keccak k;

        if (type_string_len(primary_type, fields, n_fields) > TYPE_STRING_MAX)
                return E_LIMIT;
        eip712_domain_separator(&out->domain_separator, domain);
        hash_type(&out->type_hash, primary_type, fields, n_fields);

        keccak_init(&k);
        put_hash(&k, &out->type_hash);
        for (size_t i = 0; i < n_fields; i++)
                put_field(&k, &fields[i]);
        keccak_final(&k, &out->struct_hash);

        keccak_init(&k);
        keccak_update(&k, prefix, sizeof prefix);
        put_hash(&k, &out->domain_separator);
        put_hash(&k, &out->struct_hash);
        keccak_final(&k, &out->digest);
        return E_OK;
}

void eip191_digest(struct hash32 *out, const char *message, size_t len)
{
        struct keccak k;
        char digits[24];

        snprintf(digits, sizeof digits, "%zu", len);
        keccak_init(&k);
        put_text(&k, "\x19"
                     "Ethereum Signed Message:\n");
        put_text(&k, digits);
        keccak_update(&k, message, len);
        keccak_final(&k, out);
}
