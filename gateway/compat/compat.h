/* compat: the venue's own wire, Hyperliquid's, on the brands' hosts: POST /info and POST /exchange, so that
 * existing clients work when they are pointed here. Stands on the API: the same brands, limits, policy,
 * pre-checks and audit log. Loop thread only. */
#ifndef COMPAT_COMPAT_H
#define COMPAT_COMPAT_H

#include "base/buf.h"
#include "edge/httpd.h"

struct api;
struct compat;

/* The api is borrowed and must outlive it. */
struct compat *compat_new(struct api *api);
/* After the venue was closed: no call of it is open. Accepts NULL. */
void compat_free(struct compat *compat);

/* httpd_handler of the public listener; cookie is the compat. What is not of this wire, or of a brand that
 * has it switched off, goes to api_handle. */
void compat_handle(void *cookie, const struct httpd_request *request);

#endif
