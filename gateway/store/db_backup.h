/* db_backup: a consistent copy of a database while it is written to, page by page. What the connection
 * changes meanwhile goes into the copy as well, so it never has to begin anew. */
#ifndef STORE_DB_BACKUP_H
#define STORE_DB_BACKUP_H

#include "store/db.h"

/* Begins the copy into file, which exists and is empty. E_EXISTS while another is under way, E_IO. */
MUST_USE enum errc db_backup_start(struct db *db, const char *file, struct err *err);
/* Copies up to n_pages, outside of a transaction; nothing is synced. E_OK: is_done says whether it is whole.
 * E_IO: it failed, and is over. */
MUST_USE enum errc db_backup_step(struct db *db, int n_pages, bool *is_done,
                                  unsigned *n_pages_in_all, unsigned *n_pages_left);
void db_backup_end(struct db *db); /* closes the copy, whole or not; where there is none, nothing */

/* On any thread, a file that nobody has open: moves its log or journal into it, so that it is whole by
 * itself. E_IO with err. */
MUST_USE enum errc db_backup_fold(const char *file, struct err *err);
/* On any thread, with a copy that is whole: makes it a file of its own that needs no log, and reads all of
 * it: its pages and indexes, its references, that it is a store, and one that this program knows. E_IO
 * with err. version may be NULL. */
MUST_USE enum errc db_backup_check(const char *file, int64_t *version, struct err *err);

#endif
