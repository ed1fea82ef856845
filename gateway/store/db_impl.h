/* db_impl: what db.c and db_open.c share. */
#ifndef STORE_DB_IMPL_H
#define STORE_DB_IMPL_H

#include "base/map.h"
#include "store/db.h"

struct db {
        sqlite3 *conn;
        struct map *stmts;           /* the constant's address -> sqlite3_stmt */
        int lock_fd;                 /* -1 for an in-memory database */
        bool is_failing;             /* logged; not again until it works */
        bool is_full;                /* the last failure: no space */
        bool is_capped;              /* see db_cap */
        bool is_suspect;             /* see db_is_suspect */
        char *file;                  /* owned; NULL for an in-memory database */
        struct sqlite3_backup *copy; /* under way: db_backup.c */
        sqlite3 *copy_conn;
        int log_frames; /* acknowledged, and not known to be in the database itself */
};

/* db_watch.c: a failed sync or read makes suspect; a write that was refused is not in the cache either. */
void db_note_sync(struct db *db, int extended_code);
/* Counts what is in the log, instead of SQLite's own checkpoints. */
void db_watch_log(struct db *db);
/* Everything but files and locks: settings of the connection and the schema. db_open.c. */
MUST_USE enum errc db_connect(struct db *db, struct err *err);

#endif
