/* edge_client: a raw TCP client for tests, on the same thread as the loop under test: every wait turns
 * the loop, and gives up after a bound. */
#ifndef TESTS_EDGE_CLIENT_H
#define TESTS_EDGE_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"

#define CLIENT_PATIENCE_MS 20000

struct client {
        struct loop *loop;
        int fd;
        char *got; /* everything received, NUL-terminated */
        size_t len;
        size_t cap;
        bool ended; /* the server closed, in order or not */
};

static inline int64_t client_now(void)
{
        return clock_mono_ms(clock_system());
}

static inline struct client client_open(struct loop *loop, uint16_t port)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct client c = {.loop = loop, .cap = 1024};

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        c.got = calloc(1, c.cap);
        c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (!c.got || c.fd < 0 || connect(c.fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
                perror("client_open");
                abort();
        }
        return c;
}

static inline void client_close(struct client *c)
{
        if (c->fd >= 0)
                close(c->fd);
        free(c->got);
        c->fd = -1;
        c->got = NULL;
}

/* Receives what is there. False once the server has closed. */
static inline bool client_poll(struct client *c)
{
        while (!c->ended) {
                ssize_t n;

                if (c->cap - c->len < 4096) {
                        c->cap = c->cap * 2 + 4096;
                        c->got = realloc(c->got, c->cap);
                }
                n = recv(c->fd, c->got + c->len, c->cap - c->len - 1, MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n <= 0) {
                        c->ended = true;
                        break;
                }
                c->len += (size_t)n;
        }
        c->got[c->len] = '\0';
        return !c->ended;
}

static inline void client_send(struct client *c, const void *data, size_t len)
{
        const char *p = data;
        int64_t until = client_now() + CLIENT_PATIENCE_MS;

        while (len > 0 && client_now() < until) {
                ssize_t n = send(c->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return; /* refused early: what was answered tells */
                if (n > 0) {
                        p += n;
                        len -= (size_t)n;
                }
                loop_turn(c->loop, n > 0 ? 0 : 5);
        }
}

static inline void client_puts(struct client *c, const char *text)
{
        client_send(c, text, strlen(text));
}

/* Turns the loop until n bytes in all are here; false when the server closed or patience ended. */
static inline bool client_wait_len(struct client *c, size_t n)
{
        int64_t until = client_now() + CLIENT_PATIENCE_MS;

        while (client_poll(c) && c->len < n && client_now() < until)
                loop_turn(c->loop, 5);
        return c->len >= n;
}

static inline bool client_wait_text(struct client *c, const char *needle)
{
        int64_t until = client_now() + CLIENT_PATIENCE_MS;

        while (client_poll(c) && !memmem(c->got, c->len, needle, strlen(needle)) &&
               client_now() < until)
                loop_turn(c->loop, 5);
        return memmem(c->got, c->len, needle, strlen(needle)) != NULL;
}

static inline bool client_wait_end(struct client *c)
{
        int64_t until = client_now() + CLIENT_PATIENCE_MS;

        while (client_poll(c) && client_now() < until)
                loop_turn(c->loop, 5);
        return c->ended;
}

static inline void client_forget(struct client *c)
{
        c->len = 0;
        c->got[0] = '\0';
}

/* Turns the loop until *flag reaches n. */
static inline bool client_wait_count(struct loop *loop, const unsigned *flag, unsigned n)
{
        int64_t until = client_now() + CLIENT_PATIENCE_MS;

        while (*flag < n && client_now() < until)
                loop_turn(loop, 5);
        return *flag >= n;
}

/* How often needle occurs. */
static inline unsigned client_occurrences(const struct client *c, const char *needle)
{
        unsigned n = 0;
        const char *at = c->got;

        while ((at = memmem(at, c->len - (size_t)(at - c->got), needle, strlen(needle)))) {
                n++;
                at += strlen(needle);
        }
        return n;
}

#endif
