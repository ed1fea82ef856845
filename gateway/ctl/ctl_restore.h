/* ctl_restore: perpgatectl restore, offline. */
#ifndef CTL_CTL_RESTORE_H
#define CTL_CTL_RESTORE_H

#include "ctl/ctl.h"

ctl_command ctl_restore;
extern const char ctl_restore_usage[];

#endif
