/* err: the one error enum, from the table err.def, and the detail that borders attach to it.
 * A function returns enum errc (0 is success). struct err is filled only where the cause is known
 * in words: configuration, JSON, venue, store, policy. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

enum errc {
        E_OK = 0,
#define ERR(name, wire, status, retryable, text) name,
#include "base/err.def"
#undef ERR
        E_COUNT_
};

#define ERR_FIELDS_MAX 8 /* offending fields kept in one struct err */

/* One offending field: a path in the request ("takeProfit.triggerPrice") and what was expected. */
struct err_field {
        char path[64];
        char text[160];
};

/* Owns nothing; a value. Zeroed means "no error". detail and hint may be empty. */
struct err {
        enum errc code;
        char detail[320];        /* one sentence, with the numbers */
        char hint[160];          /* what would be accepted, where that is known */
        char venue_message[256]; /* the venue's own text, verbatim */
        unsigned n_fields;
        struct err_field field[ERR_FIELDS_MAX];
};

const char *err_constant(enum errc code); /* "E_TICK" */
const char *err_wire(enum errc code);     /* "invalid_tick" */
int err_http_status(enum errc code);
int err_retryable(enum errc code);
const char *err_text(enum errc code); /* default sentence */

/* Sets code and detail unless err is NULL or already holds an error (the first cause wins).
 * Always returns code, so that `return err_set(err, E_TICK, "...")` reads well. */
enum errc err_set(struct err *err, enum errc code, const char *fmt, ...) PRINTF(3, 4);

/* The same, and adds the field. Once an error is there, only the field is added. */
enum errc err_field(struct err *err, enum errc code, const char *path, const char *fmt, ...)
        PRINTF(4, 5);

/* Sets the hint, replacing an earlier one. err may be NULL. */
void err_hint(struct err *err, const char *fmt, ...) PRINTF(2, 3);

#endif
