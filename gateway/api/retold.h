/* retold: the stored answer of a request, as it is true by now. What was known when it was given is told word
 * for word; what was unknown then is asked again (an order's state) or taken from the journal (other steps). */
#ifndef API_RETOLD_H
#define API_RETOLD_H

#include "api/call.h"

/* Answers the call; intent is borrowed for the call. One without an answer (the gateway ended before it gave one) is
 * told from the journal and the venue; while they don't know, it is under way. */
void retold_reply(struct call *call, const struct store_intent *intent);

#endif
