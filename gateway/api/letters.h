/* letters: what is signed, on its way into the journal. journal/letter.h has what a letter is. */
#ifndef API_LETTERS_H
#define API_LETTERS_H

#include "journal/letter.h"
#include "store/store.h"

/* Adds letter, with the bytes that the venue is sent of compiled; letters zeroed: the first one. E_LIMIT. */
MUST_USE enum errc letters_add(struct buf *letters, struct letter *letter, struct venue *venue,
                               const struct venue_compiled *compiled, const struct signature *sig);
/* Of a step that is not signed yet. */
MUST_USE enum errc letters_add_unsigned(struct buf *letters, const struct letter *letter);
/* Into the intent, until it is written: letters must stay until then. */
void letters_attach(struct store_intent *intent, const struct buf *letters);
/* Overwrites and frees them. */
void letters_wipe(struct buf *letters);

/* store_intent_insert with the letter of an approval, which is its one step. */
void letters_insert_approval(struct store *store, struct store_intent *intent, struct venue *venue,
                             const struct venue_approval *approval, const struct signature *sig,
                             store_done *done, void *cookie);

#endif
