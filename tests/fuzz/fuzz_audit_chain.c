/* audit_chain: whatever is done to a chain of records, one that is not as it was written is found; and heads
 * as text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/audit_chain.h"

#define RECORDS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
        const uint8_t *data;
        size_t size;
};

static uint8_t next(struct bytes *in)
{
        if (in->size == 0)
                return 0;
        in->size--;
        return *in->data++;
}

static void make(struct audit_record *record)
{
        struct hash32 prev = {{0}};

        for (int i = 0; i < RECORDS; i++) {
                record[i] = (struct audit_record){.brand = {"meridian", 8},
                                                  .seq = i + 1,
                                                  .at = 1000 + i,
                                                  .actor = {"0xabcdef", 8},
                                                  .action = {"signed", 6},
                                                  .detail = {"{\"nonce\":12345}", 15},
                                                  .prev = prev};
                audit_chain_hash(&record[i].hash, &record[i]);
                prev = record[i].hash;
        }
}

static void put_number(struct bytes *in, int64_t *out)
{
        uint64_t v = 0;

        for (int i = 0; i < 8; i++)
                v = v << 8 | next(in);
        memcpy(out, &v, sizeof v);
}

/* One column of one record becomes what the input says. */
static void change(struct bytes *in, struct audit_record *r)
{
        struct audit_text *texts[] = {&r->brand, &r->actor, &r->action, &r->detail};
        uint8_t what = next(in) % 8;

        if (what < 4) {
                size_t len = next(in);

                if (len > in->size)
                        len = in->size;
                *texts[what] = (struct audit_text){(const char *)in->data, len};
                in->data += len;
                in->size -= len;
        } else if (what == 4) {
                put_number(in, &r->seq);
        } else if (what == 5) {
                put_number(in, &r->at);
        } else {
                struct hash32 *h = what == 6 ? &r->prev : &r->hash;
                h->b[next(in) % 32] ^= next(in);
        }
}

static int same_text(const struct audit_text *a, const struct audit_text *b)
{
        return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

static int same(const struct audit_record *a, const struct audit_record *b)
{
        return same_text(&a->brand, &b->brand) && a->seq == b->seq && a->at == b->at &&
               same_text(&a->actor, &b->actor) && same_text(&a->action, &b->action) &&
               same_text(&a->detail, &b->detail) && memcmp(&a->prev, &b->prev, 32) == 0 &&
               memcmp(&a->hash, &b->hash, 32) == 0;
}

static void try_changes(struct bytes in)
{
        struct audit_record was[RECORDS], is[RECORDS];
        struct audit_chain *chain = audit_chain_new();
        enum audit_fault fault = AUDIT_WHOLE;
        struct audit_head noted = {.seq = RECORDS}, missing;
        int n = RECORDS, changed = 0;

        make(was);
        memcpy(is, was, sizeof is);
        memcpy(noted.brand, "meridian", 9);
        noted.hash = was[RECORDS - 1].hash;
        must(audit_chain_expect(chain, &noted) == E_OK);
        while (in.size) {
                uint8_t i = next(&in) % RECORDS, how = next(&in) % 4;

                if (how == 0 && n > 0) {
                        int at = i % n;
                        memmove(&is[at], &is[at + 1], (size_t)(n - at - 1) * sizeof *is);
                        n--;
                } else if (how == 1) {
                        struct audit_record swap = is[i];
                        is[i] = is[0];
                        is[0] = swap;
                } else {
                        change(&in, &is[i]);
                }
        }
        for (int i = 0; i < n && !fault; i++) {
                changed |= !same(&is[i], &was[i]);
                fault = audit_chain_add(chain, &is[i]);
        }
        if (!fault)
                fault = audit_chain_end(chain, &missing);
        must(!fault == !(changed || n < RECORDS));
        must(audit_chain_fault_name(fault)[0] && audit_chain_fault_text(fault)[0]);
        audit_chain_free(chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char text[256];
        struct audit_head head;

        try_changes((struct bytes){data, size});
        if (size < sizeof text) {
                memcpy(text, data, size);
                text[size] = '\0';
                if (audit_chain_parse_head(&head, text, NULL) == E_OK)
                        must(head.seq >= 0 && head.brand[0] && strlen(head.brand) < 32);
        }
        return 0;
}
