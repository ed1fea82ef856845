#include "bench/http_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "story/client.h"

#define ANSWER_MAX    (1u << 20)
#define STALL_SECONDS 60

static int dial(const char *base)
{
        struct sockaddr_in to = {.sin_family = AF_INET};
        const char *port = strrchr(base, ':');
        int64_t n = 0;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (!port || num_parse(&n, port + 1, strlen(port + 1), 0, NUM_REFUSE))
                client_fail("%s has no port", base);
        to.sin_port = htons((uint16_t)n);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
                client_fail("%s: %s", base, strerror(errno));
        return fd;
}

void http_load_open(struct http_lane *lanes, unsigned n_lanes, const char *base)
{
        for (unsigned i = 0; i < n_lanes; i++) {
                lanes[i] = (struct http_lane){.number = i, .fd = dial(base)};
                lanes[i].answer = xmalloc(ANSWER_MAX);
        }
}

void http_load_close(struct http_lane *lanes, unsigned n_lanes)
{
        for (unsigned i = 0; i < n_lanes; i++) {
                close(lanes[i].fd);
                free(lanes[i].answer);
        }
}

void http_load_post(struct http_lane *lane, const char *path, const char *host,
                    const char *authorization, const char *body)
{
        int len = snprintf(lane->request, sizeof lane->request,
                           "POST %s HTTP/1.1\r\nHost: %s\r\n%s%s%s"
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           path, host, authorization[0] ? "Authorization: " : "", authorization,
                           authorization[0] ? "\r\n" : "", strlen(body), body);

        if (len < 0 || (size_t)len >= sizeof lane->request)
                client_fail("a request is too long");
        lane->request_len = (size_t)len;
}

static void send_next(struct http_lane *lane, http_load_fn *before, void *cookie)
{
        if (before)
                before(cookie, lane);
        lane->have = lane->head_len = lane->body_len = 0;
        if (send(lane->fd, lane->request, lane->request_len, MSG_NOSIGNAL) !=
            (ssize_t)lane->request_len)
                client_fail("send: %s", strerror(errno));
}

static void read_head(struct http_lane *lane)
{
        const char *end = strstr(lane->answer, "\r\n\r\n");
        const char *length = strcasestr(lane->answer, "content-length: ");
        int64_t n = 0;

        if (!end)
                return;
        if (!length || length > end ||
            num_parse(&n, length + 16, strspn(length + 16, "0123456789"), 0, NUM_REFUSE))
                client_fail("an answer without a length");
        lane->head_len = (size_t)(end + 4 - lane->answer);
        lane->body_len = (size_t)n;
        if (lane->head_len + lane->body_len >= ANSWER_MAX)
                client_fail("an answer is too long");
}

/* True once a whole answer is there. */
static bool receive(struct http_lane *lane, const char *expect)
{
        ssize_t got = recv(lane->fd, lane->answer + lane->have, ANSWER_MAX - 1 - lane->have, 0);

        if (got <= 0)
                client_fail("a server closed a connection");
        lane->have += (size_t)got;
        lane->answer[lane->have] = '\0';
        if (!lane->head_len)
                read_head(lane);
        if (!lane->head_len || lane->have < lane->head_len + lane->body_len)
                return false;
        if (strncmp(lane->answer, "HTTP/1.1 200", 12) != 0 ||
            (expect && !strstr(lane->answer + lane->head_len, expect)))
                client_fail("not the answer that was expected: %.600s", lane->answer);
        return true;
}

void http_load_run(struct http_lane *lanes, unsigned n_lanes, unsigned n, const char *expect,
                   http_load_fn *before, void *cookie)
{
        struct pollfd fds[HTTP_LOAD_LANES_MAX];
        unsigned sent = 0, done = 0;

        for (unsigned i = 0; i < n_lanes; i++) {
                fds[i] = (struct pollfd){.fd = lanes[i].fd, .events = POLLIN};
                if (sent < n) {
                        send_next(&lanes[i], before, cookie);
                        sent++;
                }
        }
        while (done < n) {
                if (poll(fds, n_lanes, STALL_SECONDS * 1000) <= 0)
                        client_fail("no answer for %d s", STALL_SECONDS);
                for (unsigned i = 0; i < n_lanes; i++) {
                        if (!fds[i].revents || !receive(&lanes[i], expect))
                                continue;
                        done++;
                        if (sent < n) {
                                send_next(&lanes[i], before, cookie);
                                sent++;
                        }
                }
        }
}
