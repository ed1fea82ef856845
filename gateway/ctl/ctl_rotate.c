#include "ctl/ctl_rotate.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/rotation.h"

const char ctl_rotate_usage[] = "       perpgatectl rotate-master-key --data DIR --key FILE\n";

int ctl_rotate(const struct ctl *ctl, int argc, char **argv)
{
        const char *data = NULL, *key = NULL;
        struct rotation_result result;
        struct err err = {.code = E_OK};
        char file[512];

        (void)ctl;
        for (int i = 0; i + 1 < argc; i += 2) {
                if (strcmp(argv[i], "--data") == 0)
                        data = argv[i + 1];
                else if (strcmp(argv[i], "--key") == 0)
                        key = argv[i + 1];
        }
        if (argc != 4 || !data || !key ||
            snprintf(file, sizeof file, "%s/perpgate.db", data) >= 400) {
                fprintf(stderr, "usage:\n%s", ctl_rotate_usage);
                return CTL_USAGE;
        }
        if (rotation_run(file, key, clock_wall_ms(clock_system()), &result, &err)) {
                fprintf(stderr, "perpgatectl: %s\n",
                        err.detail[0] ? err.detail : err_text(err.code));
                return CTL_FAILED;
        }
        printf("%s: %u brand keys are wrapped under the new key%s\n"
               "%s: the old key; backups made until now open with it alone\n",
               key, result.brands, result.was_begun ? ", as was begun before" : "", result.kept);
        return CTL_OK;
}
