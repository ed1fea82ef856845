/* paper_ledger: what reached /exchange, newest kept, for whoever asks what the venue did. */
#ifndef PAPER_LEDGER_H
#define PAPER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hex.h"

struct paper_ledger;

/* One action. */
struct paper_ledger_entry {
        uint64_t seq;
        int64_t at;
        char type[40];
        char *action;                  /* JSON as received, owned */
        char *answer;                  /* body, owned */
        uint64_t nonce, expires_after; /* 0: none */
        bool has_signer, has_account;
        struct addr signer, account;
        const char *effect; /* "applied", "partial", "refused" */
};
struct paper_ledger *paper_ledger_new(void);
void paper_ledger_free(struct paper_ledger *ledger);
/* Takes action and answer of entry. */
void paper_ledger_add(struct paper_ledger *ledger, struct paper_ledger_entry *entry);
void paper_ledger_print(struct buf *out, const struct paper_ledger_entry *entry);
/* A JSON array of entries with seq > after, oldest first, at most limit. */
void paper_ledger_show(const struct paper_ledger *ledger, struct buf *out, uint64_t after,
                       size_t limit);

#endif
