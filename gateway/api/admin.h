/* admin: what the admin listener answers: /healthz, /readyz, /metrics. */
#ifndef API_ADMIN_H
#define API_ADMIN_H

struct httpd_request;

/* httpd_handler of the admin listener; cookie is the api. */
void admin_handle(void *cookie, const struct httpd_request *request);

#endif
