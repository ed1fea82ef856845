/* httpd_frame: one text message on its way to any number of peers. Private to this folder. */
#ifndef EDGE_HTTPD_FRAME_H
#define EDGE_HTTPD_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "edge/httpd.h"

#define HTTPD_FRAME_PRE 32 /* room for the frame's head before its text */

struct httpd_frame {
        unsigned n_refs;
        size_t len;
        uint8_t bytes[]; /* HTTPD_FRAME_PRE of them, then the text */
};

#endif
