#include <stdlib.h>
#include <string.h>

#include "adapters/paper/wire.h"
#include "base/mem.h"

/* What a fault holds back: an answer whose request took effect, or a request that has yet to. */

struct late {
        struct list in_paper;
        struct paper *p;
        struct loop_timer *timer;
        struct handle request;
        struct paper_answer answer;
        /* Of a request that has not been looked at: NULL once it has. */
        char *body;
        size_t body_len;
        enum paper_path path;
        char peer[46];
};

static void late_free(struct late *late)
{
        list_remove(&late->in_paper);
        loop_timer_free(late->timer);
        paper_answer_fini(&late->answer);
        free(late->body);
        free(late);
}

static void on_due(void *cookie)
{
        struct late *late = cookie;
        struct paper *p = late->p;

        if (late->body && !p->is_stopped)
                paper_process(p, &late->answer, late->peer, late->body, late->body_len, late->path);
        if (!p->is_stopped)
                paper_reply(p, late->request, &late->answer);
        late_free(late);
}

static struct late *late_new(struct paper *p, struct handle request, int64_t delay_ms)
{
        struct late *late = xcalloc(1, sizeof(*late));

        late->p = p;
        late->request = request;
        paper_answer_init(&late->answer);
        list_push_back(&p->delayed, &late->in_paper);
        late->timer = loop_timer_new(p->loop, on_due, late);
        loop_timer_start(late->timer, delay_ms, 0);
        return late;
}

void paper_late_answer(struct paper *p, struct handle request, struct paper_answer *answer,
                       int64_t delay_ms)
{
        struct late *late = late_new(p, request, delay_ms);

        late->answer = *answer;
        paper_answer_init(answer);
}

void paper_late_request(struct paper *p, const struct httpd_request *request, enum paper_path path,
                        int64_t delay_ms)
{
        struct late *late = late_new(p, request->handle, delay_ms);

        late->body = xmalloc(request->body_len + 1);
        if (request->body_len)
                memcpy(late->body, request->body, request->body_len);
        late->body_len = request->body_len;
        late->path = path;
        (void)text_copy(late->peer, sizeof(late->peer), request->peer);
}

void paper_late_fini(struct paper *p)
{
        list_each_safe (it, &p->delayed)
                late_free(list_entry(it, struct late, in_paper));
}
