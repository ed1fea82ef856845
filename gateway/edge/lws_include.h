/* lws_include: the one place that includes libwebsockets, whose headers trip warnings that the
 * project keeps on. */
#ifndef EDGE_LWS_INCLUDE_H
#define EDGE_LWS_INCLUDE_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wconversion"
#include <libwebsockets.h>
#pragma GCC diagnostic pop

#endif
