#include "ctl/ctl_restore.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/store_restore.h"

const char ctl_restore_usage[] =
        "       perpgatectl restore --data DIR [--without-checksum] [--broken-audit] BACKUP\n";

static int usage(void)
{
        fprintf(stderr, "usage:\n%s", ctl_restore_usage);
        return CTL_USAGE;
}

static void print(const char *file, const struct store_restore_result *result)
{
        printf("%s: restored, schema version %lld, newest record of %lld ms\n", file,
               (long long)result->version, (long long)result->made_at);
        if (result->audit_fault[0])
                printf("the audit log is not whole: %s\n", result->audit_fault);
        else
                printf("the audit log is whole\n");
        if (result->aside[0])
                printf("%s: what was there before\n", result->aside);
        printf("%u sessions ended: traders sign in again\n", result->sessions);
        if (result->api_keys)
                printf("%u API keys are valid as of the backup: delete again what was deleted "
                       "since\n",
                       result->api_keys);
}

int ctl_restore(const struct ctl *ctl, int argc, char **argv)
{
        struct store_restore_options options = {.now = clock_wall_ms(clock_system())};
        struct store_restore_result result;
        struct err err = {.code = E_OK};
        const char *data = NULL;
        char file[512];

        (void)ctl;
        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--data") == 0 && i + 1 < argc && !data)
                        data = argv[++i];
                else if (strcmp(argv[i], "--without-checksum") == 0)
                        options.without_sum = true;
                else if (strcmp(argv[i], "--broken-audit") == 0)
                        options.broken_audit = true;
                else if (argv[i][0] != '-' && !options.backup)
                        options.backup = argv[i];
                else
                        return usage();
        }
        if (!data || !options.backup || snprintf(file, sizeof file, "%s/perpgate.db", data) >= 400)
                return usage();
        options.file = file;
        if (store_restore(&options, &result, &err)) {
                fprintf(stderr, "perpgatectl: %s\n",
                        err.detail[0] ? err.detail : err_text(err.code));
                return CTL_FAILED;
        }
        print(file, &result);
        return CTL_OK;
}
