/* gate: how many connections each address has. IPv6 counts by /64, the least that one subscriber
 * gets: by full address, anybody would have 2^64 of them. */
#ifndef EDGE_GATE_H
#define EDGE_GATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct gate;

struct gate_key {
        uint8_t b[8]; /* the /64, or a zero, ffff and an IPv4 address */
};

struct gate *gate_new(unsigned max_per_address); /* 0: no bound */
void gate_free(struct gate *gate);
void gate_key_from(struct gate_key *key, const struct sockaddr_storage *address);
bool gate_enter(struct gate *gate, const struct gate_key *key); /* false when it is full */
void gate_leave(struct gate *gate, const struct gate_key *key);

#endif
