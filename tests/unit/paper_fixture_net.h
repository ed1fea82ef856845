/* paper_fixture_net: the sockets under paper_fixture: nothing blocks, the loop turns meanwhile. */
#ifndef TESTS_PAPER_FIXTURE_NET_H
#define TESTS_PAPER_FIXTURE_NET_H

#include "base/buf.h"
#include "paper_fixture.h"

int64_t paper_fixture_net_now(const struct paper_fixture *f); /* monotonic ms */
int paper_fixture_net_dial(struct paper_fixture *f);
/* Gives up quietly when the peer hangs up: the reader sees it. */
void paper_fixture_net_write(struct paper_fixture *f, int fd, const void *data, size_t len);
/* Reads what is there into in. False once the peer has closed. */
bool paper_fixture_net_read(int fd, struct buf *in);

#endif
