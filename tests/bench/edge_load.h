/* edge_load: thousands of sockets that connect, and read or do not. */
#ifndef BENCH_EDGE_LOAD_H
#define BENCH_EDGE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edge_load;

int64_t edge_load_now_ns(void);
/* n sockets to the port: WebSockets at /ws, or with a request done and kept alive. deflates: offers it. */
struct edge_load *edge_load_open(uint16_t port, unsigned n, bool is_ws, bool deflates);
void edge_load_close(struct edge_load *load);
/* Reads and forgets until so many bytes have come to all sockets together. */
void edge_load_read(struct edge_load *load, uint64_t bytes);
/* The same for compressed frames, whose size one knows when they come: until that many frames. */
void edge_load_read_frames(struct edge_load *load, uint64_t frames);
uint64_t edge_load_bytes(const struct edge_load *load); /* that were read so far */
/* One request after another on one connection of its own. */
void edge_load_requests(uint16_t port, unsigned n);

#endif
