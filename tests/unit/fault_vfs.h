/* fault_vfs: SQLite's own files, which fail when told to. Installed once per process, before any database
 * is opened. A fault is for the files whose name contains a word: "gateway.db-wal", "-reserve". */
#ifndef TESTS_FAULT_VFS_H
#define TESTS_FAULT_VFS_H

#include <pthread.h>
#include <string.h>

#include <sqlite3.h>

struct fault_vfs {
        pthread_mutex_t lock;
        const char *word;                     /* NULL: nothing fails */
        const char *but_not;                  /* NULL, or a word whose files work */
        int write_code, sync_code, read_code; /* SQLITE_OK: works */
        int n_syncs_left;                     /* syncs that still work */
        unsigned n_failed;
        sqlite3_vfs *real;
};

static struct fault_vfs fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct fault_file {
        sqlite3_file base;
        const char *name;
        sqlite3_file *real;
};

enum fault_kind { FAULT_WRITE, FAULT_SYNC, FAULT_READ };

static int fault_code(const struct fault_file *file, enum fault_kind kind)
{
        int code = SQLITE_OK;

        pthread_mutex_lock(&fault.lock);
        if (fault.word && file->name && strstr(file->name, fault.word) &&
            !(fault.but_not && strstr(file->name, fault.but_not))) {
                switch (kind) {
                case FAULT_WRITE: code = fault.write_code; break;
                case FAULT_SYNC:
                        if (fault.n_syncs_left > 0)
                                fault.n_syncs_left--;
                        else
                                code = fault.sync_code;
                        break;
                case FAULT_READ: code = fault.read_code; break;
                }
        }
        fault.n_failed += code != SQLITE_OK;
        pthread_mutex_unlock(&fault.lock);
        return code;
}

static inline void fault_set(const char *word, const char *but_not, int write_code, int sync_code)
{
        pthread_mutex_lock(&fault.lock);
        fault.word = word;
        fault.but_not = but_not;
        fault.write_code = write_code;
        fault.sync_code = sync_code;
        fault.read_code = SQLITE_OK;
        fault.n_syncs_left = 0;
        fault.n_failed = 0;
        pthread_mutex_unlock(&fault.lock);
}

static inline void fault_clear(void)
{
        fault_set(NULL, NULL, SQLITE_OK, SQLITE_OK);
}

static inline unsigned fault_count(void)
{
        unsigned n;

        pthread_mutex_lock(&fault.lock);
        n = fault.n_failed;
        pthread_mutex_unlock(&fault.lock);
        return n;
}

#define FAULT_REAL(f) (((struct fault_file *)(void *)(f))->real)

static int fault_close(sqlite3_file *f)
{
        return FAULT_REAL(f)->pMethods->xClose(FAULT_REAL(f));
}

static int fault_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
        int code = fault_code((struct fault_file *)(void *)f, FAULT_READ);

        return code ? code : FAULT_REAL(f)->pMethods->xRead(FAULT_REAL(f), out, n, at);
}

static int fault_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
        int code = fault_code((struct fault_file *)(void *)f, FAULT_WRITE);

        return code ? code : FAULT_REAL(f)->pMethods->xWrite(FAULT_REAL(f), data, n, at);
}

static int fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
        return FAULT_REAL(f)->pMethods->xTruncate(FAULT_REAL(f), size);
}

static int fault_sync(sqlite3_file *f, int flags)
{
        int code = fault_code((struct fault_file *)(void *)f, FAULT_SYNC);

        return code ? code : FAULT_REAL(f)->pMethods->xSync(FAULT_REAL(f), flags);
}

static int fault_size(sqlite3_file *f, sqlite3_int64 *size)
{
        return FAULT_REAL(f)->pMethods->xFileSize(FAULT_REAL(f), size);
}

static int fault_lock(sqlite3_file *f, int kind)
{
        return FAULT_REAL(f)->pMethods->xLock(FAULT_REAL(f), kind);
}

static int fault_unlock(sqlite3_file *f, int kind)
{
        return FAULT_REAL(f)->pMethods->xUnlock(FAULT_REAL(f), kind);
}

static int fault_reserved(sqlite3_file *f, int *out)
{
        return FAULT_REAL(f)->pMethods->xCheckReservedLock(FAULT_REAL(f), out);
}

static int fault_control(sqlite3_file *f, int op, void *arg)
{
        return FAULT_REAL(f)->pMethods->xFileControl(FAULT_REAL(f), op, arg);
}

static int fault_sector(sqlite3_file *f)
{
        return FAULT_REAL(f)->pMethods->xSectorSize(FAULT_REAL(f));
}

static int fault_device(sqlite3_file *f)
{
        return FAULT_REAL(f)->pMethods->xDeviceCharacteristics(FAULT_REAL(f));
}

static int fault_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
        return FAULT_REAL(f)->pMethods->xShmMap(FAULT_REAL(f), page, size, extend, out);
}

static int fault_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
        return FAULT_REAL(f)->pMethods->xShmLock(FAULT_REAL(f), offset, n, flags);
}

static void fault_shm_barrier(sqlite3_file *f)
{
        FAULT_REAL(f)->pMethods->xShmBarrier(FAULT_REAL(f));
}

static int fault_shm_unmap(sqlite3_file *f, int and_delete)
{
        return FAULT_REAL(f)->pMethods->xShmUnmap(FAULT_REAL(f), and_delete);
}

static const sqlite3_io_methods fault_methods = {
        .iVersion = 2,
        .xClose = fault_close,
        .xRead = fault_read,
        .xWrite = fault_write,
        .xTruncate = fault_truncate,
        .xSync = fault_sync,
        .xFileSize = fault_size,
        .xLock = fault_lock,
        .xUnlock = fault_unlock,
        .xCheckReservedLock = fault_reserved,
        .xFileControl = fault_control,
        .xSectorSize = fault_sector,
        .xDeviceCharacteristics = fault_device,
        .xShmMap = fault_shm_map,
        .xShmLock = fault_shm_lock,
        .xShmBarrier = fault_shm_barrier,
        .xShmUnmap = fault_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
        struct fault_file *file = (struct fault_file *)(void *)f;
        int code;

        (void)vfs;
        file->name = name; /* SQLite keeps it until the file is closed */
        file->real = (sqlite3_file *)(void *)(file + 1);
        code = fault.real->xOpen(fault.real, name, file->real, flags, out);
        f->pMethods = file->real->pMethods ? &fault_methods : NULL;
        return code;
}

static inline void fault_install(void)
{
        static sqlite3_vfs vfs;

        fault.real = sqlite3_vfs_find(NULL);
        vfs = *fault.real;
        vfs.zName = "fault";
        vfs.szOsFile += (int)sizeof(struct fault_file);
        vfs.xOpen = fault_open;
        vfs.pNext = NULL;
        sqlite3_vfs_register(&vfs, 1);
}

#endif
