#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_ledger.h"
#include "adapters/paper/wire.h"
#include "base/mem.h"

/* Every action that reached /exchange and could be read, numbered from 1. The newest ENTRIES_MAX
 * are kept, fewer when their texts exceed BYTES_MAX together; the oldest leave first, and a reader
 * sees it by a jump in seq. */

#define ENTRIES_MAX 100000
#define BYTES_MAX   (64u << 20)

struct paper_ledger {
        struct paper_ledger_entry *entry; /* ring, grown as needed */
        size_t cap;
        uint64_t first, next; /* sequence numbers: kept are [first, next) */
        size_t bytes;
};

struct paper_ledger *paper_ledger_new(void)
{
        struct paper_ledger *ledger = xcalloc(1, sizeof(*ledger));

        ledger->first = ledger->next = 1;
        return ledger;
}

static size_t size_of(const struct paper_ledger_entry *entry)
{
        return strlen(entry->action) + strlen(entry->answer);
}

static void drop_oldest(struct paper_ledger *ledger)
{
        struct paper_ledger_entry *entry = &ledger->entry[ledger->first++ % ledger->cap];

        ledger->bytes -= size_of(entry);
        free(entry->action);
        free(entry->answer);
}

void paper_ledger_free(struct paper_ledger *ledger)
{
        if (!ledger)
                return;
        while (ledger->first < ledger->next)
                drop_oldest(ledger);
        free(ledger->entry);
        free(ledger);
}

static void grow(struct paper_ledger *ledger)
{
        size_t cap = ledger->cap ? 2 * ledger->cap : 64;
        struct paper_ledger_entry *entry;

        if (cap > ENTRIES_MAX)
                cap = ENTRIES_MAX;
        entry = xcalloc(cap, sizeof(*entry));
        for (uint64_t seq = ledger->first; seq < ledger->next; seq++)
                entry[seq % cap] = ledger->entry[seq % ledger->cap];
        free(ledger->entry);
        ledger->entry = entry;
        ledger->cap = cap;
}

void paper_ledger_add(struct paper_ledger *ledger, struct paper_ledger_entry *entry)
{
        entry->seq = ledger->next;
        if (ledger->next - ledger->first == ledger->cap && ledger->cap < ENTRIES_MAX)
                grow(ledger);
        ledger->bytes += size_of(entry);
        while (ledger->first < ledger->next &&
               (ledger->next - ledger->first == ledger->cap || ledger->bytes > BYTES_MAX))
                drop_oldest(ledger);
        ledger->entry[ledger->next++ % ledger->cap] = *entry;
}

void paper_ledger_print(struct buf *out, const struct paper_ledger_entry *entry)
{
        jot_object(out, NULL);
        jot_uint(out, "seq", entry->seq);
        jot_int(out, "time", entry->at);
        jot_text(out, "type", entry->type);
        jot_raw(out, "action", entry->action);
        jot_uint(out, "nonce", entry->nonce);
        if (entry->expires_after)
                jot_uint(out, "expiresAfter", entry->expires_after);
        if (entry->has_signer)
                jot_addr(out, "signer", &entry->signer);
        else
                jot_null(out, "signer");
        if (entry->has_account)
                jot_addr(out, "account", &entry->account);
        else
                jot_null(out, "account");
        jot_text(out, "effect", entry->effect);
        jot_raw(out, "answer", entry->answer);
        jot_end_object(out);
}

void paper_ledger_show(const struct paper_ledger *ledger, struct buf *out, uint64_t after,
                       size_t limit)
{
        uint64_t seq = after + 1 > ledger->first ? after + 1 : ledger->first;
        size_t room = PAPER_ANSWER_MAX / 2;

        jot_array(out, NULL);
        for (; seq < ledger->next && limit-- > 0 && out->len < room; seq++)
                paper_ledger_print(out, &ledger->entry[seq % ledger->cap]);
        jot_end_array(out);
}
