#include "brand/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Up to max + 1 bytes, so that a file that grew meanwhile is noticed. */
static bool read_all(int fd, uint8_t *data, size_t max, size_t *len)
{
        *len = 0;
        while (*len <= max) {
                ssize_t n = read(fd, data + *len, max + 1 - *len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                if (n == 0)
                        return true;
                *len += (size_t)n;
        }
        return true;
}

uint8_t *file_read(const char *path, size_t max, size_t *len, const char **why)
{
        struct stat st;
        uint8_t *data = NULL;
        /* O_NONBLOCK: a FIFO in place of the file must not stop the start. */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0) {
                *why = strerror(errno);
                return NULL;
        }
        if (fstat(fd, &st) != 0) {
                *why = strerror(errno);
                goto done;
        }
        if (!S_ISREG(st.st_mode)) {
                *why = "not a regular file";
                goto done;
        }
        data = xmalloc(max + 2);
        if (!read_all(fd, data, max, len)) {
                *why = strerror(errno);
                goto fail;
        }
        if (*len > max) {
                *why = "the file is too large";
                goto fail;
        }
        data[*len] = '\0';
        goto done;
fail:
        free(data);
        data = NULL;
done:
        close(fd);
        return data;
}

bool file_join(char *out, size_t cap, const char *folder, const char *path)
{
        bool alone = path[0] == '/' || folder[0] == '\0';
        int n = snprintf(out, cap, "%s%s%s", alone ? "" : folder, alone ? "" : "/", path);

        return n >= 0 && (size_t)n < cap;
}

bool file_folder(char *out, size_t cap, const char *path)
{
        const char *slash = strrchr(path, '/');
        size_t len = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;

        if (len >= cap || cap < 2)
                return false;
        if (len == 0)
                return text_copy(out, cap, ".") != 0;
        memcpy(out, path, len);
        out[len] = '\0';
        return true;
}

bool file_is_readable(const char *path, const char **why)
{
        if (access(path, R_OK) == 0)
                return true;
        *why = strerror(errno);
        return false;
}
