/* ws_queue: the frames that wait for one peer, in order. Holds a reference of each; an empty queue
 * needs next to no memory. Private to this folder. */
#ifndef EDGE_WS_QUEUE_H
#define EDGE_WS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct httpd_frame;

struct ws_queue {
        struct httpd_frame **ring;
        uint32_t cap; /* a power of two, or 0 */
        uint32_t first;
        uint32_t n;
        uint32_t
                n_fixed; /* of the first ones a part is sent, or promised to TLS: nothing may come between */
        size_t bytes; /* that are still to be sent */
        size_t sent;  /* of the first frame */
        bool takes_packed;
};

void ws_queue_fini(struct ws_queue *queue); /* accepts a zeroed one */
/* Both take the reference. */
void ws_queue_push(struct ws_queue *queue, struct httpd_frame *frame);
void ws_queue_push_first(struct ws_queue *queue,
                         struct httpd_frame *frame); /* after the fixed ones */
void ws_queue_keep_fixed(struct ws_queue *queue);    /* drops the others */
/* Points iov at what is to be sent, at most max pieces and max_bytes; how many pieces. */
int ws_queue_gather(const struct ws_queue *queue, struct iovec *iov, int max, size_t max_bytes);
void ws_queue_sent(struct ws_queue *queue, size_t n);     /* so many bytes have left */
void ws_queue_promised(struct ws_queue *queue, size_t n); /* so many bytes must leave as they are */

#endif
