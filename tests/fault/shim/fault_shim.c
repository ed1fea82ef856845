/* fault_shim: stands between a program and libc (LD_PRELOAD), so that a test can shift its wall clock
 * and end or stop it at an exact point of its life. The test writes into a small file that both map;
 * where no file is named, nothing changes.
 *
 * The file named by FAULT_SHIM holds 64-bit numbers in the machine's order:
 *   [0]      milliseconds that are added to the wall clock
 *   [1]      the point that is armed, 0 for none
 *   [2]      how many crossings of it are still let pass
 *   [3]      what happens then: SIGKILL or SIGSTOP, to the program itself
 *   [4]      the point that fired last
 *   [8 + p]  how often point p was crossed, over all lives of the program
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum point {
        POINT_NONE,
        POINT_BEFORE_SEND,   /* journaled, signed; the first byte has not left */
        POINT_AFTER_SEND,    /* the bytes are in the socket */
        POINT_AFTER_ANSWER,  /* the venue's answer was read */
        POINT_BEFORE_COMMIT, /* about to make durable, with an answer read since the last time */
        POINT_AFTER_COMMIT,  /* durable; nobody was told yet */
        POINT_IN_JOURNAL,    /* written, about to be made durable, whatever it is */
        POINTS
};

#define CELLS   64
#define SOCKETS 4096

static _Atomic int64_t *cell;
static _Atomic bool waits[SOCKETS]; /* an action left by this socket and its answer has not come */
static _Atomic bool is_answered;    /* since something was last made durable */

static struct {
        int (*clock_gettime)(clockid_t id, struct timespec *out);
        int (*gettimeofday)(struct timeval *out, void *zone);
        time_t (*time)(time_t *out);
        ssize_t (*send)(int fd, const void *data, size_t len, int flags);
        ssize_t (*recv)(int fd, void *data, size_t len, int flags);
        int (*fsync)(int fd);
        int (*fdatasync)(int fd);
        int (*close)(int fd);
} next;

/* ISO C has no cast from an object's pointer to a function's: the bytes are copied. */
static void find(void *slot, const char *name)
{
        void *found = dlsym(RTLD_NEXT, name);

        if (!found)
                abort();
        memcpy(slot, &found, sizeof(found));
}

static void map_cells(void)
{
        const char *file = getenv("FAULT_SHIM");
        int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
        void *map;

        if (fd < 0)
                return;
        map = mmap(NULL, CELLS * sizeof(*cell), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
                abort();
        cell = map;
        (void)next.close(fd);
}

/* Other libraries' constructors may call before ours has run. */
static void begin(void)
{
        if (next.close)
                return;
        find(&next.clock_gettime, "clock_gettime");
        find(&next.gettimeofday, "gettimeofday");
        find(&next.time, "time");
        find(&next.send, "send");
        find(&next.recv, "recv");
        find(&next.fsync, "fsync");
        find(&next.fdatasync, "fdatasync");
        find(&next.close, "close");
        map_cells();
}

__attribute__((constructor)) static void at_load(void)
{
        begin();
}

static void cross(enum point point)
{
        int64_t expected = point;

        if (!cell)
                return;
        cell[8 + point]++;
        if (cell[1] != point || cell[2]-- > 0)
                return;
        /* Two threads may get here at once: one of them disarms. */
        if (!atomic_compare_exchange_strong(&cell[1], &expected, POINT_NONE))
                return;
        cell[4] = point;
        (void)kill(getpid(), (int)cell[3]);
}

/* ---- The wall clock -------------------------------------------------------------------------- */

static int64_t shift_ms(void)
{
        return cell ? cell[0] : 0;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
        int64_t ms;
        int rc;

        begin();
        rc = next.clock_gettime(id, out);
        if (rc || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
                return rc;
        ms = shift_ms();
        out->tv_sec += ms / 1000;
        out->tv_nsec += ms % 1000 * 1000000;
        if (out->tv_nsec < 0) {
                out->tv_sec--;
                out->tv_nsec += 1000000000;
        } else if (out->tv_nsec >= 1000000000) {
                out->tv_sec++;
                out->tv_nsec -= 1000000000;
        }
        return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
        struct timespec now;
        int rc;

        begin();
        rc = next.gettimeofday(out, zone);
        if (rc || clock_gettime(CLOCK_REALTIME, &now))
                return rc;
        out->tv_sec = now.tv_sec;
        out->tv_usec = now.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *out)
{
        time_t now;

        begin();
        now = next.time(NULL) + shift_ms() / 1000;
        if (out)
                *out = now;
        return now;
}

/* ---- Actions on their way -------------------------------------------------------------------- */

static void set_waits(int fd, bool value)
{
        if (fd >= 0 && fd < SOCKETS)
                waits[fd] = value;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
        static const char head[] = "POST /exchange";
        bool is_action = len >= sizeof(head) && memcmp(data, head, sizeof(head) - 1) == 0;
        ssize_t n;

        begin();
        if (is_action)
                cross(POINT_BEFORE_SEND);
        n = next.send(fd, data, len, flags);
        if (is_action && n > 0) {
                set_waits(fd, true);
                cross(POINT_AFTER_SEND);
        }
        return n;
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
        ssize_t n;

        begin();
        n = next.recv(fd, data, len, flags);
        if (n > 0 && fd >= 0 && fd < SOCKETS && waits[fd] && !(flags & MSG_PEEK)) {
                waits[fd] = false;
                is_answered = true;
                cross(POINT_AFTER_ANSWER);
        }
        return n;
}

int close(int fd)
{
        begin();
        set_waits(fd, false);
        return next.close(fd);
}

/* ---- The disk -------------------------------------------------------------------------------- */

static int make_durable(int (*sync)(int fd), int fd)
{
        bool had_answer = is_answered;
        int rc;

        cross(POINT_IN_JOURNAL);
        if (had_answer)
                cross(POINT_BEFORE_COMMIT);
        rc = sync(fd);
        if (had_answer) {
                is_answered = false;
                cross(POINT_AFTER_COMMIT);
        }
        return rc;
}

int fsync(int fd)
{
        begin();
        return make_durable(next.fsync, fd);
}

int fdatasync(int fd)
{
        begin();
        return make_durable(next.fdatasync, fd);
}
