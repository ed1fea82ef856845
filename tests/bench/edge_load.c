#include "edge_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH   256 /* connections under way at a time */
#define PATIENT 120 /* seconds */

#define NEED(x)                                                                                    \
        do {                                                                                       \
                if (!(x)) {                                                                        \
                        fprintf(stderr, "bench_edge: %s does not hold: %s\n", #x,                  \
                                strerror(errno));                                                  \
                        exit(1);                                                                   \
                }                                                                                  \
        } while (0)

struct edge_load {
        int epoll;
        int *fd;
        unsigned n;
        uint64_t n_bytes;
};

int64_t edge_load_now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int connect_to(uint16_t port)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        NEED(fd >= 0);
        NEED(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
        return fd;
}

static void say(int fd, const char *text)
{
        NEED(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Until the answer's head is here, and a body of known size after it. */
static void await_answer(int fd, size_t body)
{
        char got[4096];
        size_t len = 0;
        const char *end = NULL;

        while (!end || len < (size_t)(end + 4 - got) + body) {
                ssize_t n = recv(fd, got + len, sizeof(got) - 1 - len, 0);

                NEED(n > 0);
                len += (size_t)n;
                got[len] = '\0';
                end = strstr(got, "\r\n\r\n");
        }
}

static void greet(int fd, bool is_ws, bool deflates)
{
        char text[512];

        (void)snprintf(
                text, sizeof(text), "GET /ws HTTP/1.1\r\nHost: a\r\n%s%s\r\n",
                is_ws ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                      : "",
                deflates ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
        say(fd, text);
}

struct edge_load *edge_load_open(uint16_t port, unsigned n, bool is_ws, bool deflates)
{
        struct edge_load *load = calloc(1, sizeof(*load));

        NEED(load != NULL);
        load->n = n;
        load->fd = calloc(n ? n : 1, sizeof(int));
        load->epoll = epoll_create1(EPOLL_CLOEXEC);
        NEED(load->fd != NULL && load->epoll >= 0);
        for (unsigned from = 0; from < n; from += BATCH) {
                unsigned to = n - from < BATCH ? n : from + BATCH;

                for (unsigned i = from; i < to; i++) {
                        load->fd[i] = connect_to(port);
                        greet(load->fd[i], is_ws, deflates);
                }
                for (unsigned i = from; i < to; i++) {
                        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

                        await_answer(load->fd[i], is_ws ? 0 : 200);
                        NEED(epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->fd[i], &event) == 0);
                }
        }
        return load;
}

void edge_load_close(struct edge_load *load)
{
        for (unsigned i = 0; i < load->n; i++)
                close(load->fd[i]);
        close(load->epoll);
        free(load->fd);
        free(load);
}

void edge_load_read(struct edge_load *load, uint64_t bytes)
{
        static char nowhere[1 << 20];
        struct epoll_event event[512];
        int64_t until = edge_load_now_ns() + PATIENT * INT64_C(1000000000);

        for (uint64_t got = 0; got < bytes;) {
                int n = epoll_wait(load->epoll, event, 512, 1000);

                NEED(edge_load_now_ns() < until);
                for (int i = 0; i < n; i++) {
                        /* TCP drops the bytes instead of copying them. */
                        ssize_t k = recv(load->fd[event[i].data.u32], nowhere, sizeof(nowhere),
                                         MSG_DONTWAIT | MSG_TRUNC);

                        NEED(k > 0 || (k < 0 && errno == EAGAIN));
                        got += k > 0 ? (uint64_t)k : 0;
                }
                if (got >= bytes)
                        load->n_bytes += got;
        }
}

/* Compressed frames of one text are of one size for all: the first peer tells how much will come. */
void edge_load_read_frames(struct edge_load *load, uint64_t frames)
{
        uint64_t first = 0;
        int fd = load->fd[0];

        for (uint64_t i = 0; i < frames / load->n; i++) {
                uint8_t head[4];
                uint8_t body[65536];
                size_t len;

                NEED(recv(fd, head, 2, MSG_WAITALL) == 2);
                len = head[1];
                first += 2;
                if (len == 126) {
                        NEED(recv(fd, head + 2, 2, MSG_WAITALL) == 2);
                        len = (size_t)head[2] << 8 | head[3];
                        first += 2;
                }
                NEED(recv(fd, body, len, MSG_WAITALL) == (ssize_t)len);
                first += len;
        }
        load->n_bytes += first;
        edge_load_read(load, first * (load->n - 1));
}

uint64_t edge_load_bytes(const struct edge_load *load)
{
        return load->n_bytes;
}

void edge_load_requests(uint16_t port, unsigned n)
{
        int fd = connect_to(port);

        for (unsigned i = 0; i < n; i++) {
                greet(fd, false, false);
                await_answer(fd, 200);
        }
        close(fd);
}
