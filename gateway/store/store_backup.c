/* One copy at a time:
 *
 *      start   the store's thread opens FOLDER/.NAME.partial and begins
 *      step    by a timer: some pages, after the batch that is under way; every few steps the own thread
 *              syncs what there is, so that the disk never has a second's worth to write at once
 *      check   own thread: sync, read it through, checksum, link to its name, which refuses to replace a
 *              file, sync the folder
 *
 * VACUUM INTO would make a smaller copy, but in one statement that keeps the store's thread, and with it
 * every order, waiting to the end. */
#include "store/store_backup.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/db_backup.h"
#include "store/store_op.h"

#define PAGE_BYTES     4096
#define STEP_EACH_MS   20
#define STEPS_PER_SYNC 16
#define FASTER_AT_MOST 64
#define LOOK_EACH_MS   60000
#define NAME_MAX_LEN   64
#define NAMES_MAX      4096 /* copies that are looked through for the oldest */

struct store_backup {
        struct store *store;
        struct worker *worker;
        struct loop_timer *step_timer, *due_timer;
        char folder[300];
        int64_t every_ms;
        unsigned keep;
        int pages_per_step;
        int n_pages; /* of the next step */
        struct store_backup_status status;
        char partial[512];
        unsigned n_steps;
        bool is_out; /* an operation or a job is under way */
};

struct copy_op {
        struct store_op op;
        struct store_backup *backup;
        char partial[512]; /* start; "" step */
        int n_pages;
        bool is_done;
        unsigned pages, pages_left;
        struct err err;
};

struct file_job {
        struct worker_job job;
        struct store_backup *backup;
        bool is_last; /* else only sync */
        char partial[512], file[512];
        char sha256[65];
        int64_t bytes;
        struct err err;
};

static const char *const state_names[] = {
        [BACKUP_NONE] = "none",
        [BACKUP_RUNNING] = "running",
        [BACKUP_DONE] = "done",
        [BACKUP_FAILED] = "failed",
};

const char *store_backup_state_name(enum store_backup_state state)
{
        return state_names[state];
}

/* --- the copy's file, on the own thread --- */

enum errc store_backup_sum(const char *file, char out[65], int64_t *bytes, struct err *err)
{
        crypto_hash_sha256_state sum;
        uint8_t hash[crypto_hash_sha256_BYTES];
        uint8_t *chunk;
        ssize_t n = 0;
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return err_set(err, E_IO, "%s: %s", file, strerror(errno));
        *bytes = 0;
        chunk = xmalloc(1u << 16);
        crypto_hash_sha256_init(&sum);
        while ((n = read(fd, chunk, 1u << 16)) > 0) {
                crypto_hash_sha256_update(&sum, chunk, (unsigned long long)n);
                *bytes += n;
        }
        crypto_hash_sha256_final(&sum, hash);
        sodium_bin2hex(out, 65, hash, sizeof hash);
        free(chunk);
        close(fd);
        return n < 0 ? err_set(err, E_IO, "%s: %s", file, strerror(errno)) : E_OK;
}

static enum errc sync_path(const char *path, struct err *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        enum errc rc = E_OK;

        if (fd < 0 || fsync(fd))
                rc = err_set(err, E_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
                close(fd);
        return rc;
}

/* "HASH  NAME", for sha256sum -c in the copy's folder. Written before the copy has its name: one that has
 * a name has its checksum. */
static enum errc write_sum(const struct file_job *job, struct err *err)
{
        char path[600], line[600];
        const char *name = strrchr(job->file, '/') + 1;
        int len = snprintf(line, sizeof line, "%s  %s\n", job->sha256, name);
        enum errc rc = E_OK;
        int fd;

        snprintf(path, sizeof path, "%s.sha256", job->file);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, line, (size_t)len) != len || fsync(fd))
                rc = err_set(err, E_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
                close(fd);
        return rc;
}

static enum errc put_in_place(const struct file_job *job, const char *folder, struct err *err)
{
        enum errc rc = E_OK;

