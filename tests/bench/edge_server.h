/* edge_server: a process that serves WebSockets for a benchmark, told what to do over a pair of sockets. Two
 * ways to be one: the gateway's edge, and next to nothing around libwebsockets. */
#ifndef BENCH_EDGE_SERVER_H
#define BENCH_EDGE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDGE_FRAME_BYTES 1024 /* of text; with its head four more */
#define EDGE_ANSWER      200  /* bytes of an HTTP answer's body */
#define EDGE_BURST_MAX   256

enum edge_order {
        EDGE_REPORT,  /* answers with a struct edge_report */
        EDGE_PUBLISH, /* so many frames to every peer, in one turn of the loop; no answer */
        EDGE_QUIT,
};

struct edge_command {
        enum edge_order order;
        unsigned n;
};

struct edge_report {
        int64_t cpu_ns;     /* of the process so far */
        int64_t used_bytes; /* allocated and not freed */
        int64_t rss_bytes;
        unsigned n_peers;
        uint16_t port;
};

/* What the control needs of a server. */
struct edge_server {
        uint16_t (*port)(void *cookie);
        unsigned (*peers)(void *cookie);
        void (*publish)(void *cookie, unsigned n_frames);
        void (*quit)(void *cookie);
        void *cookie;
};

void edge_server_obey(const struct edge_server *server, int control); /* when it can be read */
void edge_server_text(char text[EDGE_FRAME_BYTES], unsigned number);  /* what a frame says */

/* Serve until told to quit. options: the gateway offers compression. */
void edge_gateway_serve(int control, bool deflates);
void edge_bare_serve(int control, bool is_packed); /* one write a frame, or all that wait in one */

#endif
