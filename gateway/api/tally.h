/* tally: how many of something there are per name, for bounds per address or account. */
#ifndef API_TALLY_H
#define API_TALLY_H

#include <stdbool.h>

struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *tally); /* accepts NULL */
/* One more of name, unless there are max of them already (0: no bound). */
bool tally_add(struct tally *tally, const char *name, unsigned max);
void tally_drop(struct tally *tally, const char *name); /* one that was added */

#endif
