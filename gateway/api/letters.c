#include "api/letters.h"

#include <sodium.h>

static void begin(struct buf *letters)
{
        if (!letters->max)
                buf_init(letters, STORE_BLOB_MAX);
}

static enum errc add_bytes(struct buf *letters, struct letter *letter, struct buf *bytes)
{
        enum errc rc = buf_check(bytes);

        letter->bytes = bytes->data;
        letter->len = bytes->len;
        begin(letters);
        if (!rc)
                letter_put(letters, letter);
        letters_wipe(bytes);
        return rc ? rc : buf_check(letters);
}

enum errc letters_add(struct buf *letters, struct letter *letter, struct venue *venue,
                      const struct venue_compiled *compiled, const struct signature *sig)
{
        struct buf bytes;

        buf_init(&bytes, STORE_BLOB_MAX);
        letter->n_items = compiled->n_items;
        venue->ops->letter(venue, &bytes, compiled, sig);
        return add_bytes(letters, letter, &bytes);
}

enum errc letters_add_unsigned(struct buf *letters, const struct letter *letter)
{
        begin(letters);
        letter_put(letters, letter);
        return buf_check(letters);
}

void letters_attach(struct store_intent *intent, const struct buf *letters)
{
        intent->letters = letters->data;
        intent->letters_len = letters->len;
}

void letters_wipe(struct buf *letters)
{
        if (letters->data)
                sodium_memzero(letters->data, letters->cap);
        buf_fini(letters);
}

void letters_insert_approval(struct store *store, struct store_intent *intent, struct venue *venue,
                             const struct venue_approval *approval, const struct signature *sig,
                             store_done *done, void *cookie)
{
        struct letter letter = {.is_approval = true,
                                .approval = approval->kind,
                                .amount = approval->amount,
                                .is_deposit = approval->to_perps,
                                .since = intent->created_at,
                                .count = approval->builder_fee_tenth_bp};
        struct buf letters = {.max = 0}, bytes;

        switch (approval->kind) {
        case APPROVE_AGENT: letter.peer = approval->agent; break;
        case APPROVE_BUILDER_FEE: letter.peer = approval->builder; break;
        case APPROVE_WITHDRAWAL:
        case APPROVE_CLASS_TRANSFER: letter.peer = approval->destination; break;
        }
        buf_init(&bytes, STORE_BLOB_MAX);
        venue->ops->approval_letter(venue, &bytes, approval, sig);
        must(add_bytes(&letters, &letter, &bytes) == E_OK);
        letters_attach(intent, &letters);
        store_intent_insert(store, intent, done, cookie);
        intent->letters = NULL; /* copied */
        letters_wipe(&letters);
}
