/* record: writes what a socket says into a recording (FORMAT.md). The file must be new. Lines are
 * collected and written once a second; record_close makes the file durable. Loop thread only. */
#ifndef PAPER_RECORD_H
#define PAPER_RECORD_H

#include <stddef.h>

#include "base/err.h"
#include "loop/loop.h"

struct record;

struct record_options {
        const char *file, *url;
        const char *const *coins; /* copied */
        size_t n_coins;
        /* The file takes no more: nothing is recorded from here on. May be NULL. */
        void (*failed)(void *cookie);
        void *cookie;
};

struct record *record_open(struct loop *loop, const struct record_options *options,
                           struct err *err);
/* E_IO where the file may not hold everything. n_lines may be NULL. Accepts NULL. */
MUST_USE enum errc record_close(struct record *record, size_t *n_lines);
size_t record_lines(const struct record *record);

#endif
