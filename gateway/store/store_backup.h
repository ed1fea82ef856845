/* store_backup: copies of the store while it runs, asked for or on a schedule. The store's thread copies a
 * few pages between its batches, at a bounded rate; syncing, reading the copy through and its checksum are
 * done on a thread of its own. A copy appears under its name once it is whole, checked and on disk:
 *
 *      FOLDER/perpgate-20260102T030405Z.db          mode 0600
 *      FOLDER/perpgate-20260102T030405Z.db.sha256   as sha256sum prints it
 *
 * Loop thread only. */
#ifndef STORE_STORE_BACKUP_H
#define STORE_STORE_BACKUP_H

#include "store/store.h"

struct store_backup;

struct store_backup_options {
        const char *folder; /* made, with mode 0700, when the first copy is */
        int64_t every_ms;   /* 0: only when asked */
        unsigned keep;      /* of those named by their time; older ones are removed. 0: all */
        unsigned bytes_per_second; /* or as fast as the store grows, if that is more */
};

enum store_backup_state { BACKUP_NONE, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED };
const char *store_backup_state_name(enum store_backup_state state);

struct store_backup_status {
        enum store_backup_state state;
        char file[512];   /* of the last one */
        char sha256[65];  /* "" until it is done */
        char reason[200]; /* why it failed */
        int64_t started_at, ended_at, bytes;
        unsigned pages, pages_left;
        int64_t done_at; /* the last that was made, also by an earlier run; 0: none is there */
        uint64_t n_done, n_failed; /* since start */
};

struct store_backup *store_backup_new(struct store *store,
                                      const struct store_backup_options *options);
/* After store_close. What is not whole is removed. Accepts NULL. */
void store_backup_free(struct store_backup *backup);

/* Begins one. name is a plain file name, or NULL for the time. E_EXISTS when there is such a file, E_LIMIT
 * while one is being made, E_INVALID for another name, E_IO. Status tells the rest. */
MUST_USE enum errc store_backup_start(struct store_backup *backup, const char *name,
                                      struct err *err);
void store_backup_status(const struct store_backup *backup, struct store_backup_status *out);

/* SHA-256 of a file as 64 hex digits; from any thread. E_IO. */
MUST_USE enum errc store_backup_sum(const char *file, char out[65], int64_t *bytes,
                                    struct err *err);

#endif
