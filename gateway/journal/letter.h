/* letter: what one step of an intent asks of the venue, with the signed bytes that ask it, as the journal
 * keeps them while the intent is not final: enough to send the same bytes again, to find out what became
 * of them, and to put back what they changed.
 *
 * A signature is no key, but whoever has the bytes can send them until they expire. So they lie in the
 * journal alone, never in a log, an answer or an error, and are erased when the intent is final.
 *
 * As bytes, numbers big endian: version 1 (1), length of the rest (4), step, kind, flags, items, names,
 * mode, mode before (1 each), asset, leverage, leverage before (4 each), amount, size, held size, held
 * cash, since, count (8 each), peer (20), length of the text (1), the text, the names (by cloid (1),
 * asset (4), cloid or 8 zeros and the oid (16)), the signed bytes. */
#ifndef JOURNAL_LETTER_H
#define JOURNAL_LETTER_H

#include "adapters/venue.h"

#define LETTER_TEXT_MAX 32

/* A value but for what it borrows. What does not belong to its kind is zero. */
struct letter {
        unsigned step; /* of the intent */
        bool is_approval;
        enum venue_action_kind kind;       /* of an action */
        enum venue_approval_kind approval; /* of an approval */
        unsigned n_items;                  /* as compiled */
        uint32_t asset;
        bool is_put_back; /* restores what an earlier step had changed */
        /* Leverage: what is set; what was there before, where a plan is to put it back. */
        enum margin_mode mode;
        unsigned leverage;
        bool has_before;
        enum margin_mode mode_before;
        unsigned leverage_before;
        /* Margin: what is moved, and the position's size and own cash before it. Pending: not signed
         * yet, since how much follows from the fill: amount is what was asked for, held_cash the
         * collateral before the order, size the order's, held_size the position's after it. */
        bool is_pending;
        struct usd amount; /* money in general */
        struct qty size, held_size;
        struct usd held_cash;
        /* Approvals and sub-accounts: for whom, how much, and what the venue listed before. */
        struct addr peer;
        char text[LETTER_TEXT_MAX];
        bool is_deposit;
        int64_t since;
        uint64_t count;
        /* Orders and cancels, by name: letter_name. Borrowed on writing. */
        unsigned n_names;
        const struct venue_cancel *name;
        const uint8_t *packed_names; /* set on reading */
        /* The signed bytes, NULL and 0: none. Borrowed. */
        const void *bytes;
        size_t len;
};

/* Notes an action: kind, asset, and what its kind has. Names go to name, which must outlive the letter's
 * writing. */
void letter_of_action(struct letter *out, struct venue_cancel name[VENUE_CANCELS_MAX],
                      const struct venue_action *action);
void letter_put(struct buf *out, const struct letter *letter);
/* The next one of those in *bytes, which moves on. E_NOT_FOUND at the end, E_SYNTAX for bytes that
 * letter_put did not make. Borrows from *bytes. */
MUST_USE enum errc letter_read(struct letter *out, const uint8_t **bytes, size_t *len);
/* i < n_names, of a letter that was read. */
struct venue_cancel letter_name(const struct letter *letter, unsigned i);

#endif
