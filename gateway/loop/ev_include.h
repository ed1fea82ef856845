/* ev_include: the one place that includes libev. Its macros trip warnings that the project keeps
 * on, so they are silenced here and in the few functions between EV_QUIET_BEGIN and EV_QUIET_END. */
#ifndef LOOP_EV_INCLUDE_H
#define LOOP_EV_INCLUDE_H

#define EV_QUIET_BEGIN                                                                             \
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wpedantic\"")            \
                _Pragma("GCC diagnostic ignored \"-Wconversion\"")                                 \
                        _Pragma("GCC diagnostic ignored \"-Wcast-qual\"")                          \
                                _Pragma("GCC diagnostic ignored \"-Wparentheses\"")                \
                                        _Pragma("GCC diagnostic ignored \"-Wstrict-aliasing\"")
#define EV_QUIET_END _Pragma("GCC diagnostic pop")

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#define EV_COMPAT3 0
#include <ev.h>
#pragma GCC diagnostic pop

#endif
