/* conn_io: the bytes of a connection that the library has been told to leave alone: straight to and
 * from the socket, or through the library's TLS session. Nothing blocks. Private to this folder. */
#ifndef EDGE_CONN_IO_H
#define EDGE_CONN_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conn;
struct ws_queue;

void conn_io_begin(struct conn *conn); /* before the first use */
/* How many bytes were read; 0: there are none now; -1: the peer has ended, or is gone. */
ssize_t conn_io_read(struct conn *conn, void *out, size_t cap);
bool conn_io_has_more(const struct conn *conn); /* bytes that the kernel does not have any more */
/* Sends of queue what fits, at most max_bytes. false: the peer is gone. */
bool conn_io_write(struct conn *conn, struct ws_queue *queue, size_t max_bytes);

#endif
