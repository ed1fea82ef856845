#include "edge/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"

struct stream_tls {
        SSL_CTX *ctx;
};

struct stream_tls *stream_tls_new(const char *cert_file, const char *key_file, struct err *err)
{
        struct stream_tls *tls = xcalloc(1, sizeof(*tls));
        bool ok;

        tls->ctx = SSL_CTX_new(TLS_server_method());
        must(tls->ctx != NULL);
        must(SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) == 1);
        SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                              SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                           SSL_MODE_RELEASE_BUFFERS);
        ok = SSL_CTX_use_certificate_chain_file(tls->ctx, cert_file) == 1;
        if (!ok)
                err_set(err, E_CONFIG, "The certificate file %s can't be used.", cert_file);
        if (ok && (SSL_CTX_use_PrivateKey_file(tls->ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
                   SSL_CTX_check_private_key(tls->ctx) != 1)) {
                ok = false;
                err_set(err, E_CONFIG,
                        "The key file %s can't be used or does not belong to the certificate.",
                        key_file);
        }
        ERR_clear_error();
        if (!ok) {
                stream_tls_free(tls);
                return NULL;
        }
        return tls;
}

void stream_tls_free(struct stream_tls *tls)
{
        if (!tls)
                return;
        SSL_CTX_free(tls->ctx);
        free(tls);
}

void stream_open(struct stream *stream, int fd, struct stream_tls *tls)
{
        *stream = (struct stream){.fd = fd};
        if (!tls)
                return;
        stream->ssl = SSL_new(tls->ctx);
        must(stream->ssl != NULL);
        must(SSL_set_fd(stream->ssl, fd) == 1);
        SSL_set_accept_state(stream->ssl); /* the first read does the handshake */
}

static enum stream_result tls_result(struct stream *stream, int rc, bool is_read)
{
        int why = SSL_get_error(stream->ssl, rc);

        if (why == SSL_ERROR_WANT_READ) {
                stream->write_wants_read = !is_read;
                return STREAM_AGAIN;
        }
        if (why == SSL_ERROR_WANT_WRITE) {
                stream->read_wants_write = is_read;
                return STREAM_AGAIN;
        }
        if (why == SSL_ERROR_ZERO_RETURN)
                return STREAM_END;
        /* After a fatal error OpenSSL forbids any further call, SSL_shutdown included. */
        SSL_set_quiet_shutdown(stream->ssl, 1);
        return STREAM_FAILED;
}

static enum stream_result tls_read(struct stream *stream, void *out, size_t cap, size_t *n)
{
        int rc;

        stream->read_wants_write = false;
        ERR_clear_error(); /* SSL_get_error looks at the thread's queue */
        rc = SSL_read(stream->ssl, out, cap > INT_MAX ? INT_MAX : (int)cap);
        if (rc <= 0)
                return tls_result(stream, rc, true);
        *n = (size_t)rc;
        return STREAM_DONE;
}

static enum stream_result tls_write(struct stream *stream, const void *data, size_t len, size_t *n)
{
        int rc;

        stream->write_wants_read = false;
        ERR_clear_error();
        rc = SSL_write(stream->ssl, data, len > INT_MAX ? INT_MAX : (int)len);
        if (rc <= 0)
                return tls_result(stream, rc, false);
        *n = (size_t)rc;
        return STREAM_DONE;
}

enum stream_result stream_read(struct stream *stream, void *out, size_t cap, size_t *n)
{
        ssize_t got;

        if (stream->ssl)
                return tls_read(stream, out, cap, n);
        do
                got = recv(stream->fd, out, cap, 0);
        while (got < 0 && errno == EINTR);
        if (got == 0)
                return STREAM_END;
        if (got < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN : STREAM_FAILED;
        *n = (size_t)got;
        return STREAM_DONE;
}

enum stream_result stream_write(struct stream *stream, const void *data, size_t len, size_t *n)
{
        ssize_t put;

        if (stream->ssl)
                return tls_write(stream, data, len, n);
        do
                put = send(stream->fd, data, len, MSG_NOSIGNAL);
        while (put < 0 && errno == EINTR);
        if (put < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN : STREAM_FAILED;
        *n = (size_t)put;
        return STREAM_DONE;
}

bool stream_pending(const struct stream *stream)
{
        return stream->ssl && SSL_pending(stream->ssl) > 0;
}

void stream_end(struct stream *stream)
{
        if (stream->ssl && SSL_is_init_finished(stream->ssl)) {
                ERR_clear_error();
                (void)SSL_shutdown(stream->ssl); /* the peer's answer is not waited for */
        }
        (void)shutdown(stream->fd, SHUT_WR);
}

void stream_close(struct stream *stream)
{
        if (stream->fd < 0)
                return;
        SSL_free(stream->ssl);
        ERR_clear_error();
        (void)close(stream->fd);
        *stream = (struct stream){.fd = -1};
}
