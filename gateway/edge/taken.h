/* taken: how many bytes of a TCP socket's input have been read by this process, whoever read them.
 * The end of the peer's sending counts as one more byte. */
#ifndef EDGE_TAKEN_H
#define EDGE_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

/* False where the kernel does not tell. */
bool taken_bytes(int fd, uint64_t *out);

#endif
