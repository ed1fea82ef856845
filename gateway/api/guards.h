/* guards: margin guards at work. Each looks at its position once a second, as the mirror has it; a move
 * goes through the pipeline like a trader's own request, under an idempotency key that names guard and
 * move, so that one cause moves margin once, restarts included. */
#ifndef API_GUARDS_H
#define API_GUARDS_H

#include "base/buf.h"
#include "base/hex.h"

struct api;
struct guards;

struct guards *guards_new(struct api *api); /* loads what there is; nothing moves before that */
void guards_free(struct guards *guards);    /* accepts NULL */
/* The guard of a position as a JSON object; nothing where there is none. */
void guards_print(struct buf *out, const struct guards *guards, const char *brand,
                  const struct addr *account, const char *symbol);

#endif
