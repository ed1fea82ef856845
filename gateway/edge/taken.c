#include "edge/taken.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TRIES 16

static bool received_bytes(int fd, uint64_t *out)
{
        struct tcp_info info = {0};
        socklen_t len = sizeof(info);

        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
            len < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
                return false;
        *out = info.tcpi_bytes_received;
        return true;
}

/* The two numbers must be of one moment: nothing came between them when nothing is unread, or when
 * the first did not change. */
bool taken_bytes(int fd, uint64_t *out)
{
        uint64_t received = 0;
        uint64_t again = 0;
        int unread = 0;

        for (int i = 0; i < TRIES; i++) {
                if (!received_bytes(fd, &received) || ioctl(fd, SIOCINQ, &unread) != 0)
                        return false;
                if (unread > 0 && !received_bytes(fd, &again))
                        return false;
                if (unread == 0 || again == received) {
                        *out = received - (uint64_t)unread;
                        return true;
                }
        }
        return false;
}
