/* listener: a port with its handler, which is a vhost of the library. Private to this
 * folder. */
#ifndef EDGE_LISTENER_H
#define EDGE_LISTENER_H

#include <stdint.h>

#include "edge/httpd.h"

/* As httpd_listen has it. */
struct httpd_listener *listener_open(struct httpd *httpd,
                                     const struct httpd_listen_options *options, struct err *err);
uint16_t listener_port(const struct httpd_listener *listener);
void listener_free(struct httpd_listener *listener); /* after the library's context is gone */

#endif
