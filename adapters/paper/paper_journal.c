#include "adapters/paper/paper_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_show.h"
#include "base/log.h"
#include "base/mem.h"

#define LINE_MAX_BYTES (2u << 20)

struct paper_journal {
        int fd;
        struct buf line;
};

enum errc paper_journal_open(struct paper_journal **out, const char *file, struct err *err)
{
        int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        struct paper_journal *journal;

        if (fd < 0)
                return err_set(err, E_IO, "%s can't be written: %s", file, strerror(errno));
        journal = xcalloc(1, sizeof(*journal));
        journal->fd = fd;
        buf_init(&journal->line, LINE_MAX_BYTES);
        *out = journal;
        return E_OK;
}

void paper_journal_free(struct paper_journal *journal)
{
        if (!journal)
                return;
        (void)close(journal->fd);
        buf_fini(&journal->line);
        free(journal);
}

/* A journal with a gap would be taken for proof of what it does not show: the venue ends first. */
static void append(struct paper_journal *journal)
{
        const uint8_t *at;
        size_t left;

        buf_putc(&journal->line, '\n');
        must(buf_check(&journal->line) == E_OK);
        at = journal->line.data;
        left = journal->line.len;
        while (left > 0) {
                ssize_t n = write(journal->fd, at, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        log_event(LOG_ERROR, "paper journal not written", "reason", strerror(errno),
                                  NULL);
                        abort();
                }
                at += n;
                left -= (size_t)n;
        }
        buf_reset(&journal->line);
}

void paper_journal_action(struct paper_journal *journal, const struct paper_ledger_entry *entry)
{
        if (!journal)
                return;
        paper_ledger_print(&journal->line, entry);
        append(journal);
}

void paper_journal_fill(struct paper *p, const struct engine_fill *fill)
{
        if (!p->journal)
                return;
        jot_object(&p->journal->line, NULL);
        jot_addr(&p->journal->line, "user", &fill->user);
        paper_show_fill(p, &p->journal->line, "fill", fill);
        jot_end_object(&p->journal->line);
        append(p->journal);
}
