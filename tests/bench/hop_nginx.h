/* hop_nginx: nginx in front of the paper venue, as one process of one thread with kept connections both
 * ways: http://127.0.0.1:PORT/ passes on what comes (proxy_pass), and below /cached/ what has not been
 * answered yet (proxy_cache). */
#ifndef HOP_NGINX_H
#define HOP_NGINX_H

#include <stdbool.h>

#include "bench/bench_site.h"

struct hop_nginx {
        int pid, out;
        char base[64];
};

/* False when the program is not installed. */
bool hop_nginx_open(struct hop_nginx *nginx, const struct bench_site *site);
void hop_nginx_close(struct hop_nginx *nginx);

#endif
