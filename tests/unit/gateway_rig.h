/* gateway_rig: the whole gateway in this process, on its own paper venue. */
#ifndef TESTS_GATEWAY_RIG_H
#define TESTS_GATEWAY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app.h"
#include "base/mem.h"
#include "base/secret.h"

#define TURNS_MAX 60000 /* each waits up to 2 ms */

static inline void gateway_turn_until(struct app *app, const unsigned *n, unsigned wanted)
{
        for (int i = 0; i < TURNS_MAX && *n < wanted; i++)
                loop_turn(app->loop, 2);
        assert_int_equal(*n, wanted);
}

static inline bool gateway_is_ready(struct app *app)
{
        struct venue_status status;

        app->venue->ops->status(app->venue, &status);
        return status.markets_at && status.contexts_at;
}

static inline void gateway_start(struct app *app)
{
        struct buf problems;

        app->options = (struct options){.demo = true, .seed = 7};
        snprintf(app->data_dir, sizeof app->data_dir, "%s/perpgate-unit-XXXXXX", P_tmpdir);
        assert_non_null(mkdtemp(app->data_dir));
        buf_init(&problems, 65536);
        app->config = config_demo(app->data_dir, 0, 0, app->options.seed, &problems);
        if (!app->config)
                fail_msg("%s", buf_cstr(&problems));
        buf_fini(&problems);
        app->loop = loop_new();
        assert_int_equal(app_parts_open(app), 0);
        for (int i = 0; i < TURNS_MAX && !gateway_is_ready(app); i++)
                loop_turn(app->loop, 2);
        assert_true(gateway_is_ready(app));
}

static inline void gateway_stop(struct app *app)
{
        char command[320];

        for (int i = 0; i < TURNS_MAX && api_open_calls(app->api); i++)
                loop_turn(app->loop, 2);
        app_parts_close(app);
        loop_free(app->loop);
        config_free(app->config);
        snprintf(command, sizeof command, "rm -rf %s", app->data_dir);
        assert_int_equal(system(command), 0);
}

#endif
