#include "paper_fixture_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define BODY_MAX (32u << 20)

int64_t paper_fixture_net_now(const struct paper_fixture *f)
{
        return clock_mono_ms(loop_clock(f->loop));
}

int paper_fixture_net_dial(struct paper_fixture *f)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(paper_port(f->paper))};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
                assert_int_equal(errno, EINPROGRESS);
        return fd;
}

void paper_fixture_net_write(struct paper_fixture *f, int fd, const void *data, size_t len)
{
        const char *bytes = data;

        while (len > 0) {
                ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

                if (n < 0 && errno != EAGAIN)
                        return; /* the venue hung up: the reader will see it */
                if (n > 0) {
                        bytes += n;
                        len -= (size_t)n;
                }
                loop_turn(f->loop, 1);
        }
}

bool paper_fixture_net_read(int fd, struct buf *in)
{
        char chunk[16384];
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

        if (n > 0)
                buf_put(in, chunk, (size_t)n);
        return n > 0 || (n < 0 && errno == EAGAIN);
}

/* ---- WebSocket ------------------------------------------------------------------------------- */

struct paper_socket {
        int fd;
        struct buf in;
        size_t used;
        bool is_closed;
};

struct paper_socket *paper_fixture_ws(struct paper_fixture *f)
{
        static const char hello[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        struct paper_socket *s = xcalloc(1, sizeof(*s));
        int64_t until = paper_fixture_net_now(f) + 5000;
        const char *end = NULL;

        s->fd = paper_fixture_net_dial(f);
        buf_init(&s->in, BODY_MAX);
        paper_fixture_net_write(f, s->fd, hello, sizeof(hello) - 1);
        while (!end && paper_fixture_net_now(f) < until) {
                loop_turn(f->loop, 5);
                assert_true(paper_fixture_net_read(s->fd, &s->in));
                end = strstr(buf_cstr(&s->in), "\r\n\r\n");
        }
        assert_non_null(end);
        assert_int_equal(strncmp(buf_cstr(&s->in), "HTTP/1.1 101", 12), 0);
        s->used = (size_t)(end + 4 - buf_cstr(&s->in));
        return s;
}

void paper_fixture_ws_close(struct paper_socket *s)
{
        (void)close(s->fd);
        buf_fini(&s->in);
        free(s);
}

void paper_fixture_ws_send(struct paper_fixture *f, struct paper_socket *s, const char *text)
{
        static const uint8_t mask[4] = {1, 2, 3, 4};
        size_t len = strlen(text);
        struct buf out;

        buf_init(&out, BODY_MAX);
        buf_put_u8(&out, 0x81);
        if (len < 126) {
                buf_put_u8(&out, (uint8_t)(0x80 | len));
        } else {
                buf_put_u8(&out, 0x80 | 126);
                buf_put_be16(&out, (uint16_t)len);
        }
        buf_put(&out, mask, sizeof(mask));
        for (size_t i = 0; i < len; i++)
                buf_put_u8(&out, (uint8_t)((uint8_t)text[i] ^ mask[i % 4]));
        paper_fixture_net_write(f, s->fd, out.data, out.len);
        buf_fini(&out);
}

/* A whole text frame that has arrived, as JSON; NULL when there is none yet. */
static json_t *take_frame(struct paper_socket *s)
{
        const uint8_t *at = s->in.data + s->used;
        size_t left = s->in.len - s->used, head = 2, len;
        json_t *json = NULL;

        if (left < 2)
                return NULL;
        len = at[1] & 0x7f;
        if (len == 126) {
                head = 4;
                len = left < head ? 0 : (size_t)at[2] << 8 | at[3];
        } else if (len == 127) {
                head = 10;
                len = 0;
                for (size_t i = 2; left >= head && i < head; i++)
                        len = len << 8 | at[i];
        }
        if (left < head || left < head + len)
                return NULL;
        if ((at[0] & 0x0f) == 8)
                s->is_closed = true;
        if ((at[0] & 0x0f) == 1)
                json = json_loadb((const char *)at + head, len, JSON_REJECT_DUPLICATES, NULL);
        s->used += head + len;
        return json ? json : take_frame(s);
}

json_t *paper_fixture_ws_next(struct paper_fixture *f, struct paper_socket *s, const char *channel,
                              int64_t wait_ms)
{
        int64_t until = paper_fixture_net_now(f) + wait_ms;

        for (;;) {
                json_t *frame = take_frame(s);

                if (frame && !strcmp(paper_fixture_text(frame, "channel"), channel))
                        return frame;
                if (frame) {
                        json_decref(frame);
                        continue;
                }
                if (s->is_closed || paper_fixture_net_now(f) > until)
                        return NULL;
                loop_turn(f->loop, 5);
                if (!paper_fixture_net_read(s->fd, &s->in))
                        s->is_closed = true;
        }
}

bool paper_fixture_ws_is_closed(const struct paper_socket *s)
{
        return s->is_closed;
}
