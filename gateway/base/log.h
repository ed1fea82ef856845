/* log: one line per fact on standard error, logfmt: `ts=... level=info msg=... key=value`.
 * Values are quoted and escaped where needed, so nothing from outside can forge a line.
 * Secrets have no printer: never pass one. Any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level); /* default LOG_INFO */

/* msg is a short fixed phrase. The rest are pairs, ended by NULL:
 * log_event(LOG_INFO, "order placed", "request", id, "symbol", sym, NULL). All are strings; a NULL
 * value prints as null. */
void log_event(enum log_level level, const char *msg, ...) __attribute__((sentinel));

/* Formats one value into a small ring of per-thread buffers: log_event(..., "n", log_int(n), NULL). */
const char *log_int(long long v);
const char *log_fmt(const char *fmt, ...) PRINTF(1, 2);

#endif
