/* ctl_rotate: perpgatectl rotate-master-key, offline. */
#ifndef CTL_CTL_ROTATE_H
#define CTL_CTL_ROTATE_H

#include "ctl/ctl.h"

ctl_command ctl_rotate;
extern const char ctl_rotate_usage[];

#endif
