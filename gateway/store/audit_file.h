/* audit_file: the audit log of a database file, read by somebody other than the gateway: while it
 * runs, or in a backup. Opens the file for reading alone and changes nothing, not even a WAL's end.
 * Believes nothing that the file says of itself: rows are taken in the order in which they lie. */
#ifndef STORE_AUDIT_FILE_H
#define STORE_AUDIT_FILE_H

#include "store/audit_chain.h"

struct audit_file;

/* NULL with err: no such file, not a gateway's database, damaged. */
struct audit_file *audit_file_open(const char *file, struct err *err);
void audit_file_close(struct audit_file *file); /* accepts NULL */

/* false ends the walk. The record is borrowed for the call. */
typedef bool audit_file_fn(void *cookie, const struct audit_record *record);
/* Every record as it lies there, from one moment's state of the file; malformed ones too. */
MUST_USE enum errc audit_file_each(struct audit_file *file, audit_file_fn *each, void *cookie,
                                   struct err *err);

struct audit_verdict {
        enum audit_fault fault;
        uint64_t records; /* seen, the broken one included */
        char brand[32];   /* of the broken record; "" where it has none that can be read */
        int64_t seq;      /* likewise; 0 */
};
/* Adds every record of brand (NULL: of all) to chain. Not E_OK only where the file can't be read; what
 * is broken is the verdict's. */
MUST_USE enum errc audit_file_verify(struct audit_file *file, struct audit_verdict *verdict,
                                     struct audit_chain *chain, const char *brand, struct err *err);

#endif
