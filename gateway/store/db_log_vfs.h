/* db_log_vfs: a layer under SQLite that gathers what it writes to a write-ahead log. SQLite writes two
 * pieces per page and then syncs; the kernel's part of a write costs more than the copying, so the
 * pieces of a commit travel as one. Other files pass through untouched. */
#ifndef STORE_DB_LOG_VFS_H
#define STORE_DB_LOG_VFS_H

#include "base/err.h"

/* The name to open a connection with. NULL when SQLite refuses the layer. Thread-safe. */
const char *db_log_vfs_name(void);

#endif
