/* db: one SQLite connection: opened and migrated, statements prepared once, results as error codes.
 * Used by one thread at a time; the store's mutex sees to that. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"

struct db;

#define DB_APPLICATION_ID 0x70677465 /* "pgte": tells our file from any other SQLite file */

/* Opens or creates file with mode 0600 in a folder that exists, takes the lock that keeps a second
 * gateway out, migrates. NULL with err. */
struct db *db_open(const char *file, struct err *err);
/* A second database beside the first, for store_reserve: without a log and a lock of its own, and without
 * checks of references, because it has only some of the rows. */
struct db *db_open_beside(const char *file, struct err *err);
/* The lock alone, which db_open takes as well: for programs that work on the file of a gateway that does
 * not run. A descriptor to be closed, -1 with err. */
MUST_USE int db_lock(const char *file, struct err *err);
void db_close(struct db *db); /* accepts NULL */

/* The prepared statement for sql, reset and without bindings. sql must be a string constant: its
 * address is the key of the cache. NULL when the database can't prepare it now; the functions below
 * take that NULL and db_step then answers E_STORE_DOWN. */
sqlite3_stmt *db_query(struct db *db, const char *sql);

/* Parameters count from 1. Text and bytes are borrowed until the statement's next db_query. */
void db_bind_text(sqlite3_stmt *stmt, int i, const char *text); /* NULL binds NULL */
void db_bind_bytes(sqlite3_stmt *stmt, int i, const void *data, size_t len);
void db_bind_int(sqlite3_stmt *stmt, int i, int64_t v);
/* E_RANGE above INT64_MAX, with NULL bound. */
MUST_USE enum errc db_bind_u64(sqlite3_stmt *stmt, int i, uint64_t v);

/* E_OK: a row is there; E_NOT_FOUND: no more. E_EXISTS: a unique column is taken. E_INVALID: another
 * constraint. E_STORE_DOWN: the database failed, which is logged once until it works again. */
MUST_USE enum errc db_step(struct db *db, sqlite3_stmt *stmt);
/* For statements without rows: E_OK when done. Leaves the statement reset. */
MUST_USE enum errc db_run(struct db *db, sqlite3_stmt *stmt);
MUST_USE enum errc db_exec(struct db *db, const char *sql); /* db_query and db_run */
void db_reset(sqlite3_stmt *stmt);   /* gives up a statement whose rows are not all read */
int db_changes(const struct db *db); /* rows touched by the last db_run */
int64_t db_total_changes(const struct db *db); /* rows touched since the database was opened */
bool db_in_transaction(const struct db *db);
void db_say_works(struct db *db); /* after a commit: logs the end of a failure */

/* After a failed sync or read nothing in memory can be trusted to be what the disk has: the kernel marks
 * pages clean that it could not write. Says whether that is so: nothing is to be written before db_reopen. */
bool db_is_suspect(const struct db *db);
/* Closes the connection and reads everything anew from the disk. E_STORE_DOWN where it can't be read or
 * synced, or where commits are missing that were acknowledged: to be tried again; at most reading works
 * meanwhile. */
MUST_USE enum errc db_reopen(struct db *db);
/* After a commit: moves the log into the database once it is long, so that it stays bounded. */
void db_checkpoint_if_long(struct db *db);
/* From now on the file does not grow: full is what needs more pages than it has. */
MUST_USE enum errc db_cap(struct db *db);
int db_log_frames(const struct db *db); /* pages in the log */
bool db_is_full(const struct db *db);   /* the last failure: no space left */

/* Deletes every row but marks, and whatever would object to that. For a database beside the first. */
MUST_USE enum errc db_empty(struct db *db);

/* The table mark: 0 for a name that is not there. */
MUST_USE enum errc db_mark_get(struct db *db, const char *name, int64_t *value);
MUST_USE enum errc db_mark_set(struct db *db, const char *name, int64_t value);

/* Columns count from 0. The sizes are those of the destination; a value that does not fit, which
 * only a damaged database has, makes E_STORE_DOWN. */
MUST_USE enum errc db_get_text(struct db *db, sqlite3_stmt *stmt, int i, char *out, size_t cap);
MUST_USE enum errc db_get_bytes(struct db *db, sqlite3_stmt *stmt, int i, void *out, size_t len);
int64_t db_get_int(sqlite3_stmt *stmt, int i);
uint64_t db_get_u64(sqlite3_stmt *stmt, int i); /* 0 where the column is NULL or negative */

#endif
