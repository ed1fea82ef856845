/* prepare: orders of a brand that keeps no keys. A prepared plan waits here, compiled, for the
 * signatures of the trader's own key or own agent; it is bounded in number, expires, and is sent once. */
#ifndef API_PREPARE_H
#define API_PREPARE_H

#include "api/call.h"

struct prepare;
struct run;

struct prepare *prepare_new(struct api *api);
void prepare_free(struct prepare *prepare); /* frees what waits; accepts NULL */

/* Takes over a run whose steps are compiled; answers its call with what is to be signed (steps: JSON
 * of the array). */
void prepare_keep(struct prepare *prepare, struct run *run, struct buf *steps);

#endif
