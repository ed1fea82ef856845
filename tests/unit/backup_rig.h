/* backup_rig: a store whose copies are made into a folder of its own. */
#ifndef TESTS_BACKUP_RIG_H
#define TESTS_BACKUP_RIG_H

#include "fault_vfs.h"
#include "store_rig.h"

#include <dirent.h>
#include <fcntl.h>

#include "store/store_backup.h"
#include "store/store_restore.h"

#define NOW  INT64_C(1790000000000)
#define SLOW 204800 /* one page a step */
#define FAST 100000000

struct bench {
        struct rig *rig;
        struct store_backup *backup;
        char folder[280];
};

static inline void open_backup(struct bench *b, int64_t every_ms, unsigned keep, unsigned rate)
{
        struct store_backup_options options = {
                .folder = b->folder, .every_ms = every_ms, .keep = keep, .bytes_per_second = rate};

        b->backup = store_backup_new(b->rig->store, &options);
}

static inline int bench_setup(void **state)
{
        struct bench *b = xcalloc(1, sizeof *b);
        void *rig;

        fault_clear();
        rig_setup(&rig);
        b->rig = rig;
        snprintf(b->folder, sizeof b->folder, "%s/backups", b->rig->folder);
        *state = b;
        return 0;
}

static inline void close_both(struct bench *b)
{
        store_close(b->rig->store);
        b->rig->store = NULL;
        store_backup_free(b->backup);
        b->backup = NULL;
}

static inline void remove_all(const char *folder)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        char path[600];

        while (dir && (entry = readdir(dir))) {
                snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
                if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
                        unlink(path);
        }
        if (dir)
                closedir(dir);
}

static inline int bench_teardown(void **state)
{
        struct bench *b = *state;
        void *rig = b->rig;

        fault_clear();
        close_both(b);
        remove_all(b->folder);
        rmdir(b->folder);
        remove_all(b->rig->folder);
        rig_teardown(&rig);
        free(b);
        return 0;
}

static inline unsigned count_files(const char *folder, const char *suffix)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        unsigned n = 0;

        while (dir && (entry = readdir(dir))) {
                size_t len = strlen(entry->d_name), end = strlen(suffix);
                n += len >= end && strcmp(entry->d_name + len - end, suffix) == 0;
        }
        if (dir)
                closedir(dir);
        return n;
}

static inline struct store_backup_status wait_backup(struct bench *b)
{
        struct store_backup_status status = {.state = BACKUP_RUNNING};

        for (int i = 0; i < 3000 && status.state == BACKUP_RUNNING; i++) {
                loop_turn(b->rig->loop, 20);
                store_backup_status(b->backup, &status);
        }
        return status;
}

static inline struct store_backup_status make(struct bench *b, const char *name)
{
        struct err err = {0};
        struct store_backup_status status;

        if (store_backup_start(b->backup, name, &err))
                fail_msg("%s", err.detail);
        status = wait_backup(b);
        if (status.state != BACKUP_DONE)
                fail_msg("%s", status.reason);
        return status;
}

static inline void insert_many(struct bench *b, unsigned from, unsigned to)
{
        struct reply reply = {0};

        for (unsigned i = from; i < to; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(b->rig->store, &in, rig_on_done, &reply);
        }
        rig_wait(b->rig, &reply, to - from);
        assert_int_equal(reply.n_ok, to - from);
}

static inline void expect_intents(struct rig *rig, unsigned from, unsigned to)
{
        for (unsigned i = from; i < to; i++) {
                struct reply reply;
                char key[32];

                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
        }
}

static inline enum errc restore(struct rig *rig, const char *backup,
                                struct store_restore_result *result, struct err *err)
{
        struct store_restore_options options = {.file = rig->file, .backup = backup, .now = NOW};

        *err = (struct err){0};
        return store_restore(&options, result, err);
}

#define BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

#endif
