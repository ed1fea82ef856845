#include "edge/conn_io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/attr.h"
#include "edge/conn.h"
#include "edge/lws_include.h"
#include "edge/ws_queue.h"

#define PIECES_MAX 128
#define TLS_RECORD 16384 /* the most that one record holds */

void conn_io_begin(struct conn *conn)
{
        SSL *tls = lws_get_ssl(conn->lws);

        if (tls)
                (void)SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/* Whether the session only waits for the socket. */
static bool only_waits(SSL *tls, int rc)
{
        int why = SSL_get_error(tls, rc);

        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static ssize_t read_tls(SSL *tls, void *out, size_t cap)
{
        size_t n = 0;
        int rc;

        ERR_clear_error();
        rc = SSL_read_ex(tls, out, cap, &n);
        if (rc == 1)
                return (ssize_t)n;
        return only_waits(tls, rc) ? 0 : -1;
}

ssize_t conn_io_read(struct conn *conn, void *out, size_t cap)
{
        SSL *tls = lws_get_ssl(conn->lws);
        ssize_t n;

        if (tls)
                return read_tls(tls, out, cap);
        n = recv(lws_get_socket_fd(conn->lws), out, cap, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        return n > 0 ? n : -1;
}

bool conn_io_has_more(const struct conn *conn)
{
        SSL *tls = lws_get_ssl(conn->lws);

        return tls && SSL_pending(tls) > 0;
}

/* What a session did not take it wants again, byte for byte and no less; the queue keeps it together
 * until then. */
static bool write_tls(struct conn *conn, SSL *tls, struct ws_queue *queue, size_t max_bytes)
{
        uint8_t *record = conn->httpd->scratch;

        _Static_assert(sizeof(conn->httpd->scratch) >= TLS_RECORD, "a record fits");
        while (queue->n > 0 && max_bytes > 0) {
                struct iovec iov[PIECES_MAX];
                int n_iov = ws_queue_gather(queue, iov, PIECES_MAX, TLS_RECORD);
                size_t len = 0;
                size_t n = 0;
                int rc;

                for (int i = 0; i < n_iov; i++) {
                        memcpy(record + len, iov[i].iov_base, iov[i].iov_len);
                        len += iov[i].iov_len;
                }
                ERR_clear_error();
                rc = SSL_write_ex(tls, record, len, &n);
                if (rc != 1) {
                        ws_queue_promised(queue, len);
                        return only_waits(tls, rc);
                }
                ws_queue_sent(queue, n);
                max_bytes -= n < max_bytes ? n : max_bytes;
        }
        return true;
}

bool conn_io_write(struct conn *conn, struct ws_queue *queue, size_t max_bytes)
{
        SSL *tls = lws_get_ssl(conn->lws);
        struct iovec iov[PIECES_MAX];
        struct msghdr message = {.msg_iov = iov};
        ssize_t n;

        if (tls)
                return write_tls(conn, tls, queue, max_bytes);
        message.msg_iovlen = (size_t)ws_queue_gather(queue, iov, PIECES_MAX, max_bytes);
        n = sendmsg(lws_get_socket_fd(conn->lws), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
        ws_queue_sent(queue, (size_t)n);
        return true;
}
