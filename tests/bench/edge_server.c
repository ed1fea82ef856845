#include "edge_server.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t cpu_ns(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000000) +
               (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * INT64_C(1000);
}

static int64_t rss_bytes(void)
{
        FILE *f = fopen("/proc/self/statm", "r");
        long size = 0, resident = 0;

        if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
                resident = 0;
        if (f)
                fclose(f);
        return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void report(const struct edge_server *server, int control)
{
        struct mallinfo2 memory = mallinfo2();
        struct edge_report out = {
                .cpu_ns = cpu_ns(),
                .used_bytes = (int64_t)(memory.uordblks + memory.hblkhd),
                .rss_bytes = rss_bytes(),
                .n_peers = server->peers(server->cookie),
                .port = server->port(server->cookie),
        };

        if (send(control, &out, sizeof(out), 0) != sizeof(out))
                _exit(1);
}

void edge_server_obey(const struct edge_server *server, int control)
{
        struct edge_command command;

        if (recv(control, &command, sizeof(command), 0) != sizeof(command))
                _exit(1); /* the bench has ended */
        switch (command.order) {
        case EDGE_REPORT: report(server, control); break;
        case EDGE_PUBLISH: server->publish(server->cookie, command.n); break;
        case EDGE_QUIT: server->quit(server->cookie); break;
        }
}

/* Like a book: digits that differ, words that repeat. */
void edge_server_text(char text[EDGE_FRAME_BYTES], unsigned number)
{
        char level[64];
        size_t at = 0;

        for (unsigned i = 0; at < EDGE_FRAME_BYTES; i++) {
                unsigned x = (number * 31 + i) * 2654435761u;
                int n = snprintf(level, sizeof(level), "{\"px\":\"%u.%u\",\"sz\":\"%u.%05u\"},",
                                 60000 + i, x % 10, x / 16 % 7, x / 128 % 100000);
                size_t len = (size_t)n < EDGE_FRAME_BYTES - at ? (size_t)n : EDGE_FRAME_BYTES - at;

                memcpy(text + at, level, len);
                at += len;
        }
}
