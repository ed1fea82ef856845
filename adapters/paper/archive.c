#include "adapters/paper/archive.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"

void archive_write(struct archive *archive, struct buf *out)
{
        *archive = (struct archive){.out = out};
}

void archive_read(struct archive *archive, const void *data, size_t len)
{
        *archive = (struct archive){.in = data, .n_in = len};
}

bool archive_is_reading(const struct archive *archive)
{
        return !archive->out;
}

void archive_refuse(struct archive *archive, const char *why)
{
        if (!archive->why)
                archive->why = why;
}

bool archive_want(struct archive *archive, bool ok, const char *why)
{
        if (!ok)
                archive_refuse(archive, why);
        return archive_is_good(archive);
}

bool archive_is_good(const struct archive *archive)
{
        return !archive->why;
}

enum errc archive_finish(const struct archive *archive, struct err *err)
{
        if (archive->why)
                return err_set(err, E_SYNTAX, "%s", archive->why);
        if (archive->out && buf_check(archive->out))
                return err_set(err, E_LIMIT, "the state is larger than %zu bytes",
                               archive->out->max);
        if (archive->n_in)
                return err_set(err, E_SYNTAX, "%zu bytes follow the end", archive->n_in);
        return E_OK;
}

void archive_bytes(struct archive *archive, void *data, size_t len)
{
        if (archive->out) {
                buf_put(archive->out, data, len);
                return;
        }
        if (archive->n_in < len)
                archive_refuse(archive, "it ends too early");
        if (archive->why) {
                memset(data, 0, len);
                return;
        }
        memcpy(data, archive->in, len);
        archive->in += len;
        archive->n_in -= len;
}

void archive_u64(struct archive *archive, uint64_t *v)
{
        uint8_t b[8];

        for (unsigned i = 0; i < sizeof(b); i++)
                b[i] = (uint8_t)(*v >> (56 - 8 * i));
        archive_bytes(archive, b, sizeof(b));
        if (archive->out)
                return;
        *v = 0;
        for (unsigned i = 0; i < sizeof(b); i++)
                *v = *v << 8 | b[i];
}

void archive_u32(struct archive *archive, uint32_t *v)
{
        uint8_t b[4];

        for (unsigned i = 0; i < sizeof(b); i++)
                b[i] = (uint8_t)(*v >> (24 - 8 * i));
        archive_bytes(archive, b, sizeof(b));
        if (archive->out)
                return;
        *v = 0;
        for (unsigned i = 0; i < sizeof(b); i++)
                *v = *v << 8 | b[i];
}

void archive_bool(struct archive *archive, bool *v)
{
        uint8_t b = *v ? 1 : 0;

        archive_bytes(archive, &b, 1);
        if (archive->out)
                return;
        (void)archive_want(archive, b <= 1, "a flag is neither 0 nor 1");
        *v = b == 1;
}

void archive_i64(struct archive *archive, int64_t *v)
{
        uint64_t u = (uint64_t)*v;

        archive_u64(archive, &u);
        if (!archive->out)
                *v = u <= INT64_MAX ? (int64_t)u : -(int64_t)(UINT64_MAX - u) - 1;
}

void archive_unsigned(struct archive *archive, unsigned *v)
{
        uint32_t u = *v;

        archive_u32(archive, &u);
        if (!archive->out)
                *v = u;
}

void archive_size(struct archive *archive, size_t *v)
{
        uint64_t u = *v;

        archive_u64(archive, &u);
        if (!archive->out)
                *v = u;
}

void archive_choice(struct archive *archive, unsigned *v, unsigned max)
{
        archive_unsigned(archive, v);
        if (archive->out || archive_want(archive, *v <= max, "a kind is unknown"))
                return;
        *v = 0;
}

void archive_count(struct archive *archive, size_t *n, size_t max, size_t item_bytes)
{
        archive_size(archive, n);
        if (archive->out || archive_want(archive, *n <= max && *n <= archive->n_in / item_bytes,
                                         "a list is longer than what follows"))
                return;
        *n = 0;
}

void archive_px(struct archive *archive, struct px *v)
{
        archive_i64(archive, &v->v);
}

void archive_qty(struct archive *archive, struct qty *v)
{
        archive_i64(archive, &v->v);
}

void archive_usd(struct archive *archive, struct usd *v)
{
        archive_i64(archive, &v->v);
}

void archive_rate(struct archive *archive, struct rate *v)
{
        archive_i64(archive, &v->v);
}

void archive_addr(struct archive *archive, struct addr *v)
{
        archive_bytes(archive, v->b, sizeof(v->b));
}

void archive_text(struct archive *archive, char *text, size_t cap)
{
        size_t len = archive->out ? strnlen(text, cap - 1) : 0;

        archive_count(archive, &len, cap - 1, 1);
        archive_bytes(archive, text, len);
        if (archive->out)
                return;
        memset(text + len, 0, cap - len);
        if (!archive_want(archive, strlen(text) == len, "a text holds a NUL"))
                memset(text, 0, cap);
}

void archive_string(struct archive *archive, char **text, size_t max)
{
        size_t len = archive->out ? strlen(*text) : 0;

        archive_count(archive, &len, max, 1);
        if (!archive->out)
                *text = xcalloc(len + 1, 1);
        archive_bytes(archive, *text, len);
        if (!archive->out)
                (void)archive_want(archive, strlen(*text) == len, "a text holds a NUL");
}