        if (link(job->partial, job->file))
                rc = err_set(err, E_IO, "%s: %s", job->file, strerror(errno));
        else if (unlink(job->partial))
                rc = err_set(err, E_IO, "%s: %s", job->partial, strerror(errno));
        return rc ? rc : sync_path(folder, err);
}

static void job_run(struct worker_job *base, void *state)
{
        struct file_job *job = (struct file_job *)(void *)base;
        struct err *err = &job->err;
        enum errc rc = sync_path(job->partial, err);

        (void)state;
        if (rc || !job->is_last)
                return;
        rc = db_backup_check(job->partial, NULL, err);
        if (!rc)
                rc = sync_path(job->partial, err);
        if (!rc)
                rc = store_backup_sum(job->partial, job->sha256, &job->bytes, err);
        if (!rc)
                rc = write_sum(job, err);
        if (!rc)
                rc = put_in_place(job, job->backup->folder, err);
}

/* --- those of before --- */

static bool is_by_time(const char *name)
{
        static const char shape[] = "perpgate-00000000T000000Z.db";
        size_t i;

        for (i = 0; shape[i] && name[i]; i++) {
                bool is_digit = name[i] >= '0' && name[i] <= '9';
                if (shape[i] == '0' ? !is_digit : name[i] != shape[i])
                        return false;
        }
        return shape[i] == name[i];
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list(const struct store_backup *backup, char **names)
{
        DIR *dir = opendir(backup->folder);
        struct dirent *entry;
        size_t n = 0;

        if (!dir)
                return 0;
        while (n < NAMES_MAX && (entry = readdir(dir)))
                if (is_by_time(entry->d_name))
                        names[n++] = xstrdup(entry->d_name);
        closedir(dir);
        qsort(names, n, sizeof *names, by_name);
        return n;
}

/* Removes the oldest above keep; notes when the newest was made. */
static void look_through(struct store_backup *backup)
{
        char **names = xcalloc(NAMES_MAX, sizeof *names);
        size_t n = list(backup, names);
        char path[420];
        struct stat st;

        for (size_t i = 0; i < n; i++) {
                bool is_old = backup->keep && i + backup->keep < n;
                snprintf(path, sizeof path, "%s/%s", backup->folder, names[i]);
                if (is_old && unlink(path) == 0) {
                        log_event(LOG_INFO, "old backup removed", "file", path, NULL);
                        snprintf(path, sizeof path, "%s/%s.sha256", backup->folder, names[i]);
                        (void)!unlink(path);
                } else if (i + 1 == n && stat(path, &st) == 0) {
                        backup->status.done_at = (int64_t)st.st_mtim.tv_sec * 1000;
                }
                free(names[i]);
        }
        free(names);
}

/* --- one after another, on the loop --- */

static int64_t now(const struct store_backup *backup)
{
        return clock_wall_ms(loop_clock(store_loop(backup->store)));
}

static void end(struct store_backup *backup, const struct err *err)
{
        struct store_backup_status *status = &backup->status;

        loop_timer_stop(backup->step_timer);
        status->ended_at = now(backup);
        if (err->code) {
                status->state = BACKUP_FAILED;
                status->n_failed++;
                (void)text_copy(status->reason, sizeof status->reason, err->detail);
                (void)!unlink(backup->partial);
                log_event(LOG_ERROR, "backup failed", "file", status->file, "cause", err->detail,
                          NULL);
                return;
        }
        status->state = BACKUP_DONE;
        status->n_done++;
        status->done_at = status->ended_at;
        log_event(LOG_INFO, "backup made", "file", status->file, "bytes", log_int(status->bytes),
                  "ms", log_int(status->ended_at - status->started_at), NULL);
        look_through(backup);
}

static void job_done(struct worker_job *base)
{
        struct file_job *job = (struct file_job *)(void *)base;
        struct store_backup *backup = job->backup;

        backup->is_out = false;
        memcpy(backup->status.sha256, job->sha256, sizeof job->sha256);
        backup->status.bytes = job->bytes;
        if (backup->status.state == BACKUP_RUNNING && (job->is_last || job->err.code))
                end(backup, &job->err);
        free(job);
}

static void submit_job(struct store_backup *backup, bool is_last)
{
        struct file_job *job = xcalloc(1, sizeof *job);

        job->backup = backup;
        job->is_last = is_last;
        memcpy(job->partial, backup->partial, sizeof job->partial);
        memcpy(job->file, backup->status.file, sizeof job->file);
        job->job.run = job_run;
        job->job.done = job_done;
        backup->is_out = true;
        must(worker_submit(backup->worker, &job->job) == E_OK); /* one at a time */
}

static enum errc copy_exec(struct store_op *op, struct db *db)
{
        struct copy_op *copy = (struct copy_op *)(void *)op;

        return copy->partial[0] ? db_backup_start(db, copy->partial, &copy->err) : E_OK;
}

static void copy_after(struct store_op *op, struct db *db)
{
        struct copy_op *copy = (struct copy_op *)(void *)op;

        if (op->rc)
                return;
        if (db_backup_step(db, copy->n_pages, &copy->is_done, &copy->pages, &copy->pages_left))
                (void)err_set(&copy->err, E_IO, "a page can't be copied: is the disk full?");
        if (copy->is_done)
                db_backup_end(db);
}

/* A store that grows faster than it is copied would never be: the steps grow with it. */
static void keep_up(struct store_backup *backup, const struct copy_op *copy)
{
        bool is_behind = backup->n_steps > 0 && copy->pages_left >= backup->status.pages_left;

        if (is_behind && backup->n_pages < FASTER_AT_MOST * backup->pages_per_step)
                backup->n_pages *= 2;
}

static void copy_finish(struct store_op *op)
{
        struct copy_op *copy = (struct copy_op *)(void *)op;
        struct store_backup *backup = copy->backup;

        backup->is_out = false;
        if (op->rc && !copy->err.code)
                (void)err_set(&copy->err, op->rc, "the store is closing");
        keep_up(backup, copy);
        backup->status.pages = copy->pages;
        backup->status.pages_left = copy->pages_left;
        if (copy->err.code)
                end(backup, &copy->err);
        else if (copy->is_done)
                submit_job(backup, true);
        else if (++backup->n_steps % STEPS_PER_SYNC == 0)
                submit_job(backup, false);
}

static void submit_copy(struct store_backup *backup, bool is_first)
{
        struct copy_op *copy = xcalloc(1, sizeof *copy);

        copy->backup = backup;
        copy->n_pages = backup->n_pages;
        if (is_first)
                memcpy(copy->partial, backup->partial, sizeof copy->partial);
        copy->op.exec = copy_exec;
        copy->op.after = copy_after;
        copy->op.finish = copy_finish;
        backup->is_out = true;
        store_op_submit(backup->store, &copy->op);
}

static void step(void *cookie)
{
        struct store_backup *backup = cookie;

        if (!backup->is_out && backup->status.state == BACKUP_RUNNING)
                submit_copy(backup, false);
}

/* --- beginning --- */

static bool is_plain(const char *name)
{
        static const char signs[] = "-_.";
        size_t len = strnlen(name, NAME_MAX_LEN + 1);

        if (len == 0 || len > NAME_MAX_LEN || name[0] == '.')
                return false;
        for (size_t i = 0; i < len; i++) {
                char c = name[i];
                bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || strchr(signs, c);
                if (!ok)
                        return false;
        }
        return true;
}

static void name_by_time(const struct store_backup *backup, char *out, size_t cap)
{
        time_t seconds = (time_t)(now(backup) / 1000);
        struct tm utc;

        must(gmtime_r(&seconds, &utc) != NULL);
        must(strftime(out, cap, "perpgate-%Y%m%dT%H%M%SZ.db", &utc) > 0);
}

/* The partial file is ours: what an earlier run left of it is worthless. */
static enum errc make_partial(struct store_backup *backup, struct err *err)
{
        int fd;

        if (mkdir(backup->folder, 0700) && errno != EEXIST)
                return err_set(err, E_IO, "%s: %s", backup->folder, strerror(errno));
        (void)!unlink(backup->partial);
        fd = open(backup->partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return err_set(err, E_IO, "%s: %s", backup->partial, strerror(errno));
        close(fd);
        return E_OK;
}

enum errc store_backup_start(struct store_backup *backup, const char *name, struct err *err)
{
        struct store_backup_status *status = &backup->status;
        char by_time[NAME_MAX_LEN], file[512];
        struct stat st;

        if (status->state == BACKUP_RUNNING || backup->is_out)
                return err_set(err, E_LIMIT, "A backup is being made: %s", status->file);
        if (name && !is_plain(name))
                return err_set(err, E_INVALID,
                               "A name has 1 to %d of A-Z a-z 0-9 - _ . and does not begin with a "
                               "dot.",
                               NAME_MAX_LEN);
        if (!name)
                name_by_time(backup, by_time, sizeof by_time);
        snprintf(file, sizeof file, "%s/%s", backup->folder, name ? name : by_time);
        if (lstat(file, &st) == 0)
                return err_set(err, E_EXISTS, "%s is there already.", file);
        snprintf(backup->partial, sizeof backup->partial, "%s/.%s.partial", backup->folder,
                 name ? name : by_time);
        if (make_partial(backup, err))
                return E_IO;
        *status = (struct store_backup_status){.state = BACKUP_RUNNING,
                                               .started_at = now(backup),
                                               .done_at = status->done_at,
                                               .n_done = status->n_done,
                                               .n_failed = status->n_failed};
        memcpy(status->file, file, sizeof file);
        backup->n_steps = 0;
        backup->n_pages = backup->pages_per_step;
        submit_copy(backup, true);
        loop_timer_start(backup->step_timer, STEP_EACH_MS, STEP_EACH_MS);
        return E_OK;
}

static void look_due(void *cookie)
{
        struct store_backup *backup = cookie;
        int64_t last =
                backup->status.done_at > backup->status.started_at
                        ? backup->status.done_at
                        : backup->status.started_at; /* a failure is not tried at once again */
        struct err err = {.code = E_OK};

        if (backup->status.state == BACKUP_RUNNING || now(backup) - last < backup->every_ms)
                return;
        if (store_backup_start(backup, NULL, &err))
                log_event(LOG_ERROR, "backup not begun", "cause", err.detail, NULL);
}

void store_backup_status(const struct store_backup *backup, struct store_backup_status *out)
{
        *out = backup->status;
}

struct store_backup *store_backup_new(struct store *store, const struct store_backup_options *o)
{
        struct store_backup *backup = xcalloc(1, sizeof *backup);
        struct worker_options options = {.name = "backup", .max_queued = 1, .max_batch = 1};
        int64_t pages = (int64_t)o->bytes_per_second * STEP_EACH_MS / 1000 / PAGE_BYTES;

        backup->store = store;
        backup->every_ms = o->every_ms;
        backup->keep = o->keep;
        backup->pages_per_step = pages < 1 ? 1 : (int)pages;
        must(text_copy(backup->folder, sizeof backup->folder, o->folder));
        backup->worker = worker_new(store_loop(store), &options);
        backup->step_timer = loop_timer_new(store_loop(store), step, backup);
        backup->due_timer = loop_timer_new(store_loop(store), look_due, backup);
        look_through(backup);
        if (backup->every_ms)
                loop_timer_start(backup->due_timer, 0,
                                 backup->every_ms < LOOK_EACH_MS ? backup->every_ms : LOOK_EACH_MS);
        return backup;
}

void store_backup_free(struct store_backup *backup)
{
        if (!backup)
                return;
        worker_free(backup->worker);
        if (backup->status.state == BACKUP_RUNNING)
                (void)!unlink(backup->partial);
        loop_timer_free(backup->step_timer);
        loop_timer_free(backup->due_timer);
        free(backup);
}
