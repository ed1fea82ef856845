/* db_impl: what db.c and db_open.c share. */
#ifndef STORE_DB_IMPL_H
#define STORE_DB_IMPL_H

#include "base/map.h"
#include "store/db.h"

struct db {
        sqlite3 *conn;
        struct map *stmts; /* the constant's address -> sqlite3_stmt */
        int lock_fd;       /* -1 for an in-memory database */
        bool is_failing;   /* logged; not again until it works */
};

#endif
