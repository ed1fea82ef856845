/* ctl: the subcommands of perpgatectl that are more than one question to the admin listener, one file
 * each. A subcommand takes the words after its own and answers the program's exit status. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#define CTL_OK     0 /* it is as it should be */
#define CTL_FAILED 1 /* it is not */
#define CTL_USAGE  2 /* the words were not understood */
#define CTL_UNREAD 3 /* what was to be read can't be */

struct ctl {
        const char *admin; /* the admin listener's address */
        /* Asks it for path and prints the answer; CTL_OK where it answered well. */
        int (*ask)(const char *admin, const char *path);
};

typedef int ctl_command(const struct ctl *ctl, int argc, char **argv);

#endif
