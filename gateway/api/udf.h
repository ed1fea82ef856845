/* udf: the market data of a brand as TradingView's charting library reads it (UDF over HTTP): what there is,
 * symbols, bars. Refusals are its own: {"s":"error","errmsg"} with status 200, since its clients read nothing
 * else. */
#ifndef API_UDF_H
#define API_UDF_H

#include "api/call.h"
#include "api/schema.h"

/* Reads the query by a table; parameters that the table lacks, and empty ones, count as absent: charts send more
 * than they need to. */
MUST_USE enum errc udf_query(struct call *call, void *out, const struct field_table *table,
                             struct err *err);
/* Answers, and frees the call. */
void udf_refuse(struct call *call, const char *why);
/* A market by its symbol, which may have the brand's name in front ("Meridian:BTC"); NULL: none that is offered. */
const struct market *udf_market(const struct call *call, const char *symbol);

/* As charts call the venue's intervals, in the order of series_intervals; then other names of some. NULL-terminated. */
extern const char *const udf_resolutions[];
unsigned udf_interval(unsigned resolution);

#define UDF_SYMBOL_MAX 160

#endif
