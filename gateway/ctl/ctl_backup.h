/* ctl_backup: perpgatectl backup, of a gateway that runs. */
#ifndef CTL_CTL_BACKUP_H
#define CTL_CTL_BACKUP_H

#include "ctl/ctl.h"

ctl_command ctl_backup;
extern const char ctl_backup_usage[];

#endif
