#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define MAX_BYTES 1024

/* On the open descriptor, so that what is checked is what is read. */
static enum errc check_file(int fd, const char *file, struct err *err)
{
        struct stat st;

        if (fstat(fd, &st))
                return err_set(err, E_CONFIG, "%s: %s", file, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return err_set(err, E_CONFIG, "%s is not a regular file", file);
        if (st.st_uid != geteuid() && st.st_uid != 0)
                return err_set(err, E_CONFIG, "%s belongs to user %u, not to us or root", file,
                               (unsigned)st.st_uid);
        if (st.st_mode & (S_IRWXG | S_IRWXO))
                return err_set(err, E_CONFIG, "%s has mode %04o: only its owner may have access",
                               file, (unsigned)(st.st_mode & 07777));
        return E_OK;
}

/* Reads until the end or until text is full; -1 on error. */
static ssize_t read_whole(int fd, char *text, size_t cap)
{
        size_t len = 0;

        while (len < cap) {
                ssize_t n = read(fd, text + len, cap - len);
                if (n == 0)
                        break;
                if (n < 0 && errno != EINTR)
                        return -1;
                if (n > 0)
                        len += (size_t)n;
        }
        return (ssize_t)len;
}

static enum errc take(struct secret *out, const char *text, size_t len, size_t max,
                      const char *file, struct err *err)
{
        if (len > 0 && text[len - 1] == '\n')
                len--;
        if (len == 0 || len > max)
                return err_set(err, E_CONFIG, "%s must hold 1 to %zu characters in one line", file,
                               max);
        secret_init(out, len);
        memcpy(out->data, text, len);
        return E_OK;
}

enum errc secret_file_read(struct secret *out, const char *file, size_t max, struct err *err)
{
        char text[MAX_BYTES + 2]; /* one more than the longest that is accepted */
        enum errc rc;
        ssize_t len;

        must(max > 0 && max <= MAX_BYTES);
        *out = (struct secret){NULL, 0};
        /* A symbolic link is refused; a FIFO must not hang us before it is refused too. */
        int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return err_set(err, E_CONFIG, "%s: %s", file,
                               errno == ELOOP ? "is a symbolic link" : strerror(errno));
        rc = check_file(fd, file, err);
        if (!rc) {
                len = read_whole(fd, text, sizeof text);
                rc = len < 0 ? err_set(err, E_CONFIG, "%s: %s", file, strerror(errno))
                             : take(out, text, (size_t)len, max, file, err);
        }
        secret_wipe(text, sizeof text);
        close(fd);
        return rc;
}
