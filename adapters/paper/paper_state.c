#include "adapters/paper/paper_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sign/keccak.h"

#define PATH_BYTES 4096

/* First bytes of every state file; the number is the version of what follows. */
static const char magic[] = "perpgate paper state 3\n";
#define MAGIC_LEN (sizeof(magic) - 1)

static void head(struct paper *p, struct archive *a)
{
        bool is_mainnet = p->is_mainnet;

        archive_bool(a, &is_mainnet);
        (void)archive_want(a, is_mainnet == p->is_mainnet, "it was saved for the other network");
        archive_i64(a, &p->advanced_ms);
        archive_i64(a, &p->last_at);
        archive_u64(a, &p->n_hashes);
        archive_u64(a, &p->n_ticks);
        archive_i64(a, &p->next_sample_at);
        archive_i64(a, &p->next_funding_at);
        (void)archive_want(a,
                           p->advanced_ms >= 0 && p->last_at >= 0 && p->next_sample_at >= 0 &&
                                   p->next_funding_at > p->last_at - 2 * PAPER_HOUR_MS &&
                                   p->next_funding_at % PAPER_HOUR_MS == 0,
                           "the venue's time is out of all bounds");
}

static void body(struct paper *p, struct archive *a)
{
        head(p, a);
        for (uint32_t i = 0; i < p->universe.n; i++)
                paper_state_market(p, a, i);
        paper_state_agents(p, a);
        paper_state_users(p, a);
        paper_state_twaps(p, a);
        paper_state_nonces(p, a);
}

enum errc paper_state_write(struct paper *p, struct buf *out, struct err *err)
{
        struct archive a;
        struct hash32 sum;

        buf_init(out, PAPER_STATE_MAX);
        buf_put(out, magic, MAGIC_LEN);
        archive_write(&a, out);
        engine_state_save(p->engine, &a);
        body(p, &a);
        if (!buf_check(out)) {
                keccak256(&sum, out->data, out->len);
                buf_put(out, sum.b, sizeof(sum.b));
        }
        return archive_finish(&a, err);
}

static enum errc check_whole(const uint8_t *data, size_t len, struct err *err)
{
        struct hash32 sum;

        if (len < MAGIC_LEN + sizeof(sum.b))
                return err_set(err, E_SYNTAX, "it is too short to be a state");
        if (memcmp(data, magic, MAGIC_LEN) != 0)
                return err_set(err, E_SYNTAX, "it is no state of this version");
        keccak256(&sum, data, len - sizeof(sum.b));
        if (memcmp(sum.b, data + len - sizeof(sum.b), sizeof(sum.b)) != 0)
                return err_set(err, E_SYNTAX, "its checksum is wrong: it is damaged");
        return E_OK;
}

enum errc paper_state_read(struct paper *p, const void *data, size_t len, struct err *err)
{
        struct engine_sink sink = paper_feed_sink(p);
        const uint8_t *bytes = data;
        struct archive a;
        enum errc rc = check_whole(bytes, len, err);

        if (rc)
                return rc;
        archive_read(&a, bytes + MAGIC_LEN, len - MAGIC_LEN - sizeof(struct hash32));
        p->engine = engine_state_load(p->universe.spec, p->universe.n, &sink, &a);
        if (p->engine)
                body(p, &a);
        return archive_finish(&a, err);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *data, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                data += n;
                len -= (size_t)n;
        }
        return true;
}

/* A rename lasts only once the folder is on disk. */
static bool sync_folder(const char *file)
{
        char folder[PATH_BYTES];
        char *slash;
        bool is_done;
        int fd;

        (void)text_copy(folder, sizeof(folder), file);
        slash = strrchr(folder, '/');
        if (!slash)
                (void)text_copy(folder, sizeof(folder), ".");
        else
                slash[slash == folder ? 1 : 0] = '\0';
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        is_done = fsync(fd) == 0;
        (void)close(fd);
        return is_done;
}

/* Never a half-written state in the file's place: the new one is whole and durable first. */
static enum errc replace(const char *file, const struct buf *bytes, struct err *err)
{
        char beside[PATH_BYTES];
        enum errc rc = E_IO;
        int fd;

        if ((size_t)snprintf(beside, sizeof(beside), "%s.tmp", file) >= sizeof(beside))
                return err_set(err, E_CONFIG, "%.200s...: the name is too long", file);
        fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return err_set(err, rc, "%s: %s", beside, strerror(errno));
        if (!write_all(fd, bytes->data, bytes->len) || fsync(fd))
                (void)err_set(err, rc, "%s: %s", beside, strerror(errno));
        else
                rc = E_OK;
        if (close(fd) && !rc)
                rc = err_set(err, E_IO, "%s: %s", beside, strerror(errno));
        if (!rc && (rename(beside, file) || !sync_folder(file)))
                rc = err_set(err, E_IO, "%s: %s", file, strerror(errno));
        if (rc)
                (void)unlink(beside);
        return rc;
}

enum errc paper_state_save(struct paper *p, size_t *n_bytes, struct hash32 *checksum,
                           struct err *err)
{
        struct buf bytes;
        enum errc rc;

        paper_feed_flush(p);
        rc = paper_state_write(p, &bytes, err);
        if (!rc)
                rc = replace(p->state_file, &bytes, err);
        if (!rc) {
                *n_bytes = bytes.len;
                memcpy(checksum->b, bytes.data + bytes.len - sizeof(checksum->b),
                       sizeof(checksum->b));
        }
        buf_fini(&bytes);
        return rc;
}

enum errc paper_state_load(struct paper *p, struct err *err)
{
        FILE *stream = fopen(p->state_file, "re");
        struct err why = {.code = E_OK};
        enum errc rc = E_CONFIG;
        uint8_t *data = NULL;
        struct stat st;
        size_t len = 0;

        if (!stream && errno == ENOENT)
                return E_NOT_FOUND;
        if (!stream || fstat(fileno(stream), &st) || !S_ISREG(st.st_mode)) {
                (void)err_set(err, rc, "%s: can't be read", p->state_file);
                goto done;
        }
        if (st.st_size > (off_t)PAPER_STATE_MAX) {
                (void)err_set(err, rc, "%s: is larger than %u bytes", p->state_file,
                              PAPER_STATE_MAX);
                goto done;
        }
        data = xmalloc((size_t)st.st_size + 1);
        len = fread(data, 1, (size_t)st.st_size + 1, stream);
        if (ferror(stream) || len != (size_t)st.st_size) {
                (void)err_set(err, rc, "%s: can't be read, or changed meanwhile", p->state_file);
                goto done;
        }
        rc = paper_state_read(p, data, len, &why) ? E_CONFIG : E_OK;
        if (rc)
                (void)err_set(err, rc, "%s: %s", p->state_file, why.detail);
done:
        free(data);
        if (stream)
                (void)fclose(stream);
        return rc;
}
