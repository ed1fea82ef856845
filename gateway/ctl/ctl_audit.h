/* ctl_audit: perpgatectl audit verify|list|head: the audit log, read from the database itself (of a
 * gateway that runs, or of a backup), so that nothing the gateway says has to be believed. */
#ifndef CTL_CTL_AUDIT_H
#define CTL_CTL_AUDIT_H

#include "ctl/ctl.h"

ctl_command ctl_audit;
extern const char ctl_audit_usage[];

#endif
