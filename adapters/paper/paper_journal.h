/* paper_journal: a file that tells, line by line, what took place at the venue. It only ever grows, and
 * nothing is left out: the complete record by which others are judged. */
#ifndef PAPER_PAPER_JOURNAL_H
#define PAPER_PAPER_JOURNAL_H

#include "adapters/paper/paper_ledger.h"
#include "adapters/paper/wire.h"

struct paper_journal;

MUST_USE enum errc paper_journal_open(struct paper_journal **out, const char *file,
                                      struct err *err);
void paper_journal_free(struct paper_journal *journal); /* accepts NULL */

/* Both write at once and do nothing where there is no journal. */
void paper_journal_action(struct paper_journal *journal, const struct paper_ledger_entry *entry);
void paper_journal_fill(struct paper *p, const struct engine_fill *fill);

#endif
