/* admin_store: the store as the admin listener shows it: POST /backup begins a copy, GET /backup tells how
 * the last one went; its numbers in the metrics. */
#ifndef API_ADMIN_STORE_H
#define API_ADMIN_STORE_H

#include <stdbool.h>

struct api;
struct httpd_request;

bool admin_store_handle(struct api *api,
                        const struct httpd_request *request); /* whether it was for us */
void admin_store_gauges(struct api *api);

#endif
