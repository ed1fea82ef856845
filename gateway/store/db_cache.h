/* db_cache: a database of what can be had again elsewhere: a schema of its own, no lock, and commits that are safe
 * against a crash of the program but may be lost with the machine's power. What can't be read is begun anew. */
#ifndef STORE_DB_CACHE_H
#define STORE_DB_CACHE_H

#include "store/db.h"

/* Opens or makes file (":memory:" for tests). A file of another version, or one that is damaged or of another kind, is
 * deleted and made anew. NULL with err. */
struct db *db_cache_open(const char *file, const char *schema, int version, struct err *err);
/* Whether the last failure was the file's content. */
bool db_cache_is_damaged(const struct db *db);
/* Deletes a database that nobody has open. */
void db_cache_delete(const char *file);

#endif
