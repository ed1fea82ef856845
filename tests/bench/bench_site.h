/* bench_site: a gateway and a paper venue as processes of their own, without the limits that would stop a
 * benchmark, and traders who may trade there. What fails ends the program with a sentence. */
#ifndef BENCH_SITE_H
#define BENCH_SITE_H

#include <stdint.h>

#include "story/client.h"

#define BENCH_SITE_HOST "bench.localhost"

struct secp;

struct bench_site {
        struct world world;
        char admin[128];
        int paper_pid, paper_out;
        char dir[64]; /* removed with all that is in it */
};

/* programs: the folder with perpgate and perpgate-paper. */
void bench_site_open(struct bench_site *site, const char *programs);
void bench_site_close(struct bench_site *site);

/* With money at the venue, unknown to the gateway. */
void bench_site_stranger(struct trader *trader, const struct bench_site *site,
                         const struct secp *secp);
/* Signed in, with money, an agent of the gateway's and a position in BTC. */
void bench_site_trader(struct trader *trader, const struct bench_site *site,
                       const struct secp *secp);

void bench_site_write(const char *path, const char *text);

/* User and system time of a process so far, all its threads'. */
int64_t bench_site_cpu_ns(int pid);

#endif
