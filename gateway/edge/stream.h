/* stream: bytes over a connected, non-blocking socket, plain or under TLS. It owns the descriptor.
 * Nothing here waits; what a call needs before it can go on is told by wants_. Loop thread only. */
#ifndef EDGE_STREAM_H
#define EDGE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct ssl_st;
struct stream_tls; /* a certificate and its key, for many streams */

/* NULL when the files can't be used; err says why. */
struct stream_tls *stream_tls_new(const char *cert_file, const char *key_file, struct err *err);
void stream_tls_free(struct stream_tls *tls); /* accepts NULL */

enum stream_result {
        STREAM_DONE,   /* *n bytes */
        STREAM_AGAIN,  /* nothing now */
        STREAM_END,    /* the peer has ended its side */
        STREAM_FAILED, /* the connection is unusable */
};

struct stream {
        int fd;
        struct ssl_st *ssl;    /* NULL: plain */
        bool read_wants_write; /* a read goes on once the socket is writable */
        bool write_wants_read;
};

void stream_open(struct stream *stream, int fd, struct stream_tls *tls); /* tls NULL: plain */
enum stream_result stream_read(struct stream *stream, void *out, size_t cap, size_t *n);
enum stream_result stream_write(struct stream *stream, const void *data, size_t len, size_t *n);
/* Bytes that were received and decrypted, which the socket will not announce again. */
bool stream_pending(const struct stream *stream);
void stream_end(struct stream *stream);   /* no more will be written; the peer is told */
void stream_close(struct stream *stream); /* accepts a closed one */

#endif
