/* prepare: what a trader signs with a key of its own: everything in a brand that keeps no keys, and in
 * any other what is asked for with ?prepare=true. A prepared plan waits here, compiled, for the signatures
 * of the trader's own key or own agent; it is bounded in number, expires, and is sent once. */
#ifndef API_PREPARE_H
#define API_PREPARE_H

#include "api/call.h"
#include "api/pipeline.h"

struct prepare;
struct run;

struct prepare *prepare_new(struct api *api);
void prepare_free(struct prepare *prepare); /* frees what waits; accepts NULL */

/* Takes over a run whose steps are compiled; answers its call with what is to be signed (steps: JSON
 * of the array). */
void prepare_keep(struct prepare *prepare, struct run *run, struct buf *steps);
/* Ends a run whose plan has no steps: there is nothing to sign. */
void prepare_nothing(struct run *run);

/* The query of what trades. */
struct prepare_query {
        bool has_prepare, has_symbol;
        int prepare;
        char symbol[SYMBOL_MAX]; /* of whose market orders are cancelled */
};
/* Any other parameter is refused: a mistyped one must not come to place an order. E_INVALID. */
MUST_USE enum errc prepare_read_query(struct prepare_query *query, struct call *call,
                                      bool takes_symbol, struct err *err);
/* Decides request->prepare, by query and brand. E_INVALID. */
MUST_USE enum errc prepare_is_asked(struct run_request *request, struct call *call,
                                    struct err *err);

#endif
