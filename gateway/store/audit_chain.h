/* audit_chain: what makes the audit log a chain, and whether a row of records is one. Pure: knows
 * neither database nor file, so that what writes records and what judges them share the hash. The
 * format of what is hashed is in migrations/001_initial.sql. */
#ifndef STORE_AUDIT_CHAIN_H
#define STORE_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

#define AUDIT_CHAIN_BRANDS_MAX 4096
#define AUDIT_CHAIN_HEADS_MAX  1024

struct audit_text {
        const char *s; /* need not end with NUL */
        size_t len;
};

/* Borrowed, as it is read. */
struct audit_record {
        bool is_malformed; /* a column has a type or length that was never written; the rest is unset */
        struct audit_text brand;
        int64_t seq, at;
        struct audit_text actor, action, detail;
        struct hash32 prev, hash;
};

/* The hash that a record must have, from everything else it holds. */
void audit_chain_hash(struct hash32 *out, const struct audit_record *record);

enum audit_fault {
        AUDIT_WHOLE,
        AUDIT_MALFORMED, /* a column is not what was ever written */
        AUDIT_GAP,       /* records before this one are missing */
        AUDIT_ORDER,     /* the number was there before: reordered, doubled, or another brand's */
        AUDIT_UNLINKED,  /* does not go on from the record before it */
        AUDIT_CHANGED,   /* its content is not what was hashed */
        AUDIT_NOT_HEAD,  /* whole in itself, but not the record that was noted */
        AUDIT_TRUNCATED, /* the record that was noted is not there */
        AUDIT_BRANDS,    /* more brands, or a longer name, than there can be */
        AUDIT_UNGUARDED, /* what keeps the table append-only is gone; found by audit_file */
};
const char *audit_chain_fault_name(enum audit_fault fault); /* "content_changed", ... */
const char *audit_chain_fault_text(enum audit_fault fault); /* a sentence */

struct audit_head {
        char brand[32];
        int64_t seq; /* of its last record */
        int64_t at;
        struct hash32 hash;
};

struct audit_chain;
struct audit_chain *audit_chain_new(void);
void audit_chain_free(struct audit_chain *chain); /* accepts NULL */
/* A head that was noted earlier: the record has to be there, with that hash. seq 0 says nothing.
 * E_LIMIT when there are too many. */
MUST_USE enum errc audit_chain_expect(struct audit_chain *chain, const struct audit_head *head);
/* The next record, in the order in which they were written. After a fault the chain is of no more use. */
enum audit_fault audit_chain_add(struct audit_chain *chain, const struct audit_record *record);
/* After the last record: AUDIT_TRUNCATED, with the head that is missing, or AUDIT_WHOLE. */
enum audit_fault audit_chain_end(const struct audit_chain *chain, struct audit_head *missing);
/* The brands in the order of their first record. */
size_t audit_chain_brands(const struct audit_chain *chain);
const struct audit_head *audit_chain_head(const struct audit_chain *chain, size_t i);

/* Reads "BRAND:SEQ:HASH", or "SEQ:HASH" where brand is given (NULL: it must be in the text). */
MUST_USE enum errc audit_chain_parse_head(struct audit_head *out, const char *text,
                                          const char *brand);

#endif
