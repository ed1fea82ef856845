/* listener: a port with its handler, which is a vhost of the library. httpd_listen and httpd_port
 * are here. Private to this folder. */
#ifndef EDGE_LISTENER_H
#define EDGE_LISTENER_H

struct httpd_listener;

void listener_free(struct httpd_listener *listener); /* after the library's context is gone */

#endif
