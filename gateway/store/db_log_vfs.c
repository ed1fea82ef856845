/* What makes this safe: under synchronous=FULL SQLite syncs the log before it tells anyone, itself
 * included, that a commit is in it, and xSync writes what was gathered before it syncs. Whatever else
 * looks at the file (xRead, xFileSize) gets it complete as well. A write that fails late fails the
 * xSync, and with it the commit. */
#include "store/db_log_vfs.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/attr.h"
#include "base/mem.h"

#define GATHER_BYTES (124 * 1024) /* the layer below writes less than 128 KiB at once */

struct log_file {
        sqlite3_file base; /* SQLite's view: first */
        uint8_t *gathered; /* owned; belongs at offset start of the real file */
        sqlite3_int64 start;
        int n_gathered;
        sqlite3_file real; /* grows beyond: last */
};

static struct log_file *log_of(sqlite3_file *file)
{
        return (struct log_file *)(void *)file;
}

/* What was gathered is forgotten even when it can't be written: the commit it belongs to has failed. */
static int flush(struct log_file *log)
{
        int n = log->n_gathered;

        log->n_gathered = 0;
        if (n == 0)
                return SQLITE_OK;
        return log->real.pMethods->xWrite(&log->real, log->gathered, n, log->start);
}

static int log_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
        struct log_file *log = log_of(file);
        int code = SQLITE_OK;

        if (at != log->start + log->n_gathered || n > GATHER_BYTES - log->n_gathered)
                code = flush(log);
        if (code)
                return code;
        if (n > GATHER_BYTES)
                return log->real.pMethods->xWrite(&log->real, data, n, at);
        if (log->n_gathered == 0)
                log->start = at;
        memcpy(log->gathered + log->n_gathered, data, (size_t)n);
        log->n_gathered += n;
        return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
        struct log_file *log = log_of(file);
        int code = flush(log);

        return code ? code : log->real.pMethods->xRead(&log->real, out, n, at);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
        struct log_file *log = log_of(file);
        int code = flush(log);

        return code ? code : log->real.pMethods->xTruncate(&log->real, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
        struct log_file *log = log_of(file);
        int code = flush(log);

        return code ? code : log->real.pMethods->xSync(&log->real, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
        struct log_file *log = log_of(file);
        int code = flush(log);

        return code ? code : log->real.pMethods->xFileSize(&log->real, size);
}

static int log_close(sqlite3_file *file)
{
        struct log_file *log = log_of(file);
        int flushed = flush(log), closed = log->real.pMethods->xClose(&log->real);

        free(log->gathered);
        log->gathered = NULL;
        return flushed ? flushed : closed;
}

static int log_lock(sqlite3_file *file, int level)
{
        return log_of(file)->real.pMethods->xLock(&log_of(file)->real, level);
}

static int log_unlock(sqlite3_file *file, int level)
{
        return log_of(file)->real.pMethods->xUnlock(&log_of(file)->real, level);
}

static int log_check_lock(sqlite3_file *file, int *out)
{
        return log_of(file)->real.pMethods->xCheckReservedLock(&log_of(file)->real, out);
}

static int log_control(sqlite3_file *file, int what, void *arg)
{
        return log_of(file)->real.pMethods->xFileControl(&log_of(file)->real, what, arg);
}

static int log_sector_size(sqlite3_file *file)
{
        return log_of(file)->real.pMethods->xSectorSize(&log_of(file)->real);
}

static int log_traits(sqlite3_file *file)
{
        return log_of(file)->real.pMethods->xDeviceCharacteristics(&log_of(file)->real);
}

static const sqlite3_io_methods log_methods = {
        .iVersion = 1,
        .xClose = log_close,
        .xRead = log_read,
        .xWrite = log_write,
        .xTruncate = log_truncate,
        .xSync = log_sync,
        .xFileSize = log_size,
        .xLock = log_lock,
        .xUnlock = log_unlock,
        .xCheckReservedLock = log_check_lock,
        .xFileControl = log_control,
        .xSectorSize = log_sector_size,
        .xDeviceCharacteristics = log_traits,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
        sqlite3_vfs *below = vfs->pAppData;
        struct log_file *log = log_of(file);
        int code;

        if (!(flags & SQLITE_OPEN_WAL))
                return below->xOpen(below, name, file, flags, out_flags);
        memset(log, 0, sizeof *log);
        code = below->xOpen(below, name, &log->real, flags, out_flags);
        if (code) { /* SQLite closes a file whose methods are set, even then */
                if (log->real.pMethods)
                        log->real.pMethods->xClose(&log->real);
                return code;
        }
        log->gathered = xmalloc(GATHER_BYTES);
        log->base.pMethods = &log_methods;
        return SQLITE_OK;
}

static sqlite3_vfs layer;
static const char *layer_name;

/* All but opening is done by the layer below, which is found through pAppData by none of its own
 * functions: they are called with the vfs they were made for. */
static void make_layer(void)
{
        sqlite3_vfs *below = sqlite3_vfs_find(NULL);

        if (!below)
                return;
        layer = *below;
        layer.pNext = NULL;
        layer.zName = "perpgate";
        layer.pAppData = below;
        layer.szOsFile = below->szOsFile + (int)sizeof(struct log_file);
        layer.xOpen = vfs_open;
        if (sqlite3_vfs_register(&layer, 0) == SQLITE_OK)
                layer_name = layer.zName;
}

const char *db_log_vfs_name(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        must(pthread_once(&once, make_layer) == 0);
        return layer_name;
}
